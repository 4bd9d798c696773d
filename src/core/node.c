/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "node_parts.h"

static absw_tick_t begin(absw_node_t *node, apr_time_t now, apr_pool_t *pool)
{
    absw_tick_t tick = {
        .node = node, .now = now, .sec = apr_time_sec(now), .pool = pool
    };

    absw_board_get_node(node->board, &tick.was);
    return tick;
}

/* The applications that have a place on the board; *n of them. */
static absw_known_t *gather(const absw_node_t *node, int *n, apr_pool_t *pool)
{
    absw_known_t *known = apr_pcalloc(pool, (apr_size_t)(node->apps_n + 1) * sizeof(*known));

    *n = 0;
    for (int i = 0; i < node->apps_n; i++) {
        if (node->apps[i].place.app >= 0) {
            known[(*n)++].app = &node->apps[i];
        }
    }
    return known;
}

/* --- the start --------------------------------------------------------------------- */

/* Sessions of before the loss are all seen again, or counted no more, after the longest idle. */
static absw_sec_t longest_idle(const absw_node_t *node)
{
    absw_sec_t idle = 0;

    for (int i = 0; i < node->apps_n; i++) {
        if (node->apps[i].policy->idle > idle) {
            idle = node->apps[i].policy->idle;
        }
    }
    return idle;
}

static apr_status_t start_board(absw_node_t *node, absw_shared_how_e how, absw_sec_t now)
{
    absw_board_node_t own;
    apr_status_t rv = APR_SUCCESS;

    absw_board_get_node(node->board, &own);
    if (own.epoch[0] == '\0') {
        rv = absw_node_random(own.epoch, ABSW_EPOCH_MAX / 2);
    }
    if (how == ABSW_SHARED_LOST && node->store->ops->solo) {
        own.relearning_until = now + longest_idle(node);
    }
    absw_board_set_node(node->board, &own);
    return rv;
}

/* In a cluster the store may know what was lost: the first sync that gets an answer looks. A new
 * directory is a loss if the cluster knows this node. */
static void start_cluster(const absw_tick_t *tick, absw_known_t *known, absw_shared_how_e how)
{
    absw_board_cluster_t cluster;

    absw_board_get_cluster(&known->app->place, &cluster);
    if (how != ABSW_SHARED_KEPT) {
        cluster.lost = tick->sec;
    }
    if (how == ABSW_SHARED_LOST) {
        cluster.relearning_until = tick->sec + known->app->policy->idle;
    }
    absw_board_set_cluster(&known->app->place, &cluster);
    absw_tick_recall_switch(tick, known);
}

/* The configuration may have lost the side that everybody landed on. */
static void repair(const absw_tick_t *tick, const absw_node_app_t *app)
{
    absw_switch_t rec;

    if (!absw_change_in_force(app->policy, &app->place, &rec)) {
        absw_board_set_switch(&app->place, &rec);
        absw_tick_say(tick, ABSW_SAY_WARNING, app, app->policy->default_side,
                      "switch of %s: no open side is left in the configuration, so %s is open "
                      "until the next change", app->policy->name,
                      app->policy->sides[app->policy->default_side].name);
    }
}

apr_status_t absw_node_start(absw_node_t *node, absw_shared_how_e how, apr_time_t now,
                             apr_pool_t *pool)
{
    absw_tick_t tick = begin(node, now, pool);
    int n;
    absw_known_t *known = gather(node, &n, pool);

    tick.starting = 1;
    absw_children_reap(node->children, node->alive);
    absw_table_recover(node->table, node->alive);
    for (int i = 0; i < n; i++) {
        if (!node->store->ops->solo) {
            start_cluster(&tick, &known[i], how);
        }
        repair(&tick, known[i].app);
        absw_tick_ask(&tick, &known[i]);
        absw_tick_take_switch(&tick, &known[i]);
    }
    return start_board(node, how, tick.sec);
}

/* --- a sync ------------------------------------------------------------------------ */

