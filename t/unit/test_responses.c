/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "responses.h"
#include "sample.h"

#define ROWS    4u
#define APPS    2u
#define PLACE   17
#define T0      SAMPLE_NOW

typedef struct {
    apr_pool_t *pool;
    absw_responses_kept_t kept;
    absw_responses_t *responses;
    absw_counter_t *counter[ROWS];
} world_t;

static void open_again(world_t *w, apr_uint32_t rows, apr_uint32_t apps)
{
    w->responses = absw_responses_open(&w->kept, rows, apps, apr_time_from_sec(T0), w->pool);
    assert_non_null(w->responses);
    for (apr_uint32_t i = 0; i < ROWS && i < rows; i++) {
        w->counter[i] = absw_responses_row(w->responses, i) + PLACE;
    }
}

static world_t make(void)
{
    world_t w = { .pool = NULL };

    apr_pool_create(&w.pool, NULL);
    open_again(&w, ROWS, APPS);
    return w;
}

static void drop(world_t *w)
{
    munmap(w->kept.mem, w->kept.size);
    apr_pool_destroy(w->pool);
}

static absw_tally_t sum_of(const world_t *w, apr_uint16_t place)
{
    absw_tally_t sum;

    absw_responses_sum(w->responses, place, &sum);
    return sum;
}

static apr_uint64_t count_at(const world_t *w, apr_uint16_t place)
{
    absw_tally_t sum = sum_of(w, place);

    return absw_tally_count(&sum);
}

static apr_uint64_t recent_at(const world_t *w, absw_sec_t now)
{
    absw_tally_t sum = sum_of(w, PLACE);
    absw_tally_t recent;

    absw_responses_recent(w->responses, PLACE, now, &sum, &recent);
    return absw_tally_count(&recent);
}

static void answer(world_t *w, int n)
{
    for (int i = 0; i < n; i++) {
        absw_responses_count(w->counter[0], 200, 1000);
    }
}

static void test_counts(void **state)
{
    world_t w = make();
    absw_tally_t sum;

    (void)state;
    absw_responses_count(w.counter[0], 200, 5000);
    absw_responses_count(w.counter[1], 204, 5001);
    absw_responses_count(w.counter[1], 302, 11000000);
    absw_responses_count(w.counter[2], 404, 0);
    absw_responses_count(w.counter[2], 503, -7);        /* the clock was set back */
    absw_responses_count(w.counter[3], 101, 9999999);   /* a WebSocket */
    sum = sum_of(&w, PLACE);
    assert_int_equal(sum.classes[0], 2);
    assert_int_equal(sum.classes[1], 1);
    assert_int_equal(sum.classes[2], 1);
    assert_int_equal(sum.classes[3], 1);
    assert_int_equal(sum.usec, 11010001);
    assert_int_equal(sum.buckets[0], 3);
    assert_int_equal(sum.buckets[1], 1);
    assert_int_equal(sum.buckets[ABSW_TALLY_BUCKETS - 1], 1);
    assert_int_equal(count_at(&w, PLACE - 1), 0);
    assert_int_equal(count_at(&w, PLACE + 1), 0);
    drop(&w);
}

static void test_bounds(void **state)
{
    world_t w = make();

    (void)state;
    assert_non_null(absw_responses_row(w.responses, ROWS - 1));
    assert_null(absw_responses_row(w.responses, ROWS));
    assert_null(absw_responses_row(NULL, 0));
    assert_ptr_equal(w.counter[ROWS - 1] - PLACE + APPS * ABSW_SIDES_MAX,
                     (char *)w.kept.mem + w.kept.size);         /* the last row fills it */
    for (unsigned i = 0; i < ROWS; i++) {
        assert_int_equal((uintptr_t)w.counter[i] % 64, 0);      /* no line is shared */
    }
    assert_int_equal(count_at(&w, 60000), 0);
    drop(&w);
}

/* Nothing is counted, and nothing falls over. */
static void test_without(void **state)
{
    absw_responses_others_t others = { .at = 1 };
    absw_tally_t sum = { .usec = 1 };

    (void)state;
    absw_responses_sum(NULL, 0, &sum);
    assert_int_equal(sum.usec, 0);
    absw_responses_keep(NULL, 0, T0);
    absw_responses_recent(NULL, 0, T0, &sum, &sum);
    absw_responses_forget(NULL, 0);
    absw_responses_set_others(NULL, 0, &others);
    absw_responses_get_others(NULL, 0, &others);
    assert_int_equal(others.at, 0);
}

/* --- processes come and go --------------------------------------------------------------- */

static void *count_a_lot(void *counter)
{
    for (int i = 0; i < 20000; i++) {
        absw_responses_count(counter, i % 10 ? 200 : 500, 1);
    }
    return NULL;
}

