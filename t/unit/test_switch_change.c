/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"
#include "switch.h"

/* Records are written as text, side by side with what a change makes of them. */

#define T0  APR_INT64_C(1763790000)     /* now, in every change */

static absw_switch_t record(const absw_policy_t *policy, const char *text)
{
    absw_switch_t rec;
    char why[100] = "";

    if (strcmp(text, "default") == 0) {
        absw_switch_default(policy, &rec);
        return rec;
    }
    if (absw_switch_parse(policy, text, strlen(text), &rec, why, sizeof(why))
        != ABSW_SWITCH_FULL) {
        fail_msg("%s: %s", text, why);
    }
    return rec;
}

typedef enum { FLIP, WEIGHTS, CLOSE, REOPEN, ROLLBACK } verb_e;

typedef struct {
    const char *prev;
    verb_e verb;
    int side;
    apr_uint32_t weight[3];
    const char *target;         /* of ROLLBACK */
    absw_switch_result_e result;
    const char *next;           /* without at, by and node; gen is prev's + 1 */
} change_row_t;

static absw_switch_result_e change(const absw_policy_t *policy, const change_row_t *row,
                                   const absw_switch_t *prev, absw_switch_t *next)
{
    absw_switch_who_t who = { .now = T0, .node = "web1:80", .by = "ann", .note = "why" };
    apr_uint32_t weight[ABSW_SIDES_MAX] = { row->weight[0], row->weight[1], row->weight[2] };
    absw_switch_t target;

    switch (row->verb) {
    case FLIP:
        return absw_switch_flip(policy, prev, row->side, &who, next);
    case WEIGHTS:
        return absw_switch_weights(policy, prev, weight, &who, next);
    case CLOSE:
        return absw_switch_close(policy, prev, row->side, &who, next);
    case REOPEN:
        return absw_switch_reopen(policy, prev, row->side, &who, next);
    case ROLLBACK:
    default:
        target = record(policy, row->target);
        return absw_switch_rollback(policy, prev, &target, &who, next);
    }
}

