/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "node_parts.h"

/* The roster: which nodes there are, who is struck off, and the store's list of them. */

#define ROSTER_TRIES    5       /* several nodes that come at once write in turn */

absw_roster_t *absw_tick_find_roster(const absw_tick_t *tick, absw_known_t *known,
                                     const absw_store_item_t *item, int is_lost, int *same)
{
    absw_roster_t *roster = apr_palloc(tick->pool, sizeof(*roster));
    int n;

    *same = item->found == ABSW_STORE_FOUND
            && absw_roster_parse(item->value, item->len, roster, tick->pool);
    known->parsed = *same;
    if (!*same) {
        memset(roster, 0, sizeof(*roster));
        if (absw_node_random(roster->mark, ABSW_ROSTER_MARK / 2) != APR_SUCCESS) {
            return NULL;
        }
    }
    n = roster->n;
    known->named |= absw_roster_has(roster, tick->node->name);
    absw_roster_add(roster, tick->node->name, tick->pool);
    if (is_lost || strcmp(roster->mark, known->cluster.roster) != 0) {
        for (apr_hash_index_t *i = apr_hash_first(tick->pool, known->memory->peers); i;
             i = apr_hash_next(i)) {
            const absw_peer_t *peer = apr_hash_this_val(i);

            absw_roster_add(roster, peer->name, tick->pool);
        }
    }
    *same &= n == roster->n;
    return roster;
}

/* Is the node to be struck off: gone for good, with nothing left that counts? */
static int is_struck(const absw_tick_t *tick, const absw_known_t *known,
                     const absw_peer_t *peer)
{
    apr_interval_time_t quiet = tick->now - peer->seen;
    absw_cluster_node_t node = {
        .name = peer->name, .record = &peer->record, .age = quiet
    };
    apr_interval_time_t watched = tick->now - known->memory->answers_since;
    apr_interval_time_t after = tick->node->retire_after;

    if (peer->doubled_until > tick->now || known->cluster.settled > tick->now) {
        return 0;
    }
    if (quiet > watched) {
        quiet = watched;        /* while the store was away nobody was heard of */
    }
    if (peer->has && peer->record.left) {
        after = 2 * ABSW_CLUSTER_SYNCS * tick->node->sync;
        after += apr_time_from_sec(ABSW_CLUSTER_SKEW);
    }
    if (after == 0 || quiet < after) {
        return 0;
    }
    for (int i = 0; peer->has && i < known->app->policy->sides_n; i++) {
        if (absw_peer_sessions(tick, &node, i) > 0
            && absw_switch_state(known->app->policy, &known->rec, i, tick->sec)
                   != ABSW_SIDE_CLOSED) {
            return 0;
        }
    }
    return 1;
}

static int strike(const absw_tick_t *tick, const absw_known_t *known, absw_roster_t *roster)
{
    int n = 0;

    for (int i = roster->n - 1; i >= 0; i--) {
        const absw_peer_t *peer = apr_hash_get(known->memory->peers, roster->names[i],
                                               APR_HASH_KEY_STRING);

        if (peer && peer->known_before && is_struck(tick, known, peer)) {
            absw_tick_say(tick, ABSW_SAY_NOTICE, known->app, ABSW_NO_SIDE,
                          "node %s of %s is struck off the roster: it %s", peer->name,
                          known->app->policy->name,
                          peer->has && peer->record.left ? "was stopped and has no session left"
                                                         : "was silent for too long");
            absw_roster_remove(roster, peer->name);
            n++;
        }
    }
    return n;
}

void absw_tick_write_roster(const absw_tick_t *tick, absw_known_t *known,
                            absw_store_item_t *item, int is_lost)
{
    absw_store_t *store = tick->node->store;
    int may_strike = !is_lost && !tick->leaving;

    for (int i = 0; i < ROSTER_TRIES; i++) {
        int same;
        absw_roster_t *roster = absw_tick_find_roster(tick, known, item, is_lost, &same);

        if (!roster) {
            break;
        }
        if (may_strike && i == 0 && strike(tick, known, roster)) {
            same = 0;
        }
        if (!absw_roster_has(roster, tick->node->name)) {
            absw_tick_fail(tick, known, "the roster is full");
            return;
        }
        known->roster = roster;
        if (same) {
            return;
        }
        if (i == 0 && item->found == ABSW_STORE_FOUND && !known->parsed) {
            absw_tick_ignore_bytes(tick, known, item, "it is no roster");
        }
        switch (absw_tick_replace(tick, item, absw_roster_format(roster, tick->pool))) {
        case ABSW_STORE_DONE:
            return;
        case ABSW_STORE_CONFLICT:
            break;
        case ABSW_STORE_FAILED:
        default:
            absw_tick_fail(tick, known, NULL);
            return;
        }
        if (!store->ops->get(store, item, 1, tick->pool)) {
            absw_tick_fail(tick, known, absw_tick_why(tick, item, 1));
            return;
        }
    }
    absw_tick_fail(tick, known, "the roster is being written by others all the time");
}
