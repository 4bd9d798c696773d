/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "node_change.h"
#include "node_parts.h"

/*
 * A request's thread writes the store first and the board then, so whoever syncs meanwhile finds in
 * the store what is on the board, or something newer. What the last sync proved of a drain is
 * marked with its generation (board.h) and proves nothing under the new one.
 */

#define MODE  0640
#define TRIES 5         /* others write the roster, too */

static void say(const absw_node_t *node, const absw_node_app_t *app, const char *text)
{
    node->say(node->baton, ABSW_SAY_NOTICE, app->policy->name, NULL, text);
}

/* --- what the last sync knew of the others ------------------------------------------- */

/* The other nodes' generations, and whether the store can be believed. */
static void look_around(const absw_node_t *node, const absw_node_app_t *app,
                        absw_change_t *change, apr_time_t now, apr_pool_t *pool)
{
    absw_board_cluster_t cluster;

    change->newest = 0;
    change->newest_is_live = 0;
    change->unsettled = 0;
    if (node->store->ops->solo) {
        return;
    }
    absw_board_get_cluster(&app->place, &cluster);
    change->unsettled = cluster.epoch[0] == '\0' || cluster.settled > now;
    for (int i = 0; i < cluster.peers_n && i < ABSW_BOARD_PEERS_MAX; i++) {
        absw_board_peer_t peer;
        absw_report_node_t one;

        if (absw_board_get_peer(&app->place, i, &peer) && peer.generation > change->newest) {
            memset(&one, 0, sizeof(one));
            absw_node_describe_peer(node, &peer, now, &one, pool);
            change->newest = peer.generation;
            change->newest_is_live = one.state == ABSW_NODE_LIVE;
        }
    }
}

static int find_peer(const absw_node_app_t *app, const char *name, absw_board_peer_t *peer)
{
    absw_board_cluster_t cluster;

    absw_board_get_cluster(&app->place, &cluster);
    for (int i = 0; i < cluster.peers_n && i < ABSW_BOARD_PEERS_MAX; i++) {
        if (absw_board_get_peer(&app->place, i, peer) && strcmp(peer->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int absw_node_has_peer(const absw_node_app_t *app, const char *name)
{
    absw_board_peer_t peer;

    return find_peer(app, name, &peer);
}

/* --- changes of the switch ----------------------------------------------------------- */

static void enforce(const absw_node_t *node, const absw_node_app_t *app,
                    const absw_change_made_t *made, apr_pool_t *pool)
{
    const absw_policy_t *policy = app->policy;
    absw_switch_t before;

    absw_change_in_force(policy, &app->place, &before);
    if (absw_switch_newer(&made->rec, &before)
        && absw_board_set_switch(&app->place, &made->rec)) {
        say(node, app, apr_psprintf(pool, "switch of %s: %s", policy->name,
                                    absw_node_describe_switch(policy, &made->rec, pool)));
    }
    if (made->log && node->dir && !node->store->ops->solo) {
        /* for this node's pages, at once; if it fails, the sync keeps it and says why it cannot */
        absw_shared_write(node->dir, apr_pstrcat(pool, policy->name, ".log", NULL), MODE,
                          made->log, made->log_len, pool);
    }
}

absw_change_result_e absw_node_change(const absw_node_t *node, const absw_node_app_t *app,
                                      absw_store_t *store, absw_change_t *change,
                                      const absw_switch_who_t *who, apr_time_t now,
                                      absw_change_made_t *made, apr_pool_t *pool)
{
    absw_change_result_e result;

    look_around(node, app, change, now, pool);
    result = absw_change_make(store, app->policy, &app->place, change, who, made, pool);
    if (result == ABSW_CHANGE_DONE) {
        enforce(node, app, made, pool);
    }
    return result;
}

/* --- the roster ---------------------------------------------------------------------- */

/* Does the node report? By what the last sync knew and by what the store has of it now. */
static int is_live(const absw_node_t *node, const absw_node_app_t *app, const char *name,
                   const absw_store_item_t *item, apr_time_t now, apr_pool_t *pool)
{
    absw_record_t *record = apr_pcalloc(pool, sizeof(*record));
    char why[ABSW_RECORD_WHY];
    int has = item->found == ABSW_STORE_FOUND
              && absw_record_decode(app->policy, item->value, item->len, record, why);
    absw_board_peer_t peer;
    absw_report_node_t one = { .state = ABSW_NODE_SILENT };

    if (strcmp(name, node->name) == 0) {
        return 1;
    }
    if (!find_peer(app, name, &peer)) {
        return has && !record->left
               && now - record->clock <= ABSW_CLUSTER_SYNCS * node->sync;
    }
    absw_node_describe_peer(node, &peer, now, &one, pool);
    return one.state == ABSW_NODE_LIVE
           || (has && !record->left && peer.boot != 0
               && (record->boot != peer.boot || record->sequence != peer.sequence));
}

/* One attempt. */
static absw_change_result_e strike(const absw_node_t *node, const absw_node_app_t *app,
                                   absw_store_t *store, const char *name, apr_time_t now,
                                   absw_store_result_e *wrote, apr_pool_t *pool)
{
    absw_store_item_t items[2] = {
        absw_node_roster_item(app->policy, pool),
        absw_node_record_item(app->policy, name, pool),
    };
    absw_roster_t *roster = apr_palloc(pool, sizeof(*roster));
    const char *text;

    *wrote = ABSW_STORE_FAILED;
    if (!store->ops->get(store, items, 2, pool)) {
        return ABSW_CHANGE_UNREACHABLE;
    }
    if (items[0].found != ABSW_STORE_FOUND
        || !absw_roster_parse(items[0].value, items[0].len, roster, pool)
        || !absw_roster_has(roster, name)) {
        return ABSW_CHANGE_NODE_UNKNOWN;
    }
    if (is_live(node, app, name, &items[1], now, pool)) {
        return ABSW_CHANGE_NODE_LIVE;
    }
    absw_roster_remove(roster, name);
    text = absw_roster_format(roster, pool);
    *wrote = store->ops->cas(store, items[0].key, items[0].cas, text, strlen(text), 0, pool);
    return *wrote == ABSW_STORE_DONE ? ABSW_CHANGE_DONE
           : *wrote == ABSW_STORE_CONFLICT ? ABSW_CHANGE_PENDING : ABSW_CHANGE_UNREACHABLE;
}

absw_change_result_e absw_node_retire(const absw_node_t *node, const absw_node_app_t *app,
                                      absw_store_t *store, const char *name,
                                      apr_int64_t generation, const absw_switch_who_t *who,
                                      apr_time_t now, apr_int64_t *present, apr_pool_t *pool)
{
    absw_store_result_e wrote = ABSW_STORE_CONFLICT;
    absw_change_result_e result = ABSW_CHANGE_PENDING;
    absw_switch_t rec;

    absw_change_in_force(app->policy, &app->place, &rec);
    *present = rec.generation;
    if (rec.generation != generation) {
        return ABSW_CHANGE_PASSED;
    }
    if (node->store->ops->solo) {
        return strcmp(name, node->name) == 0 ? ABSW_CHANGE_NODE_LIVE : ABSW_CHANGE_NODE_ALONE;
    }
    for (int i = 0; i < TRIES && wrote == ABSW_STORE_CONFLICT; i++) {
        result = strike(node, app, store, name, now, &wrote, pool);
    }
    if (result == ABSW_CHANGE_DONE) {
        say(node, app, apr_psprintf(pool, "node %s of %s is struck off the roster by %s%s%s", name,
                                    app->policy->name, who->by, who->note[0] ? ": " : "",
                                    who->note));
    }
    return result;
}
