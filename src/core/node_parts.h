/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_NODE_PARTS_H
#define ABSW_NODE_PARTS_H

#include "census.h"
#include "node.h"

/**
 * What the files of the node share: the parts of a sync. Nobody else includes this.
 */

/** One sync, or the start. */
typedef struct {
    absw_node_t *node;
    apr_time_t now;
    absw_sec_t sec;             /* now, in whole seconds */
    int starting;               /* the store is read only, and everything is ours */
    absw_board_node_t was;      /* what the board said of the node before */
    apr_pool_t *pool;
} absw_tick_t;

/** What a sync knows of an application. */
typedef struct {
    absw_node_app_t *app;
    absw_switch_t rec;          /* in force */
    int complete;               /* the store answered completely */
    const char *trouble;        /* if not: why, or NULL */
    absw_record_t record;       /* what this node says */
    absw_cluster_side_t sides[ABSW_SIDES_MAX];
} absw_known_t;

/** Has this process still the right to write to the board? */
int absw_tick_is_ours(const absw_tick_t *tick);

void absw_tick_say(const absw_tick_t *tick, absw_say_e level, const absw_node_app_t *app,
                   int side, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Take up the switch: sets known->rec, complete and trouble. */
void absw_tick_take_switch(const absw_tick_t *tick, absw_known_t *known);

/** See to it that the record in force is in the log. */
void absw_tick_log(const absw_tick_t *tick, absw_known_t *known);

/**
 * Count for the n applications in known: sets record and sides (by rec, complete and
 * trouble). With sweep, slots of no use are freed. Returns what absw_census_take() does.
 */
int absw_node_count(const absw_node_t *node, absw_known_t *known, int n, apr_time_t now,
                    int sweep, apr_pool_t *pool);

/** After absw_node_count(): the evidence of drains, what is told of them, and AutoClose. */
void absw_tick_drains(const absw_tick_t *tick, absw_known_t *known);

/** Longer than this without a sync, and what the last one found is no evidence. */
apr_interval_time_t absw_node_stale_after(const absw_node_t *node);

#endif
