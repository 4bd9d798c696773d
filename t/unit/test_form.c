/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include "form.h"

/* The pairs as "name>value|name>value", still encoded. */
static void test_next(void **state)
{
    static const struct {
        const char *text;
        const char *pairs;
    } rows[] = {
        { "", "" },
        { "&", "" },
        { "&&&", "" },
        { "a", "a>|" },
        { "a=", "a>|" },
        { "=", ">|" },
        { "=b", ">b|" },
        { "a=b", "a>b|" },
        { "a=b=c", "a>b=c|" },
        { "a=b&c=d", "a>b|c>d|" },
        { "&a=b&&c&", "a>b|c>|" },
        { "a=b;c=d", "a>b;c=d|" },
        { "format=json&app=contact&auto", "format>json|app>contact|auto>|" },
        { "a%3Db=%26", "a%3Db>%26|" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *pos = rows[i].text;
        absw_form_pair_t pair;
        char got[200] = "";

        while (absw_form_next(&pos, &pair)) {
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s>%.*s|",
                     (int)pair.name_len, pair.name, (int)pair.value_len, pair.value);
        }
        assert_string_equal(got, rows[i].pairs);
        assert_int_equal(*pos, '\0');
    }
}

static void test_decode(void **state)
{
    static const struct {
        const char *text;
        const char *decoded;        /* NULL: refused */
    } rows[] = {
        { "", "" },
        { "abc", "abc" },
        { "a+b", "a b" },
        { "a%2Bb", "a+b" },
        { "%41%5a%7A", "AZz" },
        { "%2525", "%25" },
        { "%c3%a4", "\xc3\xa4" },
        { "\xff", "\xff" },
        { "%ff", "\xff" },
        { "%0a", "\n" },
        { "%", NULL },
        { "%4", NULL },
        { "a%4", NULL },
        { "%zz", NULL },
        { "%4z", NULL },
        { "%z4", NULL },
        { "%-1", NULL },
        { "% 1", NULL },
        { "%%41", NULL },
        { "a%00b", NULL },
        { "%00", NULL },
        { "1234567", "1234567" },
        { "12345678", NULL },
        { "123456%37", "1234567" },
        { "1234567%38", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char buf[8];
        int decoded = absw_form_decode(rows[i].text, strlen(rows[i].text), buf, sizeof(buf));

        if (decoded != (rows[i].decoded != NULL)) {
            fail_msg("\"%s\": not %d", rows[i].text, decoded);
        }
        if (decoded) {
            assert_string_equal(buf, rows[i].decoded);
        }
    }
}

/* What lies behind the value is not its own. */
static void test_bounds(void **state)
{
    char buf[8];

    (void)state;
    assert_true(absw_form_decode("abc", 2, buf, sizeof(buf)));
    assert_string_equal(buf, "ab");
    assert_false(absw_form_decode("a%41", 2, buf, sizeof(buf)));
    assert_false(absw_form_decode("a%41", 3, buf, sizeof(buf)));
    assert_true(absw_form_decode("a%41", 4, buf, sizeof(buf)));
    assert_false(absw_form_decode("a\0b", 3, buf, sizeof(buf)));
    assert_true(absw_form_decode("", 0, buf, 1));
    assert_false(absw_form_decode("a", 1, buf, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_bounds),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
