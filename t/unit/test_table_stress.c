/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>

#include "sample.h"
#include "stress.h"
#include "table_slot.h"

/*
 * The session table under fire: processes with threads that do everything at once on few keys, so
 * that they meet, and are killed wherever they are. Two slots of one key are never LIVE at the same
 * moment, nothing is ever read that was not written as a whole, and what is left counts exactly.
 *
 * A window of a few instructions is hardly ever met by chance, so every thread is interrupted
 * thousands of times a second, wherever it is, and held up while the others run on.
 */

#define NOW         SAMPLE_NOW
#define SESSIONS    48u         /* room */
#define IDS         5u          /* sessions, each on */
#define PLACES      2u          /* sides */
#define KEYS        (IDS * PLACES)
#define ROUNDS      150         /* of the race for one key */
#define HOLD_UP_NS  20000       /* as long as it takes others to do a hundred things */

typedef struct {
    _Atomic unsigned stop;
    _Atomic unsigned torn;      /* sessions seen with another's fields */
    _Atomic unsigned trusted;   /* bad tags that passed */
    _Atomic unsigned full;
    _Atomic unsigned acts;
    _Atomic unsigned recovered;
    _Atomic unsigned fresh[KEYS];
    _Atomic unsigned arrived[KEYS];
} control_t;

static control_t *control;
static void *mem;
static absw_table_t *table;
static apr_pool_t *pool;
static apr_uint32_t numbers[IDS];

static void *map_shared(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(at != MAP_FAILED);
    return at;
}

static void id_of(apr_uint32_t number, unsigned char *id)
{
    for (unsigned i = 0; i < 4; i++) {
        apr_uint32_t word = number * 2654435761u + i * number;

        memcpy(id + 4 * i, &word, 4);
    }
}