static void keep_history(const absw_tick_t *tick, const absw_known_t *known, int n)
{
    for (int i = 0; i < n && absw_tick_is_ours(tick); i++) {
        absw_history_entry_t entry = { .time = tick->sec };

        for (int side = 0; side < known[i].app->policy->sides_n; side++) {
            const absw_cluster_side_t *found = &known[i].sides[side];

            entry.sessions[side] = found->known ? found->sessions : ABSW_HISTORY_UNKNOWN;
        }
        absw_board_history_add(&known[i].app->place, &entry);
        absw_tick_keep_responses(tick, &known[i]);
    }
}

static void finish(const absw_tick_t *tick)
{
    absw_board_node_t own;

    if (!absw_tick_is_ours(tick)) {
        return;
    }
    absw_board_get_node(tick->node->board, &own);
    own.synced = tick->now;
    if (own.relearning_until <= tick->sec) {
        own.relearning_until = 0;
    }
    absw_board_set_node(tick->node->board, &own);
}

void absw_node_begin(absw_node_t *node, apr_pool_t *pool)
{
    for (int i = 0; i < node->apps_n && !node->store->ops->solo; i++) {
        absw_memory_t *memory = apr_pcalloc(pool, sizeof(*memory));

        memory->pool = pool;
        memory->peers = apr_hash_make(pool);
        apr_pool_create(&memory->inherited_pool, pool);
        node->apps[i].memory = memory;
    }
}

/* Count, and in a cluster tell the others and hear what all have together. */
static int count(const absw_tick_t *tick, absw_known_t *known, int n)
{
    int ahead;

    if (tick->node->store->ops->solo) {
        return absw_node_count(tick->node, known, n, tick->now, 1, tick->pool);
    }
    ahead = absw_tick_call_roll(tick, known, n);
    for (int i = 0; i < n; i++) {
        absw_tick_publish(tick, &known[i]);
        absw_tick_unite(tick, &known[i]);
        absw_tick_remember(tick, &known[i]);
    }
    absw_tick_remember_store(tick);
    return ahead;
}

void absw_node_tick(absw_node_t *node, apr_time_t now, apr_pool_t *pool)
{
    absw_tick_t tick = begin(node, now, pool);
    int n;
    absw_known_t *known = gather(node, &n, pool);

    for (int i = 0; i < n; i++) {
        absw_tick_ask(&tick, &known[i]);
        absw_tick_take_switch(&tick, &known[i]);
        absw_tick_log(&tick, &known[i]);
    }
    if (!absw_tick_is_ours(&tick)) {
        return;
    }
    absw_children_reap(node->children, node->alive);
    absw_table_recover(node->table, node->alive);
    if (count(&tick, known, n) && absw_tick_is_ours(&tick)) {
        absw_table_set_back(node->table, tick.sec);
    }
    for (int i = 0; i < n; i++) {
        absw_tick_drains(&tick, &known[i]);
    }
    keep_history(&tick, known, n);
    finish(&tick);
}

int absw_node_leave(absw_node_t *node, apr_time_t now, apr_pool_t *pool)
{
    absw_tick_t tick = begin(node, now, pool);
    int n;
    absw_known_t *known = gather(node, &n, pool);
    int done = 1;

    if (node->store->ops->solo) {
        return 1;
    }
    absw_node_begin(node, pool);        /* for this once: nobody ticks any more */
    tick.leaving = 1;
    for (int i = 0; i < n && done; i++) {
        absw_tick_ask(&tick, &known[i]);
        done = known[i].complete;
    }
    absw_table_recover(node->table, NULL);
    absw_tick_call_roll(&tick, known, n);
    for (int i = 0; i < n && done; i++) {
        absw_tick_publish(&tick, &known[i]);
        absw_tick_remember(&tick, &known[i]);
        done = known[i].complete;
    }
    return done;
}

void absw_node_history(absw_node_t *node, apr_time_t now, apr_pool_t *pool)
{
    absw_tick_t tick = begin(node, now, pool);
    absw_known_t *known;
    int n;

    if (node->sync <= apr_time_from_sec(1) || tick.sec == node->history_at
        || !absw_tick_is_ours(&tick)) {
        return;
    }
    node->history_at = tick.sec;
    known = gather(node, &n, pool);
    for (int i = 0; i < n; i++) {
        absw_change_in_force(known[i].app->policy, &known[i].app->place, &known[i].rec);
        known[i].complete = 1;
    }
    absw_node_count(node, known, n, now, 0, pool);
    keep_history(&tick, known, n);
}
