/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <apr_general.h>
#include <apr_strings.h>

#include "order.h"

#define REST "&app=contact&generation=12&token=k.1.x"

static apr_pool_t *pool;

/* The sentence, or what was read: "flip side=B weights= node= note= 12". */
static const char *order_of(const char *text)
{
    absw_order_t order;
    const char *wrong = absw_order_read(text, strlen(text), &order, pool);

    if (wrong) {
        return wrong;
    }
    assert_string_equal(order.app, "contact");
    assert_string_equal(order.token, "k.1.x");
    return apr_psprintf(pool, "%s side=%s weights=%s node=%s note=%s %d",
                        absw_order_name(order.action), order.side ? order.side : "",
                        order.weights ? order.weights : "", order.node ? order.node : "",
                        order.note, (int)order.generation);
}

static void test_read(void **state)
{
    static const struct {
        const char *text;
        const char *read;
    } rows[] = {
        { "action=flip&side=B" REST, "flip side=B weights= node= note= 12" },
        { "side=B" REST "&action=flip&note=", "flip side=B weights= node= note= 12" },
        { "&&action=fl%69p&side=%42" REST "&", "flip side=B weights= node= note= 12" },
        { "action=flip&side=B&note=a+b%20c%2b" REST, "flip side=B weights= node= note=a b c+ 12" },
        { "action=flip&side=B&note=a%0Ab%ff%c3%a4" REST,
          "flip side=B weights= node= note=a?b?\xc3\xa4 12" },
        { "action=weights&weights=A=75 B=25" REST,
          "weights side= weights=A=75 B=25 node= note= 12" },
        { "action=weights&weights=A%3D75+B%3D25" REST,
          "weights side= weights=A=75 B=25 node= note= 12" },
        { "action=rollback" REST, "rollback side= weights= node= note= 12" },
        { "action=close&side=A" REST, "close side=A weights= node= note= 12" },
        { "action=reopen&side=A" REST, "reopen side=A weights= node= note= 12" },
        { "action=retire&node=web3:80" REST, "retire side= weights= node=web3:80 note= 12" },
        { "", "\"action\" is missing" },
        { "action=flip", "\"app\" is missing" },
        { "action=flip" REST, "\"side\" is missing" },
        { "action=retire" REST, "\"node\" is missing" },
        { "action=weights" REST, "\"weights\" is missing" },
        { "action=flip&side=B&side=B" REST, "\"side\" is given more than once" },
        { "action=flip&side=B&%73ide=A" REST, "\"side\" is given more than once" },
        { "action=flip&action=close&side=B" REST, "\"action\" is given more than once" },
        { "action=rollback&side=B" REST, "\"rollback\" has no field \"side\"" },
        { "action=flip&side=B&node=x" REST, "\"flip\" has no field \"node\"" },
        { "action=flip&side=B&x=1" REST, "there is a field that no form of the manager has" },
        { "action=flip&side=B&side%00=1" REST, "there is a field that no form of the manager has" },
        { "action=flip&side=B%00" REST, "\"side\" is not encoded as a form's fields are" },
        { "action=flip&side=%4" REST, "\"side\" is not encoded as a form's fields are" },
        { "action=Flip&side=B" REST,
          "\"action\" is one of flip, weights, rollback, close, reopen and retire" },
        { "action=retire&node=a b" REST, "\"node\" is not the name of a node" },
        { "action=rollback&app=contact&token=k.1.x&generation=",
          "\"generation\" is not the number of a generation" },
        { "action=rollback&app=contact&token=k.1.x&generation=1000000000000001",
          "\"generation\" is not the number of a generation" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(order_of(rows[i].text), rows[i].read);
    }
}

static void test_bounds(void **state)
{
    absw_order_t order;
    char text[2000];
    int n;

    (void)state;
    assert_string_equal(absw_order_read("a=1\0b", 5, &order, pool),
                        "there is a NUL byte in the form");
    for (int chars = 199; chars <= 201; chars++) {
        n = snprintf(text, sizeof(text), "action=rollback" REST "&note=");
        for (int i = 0; i < chars; i++) {
            n += snprintf(text + n, sizeof(text) - (size_t)n, i % 2 ? "\xf0\x9f\x8e\x89" : "x");
        }
        assert_int_equal(absw_order_read(text, (apr_size_t)n, &order, pool) == NULL, chars <= 200);
    }
}

/* The change that is asked for, or the sentence. */
static void test_change(void **state)
{
    static const struct {
        const char *text;
        absw_change_t change;
        const char *wrong;          /* how it begins; NULL: nothing is */
    } rows[] = {
        { "action=flip&side=B", { .what = ABSW_CHANGE_FLIP, .side = SIDE_B }, NULL },
        { "action=close&side=C", { .what = ABSW_CHANGE_CLOSE, .side = SIDE_C }, NULL },
        { "action=reopen&side=A", { .what = ABSW_CHANGE_REOPEN, .side = SIDE_A }, NULL },
        { "action=rollback", { .what = ABSW_CHANGE_ROLLBACK, .side = ABSW_NO_SIDE }, NULL },
        { "action=weights&weights=B=2 A=1",
          { .what = ABSW_CHANGE_WEIGHTS, .side = ABSW_NO_SIDE, .weight = { 1, 2, 0 } }, NULL },
        { "action=weights&weights=C=1000000",
          { .what = ABSW_CHANGE_WEIGHTS, .side = ABSW_NO_SIDE, .weight = { 0, 0, 1000000 } },
          NULL },
        { "action=flip&side=D", { 0 }, "the application has no side" },
        { "action=flip&side=", { 0 }, "the application has no side" },
        { "action=flip&side=b", { 0 }, "the application has no side" },
        { "action=weights&weights=", { 0 }, "\"weights\" is like" },
        { "action=weights&weights=B", { 0 }, "\"weights\" is like" },
        { "action=weights&weights=A=0", { 0 }, "\"weights\" is like" },
        { "action=weights&weights=A=1 A=1", { 0 }, "\"weights\" is like" },
        { "action=weights&weights=A=1 D=1", { 0 }, "\"weights\" is like" },
        { "action=weights&weights=A=1 gen=3", { 0 }, "\"weights\" is like" },
        { "action=weights&weights=A=1000001", { 0 }, "\"weights\" is like" },
    };
    absw_policy_t policy = sample_policy();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *text = apr_pstrcat(pool, rows[i].text, REST, NULL);
        absw_order_t order;
        absw_change_t change;
        const char *wrong;

        assert_null(absw_order_read(text, strlen(text), &order, pool));
        wrong = absw_order_change(&order, &policy, &change);
        if (rows[i].wrong) {
            assert_non_null(wrong);
            assert_memory_equal(wrong, rows[i].wrong, strlen(rows[i].wrong));
            continue;
        }
        assert_null(wrong);
        assert_int_equal(change.what, rows[i].change.what);
        assert_int_equal(change.side, rows[i].change.side);
        assert_int_equal(change.generation, 12);
        assert_memory_equal(change.weight, rows[i].change.weight, sizeof(change.weight));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_change),
    };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