static void test_changes(void **state)
{
    static const change_row_t rows[] = {
        { "default", FLIP, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE, "A gen=1" },
        { "default", FLIP, SIDE_B, { 0 }, NULL, ABSW_SWITCH_DONE, "B gen=1 since=A:1763790000" },
        { "B gen=1 since=A:5", FLIP, SIDE_B, { 0 }, NULL, ABSW_SWITCH_SAME, NULL },
        { "B=75 gen=1 since=A:5", FLIP, SIDE_B, { 0 }, NULL, ABSW_SWITCH_SAME, NULL },
        { "B gen=1 since=A:5", FLIP, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE,
          "A gen=2 since=B:1763790000" },
        { "B gen=1 since=A:5", FLIP, SIDE_C, { 0 }, NULL, ABSW_SWITCH_DONE,
          "C gen=2 since=A:5,B:1763790000" },
        { "B gen=1 since=A:5 closed=A,C", FLIP, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE,
          "A gen=2 since=B:1763790000 closed=C" },
        { "B gen=1000000000000000", FLIP, SIDE_A, { 0 }, NULL, ABSW_SWITCH_EXHAUSTED, NULL },
        { "B gen=999999999999999 x=y", FLIP, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE,
          "A gen=1000000000000000 since=B:1763790000 x=y" },

        { "default", WEIGHTS, 0, { 1, 0, 0 }, NULL, ABSW_SWITCH_DONE, "A gen=1" },
        { "A gen=1", WEIGHTS, 0, { 75, 25, 0 }, NULL, ABSW_SWITCH_DONE, "A=75 B=25 gen=2" },
        { "A gen=1", WEIGHTS, 0, { 75, 0, 0 }, NULL, ABSW_SWITCH_SAME, NULL },
        { "A=75 B=25 gen=2", WEIGHTS, 0, { 75, 25, 0 }, NULL, ABSW_SWITCH_SAME, NULL },
        { "A=3 B=1 gen=2", WEIGHTS, 0, { 75, 25, 0 }, NULL, ABSW_SWITCH_DONE,
          "A=75 B=25 gen=3" },
        { "A=75 B=25 gen=2", WEIGHTS, 0, { 0, 0, 0 }, NULL, ABSW_SWITCH_NONE_OPEN, NULL },
        { "A=75 B=25 gen=2 closed=C since=C:9", WEIGHTS, 0, { 0, 1, 1 }, NULL, ABSW_SWITCH_DONE,
          "B=1 C=1 gen=3 since=A:1763790000" },

        { "B gen=1 since=A:5", CLOSE, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE,
          "B gen=2 since=A:5 closed=A" },
        { "B gen=1 since=A:5 closed=A", CLOSE, SIDE_A, { 0 }, NULL, ABSW_SWITCH_SAME, NULL },
        { "B gen=1 since=A:5", CLOSE, SIDE_B, { 0 }, NULL, ABSW_SWITCH_NONE_OPEN, NULL },
        { "A=1 B=1 gen=1", CLOSE, SIDE_B, { 0 }, NULL, ABSW_SWITCH_DONE,
          "A=1 gen=2 since=B:1763790000 closed=B" },
        { "default", CLOSE, SIDE_B, { 0 }, NULL, ABSW_SWITCH_DONE, "A gen=1 closed=B" },
        { "default", CLOSE, SIDE_A, { 0 }, NULL, ABSW_SWITCH_NONE_OPEN, NULL },

        { "B gen=1 since=A:5 closed=A", REOPEN, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE,
          "B gen=2 since=A:1763790000" },
        { "B gen=1 since=A:5", REOPEN, SIDE_A, { 0 }, NULL, ABSW_SWITCH_DONE,
          "B gen=2 since=A:1763790000" },
        { "B gen=1 since=A:1763789999", REOPEN, SIDE_A, { 0 }, NULL, ABSW_SWITCH_NOT_CLOSED,
          NULL },
        { "B gen=1", REOPEN, SIDE_A, { 0 }, NULL, ABSW_SWITCH_NOT_CLOSED, NULL },
        { "B gen=1", REOPEN, SIDE_B, { 0 }, NULL, ABSW_SWITCH_NOT_CLOSED, NULL },

        { "B gen=7 since=A:5", ROLLBACK, 0, { 0 }, "A gen=6", ABSW_SWITCH_DONE,
          "A gen=8 since=B:1763790000" },
        { "B gen=7 since=A:5", ROLLBACK, 0, { 0 }, "B gen=6 closed=A", ABSW_SWITCH_DONE,
          "B gen=8 since=A:5 closed=A" },
        { "B gen=7 since=A:5 closed=A", ROLLBACK, 0, { 0 }, "B gen=6", ABSW_SWITCH_DONE,
          "B gen=8 since=A:1763790000" },
        { "B gen=7 since=A:5", ROLLBACK, 0, { 0 }, "B gen=6 since=A:9", ABSW_SWITCH_SAME, NULL },
        { "B gen=1 since=A:5", ROLLBACK, 0, { 0 }, "default", ABSW_SWITCH_DONE,
          "A gen=2 since=B:1763790000" },
    };
    absw_policy_t policy = sample_policy();
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_switch_t prev = record(&policy, rows[i].prev);
        absw_switch_t next;
        absw_switch_t want;
        absw_switch_result_e result = change(&policy, &rows[i], &prev, &next);
        char text[ABSW_SWITCH_TEXT_MAX] = "";

        if (result == ABSW_SWITCH_DONE && result == rows[i].result) {
            assert_int_equal(next.at, T0);
            assert_string_equal(next.by, "ann");
            assert_string_equal(next.node, "web1:80");
            assert_string_equal(next.note, "why");
            assert_true(absw_switch_newer(&next, &prev));
            want = record(&policy, rows[i].next);
            want.at = next.at;
            memcpy(want.by, next.by, sizeof(want.by));
            memcpy(want.node, next.node, sizeof(want.node));
            memcpy(want.note, next.note, sizeof(want.note));
            if (memcmp(&want, &next, sizeof(want)) == 0) {
                continue;
            }
            absw_switch_format(&policy, &next, text);
        }
        else if (result == rows[i].result) {
            continue;
        }
        print_error("row %d, %s: result %d, %s\n", (int)i, rows[i].prev, result, text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Who and why are cut to size, and made fit for a log. */
static void test_words_are_cleaned(void **state)
{
    absw_policy_t policy = sample_policy();
    absw_switch_t prev = record(&policy, "default");
    absw_switch_t next;
    char by[200];
    char note[2000];
    absw_switch_who_t who = { .now = T0, .node = "web1:80", .by = by, .note = note };

    (void)state;
    memset(by, 'y', sizeof(by));
    by[sizeof(by) - 1] = '\0';
    memset(note, 'n', sizeof(note));
    memcpy(note + 797, "\xf0\x9f\x98\x80", 4);
    memcpy(note, "a\r\n\x1b\x7f\xc2\x85\xff<b>", 11);
    note[sizeof(note) - 1] = '\0';
    assert_int_equal(absw_switch_flip(&policy, &prev, SIDE_B, &who, &next), ABSW_SWITCH_DONE);
    assert_int_equal(strlen(next.by), ABSW_BY_MAX);
    assert_int_equal(strlen(next.note), 797);       /* the character that does not fit is whole */
    assert_memory_equal(next.note, "a???\?\?\?\?<b>", 11);
    who.by = NULL;
    who.note = NULL;
    assert_int_equal(absw_switch_flip(&policy, &prev, SIDE_B, &who, &next), ABSW_SWITCH_DONE);
    assert_string_equal(next.by, "");
}

/* However changes follow each other: generations rise by one, and open sides are never closed. */
static void test_generations_never_lost(void **state)
{
    absw_policy_t policy = sample_policy();
    absw_switch_t rec = record(&policy, "default");
    unsigned seed = 11;
    int done = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        absw_switch_t next;
        change_row_t row = { .target = "B gen=1 closed=C" };
        int open = 0;

        seed = seed * 1103515245u + 12345u;
        row.verb = (verb_e)((seed >> 16) % 5);
        row.side = (int)((seed >> 20) % 3);
        row.weight[row.side] = (seed >> 24) % 3;
        row.weight[(row.side + 1) % 3] = (seed >> 26) % 2;
        if (change(&policy, &row, &rec, &next) != ABSW_SWITCH_DONE) {
            continue;
        }
        done++;
        assert_int_equal(next.generation, rec.generation + 1);
        for (int side = 0; side < policy.sides_n; side++) {
            if (next.weight[side] > 0) {
                open++;
                assert_int_equal(next.closed & (1u << side), 0);
                assert_int_equal(next.since[side], 0);
            }
            else if (rec.weight[side] > 0) {
                assert_int_equal(next.since[side], T0);
            }
        }
        assert_true(open > 0);
        rec = next;
    }
    assert_int_equal(rec.generation, done);
    assert_true(done > 1000);
}

static void test_completed(void **state)
{
    static const struct {
        const char *prev;
        const char *rec;
        int filled;
        const char *want;
    } rows[] = {
        { "default", "B gen=9", 1,
          "B gen=9 at=1763790000 by=file node=web1:80 since=A:1763790000" },
        { "default", "B gen=9 by=ann node=x", 1,
          "B gen=9 at=1763790000 by=ann node=x since=A:1763790000" },
        { "default", "B gen=9 at=1000", 1, "B gen=9 at=1000 since=A:1000" },
        { "default", "B gen=9 at=1000 since=A:7", 0, "B gen=9 at=1000 since=A:7" },
        { "default", "A gen=9 at=1000", 0, "A gen=9 at=1000" },
        { "B gen=3 since=A:5", "B gen=9 at=1000", 1, "B gen=9 at=1000 since=A:5" },
        { "B gen=3 since=A:5", "A=1 B=1 gen=9 at=1000", 0, "A=1 B=1 gen=9 at=1000" },
    };
    absw_policy_t policy = sample_policy();
    absw_switch_who_t who = { .now = T0, .node = "web1:80", .by = "file", .note = "" };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_switch_t prev = record(&policy, rows[i].prev);
        absw_switch_t rec = record(&policy, rows[i].rec);
        absw_switch_t want = record(&policy, rows[i].want);

        assert_int_equal(absw_switch_complete(&policy, &prev, &who, &rec), rows[i].filled);
        assert_memory_equal(&rec, &want, sizeof(rec));
    }
}

