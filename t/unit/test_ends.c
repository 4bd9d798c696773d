/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "dice.h"
#include "ends.h"
#include "sample.h"

#define NOW SAMPLE_NOW

typedef struct {
    apr_pool_t *pool;
    void *mem;                  /* shared with children */
    absw_ends_t *ends;
} room_t;

static int set_up(void **state)
{
    room_t *room = calloc(1, sizeof(*room));

    apr_initialize();
    apr_pool_create(&room->pool, NULL);
    room->mem = mmap(NULL, absw_ends_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0);
    room->ends = absw_ends_attach(room->mem);
    *state = room;
    return room->mem == MAP_FAILED ? -1 : 0;
}

static int tear_down(void **state)
{
    room_t *room = *state;

    munmap(room->mem, absw_ends_size());
    apr_pool_destroy(room->pool);
    free(room);
    apr_terminate();
    return 0;
}

/* --- the ring ---------------------------------------------------------------------------- */

static void test_recent(void **state)
{
    room_t *room = *state;
    absw_end_t list[10];
    int lost = 1;

    assert_true(absw_ends_size() < 100 * 1024);
    assert_int_equal(absw_ends_recent(room->ends, 0, 0, NOW, list, 10, &lost), 0);
    assert_false(lost);
    absw_ends_add(room->ends, 0, 11, NOW - 121);
    absw_ends_add(room->ends, 0, 12, NOW - 120);
    absw_ends_add(room->ends, 1, 13, NOW - 60);         /* of another application */
    absw_ends_add(room->ends, 0, 0, NOW - 50);          /* a hash like any other */
    absw_ends_add(room->ends, 0, 14, NOW);
    absw_ends_add(room->ends, 0, 15, NOW + 1);
    absw_ends_add(room->ends, 0, 16, 0);
    absw_ends_add(room->ends, 0, 17, APR_INT64_C(1) << 32);
    assert_int_equal(absw_ends_recent(room->ends, 0, NOW - 120, NOW, list, 10, &lost), 3);
    assert_false(lost);
    assert_int_equal(list[0].hash, 14);
    assert_int_equal(list[0].at, NOW);
    assert_int_equal(list[1].hash, 0);
    assert_int_equal(list[2].hash, 12);
    assert_int_equal(list[2].at, NOW - 120);
    assert_int_equal(absw_ends_recent(room->ends, 1, NOW - 120, NOW, list, 10, NULL), 1);
    assert_int_equal(list[0].hash, 13);
    assert_int_equal(absw_ends_recent(room->ends, 0, NOW - 120, NOW + 1, list, 10, NULL), 4);
}

/* Who ends twice is listed once, at the later time, in whatever order the threads came. */
static void test_twice(void **state)
{
    room_t *room = *state;
    absw_end_t list[2];
    int lost;

    absw_ends_add(room->ends, 0, 5, NOW - 3);
    absw_ends_add(room->ends, 0, 6, NOW - 2);
    absw_ends_add(room->ends, 0, 5, NOW - 1);
    absw_ends_add(room->ends, 0, 5, NOW - 2);
    assert_int_equal(absw_ends_recent(room->ends, 0, 0, NOW, list, 2, &lost), 2);
    assert_int_equal(list[0].hash, 5);
    assert_int_equal(list[0].at, NOW - 1);
    assert_int_equal(list[1].hash, 6);
    assert_false(lost);
}

static void test_too_many(void **state)
{
    static absw_end_t list[ABSW_ENDS_RING];
    room_t *room = *state;
    int lost;

    for (apr_uint64_t i = 0; i < 10; i++) {
        absw_ends_add(room->ends, 0, i, NOW);
    }
    assert_int_equal(absw_ends_recent(room->ends, 0, 0, NOW, list, 10, &lost), 10);
    assert_false(lost);
    assert_int_equal(absw_ends_recent(room->ends, 0, 0, NOW, list, 4, &lost), 4);
    assert_true(lost);
    assert_int_equal(list[3].hash, 6);          /* the newest are kept */

    for (apr_uint64_t i = 10; i < ABSW_ENDS_RING - 1; i++) {
        absw_ends_add(room->ends, 0, i, NOW);
    }
    assert_int_equal(absw_ends_recent(room->ends, 0, 0, NOW, list, ABSW_ENDS_RING, &lost),
                     ABSW_ENDS_RING - 1);
    assert_false(lost);
    for (apr_uint64_t i = 0; i < 1000; i++) {
        absw_ends_add(room->ends, 0, 1000000 + i, NOW + 100);
    }
    assert_int_equal(absw_ends_recent(room->ends, 0, 0, NOW + 100, list, ABSW_ENDS_RING, &lost),
                     ABSW_ENDS_RING);
    assert_true(lost);
    assert_int_equal(absw_ends_recent(room->ends, 0, NOW + 1, NOW + 100, list, ABSW_ENDS_RING,
                                      &lost), 1000);
    assert_false(lost);                         /* what was overwritten is not asked for */
}

