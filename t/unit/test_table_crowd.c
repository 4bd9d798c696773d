/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>

#include "census.h"
#include "dice.h"
#include "sample.h"
#include "stress.h"
#include "table.h"

/*
 * No count is lost: processes with threads let sessions come, click, idle and log out, sweepers
 * free those that have idled, everybody may be killed anywhere. Each thread keeps a book of its
 * sessions, which outlives its process: what a call returned, and in the end the table itself,
 * are to agree with the books in every session but those in the hands of somebody killed.
 */

#define NOW         SAMPLE_NOW
#define IDLE        1800
#define LANES       (PROCESSES * THREADS)
#define OWN         (2048u / LANES) /* sessions of a lane; of one side each */
#define PLACES      4u
#define ROOM        3072u           /* sessions of the table */

typedef enum {
    GONE,
    HERE,
    FADING,                         /* it has idled: a sweeper may free it at any time */
    UNSURE                          /* in the hands of a process that was killed */
} book_e;

typedef struct {
    _Atomic int book[OWN];
    _Atomic int in_hand;            /* a session's number and one more; 0: none */
} lane_t;

typedef struct {
    lane_t lanes[LANES];
    _Atomic unsigned stop;
    _Atomic unsigned wrong[8];      /* by what was called */
    _Atomic unsigned calls;
    _Atomic unsigned swept;
    _Atomic unsigned recovered;
} control_t;

enum { TOUCHED, VERIFIED, FULL, FORGED };

static control_t *control;
static void *mem;
static absw_table_t *table;
static apr_pool_t *pool;

static void *map_shared(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(at != MAP_FAILED);
    return at;
}

static int set_up(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    control = map_shared(sizeof(*control));
    mem = map_shared(absw_table_size(ROOM));
    table = absw_table_attach(pool, mem, ROOM);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    munmap(control, sizeof(*control));
    munmap(mem, absw_table_size(ROOM));
    apr_pool_destroy(pool);
    return 0;
}

static absw_table_session_t session(unsigned lane, unsigned own)
{
    absw_table_session_t s = {
        .login = NOW - 2 * IDLE, .place = (apr_uint16_t)(own % PLACES),
        .home = (apr_uint16_t)(own % PLACES), .kid = 'k', .key_check = 7
    };
    dice_t d = { lane * OWN + own + 1 };

    for (unsigned i = 0; i < sizeof(s.id); i += 8) {
        apr_uint64_t word = dice(&d);

        memcpy(s.id + i, &word, 8);
        memcpy(s.tag + i, &word, 8);
    }
    memcpy(s.id, &(apr_uint32_t){ lane * OWN + own }, 4);       /* to be found by */
    return s;
}

static int is_alive(apr_uint32_t pid)
{
    return kill((pid_t)pid, 0) == 0;
}

static void note(int what)
{
    atomic_fetch_add(&control->wrong[what], 1);
}

/* --- a lane ---------------------------------------------------------------------------- */

static void touch(const absw_table_session_t *s, _Atomic int *book, int fades)
{
    int was = atomic_load(book);
    absw_table_touch_e got = absw_table_touch(table, s, fades ? NOW - 2 * IDLE : NOW);

    if (got == ABSW_TABLE_FULL) {
        note(FULL);
    }
    else if (was == GONE ? got != ABSW_TABLE_NEW : was == HERE && got != ABSW_TABLE_KNOWN) {
        note(TOUCHED);
    }
    atomic_store(book, fades ? FADING : HERE);
}

/* By a clock that was set back a session fades, though others click at the same time. */
static void act(lane_t *lane, unsigned number, dice_t *d)
{
    static const apr_uint16_t all[PLACES] = { 0, 1, 2, 3 };
    unsigned own = dice_below(d, OWN);
    absw_table_session_t s = session(number, own);
    _Atomic int *book = &lane->book[own];
    unsigned what = dice_below(d, 100);

    atomic_fetch_add_explicit(&control->calls, 1, memory_order_relaxed);
    atomic_store(&lane->in_hand, (int)own + 1);
    if (what < 50) {
        touch(&s, book, 0);
    }
    else if (what < 60) {
        touch(&s, book, 1);
    }
    else if (what < 80) {
        absw_table_end(table, s.id, all, PLACES);
        atomic_store(book, GONE);
    }
    else {
        int was = atomic_load(book);
        absw_table_spot_t spot;
        int got = absw_table_verified(table, &s, &spot);

        if (was == GONE ? got : was == HERE && !got) {
            note(VERIFIED);
        }
        if (got && absw_table_touch_at(&spot, NOW)) {
            atomic_store(book, HERE);
        }
        s.tag[dice_below(d, sizeof(s.tag))] ^= 1;
        if (absw_table_verified(table, &s, NULL)) {
            note(FORGED);
        }
    }
    atomic_store(&lane->in_hand, 0);
}

static void *live(void *baton)
{
    unsigned number = (unsigned)(uintptr_t)baton;
    lane_t *lane = &control->lanes[number];
    dice_t d = { (apr_uint64_t)getpid() * LANES + number };
    int left = atomic_exchange(&lane->in_hand, 0);

    if (left) {
        atomic_store(&lane->book[left - 1], UNSURE);
    }
    while (!atomic_load(&control->stop)) {
        act(lane, number, &d);
    }
    return NULL;
}

