/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>

#include "dice.h"
#include "board.h"
#include "sample.h"
#include "shared.h"
#include "table.h"

/**
 * The session table of a node with a million sessions: table DIR LIVE [LOOKS] makes a state file
 * with twice that room in DIR, lets LIVE of them be active, and prints, a name and a number to a
 * line, what a look costs, how long a start takes, and whether a sweep holds anybody up. With
 * LOOKS it does so many and no more: for callgrind.
 */

#define ROOM    2000000u
#define NOW     SAMPLE_NOW

static double now_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static absw_table_session_t session(apr_uint64_t number)
{
    absw_table_session_t s = { .login = NOW - 100, .kid = 'k', .key_check = 7 };
    dice_t d = { number };
    apr_uint64_t words[4] = { dice(&d), dice(&d), dice(&d), dice(&d) };

    memcpy(s.id, words, 16);
    memcpy(s.tag, words + 2, 16);
    return s;
}

/** As a request whose token its process has not seen before: is it verified, and it was here. */
__attribute__((noinline)) static unsigned look(absw_table_t *table, const absw_table_session_t *s,
                                               absw_sec_t now)
{
    absw_table_spot_t spot;

    return absw_table_verified(table, s, &spot) && absw_table_touch_at(&spot, now) ? 1 : 0;
}

/** As one whose process has: it goes to the spot. */
__attribute__((noinline)) static unsigned look_at(const absw_table_spot_t *spot, absw_sec_t now)
{
    return absw_table_is_at(spot) && absw_table_touch_at(spot, now) ? 1 : 0;
}

static void time_looks(absw_table_t *table, apr_uint32_t live, apr_uint32_t looks)
{
    absw_table_session_t *all = malloc(looks * sizeof(*all));
    absw_table_spot_t *spots = malloc(looks * sizeof(*spots));
    dice_t d = { 5 };
    unsigned found = 0;
    double start;

    for (apr_uint32_t i = 0; i < looks; i++) {
        all[i] = session(dice_below(&d, live));
    }
    start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (apr_uint32_t i = 0; i < looks; i++) {
        found += look(table, &all[i], NOW + 5);
    }
    printf("look_ns %.1f\n", (now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / looks);
    for (apr_uint32_t i = 0; i < looks; i++) {
        absw_table_verified(table, &all[i], &spots[i]);
    }
    start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (apr_uint32_t i = 0; i < looks; i++) {
        found += look_at(&spots[i], NOW + 6);
    }
    printf("look_at_ns %.1f\n", (now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / looks);
    if (found != 2 * looks) {
        printf("error %u_of_%u_found\n", found, 2 * looks);
    }
    free(all);
    free(spots);
}

/* ---- a sweep, and somebody who looks meanwhile ---- */

static _Atomic int sweeping;
static double longest[2];           /* of a look, while nobody sweeps, and while somebody does */

static int keep(void *baton, const absw_table_seen_t *seen)
{
    *(unsigned *)baton += seen->last > 0;
    return 0;
}

typedef struct {
    absw_table_t *table;
    apr_uint32_t live;
} looker_t;

static void *look_on(void *baton)
{
    looker_t *looker = baton;
    dice_t d = { 9 };

    for (int state = 0; (state = atomic_load(&sweeping)) < 2;) {
        absw_table_session_t s = session(dice_below(&d, looker->live));
        double start = now_ns(CLOCK_THREAD_CPUTIME_ID), took;

        look(looker->table, &s, NOW + 7);
        took = now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
        longest[state] = took > longest[state] ? took : longest[state];
    }
    return NULL;
}

static void time_sweep(absw_table_t *table, apr_uint32_t live)
{
    looker_t looker = { table, live };
    pthread_t thread;
    unsigned seen = 0;
    double start, took = 0;

    pthread_create(&thread, NULL, look_on, &looker);
    usleep(300000);
    atomic_store(&sweeping, 1);
    for (int i = 0; i < 10; i++) {
        start = now_ns(CLOCK_THREAD_CPUTIME_ID);
        absw_table_scan(table, keep, &seen);
        took += now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    atomic_store(&sweeping, 2);
    pthread_join(thread, NULL);
    printf("sweep_ms %.1f\n", took / 10 / 1e6);
    printf("longest_look_us %.1f\nlongest_look_during_sweep_us %.1f\n", longest[0] / 1e3,
           longest[1] / 1e3);
    if (seen != 10 * live) {
        printf("error swept_%u_of_%u\n", seen, 10 * live);
    }
}

/* ---- the file ---- */

static absw_shared_t *open_file(apr_pool_t *pool, const char *dir, apr_uint32_t room)
{
    absw_shared_dims_t dims = { .sessions = room, .apps = 8, .children = 64 };
    const char *why = NULL, *notice = NULL;
    absw_shared_t *shared = NULL;

    if (absw_shared_open(&shared, dir, getuid(), getgid(), &dims, pool, &why, &notice)
        != APR_SUCCESS) {
        printf("error %s\n", why);
        exit(1);
    }
    return shared;
}

int main(int argc, char **argv)
{
    apr_uint32_t live = argc > 2 ? (apr_uint32_t)atoi(argv[2]) : 0;
    apr_uint32_t looks = argc > 3 ? (apr_uint32_t)atoi(argv[3]) : 0;
    absw_policy_t policy = sample_policy();
    const absw_policy_t *policies[] = { &policy };
    absw_board_app_t app = { .app = -1 };
    absw_shared_t *shared;
    absw_table_t *table;
    apr_pool_t *pool;
    double start;

    if (live == 0 || live > ROOM) {
        fprintf(stderr, "table DIR LIVE [LOOKS]\n");
        return 2;
    }
    apr_initialize();
    apr_pool_create(&pool, NULL);
    shared = open_file(pool, argv[1], ROOM);
    absw_board_expect(shared->board, policies, 1);
    absw_board_enter(absw_board_attach(shared->board, shared->dims.apps), &policy, &app);
    table = absw_table_attach(pool, shared->table, shared->dims.sessions);
    for (apr_uint32_t i = 0; i < live; i++) {
        absw_table_session_t s = session(i);

        if (absw_table_touch(table, &s, NOW) == ABSW_TABLE_FULL) {
            printf("error full_at_%u\n", i);
            return 1;
        }
    }
    time_looks(table, live, looks ? looks : 1000000);
    if (looks) {
        return 0;
    }
    printf("bytes_a_slot %.1f\n", (double)absw_table_size(ROOM) / ROOM);
    time_sweep(table, live);
    absw_shared_mark_clean(shared);
    absw_shared_close(shared);
    start = now_ns(CLOCK_MONOTONIC);
    shared = open_file(pool, argv[1], ROOM);
    printf("open_ms %.1f\n", (now_ns(CLOCK_MONOTONIC) - start) / 1e6);
    if (shared->how != ABSW_SHARED_KEPT) {
        printf("error the_file_was_not_kept\n");
    }
    absw_shared_mark_clean(shared);
    return 0;
}
