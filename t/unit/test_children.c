/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "children.h"
#include "process.h"
#include "sample.h"

#define ROWS_N  3u
#define APPS    2u
#define PLACE   17      /* of the second application */

typedef struct {
    apr_pool_t *pool;
    void *mem;
    apr_size_t size;
    absw_children_t *children;
    absw_board_app_t app[APPS];
} world_t;

static world_t make_of(apr_uint32_t rows, apr_uint32_t apps)
{
    world_t w = { .size = absw_children_size(rows, apps), .app = { { .app = 0 }, { .app = 1 } } };

    apr_pool_create(&w.pool, NULL);
    w.mem = mmap(NULL, w.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(w.mem != MAP_FAILED);
    w.children = absw_children_attach(w.pool, w.mem, rows, apps);
    return w;
}

static world_t make(void)
{
    return make_of(ROWS_N, APPS);
}

static void drop(world_t *w)
{
    munmap(w->mem, w->size);
    apr_pool_destroy(w->pool);
}

static apr_uint32_t dead_pid;

static int is_alive(apr_uint32_t pid)
{
    return pid != dead_pid;
}

static apr_uint64_t verdicts_of(world_t *w, int app, absw_verdict_e verdict)
{
    apr_uint64_t verdicts[ABSW_VERDICT_COUNT];

    absw_children_verdicts(w->children, &w->app[app], verdicts);
    return verdicts[verdict];
}

static apr_uint32_t in_flight(world_t *w)
{
    return absw_children_in_flight(w->children, PLACE, is_alive);
}

/* The first word of a row, as children.c has it: behind the head. */
static _Atomic apr_uint64_t *owner_of(world_t *w, unsigned row)
{
    apr_size_t row_size = (w->size - 64) / ROWS_N;

    return (_Atomic apr_uint64_t *)(void *)((char *)w->mem + 64 + row * row_size);
}

#define CLEARING (APR_UINT64_C(1) << 32)

static void test_rows_are_cache_lines(void **state)
{
    (void)state;
    for (apr_uint32_t apps = 1; apps < 40; apps++) {
        assert_int_equal(absw_children_size(1, apps) % 64, 0);
        assert_int_equal(absw_children_size(2, apps) % 64, 0);
    }
}

static void test_counts(void **state)
{
    world_t w = make();
    absw_child_t *one = absw_children_join(w.children, 11);
    absw_child_t *two = absw_children_join(w.children, 12);

    (void)state;
    dead_pid = 0;
    assert_ptr_not_equal(one, two);
    absw_child_in_flight(one, PLACE, 1);
    absw_child_in_flight(one, PLACE, 1);
    absw_child_in_flight(two, PLACE, 1);
    absw_child_in_flight(two, PLACE - 1, 1);
    absw_child_in_flight(one, PLACE, -1);
    absw_child_verdict(w.children, one, 1, ABSW_PASS);
    absw_child_verdict(w.children, two, 1, ABSW_PASS);
    absw_child_verdict(w.children, two, 0, ABSW_DOOR);
    assert_int_equal(in_flight(&w), 2);
    assert_int_equal(absw_children_in_flight(w.children, PLACE - 1, is_alive), 1);
    assert_int_equal(absw_children_in_flight(w.children, 0, is_alive), 0);
    assert_int_equal(absw_children_in_flight(w.children, 31, is_alive), 0);
    assert_int_equal(verdicts_of(&w, 1, ABSW_PASS), 2);
    assert_int_equal(verdicts_of(&w, 0, ABSW_PASS), 0);
    assert_int_equal(verdicts_of(&w, 0, ABSW_DOOR), 1);
    w.app[0].app = -1;      /* no place on the board */
    assert_int_equal(verdicts_of(&w, 0, ABSW_DOOR), 0);
    drop(&w);
}

/* A child is gone: at once for the counts, and for its row once somebody reaps. */
static void test_killed_child(void **state)
{
    world_t w = make();
    absw_child_t *one = absw_children_join(w.children, 11);
    absw_child_t *two = absw_children_join(w.children, 12);

    (void)state;
    absw_child_in_flight(one, PLACE, 1);
    absw_child_in_flight(two, PLACE, 1);
    absw_child_verdict(w.children, one, 1, ABSW_PASS);
    dead_pid = 11;
    assert_int_equal(in_flight(&w), 1);
    assert_int_equal(absw_children_reap(w.children, is_alive), 1);
    assert_int_equal(absw_children_reap(w.children, is_alive), 0);
    dead_pid = 0;
    assert_int_equal(in_flight(&w), 1);
    assert_int_equal(verdicts_of(&w, 1, ABSW_PASS), 1);

    /* its row begins with nothing in flight, and its verdicts are counted on */
    assert_ptr_equal(absw_children_join(w.children, 13), one);
    assert_int_equal(in_flight(&w), 1);
    absw_child_verdict(w.children, one, 1, ABSW_PASS);
    assert_int_equal(verdicts_of(&w, 1, ABSW_PASS), 2);
    drop(&w);
}

static void test_leave(void **state)
{
    world_t w = make();
    absw_child_t *one = absw_children_join(w.children, 11);

    (void)state;
    dead_pid = 0;
    absw_children_leave(w.children, NULL);
    absw_child_in_flight(one, PLACE, 1);
    absw_child_verdict(w.children, one, 1, ABSW_PASS);
    absw_children_leave(w.children, one);       /* a thread is not through yet */
    assert_int_equal(in_flight(&w), 1);
    assert_int_equal(absw_children_any(w.children, is_alive), 1);
    absw_child_in_flight(one, PLACE, -1);
    absw_children_leave(w.children, one);
    assert_int_equal(absw_children_any(w.children, is_alive), 0);
    assert_int_equal(verdicts_of(&w, 1, ABSW_PASS), 1);
    assert_ptr_equal(absw_children_join(w.children, 12), one);
    drop(&w);
}

static void test_no_row_is_left(void **state)
{
    world_t w = make();

    (void)state;
    dead_pid = 0;
    for (apr_uint32_t i = 0; i < ROWS_N; i++) {
        assert_non_null(absw_children_join(w.children, 20 + i));
    }
    assert_int_equal(absw_children_overflow(w.children), 0);
    assert_null(absw_children_join(w.children, 30));
    assert_int_equal(absw_children_overflow(w.children), 1);
    absw_child_in_flight(NULL, PLACE, 1);
    absw_child_verdict(w.children, NULL, 1, ABSW_PASS);

    /* as long as that process lives */
    dead_pid = 20;
    absw_children_reap(w.children, is_alive);
    assert_int_equal(absw_children_overflow(w.children), 1);
    dead_pid = 30;
    absw_children_reap(w.children, is_alive);
    assert_int_equal(absw_children_overflow(w.children), 0);
    assert_non_null(absw_children_join(w.children, 31));
    drop(&w);
}

/* More of them than can be remembered: said until the next start. */
static void test_many_are_left_out(void **state)
{
    world_t w = make();

    (void)state;
    for (apr_uint32_t i = 0; i < 40; i++) {
        absw_children_join(w.children, 20 + i);
    }
    for (apr_uint32_t i = 0; i < 40; i++) {
        dead_pid = 20 + i;
        absw_children_reap(w.children, is_alive);
    }
    assert_int_equal(absw_children_overflow(w.children), 1);
    absw_children_reap(w.children, NULL);
    assert_int_equal(absw_children_overflow(w.children), 0);
    drop(&w);
}

static void test_any(void **state)
{
    world_t w = make();

    (void)state;
    dead_pid = 20;
    assert_int_equal(absw_children_any(w.children, is_alive), 0);
    absw_children_join(w.children, 20);
    assert_int_equal(absw_children_any(w.children, is_alive), 0);
    absw_children_join(w.children, 21);
    assert_int_equal(absw_children_any(w.children, is_alive), 1);
    drop(&w);

    w = make();
    for (apr_uint32_t i = 0; i < ROWS_N; i++) {
        absw_children_join(w.children, 20);     /* each clears the one before */
    }
    *owner_of(&w, 0) = *owner_of(&w, 1) = *owner_of(&w, 2) = 20;
    assert_null(absw_children_join(w.children, 30));
    assert_int_equal(absw_children_any(w.children, is_alive), 1);   /* the one without a row */
    drop(&w);
}

/* Who clears a row was killed over it: the next one does it. Who is stopped keeps it. */
static void test_clearing_is_interrupted(void **state)
{
    world_t w = make();
    absw_child_t *one = absw_children_join(w.children, 11);

    (void)state;
    absw_child_in_flight(one, PLACE, 1);
    *owner_of(&w, 0) = CLEARING | 50;
    dead_pid = 0;
    assert_int_equal(in_flight(&w), 0);
    assert_int_equal(absw_children_any(w.children, is_alive), 0);
    assert_int_equal(absw_children_reap(w.children, is_alive), 0);
    assert_ptr_not_equal(absw_children_join(w.children, 12), one);
    dead_pid = 50;
    assert_int_equal(absw_children_reap(w.children, is_alive), 1);
    assert_ptr_equal(absw_children_join(w.children, 13), one);
    assert_int_equal(in_flight(&w), 0);
    drop(&w);
}

/* A new process has the pid of one whose row nobody has reaped yet. */
static void test_pid_comes_round(void **state)
{
    world_t w = make();
    absw_child_t *one;

    (void)state;
    dead_pid = 0;
    absw_children_join(w.children, 10);
    one = absw_children_join(w.children, 11);
    absw_child_in_flight(one, PLACE, 1);
    assert_ptr_equal(absw_children_join(w.children, 11), one);
    assert_int_equal(in_flight(&w), 0);
    drop(&w);
}

/* At a start: rows of processes that are gone, though somebody has their pid. */
static void test_recover(void **state)
{
    world_t w = make();
    apr_uint32_t self = (apr_uint32_t)getpid();
    absw_child_t *mine = absw_children_join(w.children, self);
    absw_child_t *other = absw_children_join(w.children, (apr_uint32_t)getppid());
    absw_child_t *gone = absw_children_join(w.children, 0x7ffffff0u);

    (void)state;
    absw_child_in_flight(mine, PLACE, 1);
    absw_child_in_flight(other, PLACE, 1);
    absw_child_in_flight(gone, PLACE, 1);
    absw_children_join(w.children, 5);      /* is left out */
    dead_pid = 0;
    owner_of(&w, 1)[1]++;                   /* began at another time */
    absw_children_recover(w.children);
    assert_int_equal(in_flight(&w), 1);
    assert_int_equal((apr_uint32_t)*owner_of(&w, 0), self);
    assert_int_equal(*owner_of(&w, 1), 0);
    assert_int_equal(*owner_of(&w, 2), 0);
    assert_int_equal(absw_children_overflow(w.children), 0);
    drop(&w);
}

static void test_forget(void **state)
{
    world_t w = make();
    absw_child_t *one = absw_children_join(w.children, 11);

    (void)state;
    absw_child_verdict(w.children, one, 0, ABSW_PASS);
    absw_child_verdict(w.children, one, 1, ABSW_PASS);
    absw_children_forget(w.children, 0);
    assert_int_equal(verdicts_of(&w, 0, ABSW_PASS), 0);
    assert_int_equal(verdicts_of(&w, 1, ABSW_PASS), 1);
    drop(&w);
}

static void test_take_over(void **state)
{
    static const struct {
        apr_uint32_t rows, apps;
    } ROWS[] = { { 1, 2 }, { 9, 9 }, { 2, 1 } };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        world_t from = make();
        world_t to = make_of(ROWS[i].rows, ROWS[i].apps);

        for (apr_uint32_t pid = 1; pid <= ROWS_N; pid++) {
            absw_child_t *child = absw_children_join(from.children, pid);

            absw_child_verdict(from.children, child, 0, ABSW_PASS);
            absw_child_verdict(from.children, child, 1, ABSW_DOOR);
            absw_child_in_flight(child, 0, 1);
        }
        absw_children_take_over(to.children, from.children);
        assert_int_equal(verdicts_of(&to, 0, ABSW_PASS), 3);
        assert_int_equal(verdicts_of(&to, 0, ABSW_DOOR), 0);
        if (ROWS[i].apps > 1) {
            assert_int_equal(verdicts_of(&to, 1, ABSW_DOOR), 3);
        }
        assert_int_equal(absw_children_any(to.children, is_alive), 0);
        assert_int_equal(absw_children_in_flight(to.children, 0, is_alive), 0);
        drop(&from);
        drop(&to);
    }
}