/* --- a sweeper ------------------------------------------------------------------------- */

/* Who has idled goes; somebody may click between the look and the end of it. */
static int drop_slowly(void *baton, const absw_table_seen_t *seen)
{
    (void)baton;
    if (seen->last >= NOW - IDLE) {
        return 0;
    }
    sched_yield();
    return 1;
}

static void *sweep(void *baton)
{
    absw_census_rule_t rules[PLACES];
    absw_census_count_t counts[PLACES];
    int slowly = (uintptr_t)baton % THREADS != 0;

    for (unsigned i = 0; i < PLACES; i++) {
        rules[i] = (absw_census_rule_t){ .configured = 1, .idle = IDLE };
    }
    while (!atomic_load(&control->stop)) {
        if (slowly) {
            absw_table_scan(table, drop_slowly, NULL);
        }
        else {
            absw_census_take(table, rules, counts, PLACES, NOW, 1);
        }
        atomic_fetch_add(&control->swept, 1);
        atomic_fetch_add(&control->recovered, absw_table_recover(table, is_alive));
    }
    return NULL;
}

/* --- processes ------------------------------------------------------------------------- */

/* The last one sweeps. */
static pid_t start(unsigned process)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread[THREADS];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 0; i < THREADS; i++) {
            unsigned lane = process * THREADS + i;

            pthread_create(&thread[i], NULL, process < PROCESSES ? live : sweep,
                           (void *)(uintptr_t)lane);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(thread[i], NULL);
        }
        _exit(0);
    }
    return pid;
}

static int finish_off(pid_t pid, int signal)
{
    int status = 0;

    if (signal) {
        kill(pid, signal);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static apr_int64_t milliseconds(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (apr_int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static unsigned kill_at_random(pid_t *pid)
{
    apr_int64_t until = milliseconds() + STRESS_MS;
    dice_t d = { (apr_uint64_t)getpid() };
    unsigned kills = 0;

    while (milliseconds() < until) {
        struct timespec pause = { .tv_nsec = 1000000 + dice_below(&d, 9000000) };
        unsigned victim = dice_below(&d, PROCESSES + 1);

        nanosleep(&pause, NULL);
        finish_off(pid[victim], SIGKILL);
        pid[victim] = start(victim);
        kills++;
    }
    return kills;
}

/* --- the books against the table --------------------------------------------------------- */

typedef struct {
    unsigned met[LANES * OWN];
    unsigned strange;
} met_t;

static int meet(void *baton, const absw_table_seen_t *seen)
{
    met_t *met = baton;
    apr_uint32_t number;
    absw_table_session_t s;

    memcpy(&number, seen->id, 4);
    if (number >= LANES * OWN) {
        met->strange++;
        return 0;
    }
    s = session(number / OWN, number % OWN);
    if (memcmp(s.id, seen->id, sizeof(s.id)) != 0 || seen->place != s.place
        || seen->login != s.login || (seen->last != NOW && seen->last != NOW - 2 * IDLE)) {
        met->strange++;
    }
    met->met[number]++;
    return 0;
}

/* How many sessions the table says other of than the books. */
static unsigned disagreements(unsigned *here, unsigned *unsure)
{
    static met_t met;
    unsigned wrong;

    memset(&met, 0, sizeof(met));
    absw_table_scan(table, meet, &met);
    wrong = met.strange;
    for (unsigned i = 0; i < LANES * OWN; i++) {
        lane_t *lane = &control->lanes[i / OWN];
        int book = atomic_load(&lane->book[i % OWN]);

        if (atomic_load(&lane->in_hand) == (int)(i % OWN) + 1) {
            book = UNSURE;
        }
        *here += book == HERE;
        *unsure += book == UNSURE;
        wrong += met.met[i] > 1 || (book == HERE && !met.met[i]) || (book == GONE && met.met[i]);
    }
    return wrong;
}

static void test_crowd(void **state)
{
    pid_t pid[PROCESSES + 1];
    unsigned here = 0;
    unsigned unsure = 0;
    unsigned kills;
    unsigned ill = 0;

    (void)state;
    for (unsigned i = 0; i <= PROCESSES; i++) {
        pid[i] = start(i);
    }
    kills = kill_at_random(pid);
    for (unsigned i = 0; i < PROCESSES / 2; i++) {
        finish_off(pid[i], SIGKILL);
    }
    atomic_store(&control->stop, 1);
    for (unsigned i = PROCESSES / 2; i <= PROCESSES; i++) {
        ill += finish_off(pid[i], 0) != 0;
    }
    absw_table_recover(table, is_alive);
    assert_int_equal(ill, 0);
    assert_int_equal(absw_table_validate(table, PLACES, 0), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(atomic_load(&control->wrong[i]), 0);
    }
    assert_int_equal(disagreements(&here, &unsure), 0);
    assert_in_range(here, 100, LANES * OWN);
    assert_true(unsure < LANES * OWN / 10);
    assert_true(kills > 2 && atomic_load(&control->swept) > 2);
    printf("# %u calls, %u kills, %u sweeps, %u slots recovered; %u sessions, %u unsure\n",
           atomic_load(&control->calls), kills, atomic_load(&control->swept),
           atomic_load(&control->recovered), here, unsure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crowd),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