/* Sessions that all have one path: the slots before one's own come and go. */
static void choose_ids(void)
{
    apr_uint64_t id[2];
    unsigned n = 0;

    for (apr_uint32_t number = 1; n < IDS; number++) {
        absw_path_t path;

        id_of(number, (unsigned char *)id);
        path = absw_path(table, id);
        if (path.bucket[0] == table->slots && path.first == 0) {
            numbers[n++] = number;
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    control = map_shared(sizeof(*control));
    mem = map_shared(absw_table_size(SESSIONS));
    table = absw_table_attach(pool, mem, SESSIONS);
    choose_ids();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    munmap(control, sizeof(*control));
    munmap(mem, absw_table_size(SESSIONS));
    apr_pool_destroy(pool);
    return 0;
}

/* All of a session follows from its number, so that a mixture of two shows. */
static absw_table_session_t session(unsigned key)
{
    absw_table_session_t s = {
        .login = NOW - key / PLACES, .place = (apr_uint16_t)(key % PLACES), .home = 0,
        .kid = 'k', .key_check = 7
    };

    id_of(numbers[key / PLACES], s.id);
    for (unsigned i = 0; i < sizeof(s.tag); i++) {
        s.tag[i] = (unsigned char)~s.id[i];
    }
    return s;
}

static int is_whole(const absw_table_seen_t *seen)
{
    absw_sec_t number = NOW - seen->login;
    absw_table_session_t s;

    if (number < 0 || number >= IDS) {
        return 0;
    }
    s = session((unsigned)number * PLACES);
    return memcmp(s.id, seen->id, sizeof(s.id)) == 0 && seen->place < PLACES
           && seen->last >= NOW && seen->last < NOW + 1000;
}

static int is_alive(apr_uint32_t pid)
{
    return kill((pid_t)pid, 0) == 0;
}

typedef struct {
    apr_uint64_t seed;
} dice_t;

static unsigned roll(dice_t *dice, unsigned n)
{
    dice->seed ^= dice->seed << 13;
    dice->seed ^= dice->seed >> 7;
    dice->seed ^= dice->seed << 17;
    return (unsigned)(dice->seed * APR_UINT64_C(0x9e3779b97f4a7c15) >> 33) % n;
}

/* --- being held up ------------------------------------------------------------------- */

static _Thread_local timer_t interrupter;
static _Thread_local long run_on_ns;

static void run_on(void)
{
    struct itimerspec once = { .it_value = { 0, run_on_ns } };

    timer_settime(interrupter, 0, &once, NULL);
}

static void hold_up(int signal)
{
    struct timespec pause = { .tv_nsec = HOLD_UP_NS };
    int kept = errno;

    (void)signal;
    nanosleep(&pause, NULL);
    run_on_ns = (run_on_ns * 31 + 7919) % 100000 + 10000;
    run_on();
    errno = kept;
}

/* From now on the calling thread is interrupted again and again. */
static void be_held_up(unsigned number)
{
    struct sigaction action = { .sa_handler = hold_up, .sa_flags = SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };

    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    prctl(PR_SET_TIMERSLACK, 1);
    sigaction(SIGALRM, &action, NULL);
    if (timer_create(CLOCK_MONOTONIC, &event, &interrupter) == 0) {
        run_on_ns = 10000 + 1009 * (long)number;
        run_on();
    }
}

static dice_t dice_of(unsigned number)
{
    dice_t dice = { .seed = APR_UINT64_C(0x1234567) * (number + 1) + (apr_uint64_t)getpid() };

    return dice;
}

/* --- a race for one key -------------------------------------------------------------- */

/* Everybody meets at each key, then all touch it. */
static void *race(void *baton)
{
    be_held_up((unsigned)(uintptr_t)baton);
    for (unsigned key = 0; key < KEYS; key++) {
        absw_table_session_t s = session(key);

        atomic_fetch_add(&control->arrived[key], 1);
        while (atomic_load(&control->arrived[key]) < PROCESSES * THREADS
               && !atomic_load(&control->stop)) {
            sched_yield();
        }
        if (absw_table_touch(table, &s, NOW) == ABSW_TABLE_NEW) {
            atomic_fetch_add(&control->fresh[key], 1);
        }
    }
    return NULL;
}

static void run_threads(void *(*fn)(void *))
{
    pthread_t thread[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        pthread_create(&thread[i], NULL, fn, (void *)(uintptr_t)i);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
}

static pid_t start(void *(*fn)(void *))
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_threads(fn);
        _exit(0);
    }
    return pid;
}

static int count(void *baton, const absw_table_seen_t *seen)
{
    *(unsigned *)baton += is_whole(seen) ? 1 : 100000;
    return 0;
}

static unsigned live_count(void)
{
    unsigned n = 0;

    absw_table_scan(table, count, &n);
    return n;
}

static void clear(void)
{
    memset(control, 0, sizeof(*control));
    memset(mem, 0, absw_table_size(SESSIONS));
}

static void test_race(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int failed = 0;
        int status;

        clear();
        for (int i = 0; i < PROCESSES; i++) {
            start(race);
        }
        for (int i = 0; i < PROCESSES; i++) {
            if (wait(&status) < 0 || status != 0) {
                failed++;
                atomic_store(&control->stop, 1);    /* who waits for him need not */
            }
        }
        assert_int_equal(failed, 0);
        assert_int_equal(live_count(), KEYS);
        for (unsigned key = 0; key < KEYS; key++) {
            assert_int_equal(atomic_load(&control->fresh[key]), 1);
        }
        assert_int_equal(absw_table_validate(table, PLACES, 0), 0);
    }
}

/* --- a war --------------------------------------------------------------------------- */

typedef struct {
    dice_t *dice;
} sweep_t;

static int sweep(void *baton, const absw_table_seen_t *seen)
{
    sweep_t *walk = baton;

    if (!is_whole(seen)) {
        atomic_fetch_add(&control->torn, 1);
    }
    return roll(walk->dice, 10) == 0;
}

static void ask(const absw_table_session_t *s, dice_t *dice)
{
    absw_table_session_t forged = *s;
    absw_table_spot_t spot;

    if (absw_table_verified(table, s, &spot)) {
        absw_table_touch_at(&spot, NOW + roll(dice, 1000));
    }
    forged.tag[roll(dice, sizeof(forged.tag))] ^= 1;
    if (absw_table_verified(table, &forged, NULL)) {
        atomic_fetch_add(&control->trusted, 1);
    }
}

