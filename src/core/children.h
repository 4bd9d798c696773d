/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_CHILDREN_H
#define ABSW_CHILDREN_H

#include "board.h"

/**
 * A row of counters for every child process: requests in flight by place, verdicts by
 * application. A process counts in its own row only, so a killed one leaks nothing: its requests
 * in flight are gone with it. The verdicts stay in the row, and the next process that takes it
 * counts on, so their sums never go back. Rows of an earlier generation live on until their process
 * ends. A row is a whole number of cache lines.
 */

#define ABSW_CHILDREN_VERDICTS 32   /* room in a row for this many verdicts */

typedef struct absw_children_t absw_children_t; /* a handle, private to a process */
typedef struct absw_child_t absw_child_t;       /* a row in shared memory */

apr_size_t absw_children_size(apr_uint32_t children, apr_uint32_t apps);

/** A handle on mem, 64-byte aligned, zeroed when new. */
absw_children_t *absw_children_attach(apr_pool_t *pool, void *mem, apr_uint32_t children,
                                      apr_uint32_t apps);

/**
 * At a start, while no other parent of the node runs: clear the rows of processes that are gone,
 * also where another process has their pid by now, as in a container that was started again.
 */
void absw_children_recover(absw_children_t *children);

/** Take a row for pid. NULL: none is free (what it serves then goes uncounted: say so). */
absw_child_t *absw_children_join(absw_children_t *children, apr_uint32_t pid);

/** The row's number, below the number of rows. */
apr_uint32_t absw_children_number(const absw_children_t *children, const absw_child_t *child);

/**
 * The process ends in order: free its row (NULL: it has none). If a thread of it has a request in
 * flight still, the row is freed when the process is gone.
 */
void absw_children_leave(absw_children_t *children, absw_child_t *child);

/** One request more (+1) or less (-1) in flight at place. Any thread of the process. NULL: no row,
 * no count. */
void absw_child_in_flight(absw_child_t *child, apr_uint16_t place, int by);

/** One verdict more. Any thread of the process. child may be NULL, too. */
void absw_child_verdict(absw_children_t *children, absw_child_t *child, int app,
                        absw_verdict_e verdict);

/**
 * Free the rows whose process is gone. alive(pid); NULL: all are gone. Returns how many.
 */
apr_uint32_t absw_children_reap(absw_children_t *children, int (*alive)(apr_uint32_t pid));

/** Is any process that joined still alive? */
int absw_children_any(absw_children_t *children, int (*alive)(apr_uint32_t pid));

/** Sum over the rows of living processes. */
apr_uint32_t absw_children_in_flight(absw_children_t *children, apr_uint16_t place,
                                     int (*alive)(apr_uint32_t pid));

/** Verdicts of an application, ABSW_VERDICT_COUNT of them. */
void absw_children_verdicts(absw_children_t *children, const absw_board_app_t *app,
                            apr_uint64_t *verdicts);

/** The number on the board is another application's now (absw_board_app_t.reused): from zero. */
void absw_children_forget(absw_children_t *children, int app);

/** Take over the verdicts of a file of other dimensions into a new one. Nobody else uses either. */
void absw_children_take_over(absw_children_t *children, absw_children_t *from);

/** Is there a process that found no row, so that its requests go uncounted? */
int absw_children_overflow(absw_children_t *children);

#endif
