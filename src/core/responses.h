/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_RESPONSES_H
#define ABSW_RESPONSES_H

#include <stdatomic.h>

#include "tally.h"

/**
 * The responses of the node's sides, counted in memory that its processes share: a row for every
 * child process (by its number in children.h), in it a counter for every place of the board.
 * A process counts in its own row only, with two relaxed additions and no lock. What it
 * counted stays when it is killed, and the next process that takes the row counts on: a sum never
 * goes back while the parent lives, through any number of restarts. It is no file: a node that
 * is stopped and started counts from zero.
 *
 * Memory is taken page by page as it is written, so rows and places that nobody uses cost nothing.
 *
 * Beside the counters there are, for each place, snapshots of the last minutes, and what the
 * other nodes have counted. Both are written by one process at a time (the one that syncs).
 *
 * Wherever a handle may be NULL nothing is counted, and everything read is zero.
 */

typedef struct absw_responses_t absw_responses_t;       /* a handle, private to a process */

/**
 * A place in a row, in shared memory: whole cache lines. A row is an array of them, by place.
 * Classes by buckets, so that one addition says both.
 */
typedef struct {
    _Atomic apr_uint64_t n[ABSW_TALLY_CLASSES][ABSW_TALLY_BUCKETS];
    _Atomic apr_uint64_t usec;
    apr_uint64_t unused[7 * 8 - ABSW_TALLY_CLASSES * ABSW_TALLY_BUCKETS - 1];
} absw_counter_t;

/** The mapping, for the parent to keep over restarts. All zero: there is none yet. */
typedef struct {
    apr_uint32_t rows;
    apr_uint32_t apps;
    apr_size_t size;
    void *mem;
} absw_responses_kept_t;

/**
 * Map rows for so many processes and places for so many applications, or go on with what is kept.
 * If that has other dimensions its sums go to a new mapping: then no process may be counting. The
 * handle is in pool. NULL, and what is kept stays as it is: there is no memory. Parent only.
 */
absw_responses_t *absw_responses_open(absw_responses_kept_t *kept, apr_uint32_t rows,
                                      apr_uint32_t apps, apr_time_t now, apr_pool_t *pool);

/** The row of a process, from now on in use. NULL: there is no such row. */
absw_counter_t *absw_responses_row(absw_responses_t *responses, apr_uint32_t row);

/**
 * One response more, served in `took`. Any thread. An HTTP status that has no class: none. Here,
 * because every request comes by.
 */
static inline void absw_responses_count(absw_counter_t *counter, int status,
                                        apr_interval_time_t took)
{
    unsigned class_of = absw_tally_class(status);

    if (class_of >= ABSW_TALLY_CLASSES) {
        return;
    }
    if (took < 0) {
        took = 0;       /* the clock was set back */
    }
    atomic_fetch_add_explicit(&counter->n[class_of][absw_tally_bucket(took)], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counter->usec, (apr_uint64_t)took, memory_order_relaxed);
}

/** All that the node has counted at a place. Any process. */
void absw_responses_sum(const absw_responses_t *responses, apr_uint16_t place, absw_tally_t *sum);

/** The place is another side's from now on: from zero. */
void absw_responses_forget(absw_responses_t *responses, apr_uint16_t place);

/* --- the last minutes -------------------------------------------------------------------- */

#define ABSW_RESPONSES_RECENT 300       /* seconds that "recent" means */

/** Keep a snapshot of the sum, if ten seconds have passed since the last one. */
void absw_responses_keep(absw_responses_t *responses, apr_uint16_t place, absw_sec_t now);

/**
 * What of sum has come in the last ABSW_RESPONSES_RECENT seconds, or since the node began to
 * count, if that is later; by up to ten seconds more. Any process.
 */
void absw_responses_recent(const absw_responses_t *responses, apr_uint16_t place, absw_sec_t now,
                           const absw_tally_t *sum, absw_tally_t *recent);

/* --- the other nodes --------------------------------------------------------------------- */

/** Of all nodes but this one. All zero: nothing is known. */
typedef struct {
    absw_sec_t at;                      /* when it was found */
    absw_tally_t sum;
    absw_tally_t recent;
} absw_responses_others_t;

void absw_responses_get_others(const absw_responses_t *responses, apr_uint16_t place,
                               absw_responses_others_t *others);
void absw_responses_set_others(absw_responses_t *responses, apr_uint16_t place,
                               const absw_responses_others_t *others);

#endif