static void test_a_killed_process_loses_nothing(void **state)
{
    world_t w = make();
    pid_t pid = fork();
    pthread_t threads[2];

    (void)state;
    if (pid == 0) {
        for (int i = 0; i < 2; i++) {
            pthread_create(&threads[i], NULL, count_a_lot, w.counter[2]);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        kill(getpid(), SIGKILL);
    }
    count_a_lot(w.counter[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(count_at(&w, PLACE), 60000);
    assert_int_equal(sum_of(&w, PLACE).classes[3], 6000);
    absw_responses_count(w.counter[2], 200, 1);         /* the next one in that row */
    assert_int_equal(count_at(&w, PLACE), 60001);
    drop(&w);
}

static void test_restarts(void **state)
{
    world_t w = make();
    void *before = w.kept.mem;

    (void)state;
    absw_responses_count(w.counter[1], 200, 1);
    absw_responses_count(w.counter[3], 500, 20000000);
    open_again(&w, ROWS, APPS);
    assert_ptr_equal(w.kept.mem, before);               /* children may be at work on it */
    assert_int_equal(count_at(&w, PLACE), 2);
    open_again(&w, ROWS + 5, APPS * 2);
    assert_int_equal(count_at(&w, PLACE), 2);
    assert_int_equal(sum_of(&w, PLACE).usec, 20000001);
    open_again(&w, 2, APPS);
    assert_int_equal(count_at(&w, PLACE), 2);
    absw_responses_count(w.counter[0], 200, 1);
    assert_int_equal(count_at(&w, PLACE), 3);
    assert_int_equal(sum_of(&w, PLACE).classes[3], 1);
    drop(&w);
}

static void test_forget(void **state)
{
    world_t w = make();
    absw_responses_others_t others = { .at = T0 };

    (void)state;
    answer(&w, 3);
    absw_responses_count(w.counter[0] + 1, 200, 1);
    absw_responses_keep(w.responses, PLACE, T0 + 1);
    absw_responses_set_others(w.responses, PLACE, &others);
    absw_responses_forget(w.responses, PLACE);
    assert_int_equal(count_at(&w, PLACE), 0);
    assert_int_equal(count_at(&w, PLACE + 1), 1);
    answer(&w, 2);
    assert_int_equal(recent_at(&w, T0 + 400), 2);
    absw_responses_get_others(w.responses, PLACE, &others);
    assert_int_equal(others.at, 0);
    drop(&w);
}

/* --- the last minutes -------------------------------------------------------------------- */

static void test_recent(void **state)
{
    world_t w = make();

    (void)state;
    answer(&w, 5);              /* before anybody looked */
    assert_int_equal(recent_at(&w, T0), 5);
    for (absw_sec_t t = T0 + 1; t <= T0 + 1000; t++) {
        absw_responses_keep(w.responses, PLACE, t);
        answer(&w, 1);
    }
    assert_int_equal(count_at(&w, PLACE), 1005);
    assert_in_range(recent_at(&w, T0 + 1000), 300, 310);
    for (absw_sec_t t = T0 + 1001; t <= T0 + 1320; t++) {       /* quiet */
        absw_responses_keep(w.responses, PLACE, t);
    }
    assert_int_equal(recent_at(&w, T0 + 1320), 0);
    drop(&w);
}

/* A node that is young says what it has. */
static void test_recent_of_the_young(void **state)
{
    world_t w = make();

    (void)state;
    for (absw_sec_t t = T0 + 1; t <= T0 + 200; t++) {
        absw_responses_keep(w.responses, PLACE, t);
        answer(&w, 1);
    }
    assert_int_equal(recent_at(&w, T0 + 200), 200);
    drop(&w);
}

static void test_recent_when_the_clock_is_set(void **state)
{
    world_t w = make();

    (void)state;
    for (absw_sec_t t = T0 + 1; t <= T0 + 1000; t++) {
        absw_responses_keep(w.responses, PLACE, t);
        answer(&w, 1);
    }
    assert_in_range(recent_at(&w, T0 + 5000), 1, 310);          /* nobody looked for an hour */
    assert_in_range(recent_at(&w, T0 + 690), 300, 340);         /* back by five minutes */
    for (absw_sec_t t = T0 + 400; t <= T0 + 800; t++) {
        absw_responses_keep(w.responses, PLACE, t);
        answer(&w, 1);
    }
    assert_in_range(recent_at(&w, T0 + 800), 300, 310);
    drop(&w);
}

static void test_others(void **state)
{
    world_t w = make();
    absw_responses_others_t others = {
        .at = T0, .sum = { .classes = { 7 } }, .recent = { .classes = { 3 } }
    };

    (void)state;
    absw_responses_set_others(w.responses, PLACE, &others);
    memset(&others, 0, sizeof(others));
    absw_responses_get_others(w.responses, PLACE, &others);
    assert_int_equal(others.at, T0);
    assert_int_equal(others.sum.classes[0], 7);
    assert_int_equal(others.recent.classes[0], 3);
    absw_responses_get_others(w.responses, PLACE + 1, &others);
    assert_int_equal(others.at, 0);
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_a_killed_process_loses_nothing),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_recent),
        cmocka_unit_test(test_recent_of_the_young),
        cmocka_unit_test(test_recent_when_the_clock_is_set),
        cmocka_unit_test(test_others),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
