/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <apr_general.h>

#include "board.h"
#include "census.h"
#include "children.h"
#include "dice.h"
#include "ends.h"
#include "sample.h"
#include "table.h"

/*
 * What the threads of a child do to shared memory at once, all of it: for ThreadSanitizer (make
 * check-asan), to which processes are strangers, and for the sums, which are to come out right.
 */

#define NOW         SAMPLE_NOW
#define THREADS     6
#define ROUNDS      30000
#define APPS        2
#define CHILDREN    4
#define SESSIONS    1024
#define PID         4711u

typedef struct {
    apr_pool_t *pool;
    void *memory[4];
    absw_policy_t policy;
    absw_board_t *board;
    absw_board_app_t app;
    absw_children_t *children;
    absw_child_t *child;
    absw_table_t *table;
    absw_ends_t *ends;
    _Atomic unsigned wrong;
    _Atomic unsigned flips;
    _Atomic unsigned ended;
} world_t;

static world_t world;
static pthread_barrier_t start;

static int always(apr_uint32_t pid)
{
    (void)pid;
    return 1;
}

static void *zeroed(apr_size_t size)
{
    void *mem = aligned_alloc(64, (size + 63) / 64 * 64);

    assert_non_null(mem);
    return memset(mem, 0, size);
}

static int set_up(void **state)
{
    world_t *w = &world;

    (void)state;
    apr_pool_create(&w->pool, NULL);
    w->policy = sample_policy();
    w->memory[0] = zeroed(absw_board_size(APPS));
    w->memory[1] = zeroed(absw_children_size(CHILDREN, APPS));
    w->memory[2] = zeroed(absw_table_size(SESSIONS));
    w->memory[3] = zeroed(absw_ends_size());
    w->board = absw_board_attach(w->memory[0], APPS);
    w->children = absw_children_attach(w->pool, w->memory[1], CHILDREN, APPS);
    w->table = absw_table_attach(w->pool, w->memory[2], SESSIONS);
    w->ends = absw_ends_attach(w->memory[3]);
    assert_int_equal(absw_board_enter(w->board, &w->policy, &w->app), 1);
    w->child = absw_children_join(w->children, PID);
    return w->child ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        free(world.memory[i]);
    }
    apr_pool_destroy(world.pool);
    return 0;
}

static absw_table_session_t session(unsigned number)
{
    absw_table_session_t s = {
        .login = NOW - 5, .place = world.app.place[number % 2], .home = world.app.place[0],
        .kid = 'k', .key_check = 7
    };

    memcpy(s.id, &number, sizeof(number));
    memcpy(s.tag, s.id, sizeof(s.tag));
    return s;
}

static void expect(int right)
{
    if (!right) {
        atomic_fetch_add(&world.wrong, 1);
    }
}

/* A request: it looks at the switch, is counted, and is over. */
static void ask(dice_t *d, absw_sec_t now)
{
    static _Thread_local apr_int64_t newest;
    world_t *w = &world;
    absw_table_session_t s = session(dice_below(d, 64));
    absw_switch_t view;

    absw_child_in_flight(w->child, s.place, 1);
    if (absw_board_view(&w->app, &view)) {
        expect(view.generation >= newest);
        newest = view.generation;
        expect(view.weight[0] + view.weight[1] == 1);
        expect(view.since[view.weight[0] ? 1 : 0] == NOW + view.generation);
    }
    expect(absw_table_touch(w->table, &s, now) != ABSW_TABLE_FULL);
    absw_table_verified(w->table, &s, NULL);
    if (dice_below(d, 16) == 0) {
        absw_table_end(w->table, s.id, w->app.place, w->app.sides_n);
        absw_ends_add(w->ends, w->app.app, dice(d), now);
        atomic_fetch_add(&w->ended, 1);
    }
    absw_child_verdict(w->children, w->child, w->app.app, ABSW_PASS);
    absw_child_in_flight(w->child, s.place, -1);
}

