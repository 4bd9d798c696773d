/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cell.h"
#include "sample.h"

#define WAR_MS      1000
#define PROCESSES   3
#define DEAD_PID    0x7ffffff0u     /* above every pid_max */

/* Not a whole number of words. */
typedef struct {
    apr_uint64_t number[20];
    char tail[5];
} value_t;

typedef struct {
    ABSW_CELL(value_t) cell;
    _Atomic unsigned torn;
    _Atomic unsigned backwards;
    _Atomic unsigned writes;
    _Atomic unsigned stop;
} world_t;

#define CELL(w)     (&(w)->cell.head)
#define READ(w, v)  absw_cell_read(CELL(w), sizeof(value_t), v)
#define WRITE(w, v, version) absw_cell_write(CELL(w), sizeof(value_t), v, version)

static world_t *make(void)
{
    world_t *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(w != MAP_FAILED);
    return w;
}

static void drop(world_t *w)
{
    munmap(w, sizeof(*w));
}

static value_t value_of(apr_uint64_t number)
{
    value_t v;

    memset(&v, 0, sizeof(v));
    for (unsigned i = 0; i < COUNT_OF(v.number); i++) {
        v.number[i] = number * (i + 1);
    }
    memcpy(v.tail, &number, sizeof(v.tail));
    return v;
}

static int is_value(const value_t *v)
{
    value_t whole = value_of(v->number[0]);

    return memcmp(v, &whole, sizeof(whole)) == 0;
}

static apr_uint64_t number_in(world_t *w)
{
    value_t v;

    memset(&v, 0, sizeof(v));
    READ(w, &v);
    assert_true(is_value(&v));
    return v.number[0];
}

static void test_read_and_write(void **state)
{
    world_t *w = make();
    value_t v;

    (void)state;
    memset(&v, 0, sizeof(v));
    assert_int_equal(number_in(w), 0);
    for (apr_uint64_t i = 1; i < 100; i++) {
        value_t next = value_of(i * APR_UINT64_C(0x123456789ab));

        assert_int_equal(WRITE(w, &next, READ(w, &v)), APR_SUCCESS);
        assert_int_equal(number_in(w), next.number[0]);
    }
    drop(w);
}

/* Word by word it is the same, until somebody writes. */
static void test_look(void **state)
{
    world_t *w = make();
    value_t v = value_of(77);
    absw_cell_look_t look;

    (void)state;
    assert_int_equal(WRITE(w, &v, 0), APR_SUCCESS);
    look = absw_cell_look(CELL(w), sizeof(value_t));
    for (unsigned i = 0; i < COUNT_OF(v.number); i++) {
        assert_int_equal(absw_cell_word(&look, i), v.number[i]);
    }
    assert_int_equal(absw_cell_same(CELL(w), &look), 1);
    assert_int_equal(WRITE(w, &v, look.version), APR_SUCCESS);
    assert_int_equal(absw_cell_same(CELL(w), &look), 0);
    drop(w);
}

static void test_late_writer_is_refused(void **state)
{
    world_t *w = make();
    value_t one = value_of(1);
    value_t two = value_of(2);
    value_t v;
    apr_uint64_t version = READ(w, &v);

    (void)state;
    assert_int_equal(WRITE(w, &one, version), APR_SUCCESS);
    assert_int_equal(WRITE(w, &two, version), APR_EAGAIN);
    assert_int_equal(number_in(w), 1);
    assert_int_equal(absw_cell_force(CELL(w), sizeof(two), &two), 1);
    assert_int_equal(number_in(w), 2);
    drop(w);
}

/* Copies that others have claimed, by pid, before somebody writes again and again. */
static void test_claimed_copies(void **state)
{
    const apr_uint32_t alive = (apr_uint32_t)getppid();
    const struct {
        apr_uint32_t owner[ABSW_CELL_COPIES];
        int writes;
    } ROWS[] = {
        { { 0, 0, 0 }, 1 },
        { { 0, DEAD_PID, DEAD_PID }, 1 },
        { { 0, alive, 0 }, 1 },
        { { 0, alive, DEAD_PID }, 1 },
        { { 0, alive, alive }, 0 },
        { { alive, 0, 0 }, 1 },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        world_t *w = make();
        value_t v;

        for (unsigned k = 0; k < ABSW_CELL_COPIES; k++) {
            w->cell.head.owner[k] = ROWS[i].owner[k];
        }
        v = value_of(5);
        assert_int_equal(WRITE(w, &v, 0), ROWS[i].writes ? APR_SUCCESS : APR_EBUSY);
        assert_int_equal(number_in(w), ROWS[i].writes ? 5 : 0);
        absw_cell_recover(CELL(w));
        v = value_of(6);
        assert_int_equal(absw_cell_force(CELL(w), sizeof(v), &v), 1);
        assert_int_equal(number_in(w), 6);
        drop(w);
    }
}

