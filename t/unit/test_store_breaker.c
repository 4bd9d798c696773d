/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"
#include "store_breaker.h"

#define FIRST   100
#define LONGEST 500
#define START   1000000

static absw_store_breaker_t fresh(void)
{
    return (absw_store_breaker_t){ .first = FIRST, .longest = LONGEST };
}

static void test_pauses(void **state)
{
    static const apr_interval_time_t pauses[] = { 100, 200, 400, 500, 500 };
    absw_store_breaker_t breaker = fresh();
    apr_time_t now = START;

    (void)state;
    assert_true(absw_store_breaker_lets(&breaker, now));
    for (size_t i = 0; i < COUNT_OF(pauses); i++) {
        absw_store_breaker_trip(&breaker, now);
        assert_false(absw_store_breaker_lets(&breaker, now));
        now += pauses[i];
        assert_false(absw_store_breaker_lets(&breaker, now - 1));
        assert_true(absw_store_breaker_lets(&breaker, now));
    }
    absw_store_breaker_reset(&breaker);
    absw_store_breaker_trip(&breaker, now);
    assert_true(absw_store_breaker_lets(&breaker, now + FIRST));
}

static void test_news(void **state)
{
    absw_store_breaker_t breaker = fresh();

    (void)state;
    assert_false(absw_store_breaker_hears(&breaker, START));
    absw_store_breaker_trip(&breaker, START);
    assert_true(absw_store_breaker_hears(&breaker, START));
    absw_store_breaker_hear(&breaker);
    assert_true(absw_store_breaker_lets(&breaker, START));
    assert_false(absw_store_breaker_hears(&breaker, START));
    absw_store_breaker_reset(&breaker);
    assert_true(absw_store_breaker_lets(&breaker, START));
    assert_false(absw_store_breaker_hears(&breaker, START));
}

/* News in vain: the next pause is sat out, and goes on doubling; the one after it hears again. */
static void test_news_in_vain(void **state)
{
    absw_store_breaker_t breaker = fresh();
    apr_time_t now = START;

    (void)state;
    absw_store_breaker_trip(&breaker, now);
    absw_store_breaker_hear(&breaker);
    absw_store_breaker_trip(&breaker, now);
    assert_false(absw_store_breaker_lets(&breaker, now));
    assert_false(absw_store_breaker_hears(&breaker, now));
    now += 2 * FIRST;
    assert_true(absw_store_breaker_lets(&breaker, now));
    absw_store_breaker_trip(&breaker, now);
    assert_false(absw_store_breaker_lets(&breaker, now + 4 * FIRST - 1));
    assert_true(absw_store_breaker_hears(&breaker, now + 4 * FIRST - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_news),
        cmocka_unit_test(test_news_in_vain),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