/* --- for real ------------------------------------------------------------------------ */

#define LOOPS   20000
#define THREADS 3

typedef struct {
    world_t *w;
    absw_child_t *child;
} work_t;

static void *work(void *baton)
{
    work_t *mine = baton;

    for (int i = 0; i < LOOPS; i++) {
        absw_child_in_flight(mine->child, PLACE, 1);
        absw_child_verdict(mine->w->children, mine->child, 1, ABSW_PASS);
        absw_child_in_flight(mine->child, PLACE, -1);
    }
    return NULL;
}

/* Serves LOOPS requests in each thread, then one that never ends. */
static void serve(world_t *w)
{
    work_t mine = { w, absw_children_join(w->children, (apr_uint32_t)getpid()) };
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++) {
        pthread_create(&thread[i], NULL, work, &mine);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    absw_child_in_flight(mine.child, PLACE, 1);
    pause();
}

static void test_processes(void **state)
{
    world_t w = make();
    pid_t pid[ROWS_N];
    apr_uint64_t last = 0;

    (void)state;
    for (unsigned i = 0; i < ROWS_N; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(&w);
            _exit(1);
        }
    }
    while (last < (apr_uint64_t)LOOPS * THREADS * ROWS_N) {
        apr_uint64_t now = verdicts_of(&w, 1, ABSW_PASS);

        assert_true(now >= last && now <= (apr_uint64_t)LOOPS * THREADS * ROWS_N);
        last = now;
    }
    while (absw_children_in_flight(w.children, PLACE, absw_process_lives) < ROWS_N) {
        usleep(1000);
    }
    for (unsigned i = 0; i < ROWS_N; i++) {
        assert_int_equal(absw_children_in_flight(w.children, PLACE, absw_process_lives),
                         ROWS_N - i);
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    assert_int_equal(absw_children_in_flight(w.children, PLACE, absw_process_lives), 0);
    assert_int_equal(absw_children_reap(w.children, absw_process_lives), ROWS_N);
    assert_int_equal(verdicts_of(&w, 1, ABSW_PASS), LOOPS * THREADS * ROWS_N);
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_cache_lines),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_killed_child),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_no_row_is_left),
        cmocka_unit_test(test_many_are_left_out),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_clearing_is_interrupted),
        cmocka_unit_test(test_pid_comes_round),
        cmocka_unit_test(test_recover),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_take_over),
        cmocka_unit_test(test_processes),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
