/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include <apr_general.h>

#include "sample.h"

/*
 * The session table step by step: actors that share a table can be stopped before every look at
 * shared memory, and a dice chooses who goes on, and who never does again, as if its process had
 * been killed there. So interleavings are tried that chance would not meet in years.
 *
 * The table's own code is compiled into this test once more, under other names, with buckets of
 * two slots and that hook.
 */

static void step(void);

#define ABSW_BUCKET         2u
#define ABSW_SLOT_STEP()    step()

#define absw_table_size         steps_table_size
#define absw_table_attach       steps_table_attach
#define absw_table_verified     steps_table_verified
#define absw_table_touch        steps_table_touch
#define absw_table_end          steps_table_end
#define absw_table_scan         steps_table_scan
#define absw_table_set_back     steps_table_set_back
#define absw_table_recover      steps_table_recover
#define absw_table_validate     steps_table_validate
#define absw_table_take_over    steps_table_take_over
#define absw_slot_find          steps_slot_find
#define absw_slot_settle        steps_slot_settle
#define absw_slot_claim         steps_slot_claim

#include "../../src/core/table.c"
#include "../../src/core/table_walk.c"

#define NOW         SAMPLE_NOW
#define RUNS        12000
#define ACTORS_MAX  4
#define STACK       65536
#define SLOTS       4u          /* two buckets: every session's path is the whole table */

/* --- actors -------------------------------------------------------------------------- */

typedef enum { WAITS, RAN, KILLED } fate_e;

typedef struct {
    void (*act)(unsigned number);
    ucontext_t context;
    fate_e fate;
    absw_table_touch_e result;
} actor_t;

static actor_t actors[ACTORS_MAX];
static unsigned actors_n;
static actor_t *running;
static unsigned steps_left;         /* until he has to stop */
static ucontext_t stage;
static char stacks[ACTORS_MAX][STACK];

static absw_table_t *table;
static _Alignas(64) unsigned char mem[SLOTS * sizeof(absw_slot_t)];
static unsigned doubles;            /* moments with two LIVE slots of a key */

static apr_uint64_t seed = 88172645463325252u;

static unsigned roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed * APR_UINT64_C(0x9e3779b97f4a7c15) >> 33) % n;
}

static int is_twin(const absw_slot_t *a, const absw_slot_t *b)
{
    return absw_slot_kind(a->word) == ABSW_SLOT_LIVE && absw_slot_kind(b->word) == ABSW_SLOT_LIVE
           && a->id[0] == b->id[0] && a->id[1] == b->id[1]
           && absw_meta_place(a->meta) == absw_meta_place(b->meta);
}

static void look_for_doubles(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        for (unsigned k = 0; k < i; k++) {
            doubles += (unsigned)is_twin(&table->slots[i], &table->slots[k]);
        }
    }
}

static void step(void)
{
    if (running) {
        look_for_doubles();
        if (steps_left-- == 0) {
            swapcontext(&running->context, &stage);
        }
    }
}

static void enter(int number)
{
    actors[number].act((unsigned)number);
    actors[number].fate = RAN;
}

static void cast(void (*act)(unsigned number))
{
    actor_t *actor = &actors[actors_n];

    memset(actor, 0, sizeof(*actor));
    actor->act = act;
    getcontext(&actor->context);
    actor->context.uc_stack.ss_sp = stacks[actors_n];
    actor->context.uc_stack.ss_size = STACK;
    actor->context.uc_link = &stage;
    makecontext(&actor->context, (void (*)(void))(void *)enter, 1, (int)actors_n);
    actors_n++;
}

/* Let them go on by turns of any length until all have ended; kill one in so many turns. */
static void play(unsigned kill_one_in)
{
    unsigned waiting = actors_n;

    while (waiting > 0) {
        actor_t *actor = &actors[roll(actors_n)];

        if (actor->fate != WAITS) {
            continue;
        }
        if (kill_one_in && roll(kill_one_in) == 0) {
            actor->fate = KILLED;
        }
        else {
            running = actor;
            steps_left = roll(2) ? roll(3) : roll(30);
            swapcontext(&stage, &actor->context);
            running = NULL;
        }
        waiting -= actor->fate != WAITS;
    }
    look_for_doubles();
}

static void raise_curtain(void)
{
    memset(mem, 0, sizeof(mem));
    actors_n = 0;
}

/* --- roles --------------------------------------------------------------------------- */

static absw_table_session_t session(unsigned number)
{
    absw_table_session_t s = { .login = NOW, .place = 5, .home = 5, .kid = 'k' };

    memset(s.id, (int)number + 1, sizeof(s.id));
    return s;
}

static void enters(unsigned number)
{
    absw_table_session_t s = session(0);

    actors[number].result = absw_table_touch(table, &s, NOW + 1);
}

