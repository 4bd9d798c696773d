/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <apr_general.h>

#include "log.h"
#include "sample.h"

static absw_switch_t record(const absw_policy_t *policy, const char *text)
{
    absw_switch_t rec;

    assert_int_equal(absw_switch_parse(policy, text, strlen(text), &rec, NULL, 0),
                     ABSW_SWITCH_FULL);
    return rec;
}

static absw_log_entry_t entries[ABSW_LOG_MAX];

static int read_log(const absw_policy_t *policy, const char *text)
{
    memset(entries, 0x55, sizeof(entries));
    return absw_log_parse(policy, text, strlen(text), entries);
}

static void test_parse(void **state)
{
    static const char text[] =
        "A=1 B=0 C=0 gen=4 at=40 by=dora note=back%20again\r\n"
        "A=0 B=1 C=0 gen=3 at=30 by=cleo\n"
        "rubbish\n"
        "\n"
        "B\n"
        "A=0 B=1 C=0 gen=3 at=30 by=eve\n"
        "A=0 Z=1 gen=2 at=20 by=bob\n"
        "A=1 gen=1 at=10 by=ann";
    absw_policy_t policy = sample_policy();

    (void)state;
    assert_int_equal(read_log(&policy, text), 4);
    assert_int_equal(entries[0].rec.generation, 4);
    assert_string_equal(entries[0].rec.note, "back again");
    assert_true(entries[0].valid && entries[0].has_from);
    assert_int_equal(entries[0].from[SIDE_B], 1);
    assert_int_equal(entries[0].from[SIDE_A], 0);
    assert_string_equal(entries[1].rec.by, "cleo");
    assert_true(entries[1].valid);
    assert_false(entries[1].has_from);          /* the one before named a side that is gone */
    assert_string_equal(entries[2].rec.by, "bob");
    assert_false(entries[2].valid || entries[2].has_from);
    assert_true(entries[3].valid && entries[3].has_from);
    assert_int_equal(entries[3].from[SIDE_A], 1);   /* by default */
    assert_int_equal(read_log(&policy, ""), 0);
    assert_int_equal(absw_log_parse(&policy, "B gen=1\0\n", 9, entries), 0);
}

static void test_order(void **state)
{
    absw_policy_t policy = sample_policy();

    (void)state;
    assert_int_equal(read_log(&policy, "A gen=2\nB gen=9\nC gen=5\nA gen=9 at=1\n"), 4);
    assert_int_equal(entries[0].rec.at, 1);
    assert_int_equal(entries[1].rec.generation, 9);
    assert_int_equal(entries[2].rec.generation, 5);
    assert_int_equal(entries[3].rec.generation, 2);
    assert_false(entries[3].has_from);
}

static apr_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* The log with rec in it. */
static apr_size_t add(const absw_policy_t *policy, const char *text, apr_size_t len,
                      const absw_switch_t *rec, char *buf)
{
    char line[ABSW_SWITCH_TEXT_MAX];
    const absw_log_text_t logs[] = {
        { text, len }, { line, absw_switch_format(policy, rec, line) }
    };

    return absw_log_unite(policy, logs, 2, buf, pool);
}

static void test_add(void **state)
{
    static char texts[2][ABSW_LOG_TEXT_MAX + 1];
    absw_policy_t policy = sample_policy();
    absw_switch_t rec = record(&policy, "B gen=5 at=50 by=ann");
    static const char old[] = "A=1 B=0 C=0 gen=6 x=%ff\nrubbish\nA=0 Z=1 gen=4\n";

    apr_size_t len = add(&policy, "", 0, &rec, texts[0]);

    (void)state;
    assert_int_equal(len, strlen(texts[0]));
    assert_string_equal(texts[0], "A=0 B=1 C=0 gen=5 at=50 by=ann\n");
    assert_int_equal(add(&policy, texts[0], len, &rec, texts[1]), len);
    assert_string_equal(texts[1], texts[0]);            /* once is enough */
    /* at its place; other lines as they came, unless they are no records */
    len = add(&policy, old, sizeof(old) - 1, &rec, texts[0]);
    assert_int_equal(len, strlen(texts[0]));
    assert_string_equal(texts[0], "A=1 B=0 C=0 gen=6 x=%ff\nA=0 B=1 C=0 gen=5 at=50 by=ann\n"
                                  "A=0 Z=1 gen=4\n");
}

/* The text does not outgrow its limits, and what goes is what is oldest. */
static void test_limits(void **state)
{
    static char texts[2][ABSW_LOG_TEXT_MAX + 1];
    absw_policy_t policy = sample_policy();
    absw_switch_t rec = record(&policy, "B gen=1");
    apr_size_t len = 0;
    int n = 0;

    (void)state;
    for (int i = 1; i <= 200; i++) {
        rec.generation = i;
        len = add(&policy, texts[i % 2], len, &rec, texts[(i + 1) % 2]);
        assert_in_range(len, 1, ABSW_LOG_TEXT_MAX);
        n = read_log(&policy, texts[(i + 1) % 2]);
        assert_int_equal(n, i < ABSW_LOG_MAX ? i : ABSW_LOG_MAX);
        assert_int_equal(entries[0].rec.generation, i);
        assert_int_equal(entries[n - 1].rec.generation, i - n + 1);
        /* each of those that are shown tells from what to what */
        assert_true(entries[n < ABSW_LOG_SHOWN ? n - 1 : ABSW_LOG_SHOWN - 1].has_from);
    }
    memset(rec.note, '%', ABSW_NOTE_MAX);
    for (int i = 201; i <= 300; i++) {
        rec.generation = i;
        len = add(&policy, texts[i % 2], len, &rec, texts[(i + 1) % 2]);
        assert_in_range(len, 1, ABSW_LOG_TEXT_MAX);
        n = read_log(&policy, texts[(i + 1) % 2]);
        assert_int_equal(entries[0].rec.generation, i);
        assert_int_equal(entries[n - 1].rec.generation, i - n + 1);
    }
    assert_in_range(n, 15, 25);
    /* too old for a log that is full */
    rec.generation = 2;
    assert_int_equal(add(&policy, texts[1], len, &rec, texts[0]), len);
}

