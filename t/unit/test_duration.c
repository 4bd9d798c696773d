/* SPDX-License-Identifier: Apache-2.0 */
#include "duration.h"
#include "sample.h"

#define MS      1000
#define SECOND  APR_INT64_C(1000000)
#define HOUR    (3600 * SECOND)
#define NONE    (-1)

static void test_parse(void **state)
{
    static const struct {
        const char *word;
        apr_interval_time_t duration;
    } rows[] = {
        { "500ms", 500 * MS }, { "30s", 30 * SECOND }, { "30", 30 * SECOND }, { "0", 0 },
        { "30min", 1800 * SECOND }, { "30mi", 1800 * SECOND }, { "8h", 8 * HOUR },
        { "008h", 8 * HOUR }, { "999999999999ms", APR_INT64_C(999999999999) * MS },
        { "2562047788h", APR_INT64_C(2562047788) * HOUR },
        { "2562047789h", NONE }, { "999999999999h", NONE }, { "1000000000000s", NONE },
        { "", NONE }, { "h", NONE }, { "-1s", NONE }, { "+1s", NONE }, { " 1s", NONE },
        { "1 s", NONE }, { "1s ", NONE }, { "1m", NONE }, { "1sec", NONE }, { "1hour", NONE },
        { "1S", NONE }, { "1d", NONE }, { "1.5h", NONE }, { "0x10", NONE }, { "1h30min", NONE },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        apr_interval_time_t duration = NONE;

        if (absw_duration_parse(rows[i].word, &duration) != (rows[i].duration != NONE)
            || duration != rows[i].duration) {
            fail_msg("%s: %" APR_INT64_T_FMT, rows[i].word, duration);
        }
    }
}

static void test_text(void **state)
{
    char text[ABSW_DURATION_TEXT_MAX];

    (void)state;
    assert_string_equal(absw_duration_text(8 * HOUR, text), "8h");
    assert_string_equal(absw_duration_text(8 * HOUR + SECOND, text), "28801s");
    assert_string_equal(absw_duration_text(1500 * MS, text), "1500ms");
    assert_string_equal(absw_duration_text(90 * SECOND, text), "90s");
    assert_string_equal(absw_duration_text(APR_INT64_MAX, text), "9223372036854775ms");
}

static void test_words(void **state)
{
    static const struct {
        absw_sec_t seconds;
        const char *text;
    } rows[] = {
        { -5, "0 s" }, { 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" }, { 61, "1 min 1 s" },
        { 3600, "1 h" }, { 3659, "1 h" }, { 28740, "7 h 59 min" }, { 90000, "1 d 1 h" },
        { 86400, "1 d" },
    };
    apr_pool_t *pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(absw_duration_words(rows[i].seconds, pool), rows[i].text);
    }
    apr_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_words),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
