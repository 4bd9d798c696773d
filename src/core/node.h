/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_NODE_H
#define ABSW_NODE_H

#include "board.h"
#include "children.h"
#include "ends.h"
#include "report.h"
#include "responses.h"
#include "shared.h"
#include "store.h"
#include "table.h"

/**
 * The node: what one httpd does every sync. It takes up the switch, counts, judges the drains,
 * and keeps the store and the board up to date. APR only, and time is an argument, so that a
 * simulation can drive it without httpd.
 *
 * One process of the node ticks at a time (absw_board_lease). The others read the board, and
 * carry out an operator's orders (node_change.h).
 */

typedef enum {
    ABSW_SAY_NOTICE,
    ABSW_SAY_WARNING,
    ABSW_SAY_ERROR
} absw_say_e;

/** An application of the node. The caller zeroes it and sets the first three. */
typedef struct {
    const absw_policy_t *policy;
    absw_board_app_t place;
    int auto_close;             /* ABSwitchAutoClose */

    /* the node's own, of the thread that ticks */
    apr_int64_t logged;         /* generation of the record that is known to be in the log */
    absw_sec_t logged_at;       /* when that was so */
    int log_failed;             /* it was said that the log cannot be written */
    absw_sec_t announced[ABSW_SIDES_MAX];   /* since when the drain told of last had lasted */
    struct absw_memory_t *memory;           /* of the cluster, between syncs: absw_node_begin() */
} absw_node_app_t;

/** The caller zeroes it and sets all but what is the node's own. */
typedef struct {
    const char *name;           /* ABSwitchNode */

    /**
     * ABSwitchStateDir: where the status page reads the log, and a node of a cluster keeps the
     * switch and the log as its own memory. NULL: nowhere.
     */
    const char *dir;
    absw_store_t *store;        /* of the thread that ticks; others look at its type only */
    absw_board_t *board;
    absw_children_t *children;
    absw_table_t *table;
    absw_responses_t *responses;        /* NULL: they are not counted */
    absw_ends_t *ends;          /* where ends of sessions are noted; NULL: nowhere */
    apr_uint32_t board_apps;    /* room for applications on the board (dims.apps) */
    apr_interval_time_t sync;   /* ABSwitchSync */
    apr_interval_time_t retire_after;   /* ABSwitchRetireAfter; 0: none */
    absw_sec_t history_at;      /* the node's own: when absw_node_history() last looked */
    absw_node_app_t *apps;
    int apps_n;
    int (*alive)(apr_uint32_t pid);     /* absw_process_lives, or a simulation's */

    /** Has this process still the right to sync? Asked before the board is written. NULL: yes. */
    int (*mine)(void *baton);
    /** For the error log: text is a whole sentence and names app and side (names, or NULL). */
    void (*say)(void *baton, absw_say_e level, const char *app, const char *side,
                const char *text);
    /** A side is drained, told once per drain: for ABSwitchOnDrained. NULL: nobody cares. */
    void (*drained)(void *baton, const char *app, const char *side, apr_int64_t generation);
    void *baton;
} absw_node_t;

/**
 * In the parent, after the board is attached and every application entered, before a child
 * runs: recover what killed processes left, make the epoch, begin relearning if sessions were lost,
 * and take up the switch that is in force: from the store, and in a cluster from the file of the
 * state directory, too, of which only a full record counts. It reads and never writes (the parent
 * may be root). node->store is a handle of the caller's for this call. pool: scratch. Returns
 * APR_SUCCESS, or why there is no randomness.
 */
apr_status_t absw_node_start(absw_node_t *node, absw_shared_how_e how, apr_time_t now,
                             apr_pool_t *pool);

/**
 * In a process that may tick, before it does, in the thread that will: what a node of a cluster
 * remembers from one sync to the next is made, in pool, which must live as long as the node is
 * ticked. The other processes that tick in turn are told of by the board. Nothing for a store that
 * is `solo`. node->apps must be this thread's own.
 */
void absw_node_begin(absw_node_t *node, apr_pool_t *pool);

/**
 * The node stops for good and serves nobody any more: tell the others what remains of it, its
 * sessions. In the parent, when its children are gone, with a store handle of its own; it waits
 * for the store, but for one time-out at most. Nothing for a store that is `solo`. pool: scratch.
 * Returns 1 if all of it was written.
 */
int absw_node_leave(absw_node_t *node, apr_time_t now, apr_pool_t *pool);

/** One sync. pool: scratch, to be cleared by the caller. */
void absw_node_tick(absw_node_t *node, apr_time_t now, apr_pool_t *pool);

/**
 * Enter the counts into the history if that is due. absw_node_tick() does it, too: this is for
 * a sync that is rarer than the history. Only the process that has the right to sync. pool:
 * scratch.
 */
void absw_node_history(absw_node_t *node, apr_time_t now, apr_pool_t *pool);

/**
 * Everything a status page shows, in pool, counted at now. app: an application's name, or NULL
 * for all (none is found: apps_n is 0). Any thread of any process. module and csrf are the
 * caller's to set.
 */
absw_report_t *absw_node_status(const absw_node_t *node, const char *app, apr_time_t now,
                                apr_pool_t *pool);

#endif