/* A value of the greatest size, of lines as short or as odd as can be. */
static void test_hostile(void **state)
{
    static const char *const lines[] = {
        "\n", "B gen=1\n", "x\n", "=\n", "B gen=1 note=%00\n", "A=1 gen=", "\xff\n", "B gen=",
    };
    absw_policy_t policy = sample_policy();
    absw_switch_t rec = record(&policy, "B gen=5");
    char *text = malloc(65536);
    char *buf = malloc(ABSW_LOG_TEXT_MAX + 1);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        size_t len = strlen(lines[i]);
        apr_size_t written;

        for (size_t at = 0; at < 65536; at++) {
            text[at] = lines[i][at % len];
        }
        assert_in_range(absw_log_parse(&policy, text, 65536, entries), 0, 1);
        written = add(&policy, text, 65536, &rec, buf);
        assert_in_range(written, 1, ABSW_LOG_TEXT_MAX);
        assert_int_equal(written, strlen(buf));
        assert_true(read_log(&policy, buf) >= 1);
        assert_int_equal(entries[0].rec.generation, 5);
    }
    free(text);
    free(buf);
}

static const char *unite(const char *first, const char *second)
{
    static char texts[2][ABSW_LOG_TEXT_MAX + 1];
    absw_policy_t policy = sample_policy();
    const absw_log_text_t logs[] = { { first, strlen(first) }, { second, strlen(second) } };
    absw_log_text_t all = { texts[0], 0 };

    all.len = absw_log_unite(&policy, logs, 2, texts[0], pool);
    assert_int_equal(all.len, strlen(texts[0]));
    assert_true(absw_log_is_whole(&policy, &all));
    assert_int_equal(absw_log_unite(&policy, &all, 1, texts[1], pool), all.len);
    assert_string_equal(texts[1], texts[0]);            /* it is one already */
    return texts[0];
}

static void test_unite(void **state)
{
    static const struct {
        const char *first;
        const char *second;
        const char *all;
    } rows[] = {
        { "", "", "" },
        { "", "A=1 gen=1\n", "A=1 gen=1\n" },
        { "B gen=3 x=1\nA=1 gen=1\n", "A=1 gen=2",
          "B gen=3 x=1\nA=1 gen=2\nA=1 gen=1\n" },
        { "A=1 gen=1 by=ann\nB=1 gen=2\n", "A=1 gen=1 by=bob\nrubbish\n\n",
          "B=1 gen=2\nA=1 gen=1 by=ann\n" },
        { "rubbish", "A=0 Z=1 gen=4\r\nA=1 gen=9 x=%ff\n", "A=1 gen=9 x=%ff\nA=0 Z=1 gen=4\r\n" },
        { "A=1 gen=1 at=1\n", "A=1 gen=1 at=2\nA=1 gen=1 at=1 node=w\n",
          "A=1 gen=1 at=2\nA=1 gen=1 at=1 node=w\nA=1 gen=1 at=1\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(unite(rows[i].first, rows[i].second), rows[i].all);
    }
}

/* Of more than there is room for the newest are kept, wherever they come from. */
static void test_unite_many(void **state)
{
    char texts[2][4096] = { "", "" };
    absw_policy_t policy = sample_policy();
    const char *all;

    (void)state;
    for (int i = 100; i > 0; i--) {
        sprintf(texts[i % 2] + strlen(texts[i % 2]), "A=1 gen=%d\n", i);
    }
    all = unite(texts[0], texts[1]);
    assert_int_equal(read_log(&policy, all), ABSW_LOG_MAX);
    for (int i = 0; i < ABSW_LOG_MAX; i++) {
        assert_int_equal(entries[i].rec.generation, 100 - i);
    }
}

static void test_whole(void **state)
{
    static const struct {
        const char *text;
        int is_whole;
    } rows[] = {
        { "", 1 }, { "A=1 gen=1", 1 }, { "A=1 gen=1\nA=0 Z=1 gen=4\r\n", 1 }, { "B\n", 0 },
        { "\n", 0 }, { "A=1 gen=1\n\n", 0 }, { "A=1 gen=1\nx\n", 0 }, { "A=1 gen=1\nA=1 ge", 0 },
    };
    absw_policy_t policy = sample_policy();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_log_text_t log = { rows[i].text, strlen(rows[i].text) };

        assert_int_equal(absw_log_is_whole(&policy, &log), rows[i].is_whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unite),
        cmocka_unit_test(test_unite_many),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_hostile),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