/* Somebody flips, from what is in force to the next generation. */
static void flip(void)
{
    world_t *w = &world;
    absw_switch_t rec;

    if (!absw_board_get_switch(&w->app, &rec)) {
        memset(&rec, 0, sizeof(rec));
    }
    rec.generation++;
    rec.weight[0] = (apr_uint32_t)(rec.generation & 1);
    rec.weight[1] = 1 - rec.weight[0];
    rec.since[0] = rec.weight[0] ? 0 : NOW + rec.generation;
    rec.since[1] = rec.weight[1] ? 0 : NOW + rec.generation;
    rec.at = NOW + rec.generation;
    strcpy(rec.node, "web1:80");
    if (absw_board_set_switch(&w->app, &rec)) {
        atomic_fetch_add(&w->flips, 1);
    }
}

/* The sync: whoever has the lease counts and writes the board; a page reads it. */
static void sync_and_look(apr_uint32_t pid, absw_sec_t now)
{
    world_t *w = &world;
    absw_census_rule_t rules[ABSW_SIDES_MAX];
    absw_census_count_t counts[ABSW_SIDES_MAX];
    static _Thread_local absw_history_entry_t entries[ABSW_HISTORY_MAX];
    absw_history_entry_t entry = { .time = now, .sessions = { 1, 2 } };
    absw_end_t ends[8];
    absw_board_node_t node = { .synced = apr_time_from_sec(now) };
    absw_board_drain_t drain = { .streak = 1, .reason = "why" };
    apr_uint64_t verdicts[ABSW_VERDICT_COUNT];

    for (unsigned i = 0; i < ABSW_SIDES_MAX; i++) {
        rules[i] = (absw_census_rule_t){ .configured = 1, .idle = 1800 };
    }
    if (absw_board_lease(w->board, pid, apr_time_from_sec(now), apr_time_from_sec(now + 1), always)) {
        absw_census_take(w->table, rules, counts, ABSW_SIDES_MAX, now, 1);
        absw_board_set_node(w->board, &node);
        absw_board_set_drain(&w->app, 0, &drain);
        absw_board_history_add(&w->app, &entry);
        absw_board_release(w->board, pid);
    }
    absw_board_get_node(w->board, &node);
    absw_board_get_drain(&w->app, 0, &drain);
    expect(drain.reason[0] == '\0' || !strcmp(drain.reason, "why"));
    absw_board_history(&w->app, now, entries);
    absw_ends_recent(w->ends, w->app.app, NOW, now, ends, 8, NULL);
    absw_children_verdicts(w->children, &w->app, verdicts);
    expect(absw_children_in_flight(w->children, w->app.place[0], always) <= THREADS);
    absw_table_recover(w->table, always);
}

static void *run(void *baton)
{
    unsigned number = (unsigned)(uintptr_t)baton;
    dice_t d = { number };

    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        absw_sec_t now = NOW + i / 100;

        ask(&d, now);
        if (i % 16 == number) {
            flip();
        }
        if (i % 64 == number) {
            sync_and_look(PID + number, now);
        }
    }
    return NULL;
}

static int count(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    (*(unsigned *)baton)++;
    return 0;
}

static void test_threads(void **state)
{
    world_t *w = &world;
    pthread_t thread[THREADS];
    apr_uint64_t verdicts[ABSW_VERDICT_COUNT];
    absw_switch_t rec;
    unsigned live = 0;

    (void)state;
    pthread_barrier_init(&start, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_create(&thread[i], NULL, run, (void *)(uintptr_t)i);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(atomic_load(&w->wrong), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(absw_children_in_flight(w->children, w->app.place[i], always), 0);
    }
    absw_children_verdicts(w->children, &w->app, verdicts);
    assert_int_equal(verdicts[ABSW_PASS], THREADS * ROUNDS);
    assert_int_equal(absw_board_get_switch(&w->app, &rec), 1);
    assert_in_range(rec.generation, THREADS, atomic_load(&w->flips));   /* two may be the same */
    assert_int_equal(absw_table_validate(w->table, ABSW_SIDES_MAX, 0), 0);
    absw_table_scan(w->table, count, &live);
    assert_in_range(live, 1, 64);
    printf("# %u flips, %u logouts, %u sessions\n", atomic_load(&w->flips),
           atomic_load(&w->ended), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