static void act(dice_t *dice)
{
    static const apr_uint16_t ALL[PLACES] = { 0, 1 };
    absw_table_session_t s = session(roll(dice, KEYS));
    sweep_t walk = { dice };
    unsigned what = roll(dice, 100);

    atomic_fetch_add_explicit(&control->acts, 1, memory_order_relaxed);
    if (what < 60) {
        if (absw_table_touch(table, &s, NOW + roll(dice, 1000)) == ABSW_TABLE_FULL) {
            atomic_fetch_add(&control->full, 1);
        }
    }
    else if (what < 85) {
        absw_table_end(table, s.id, ALL, PLACES);
    }
    else if (what < 97) {
        ask(&s, dice);
    }
    else if (what < 99) {
        absw_table_scan(table, sweep, &walk);
    }
    else {
        atomic_fetch_add(&control->recovered, absw_table_recover(table, is_alive));
    }
}

static void *fight(void *baton)
{
    dice_t dice = dice_of((unsigned)(uintptr_t)baton);

    be_held_up((unsigned)(uintptr_t)baton);
    while (!atomic_load(&control->stop)) {
        act(&dice);
    }
    return NULL;
}

/* Are two slots of the key LIVE in one moment? a was LIVE before and after b was looked at. */
static int is_double(unsigned key)
{
    absw_table_session_t s = session(key);
    absw_path_t path;
    absw_slot_t *slot[ABSW_PATH];
    apr_uint64_t word[ABSW_PATH];
    apr_uint64_t id[2];
    apr_uint64_t meta;
    unsigned n = 0;

    memcpy(id, s.id, sizeof(id));
    path = absw_path(table, id);
    for (unsigned at = 0; at < ABSW_PATH; at++) {
        slot[n] = absw_path_slot(&path, at);
        if (absw_slot_match(slot[n], &path, &word[n], &meta) && absw_meta_place(meta) == s.place
            && absw_slot_kind(word[n]) == ABSW_SLOT_LIVE) {
            for (unsigned k = 0; k < n; k++) {
                if (absw_slot_same(word[k], absw_slot_load(slot[k]))) {
                    return 1;
                }
            }
            n++;
        }
    }
    return 0;
}

static apr_int64_t milliseconds(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (apr_int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void finish_off(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* How many slots a killed process left half written. */
static unsigned half_written(void)
{
    unsigned n = 0;

    for (apr_size_t i = 0; i < (apr_size_t)table->buckets * ABSW_BUCKET; i++) {
        absw_slot_kind_e kind = absw_slot_kind(absw_slot_load(&table->slots[i]));

        n += kind == ABSW_SLOT_BUSY || kind == ABSW_SLOT_PENDING;
    }
    return n;
}

/* Kill one after the other for a while, and look on. Returns how often a key was counted twice. */
static unsigned wage_war(pid_t *pid, unsigned *kills)
{
    apr_int64_t until = milliseconds() + STRESS_MS;
    dice_t dice = dice_of(99);
    unsigned doubles = 0;

    while (milliseconds() < until) {
        unsigned victim = roll(&dice, PROCESSES);
        apr_int64_t pause = milliseconds() + 1 + roll(&dice, 8);

        while (milliseconds() < pause) {
            doubles += (unsigned)is_double(roll(&dice, KEYS));
        }
        finish_off(pid[victim]);
        (*kills)++;
        pid[victim] = start(fight);
    }
    return doubles;
}

static void test_war(void **state)
{
    pid_t pid[PROCESSES];
    unsigned kills = 0;
    unsigned doubles;
    unsigned left = 0;

    (void)state;
    clear();
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = start(fight);
    }
    doubles = wage_war(pid, &kills);
    for (int i = 0; i < PROCESSES; i++) {
        finish_off(pid[i]);
    }
    left = half_written();
    assert_int_equal(absw_table_recover(table, is_alive), left);
    assert_int_equal(half_written(), 0);
    assert_int_equal(absw_table_validate(table, PLACES, 0), 0);

    assert_int_equal(doubles, 0);
    assert_int_equal(atomic_load(&control->torn), 0);
    assert_int_equal(atomic_load(&control->trusted), 0);
    assert_int_equal(atomic_load(&control->full), 0);
    assert_true(kills > 10);
    assert_true(atomic_load(&control->acts) > 1000);
    printf("# %u acts, %u kills, %u slots recovered, %u of them at the last\n",
           atomic_load(&control->acts), kills, atomic_load(&control->recovered) + left, left);

    for (unsigned key = 0; key < KEYS; key++) {
        absw_table_session_t s = session(key);
        absw_table_touch(table, &s, NOW);
    }
    assert_int_equal(live_count(), KEYS);
    assert_int_equal(absw_table_validate(table, PLACES, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race),
        cmocka_unit_test(test_war),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