static void logs_out(unsigned number)
{
    static const apr_uint16_t PLACE[] = { 5 };
    absw_table_session_t s = session(0);

    (void)number;
    absw_table_end(table, s.id, PLACE, 1);
}

/* Another session, which holds a slot before the others' for a while. */
static void comes_and_goes(unsigned number)
{
    static const apr_uint16_t PLACE[] = { 5 };
    absw_table_session_t s = session(1);

    (void)number;
    absw_table_touch(table, &s, NOW);
    absw_table_end(table, s.id, PLACE, 1);
}

static int is_idle(void *baton, const absw_table_seen_t *seen)
{
    (void)baton;
    return seen->last <= NOW;
}

static void expires(unsigned number)
{
    (void)number;
    absw_table_scan(table, is_idle, NULL);
}

static int is_running(apr_uint32_t pid)
{
    (void)pid;
    return 1;       /* all actors have one pid; the killed are recovered when the curtain falls */
}

static void recovers(unsigned number)
{
    (void)number;
    absw_table_recover(table, is_running);
}

static int count(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    ++*(unsigned *)baton;
    return 0;
}

static unsigned live_count(void)
{
    unsigned n = 0;

    absw_table_scan(table, count, &n);
    return n;
}

/* --- plays --------------------------------------------------------------------------- */

typedef struct {
    void (*roles[ACTORS_MAX])(unsigned number);
    int full;               /* there may be no slot for somebody */
    int ends;               /* the session may have ended at the end */
} play_t;

static const play_t PLAYS[] = {
    { { enters, enters }, 0, 0 },
    { { enters, enters, enters }, 0, 0 },
    { { enters, enters, comes_and_goes }, 0, 0 },
    { { enters, enters, comes_and_goes, comes_and_goes }, 1, 0 },
    { { enters, enters, enters, comes_and_goes }, 1, 0 },
    { { enters, enters, logs_out }, 0, 1 },
    { { enters, enters, enters, logs_out }, 0, 1 },
    { { enters, enters, recovers, comes_and_goes }, 1, 0 },
    { { enters, enters, expires, logs_out }, 0, 1 },
};

static void perform(const play_t *play_of, unsigned kill_one_in)
{
    raise_curtain();
    for (unsigned i = 0; i < ACTORS_MAX && play_of->roles[i]; i++) {
        cast(play_of->roles[i]);
    }
    play(kill_one_in);
}

/* Everybody runs to the end: one slot, one of them made it, none is left half written. */
static void test_interleavings(void **state)
{
    (void)state;
    for (unsigned p = 0; p < COUNT_OF(PLAYS); p++) {
        for (unsigned run = 0; run < RUNS; run++) {
            unsigned fresh = 0;
            unsigned full = 0;

            perform(&PLAYS[p], 0);
            for (unsigned i = 0; i < actors_n; i++) {
                fresh += actors[i].act == enters && actors[i].result == ABSW_TABLE_NEW;
                full += actors[i].act == enters && actors[i].result == ABSW_TABLE_FULL;
            }
            assert_int_equal(doubles, 0);
            assert_int_equal(absw_table_validate(table, 6, 0), 0);
            assert_true(live_count() == 1 || (PLAYS[p].ends && live_count() == 0));
            assert_true(fresh == 1 || (PLAYS[p].ends && fresh <= 3));
            assert_true(full == 0 || PLAYS[p].full);
        }
    }
}

/* Some are killed: never two slots, and afterwards the next request counts exactly once. */
static void test_kills(void **state)
{
    (void)state;
    for (unsigned p = 0; p < COUNT_OF(PLAYS); p++) {
        for (unsigned run = 0; run < RUNS; run++) {
            absw_table_session_t s = session(0);
            absw_table_touch_e first;

            perform(&PLAYS[p], 8);
            assert_int_equal(doubles, 0);
            if (run & 1) {
                absw_table_recover(table, NULL);
                assert_int_equal(absw_table_validate(table, 6, 0), 0);
            }
            first = absw_table_touch(table, &s, NOW + 2);
            absw_table_recover(table, NULL);
            assert_int_equal(doubles, 0);
            assert_int_equal(absw_table_validate(table, 6, 0), 0);
            if (first != ABSW_TABLE_FULL) {     /* of what is yet to be recovered */
                assert_int_equal(absw_table_touch(table, &s, NOW + 3), ABSW_TABLE_KNOWN);
            }
        }
    }
}

static int set_up(void **state)
{
    static apr_pool_t *pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    assert_int_equal(absw_table_size(1), sizeof(mem));
    table = absw_table_attach(pool, mem, 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interleavings),
        cmocka_unit_test(test_kills),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, NULL);
}
