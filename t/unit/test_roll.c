/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <apr_general.h>

#include "dice.h"
#include "roll.h"
#include "sample.h"

#define NOW      SAMPLE_NOW
#define IDLE     1800
#define WIDTH    57
#define PLACES   32             /* of two applications */
#define SESSIONS 20000

static const absw_census_rule_t rules[PLACES] = {
    [0] = { .configured = 1, .idle = IDLE, .max_login = 28800 },
    [1] = { .configured = 1, .idle = IDLE, .closed = 1 },
    [16] = { .configured = 1, .idle = 60 },
};

typedef struct {
    apr_pool_t *pool;
    void *mem;
    absw_table_t *table;
    absw_roll_t roll[PLACES];
} room_t;

static int set_up(void **state)
{
    room_t *room = calloc(1, sizeof(*room));
    apr_size_t size = (absw_table_size(SESSIONS) + 63) / 64 * 64;

    apr_initialize();
    apr_pool_create(&room->pool, NULL);
    room->mem = aligned_alloc(64, size);
    memset(room->mem, 0, size);
    room->table = absw_table_attach(room->pool, room->mem, SESSIONS);
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

static apr_uint64_t enter(room_t *room, apr_uint32_t number, apr_uint16_t place, absw_sec_t last,
                          int tester)
{
    absw_table_session_t session = {
        .login = NOW - 3600, .place = place, .home = place, .kid = 'k', .key_check = 1,
        .tester = tester,
    };
    dice_t d = { number };

    for (size_t i = 0; i < sizeof(session.id); i++) {
        session.id[i] = (unsigned char)dice(&d);
    }
    assert_int_equal(absw_table_touch(room->table, &session, last), ABSW_TABLE_NEW);
    return absw_members_hash(session.id);
}

static void take(room_t *room, int sweep, const absw_ended_t *ended)
{
    assert_int_equal(absw_roll_take(room->table, rules, room->roll, PLACES, NOW, sweep, ended,
                                    room->pool), 0);
}

static void test_who_is_there(void **state)
{
    room_t *room = *state;
    absw_members_t *expected = absw_members_make(room->pool, 0);
    absw_roll_t *roll = &room->roll[0];
    dice_t d = { 1 };
    apr_uint32_t n = 0;

    for (apr_uint32_t i = 0; i < 2000; i++) {
        absw_sec_t last = NOW - dice_below(&d, 2 * IDLE);
        int tester = dice_below(&d, 10) == 0;
        apr_uint64_t hash = enter(room, i, 0, last, tester);

        if (!tester && last + IDLE > NOW) {
            absw_members_add(expected, hash, last + IDLE);
            n++;
        }
    }
    enter(room, 5000, 1, NOW, 0);           /* on a closed side */
    enter(room, 5001, 1, NOW, 1);
    enter(room, 5002, 2, NOW, 0);           /* on one that is not configured */
    enter(room, 5003, 16, NOW, 0);
    take(room, 0, NULL);

    assert_int_equal(roll->count.sessions, n);
    assert_int_equal(absw_members_count(roll->members, NOW, NULL), n);
    assert_true(absw_members_digest(roll->members, 1, NOW)
                == absw_members_digest(expected, 1, NOW));
    assert_int_equal(roll->hist.width, WIDTH);
    assert_int_equal(absw_hist_left(&roll->hist, NOW), n);
    assert_true(absw_hist_empty_at(&roll->hist) >= roll->count.empty_at);
    for (absw_sec_t at = NOW; at < NOW + 2 * IDLE; at += 7) {
        assert_true(absw_hist_left(&roll->hist, at) >= absw_members_count(expected, at, NULL));
        assert_true(absw_hist_left(&roll->hist, at + WIDTH)
                    <= absw_members_count(expected, at, NULL));
    }
    assert_int_equal(absw_members_count(room->roll[1].members, NOW, NULL), 0);
    assert_int_equal(room->roll[1].count.testers, 1);
    assert_null(room->roll[2].members);
    assert_int_equal(room->roll[2].hist.n, 0);
    assert_int_equal(absw_members_count(room->roll[16].members, NOW, NULL), 1);
    assert_int_equal(room->roll[16].hist.width, 2);
}

static void test_more_than_a_list_holds(void **state)
{
    room_t *room = *state;

    for (apr_uint32_t i = 0; i <= ABSW_MEMBERS_EXACT; i++) {
        enter(room, i, 0, NOW, 0);
    }
    take(room, 0, NULL);
    assert_int_equal(room->roll[0].count.sessions, ABSW_MEMBERS_EXACT + 1);
    assert_int_equal(absw_hist_left(&room->roll[0].hist, NOW), ABSW_MEMBERS_EXACT + 1);
    assert_false(absw_members_are_exact(room->roll[0].members));
}

/* Sessions that ended elsewhere, each entered with its last activity at NOW - 10. */
static void test_ended_elsewhere(void **state)
{
    static const struct {
        const char *name;
        int place;
        int tester;
        int app;
        absw_sec_t at;
        int stays;
    } rows[] = {
        { "ended after its last click", 0, 0, 0, NOW - 5, 0 },
        { "in the same second", 0, 0, 0, NOW - 10, 0 },
        { "it clicked afterwards", 0, 0, 0, NOW - 11, 1 },
        { "in another application", 0, 0, 1, NOW - 5, 1 },
        { "in the other one", 16, 0, 1, NOW - 5, 0 },
        { "a tester", 0, 1, 0, NOW - 5, 0 },
        { "in a future that cannot be", 0, 0, 0, NOW + 6, 1 },
    };
    room_t *room = *state;

    for (int sweep = 0; sweep < 2; sweep++) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            absw_ended_t *ended = absw_ended_make(room->pool, 10);
            absw_roll_t *roll = &room->roll[rows[i].place];
            absw_end_t end = { .at = rows[i].at };

            end.hash = enter(room, (apr_uint32_t)i, (apr_uint16_t)rows[i].place, NOW - 10,
                             rows[i].tester);
            assert_true(absw_ended_add(ended, rows[i].app, &end, NOW));
            take(room, sweep, ended);
            if ((int)(roll->count.sessions + roll->count.testers) != rows[i].stays) {
                fail_msg("%s", rows[i].name);
            }
            assert_int_equal(absw_members_count(roll->members, NOW, NULL),
                             rows[i].stays && !rows[i].tester);
            take(room, sweep, NULL);        /* it is freed, not passed over */
            assert_int_equal(roll->count.sessions + roll->count.testers, rows[i].stays);
            memset(room->mem, 0, absw_table_size(SESSIONS));
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_who_is_there),
        TEST(test_more_than_a_list_holds),
        TEST(test_ended_elsewhere),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
