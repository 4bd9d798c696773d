/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <apr_general.h>

#include "census.h"
#include "sample.h"

#define T0      APR_INT64_C(1763790000)
#define IDLE    100
#define LOGIN   1000
#define PLACES  6

/*
 * Places: 0 as the rules say, 1 without a max-login-time, 2 closed, 3 configured no more, 4
 * untouched. Each session is counted, swept, or neither.
 */
typedef struct {
    const char *name;
    apr_uint16_t place;
    int login;                  /* T0 + */
    int last;                   /* T0 + */
    int tester;
    int counts;
    int swept;
    int ends;                   /* T0 +, if it counts */
} row_t;

static const row_t rows[] = {
    { "fresh", 0, 0, 0, 0, 1, 0, 100 },
    { "just not idle", 0, -500, -99, 0, 1, 0, 1 },
    { "idle", 0, -500, -100, 0, 0, 1, 0 },
    { "idle for long", 0, -500, -400, 0, 0, 1, 0 },
    { "just not cut off", 0, -999, 0, 0, 1, 0, 1 },
    { "cut off", 0, -1000, 0, 0, 0, 1, 0 },
    { "logged in on a clock that is ahead", 0, 60, 0, 0, 1, 0, 100 },
    { "a tester", 0, 0, 0, 1, 1, 0, 0 },
    { "an idle tester", 0, 0, -100, 1, 0, 1, 0 },
    { "a tester cut off", 0, -1000, 0, 1, 0, 1, 0 },
    { "no cut-off", 1, -100000, -50, 0, 1, 0, 50 },
    { "on a closed side", 2, 0, 0, 0, 0, 1, 0 },
    { "a tester on a closed side", 2, 0, 0, 1, 1, 0, 0 },
    { "on a side that is gone", 3, -5000, -5000, 0, 0, 0, 0 },
    { "since a day", 3, -86400, -86400, 0, 0, 1, 0 },
    { "since nearly a day", 3, -86400, -86399, 0, 0, 0, 0 },
    { "a place that cannot be", PLACES, 0, 0, 0, 0, 1, 0 },
};

static const absw_census_rule_t rules[PLACES] = {
    { .configured = 1, .idle = IDLE, .max_login = LOGIN },
    { .configured = 1, .idle = IDLE },
    { .configured = 1, .idle = IDLE, .max_login = LOGIN, .closed = 1 },
};

typedef struct {
    apr_pool_t *pool;
    void *mem;
    absw_table_t *table;
} room_t;

static int set_up(void **state)
{
    room_t *room = calloc(1, sizeof(*room));

    apr_initialize();
    apr_pool_create(&room->pool, NULL);
    room->mem = aligned_alloc(64, (absw_table_size(1024) + 63) / 64 * 64);
    memset(room->mem, 0, absw_table_size(1024));
    room->table = absw_table_attach(room->pool, room->mem, 1024);
    *state = room;
    return room->table ? 0 : -1;
}

static int tear_down(void **state)
{
    room_t *room = *state;

    apr_pool_destroy(room->pool);
    free(room->mem);
    free(room);
    apr_terminate();
    return 0;
}

static void enter(absw_table_t *table, const row_t *row, unsigned char number)
{
    absw_table_session_t session = {
        .id = { number, 1 }, .login = T0 + row->login, .place = row->place, .home = row->place,
        .kid = 'k', .key_check = 1, .tester = row->tester,
    };
    assert_int_equal(absw_table_touch(table, &session, T0 + row->last), ABSW_TABLE_NEW);
}

static int count_one(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    ++*(int *)baton;
    return 0;
}

static int slots(absw_table_t *table)
{
    int n = 0;

    absw_table_scan(table, count_one, &n);
    return n;
}

static void test_each(void **state)
{
    room_t *room = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const row_t *row = &rows[i];
        apr_uint16_t place = row->place < PLACES ? row->place : 4;
        absw_census_count_t counts[PLACES];
        int swept;

        enter(room->table, row, (unsigned char)i);
        absw_census_take(room->table, rules, counts, PLACES, T0, 0);
        assert_int_equal(slots(room->table), 1);        /* looking frees nothing */
        absw_census_take(room->table, rules, counts, PLACES, T0, 1);
        swept = slots(room->table) == 0;
        if (counts[place].sessions != (apr_uint32_t)(row->counts && !row->tester)
            || counts[place].testers != (apr_uint32_t)(row->counts && row->tester)
            || counts[place].empty_at != (row->ends ? T0 + row->ends : 0)
            || swept != row->swept) {
            fail_msg("%s: %u sessions, %u testers, swept %d", row->name, counts[place].sessions,
                     counts[place].testers, swept);
        }
        absw_table_end(room->table, (unsigned char[16]){ (unsigned char)i, 1 }, &row->place, 1);
        assert_int_equal(slots(room->table), 0);
    }
}

static void test_all_at_once(void **state)
{
    room_t *room = *state;
    absw_census_count_t counts[PLACES];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enter(room->table, &rows[i], (unsigned char)i);
    }
    for (int round = 0; round < 2; round++) {
        assert_int_equal(absw_census_take(room->table, rules, counts, PLACES, T0, round == 0), 0);
        assert_int_equal(counts[0].sessions, 4);
        assert_int_equal(counts[0].testers, 1);
        assert_int_equal(counts[0].empty_at, T0 + 100);
        assert_int_equal(counts[1].sessions, 1);
        assert_int_equal(counts[2].sessions, 0);
        assert_int_equal(counts[2].testers, 1);
        assert_int_equal(counts[3].sessions, 0);
        assert_int_equal(counts[4].sessions, 0);
        assert_int_equal(slots(room->table), 4 + 1 + 1 + 1 + 2);
    }
    /* empty_at is kept: nobody is left then, and somebody was a second before */
    absw_census_take(room->table, rules, counts, PLACES, T0 + 99, 0);
    assert_int_equal(counts[0].sessions, 2);
    absw_census_take(room->table, rules, counts, PLACES, T0 + 100, 0);
    assert_int_equal(counts[0].sessions, 0);
    assert_int_equal(counts[0].empty_at, 0);
}

static void test_clock_set_back(void **state)
{
    static const row_t ahead = { "ahead", 0, 0, 60, 0, 1, 0, 160 };
    room_t *room = *state;
    absw_census_count_t counts[PLACES];

    enter(room->table, &ahead, 1);
    assert_int_equal(absw_census_take(room->table, rules, counts, PLACES, T0, 1), 0);
    assert_int_equal(absw_census_take(room->table, rules, counts, PLACES, T0 - 1, 1), 1);
    assert_int_equal(counts[0].sessions, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clock_set_back, set_up, tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