/* A writer was stopped in the middle of his copy; others write; he wakes and goes on. */
static void test_stopped_writer(void **state)
{
    world_t *w = make();

    (void)state;
    for (unsigned copy = 0; copy < ABSW_CELL_COPIES; copy++) {
        value_t v = value_of(100);
        _Atomic apr_uint64_t *words = w->cell.words[copy];

        absw_cell_force(CELL(w), sizeof(v), &v);
        if ((w->cell.head.version & 3) == copy) {
            continue;
        }
        w->cell.head.owner[copy] = (apr_uint32_t)getppid();
        for (apr_uint64_t i = 1; i < 20; i++) {
            v = value_of(i);
            assert_int_equal(absw_cell_force(CELL(w), sizeof(v), &v), 1);
            words[i] = 0xdead;
            assert_int_equal(number_in(w), i);
        }
        w->cell.head.owner[copy] = 0;
        v = value_of(50);
        assert_int_equal(absw_cell_force(CELL(w), sizeof(v), &v), 1);
        assert_int_equal(number_in(w), 50);
    }
    drop(w);
}

static void test_rubbish(void **state)
{
    world_t *w = make();
    value_t v;

    (void)state;
    memset(&w->cell, 0xff, sizeof(w->cell));
    READ(w, &v);        /* something, of its own memory */
    absw_cell_recover(CELL(w));
    v = value_of(3);
    assert_int_equal(absw_cell_force(CELL(w), sizeof(v), &v), 1);
    assert_int_equal(number_in(w), 3);
    drop(w);
}

/* --- writers that are killed, and readers -------------------------------------------- */

static void *write_on(void *baton)
{
    world_t *w = baton;

    while (!w->stop) {
        value_t v;
        value_t next;
        apr_uint64_t version = READ(w, &v);

        next = value_of(v.number[0] + 1);
        w->torn += !is_value(&v);
        w->writes += WRITE(w, &next, version) == APR_SUCCESS;
    }
    return NULL;
}

static void *read_on(void *baton)
{
    world_t *w = baton;
    apr_uint64_t last = 0;

    while (!w->stop) {
        value_t v;

        absw_cell_look_t look;

        READ(w, &v);
        w->torn += !is_value(&v);
        w->backwards += v.number[0] < last;
        last = v.number[0];

        look = absw_cell_look(CELL(w), sizeof(value_t));
        v.number[0] = absw_cell_word(&look, 0);
        v.number[19] = absw_cell_word(&look, 19);
        w->torn += absw_cell_same(CELL(w), &look) && v.number[19] != v.number[0] * 20;
    }
    return NULL;
}

static pid_t start(world_t *w)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t writer;
        pthread_t reader;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pthread_create(&writer, NULL, write_on, w);
        pthread_create(&reader, NULL, read_on, w);
        pthread_join(writer, NULL);
        pthread_join(reader, NULL);
        _exit(0);
    }
    return pid;
}

static void finish_off(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static apr_int64_t milliseconds(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (apr_int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void test_war(void **state)
{
    world_t *w = make();
    pid_t pid[PROCESSES];
    apr_int64_t until = milliseconds() + WAR_MS;
    unsigned writes;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = start(w);
    }
    for (int i = 0; milliseconds() < until; i = (i + 1) % PROCESSES) {
        usleep(3000);
        finish_off(pid[i]);
        pid[i] = start(w);
    }
    /* those that were killed block nobody */
    writes = w->writes;
    for (until = milliseconds() + 10000; w->writes == writes && milliseconds() < until;) {
        usleep(1000);
    }
    for (int i = 0; i < PROCESSES; i++) {
        finish_off(pid[i]);
    }
    assert_int_equal(w->torn, 0);
    assert_int_equal(w->backwards, 0);
    assert_true(w->writes > writes);
    assert_true(number_in(w) >= w->writes);
    drop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_and_write),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_late_writer_is_refused),
        cmocka_unit_test(test_claimed_copies),
        cmocka_unit_test(test_stopped_writer),
        cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_war),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