static void test_says(void **state)
{
    static const struct {
        const char *rec;
        apr_uint32_t weight[3];
        int says;
    } rows[] = {
        { "default", { 1, 0, 0 }, 0 },
        { "A gen=1", { 1, 0, 0 }, 1 },
        { "A=50 gen=1", { 1, 0, 0 }, 1 },
        { "A gen=1", { 50, 0, 0 }, 1 },
        { "A gen=1", { 0, 1, 0 }, 0 },
        { "A=1 B=1 gen=1", { 1, 0, 0 }, 0 },
        { "A=1 B=1 gen=1", { 1, 1, 0 }, 1 },
        { "A=1 B=1 gen=1", { 2, 2, 0 }, 0 },
        { "A gen=1", { 1, 1, 0 }, 0 },
    };
    absw_policy_t policy = sample_policy();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_switch_t rec = record(&policy, rows[i].rec);
        apr_uint32_t weight[ABSW_SIDES_MAX] = {
            rows[i].weight[0], rows[i].weight[1], rows[i].weight[2]
        };

        if (absw_switch_says(&policy, &rec, weight) != rows[i].says) {
            fail_msg("row %d, %s", (int)i, rows[i].rec);
        }
    }
}

static void test_states(void **state)
{
    static const struct {
        const char *rec;
        absw_sec_t max_login;
        absw_sec_t drain_timeout;
        absw_sec_t deadline;        /* of A */
        absw_sec_t now;
        absw_side_state_e is;
    } rows[] = {
        { "A gen=1", 100, 0, 0, T0, ABSW_SIDE_OPEN },
        { "default", 100, 50, 0, T0, ABSW_SIDE_OPEN },
        { "B gen=1", 100, 50, 0, T0, ABSW_SIDE_DRAINING },
        { "B gen=1 since=A:1000", 100, 0, 1100, 1099, ABSW_SIDE_DRAINING },
        { "B gen=1 since=A:1000", 100, 0, 1100, 1100, ABSW_SIDE_CLOSED },
        { "B gen=1 since=A:1000", 100, 50, 1050, 1049, ABSW_SIDE_DRAINING },
        { "B gen=1 since=A:1000", 100, 50, 1050, 1050, ABSW_SIDE_CLOSED },
        { "B gen=1 since=A:1000", 100, 500, 1100, 1100, ABSW_SIDE_CLOSED },
        { "B gen=1 since=A:1000", 0, 50, 1050, 1050, ABSW_SIDE_CLOSED },
        { "B gen=1 since=A:1000", 0, 0, 0, T0, ABSW_SIDE_DRAINING },
        { "B gen=1 since=A:1000 closed=A", 100, 50, 0, 1001, ABSW_SIDE_CLOSED },
        { "B gen=1 since=A:253402300799", 100, 0, APR_INT64_C(253402300899), T0,
          ABSW_SIDE_DRAINING },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_policy_t policy = sample_policy();
        absw_switch_t rec = record(&policy, rows[i].rec);

        policy.max_login = rows[i].max_login;
        policy.drain_timeout = rows[i].drain_timeout;
        if (absw_switch_deadline(&policy, &rec, SIDE_A) != rows[i].deadline
            || absw_switch_state(&policy, &rec, SIDE_A, rows[i].now) != rows[i].is) {
            fail_msg("row %d, %s", (int)i, rows[i].rec);
        }
    }
}