/* Whatever is in the memory, only what was entered comes out of it. */
static void test_torn(void **state)
{
    room_t *room = *state;
    apr_uint64_t *words = room->mem;
    apr_size_t n = absw_ends_size() / sizeof(*words);
    absw_end_t list[16];
    dice_t d = { 1 };

    for (int round = 0; round < 50; round++) {
        for (apr_size_t i = 0; i < n; i++) {
            words[i] = round % 2 ? dice(&d) : dice_below(&d, 3);
        }
        assert_int_equal(absw_ends_recent(room->ends, 0, 0, APR_UINT32_MAX, list, 16, NULL), 0);
        absw_ends_add(room->ends, 0, 77, NOW);
        assert_int_equal(absw_ends_recent(room->ends, 0, 0, APR_UINT32_MAX, list, 16, NULL), 1);
        assert_int_equal(list[0].hash, 77);
    }
    memset(room->mem, 0xff, absw_ends_size());
    assert_int_equal(absw_ends_recent(room->ends, -1, 0, APR_UINT32_MAX, list, 16, NULL), 0);
}

/* What child c enters: app c, and hash and time that go together. */
static void add_for_ever(absw_ends_t *ends, int c)
{
    alarm(60);                  /* should nobody be left to kill it */
    for (apr_uint64_t i = 1;; i++) {
        absw_ends_add(ends, c, i << 8 | (apr_uint64_t)c, NOW + (absw_sec_t)(i & 0xff));
    }
}

static void test_children_that_are_killed(void **state)
{
    enum { CHILDREN = 3 };
    static absw_end_t list[ABSW_ENDS_RING];
    room_t *room = *state;
    apr_size_t seen = 0;

    /* on a busy machine a child may be killed before it has run */
    for (int round = 0; round < 20 || (seen <= 1000 && round < 2000); round++) {
        pid_t pids[CHILDREN];

        for (int c = 0; c < CHILDREN; c++) {
            pids[c] = fork();
            assert_true(pids[c] >= 0);
            if (pids[c] == 0) {
                add_for_ever(room->ends, c);
            }
        }
        for (int look = 0; look < 40; look++) {
            for (int c = 0; c < CHILDREN; c++) {
                int n = absw_ends_recent(room->ends, c, 0, APR_UINT32_MAX, list, 200, NULL);

                for (int i = 0; i < n; i++) {
                    assert_int_equal(list[i].hash & 0xff, c);
                    assert_int_equal(list[i].at, NOW + (absw_sec_t)(list[i].hash >> 8 & 0xff));
                }
                seen += (apr_size_t)n;
            }
        }
        for (int c = 0; c < CHILDREN; c++) {
            kill(pids[c], SIGKILL);
            waitpid(pids[c], NULL, 0);
        }
    }
    assert_true(seen > 1000);
    absw_ends_add(room->ends, 9, 1, NOW);       /* it goes on */
    assert_int_equal(absw_ends_recent(room->ends, 9, 0, NOW, list, 10, NULL), 1);
}

/* --- a set to look up in ------------------------------------------------------------------- */

static void test_set(void **state)
{
    room_t *room = *state;
    absw_ended_t *ended = absw_ended_make(room->pool, 3);
    static const struct {
        int app;
        absw_end_t end;
        int room;
        absw_sec_t then;        /* what is known of it */
    } rows[] = {
        { 0, { 1, NOW - 9 }, 1, NOW - 9 },
        { 0, { 1, NOW - 8 }, 1, NOW - 8 },
        { 0, { 1, NOW - 9 }, 1, NOW - 8 },
        { 1, { 1, NOW - 5 }, 1, NOW - 5 },
        { 0, { 2, NOW + 6 }, 1, 0 },
        { 0, { 2, 0 }, 1, 0 },
        { 0, { 2, -7 }, 1, 0 },
        { 0, { 2, NOW + 5 }, 1, NOW + 5 },
        { 0, { 3, NOW }, 0, 0 },
        { 0, { 2, NOW }, 1, NOW + 5 },
    };

    assert_int_equal(absw_ended_at(NULL, 0, 1), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(absw_ended_add(ended, rows[i].app, &rows[i].end, NOW), rows[i].room);
        assert_int_equal(absw_ended_at(ended, rows[i].app, rows[i].end.hash), rows[i].then);
    }
    assert_int_equal(absw_ended_at(ended, 2, 1), 0);
    assert_int_equal(absw_ended_at(absw_ended_make(room->pool, 0), 0, 1), 0);
}

static void test_large_set(void **state)
{
    enum { N = 9472 };          /* 37 nodes, 256 each */
    room_t *room = *state;
    absw_ended_t *ended = absw_ended_make(room->pool, N);

    for (apr_uint64_t i = 0; i < N; i++) {
        absw_end_t end = { .hash = i << 45, .at = NOW - (absw_sec_t)(i % 100) };

        assert_true(absw_ended_add(ended, (int)(i % 3), &end, NOW));
    }
    for (apr_uint64_t i = 0; i < 2 * N; i++) {
        assert_int_equal(absw_ended_at(ended, (int)(i % 3), i << 45),
                         i < N ? NOW - (absw_sec_t)(i % 100) : 0);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_recent),
        TEST(test_twice),
        TEST(test_too_many),
        TEST(test_torn),
        TEST(test_children_that_are_killed),
        TEST(test_set),
        TEST(test_large_set),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