static void test_default(void **state)
{
    absw_policy_t policy = sample_policy();
    absw_switch_t rec;

    (void)state;
    policy.default_side = SIDE_C;
    absw_switch_default(&policy, &rec);
    assert_int_equal(rec.generation, 0);
    assert_int_equal(rec.at, 0);
    assert_string_equal(rec.by, "default");
    assert_int_equal(rec.weight[SIDE_C], 1);
    assert_int_equal(absw_switch_state(&policy, &rec, SIDE_A, T0), ABSW_SIDE_DRAINING);
    assert_int_equal(absw_switch_deadline(&policy, &rec, SIDE_A), 0);
}

static void test_choose(void **state)
{
    absw_policy_t policy = sample_policy();
    absw_switch_t rec = record(&policy, "A=75 B=0 C=25 gen=1");
    int got[SAMPLE_SIDES] = { 0 };

    (void)state;
    for (apr_uint64_t random = 0; random < APR_UINT64_C(1) << 32; random += 42949673) {
        got[absw_switch_choose(&policy, &rec, (apr_uint32_t)random)]++;
    }
    assert_int_equal(got[SIDE_A], 75);
    assert_int_equal(got[SIDE_B], 0);
    assert_int_equal(got[SIDE_C], 25);
    assert_int_equal(absw_switch_choose(&policy, &rec, 0), SIDE_A);
    assert_int_equal(absw_switch_choose(&policy, &rec, UINT32_MAX), SIDE_C);
    assert_int_equal(absw_switch_only(&policy, &rec), ABSW_NO_SIDE);

    rec = record(&policy, "A=1000000 B=1000000 C=1000000 gen=1");
    assert_int_equal(absw_switch_choose(&policy, &rec, UINT32_MAX), SIDE_C);
    rec = record(&policy, "B gen=1");
    assert_int_equal(absw_switch_choose(&policy, &rec, 0), SIDE_B);
    assert_int_equal(absw_switch_choose(&policy, &rec, UINT32_MAX), SIDE_B);
    assert_int_equal(absw_switch_only(&policy, &rec), SIDE_B);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_words_are_cleaned),
        cmocka_unit_test(test_generations_never_lost),
        cmocka_unit_test(test_completed),
        cmocka_unit_test(test_says),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_choose),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
