/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "node_parts.h"

/* What a sync learns of its cluster: one get of everything, the epoch, the records. */

#define EPOCH_BYTES     (ABSW_EPOCH_MAX / 2)

/* Items of the first get, before the nodes' records. */
enum { ITEM_SWITCH, ITEM_EPOCH, ITEM_ROSTER, ITEM_COUNTS };

/* --- the gets ------------------------------------------------------------------------ */

/* Everything that is known to be of use; *n items. */
static absw_store_item_t *list_items(const absw_tick_t *tick, const absw_known_t *known, int *n)
{
    const absw_policy_t *policy = known->app->policy;
    apr_hash_t *peers = known->memory->peers;
    absw_store_item_t *items = apr_pcalloc(tick->pool, sizeof(*items)
                                           * (apr_size_t)(ITEM_COUNTS + policy->sides_n + 1
                                                          + (int)apr_hash_count(peers)));
    int at = ITEM_COUNTS;

    items[ITEM_SWITCH] = absw_change_item(policy, !tick->starting, tick->pool);
    items[ITEM_EPOCH] = absw_node_epoch_item(policy, tick->pool);
    items[ITEM_ROSTER] = absw_node_roster_item(policy, tick->pool);
    for (int i = 0; i < policy->sides_n; i++) {
        items[at++] = absw_node_count_item(policy, i, tick->pool);
    }
    items[at++] = absw_node_record_item(policy, tick->node->name, tick->pool);
    for (apr_hash_index_t *i = apr_hash_first(tick->pool, peers); i; i = apr_hash_next(i)) {
        const absw_peer_t *peer = apr_hash_this_val(i);

        items[at++] = absw_node_record_item(policy, peer->name, tick->pool);
    }
    *n = at;
    return items;
}

void absw_tick_ask(const absw_tick_t *tick, absw_known_t *known)
{
    absw_store_t *store = tick->node->store;
    absw_store_item_t *items;
    int n = 1;

    absw_change_in_force(known->app->policy, &known->app->place, &known->rec);
    known->newest = known->rec.generation;
    if (store->ops->solo || tick->starting) {
        items = &known->item;
        *items = absw_change_item(known->app->policy, !tick->starting, tick->pool);
    }
    else {
        absw_peer_recall(tick, known);
        items = list_items(tick, known, &n);
    }
    known->complete = 1;
    if (!store->ops->get(store, items, n, tick->pool)) {
        absw_tick_fail(tick, known, absw_tick_why(tick, items, n));
    }
    known->item = items[ITEM_SWITCH];
    if (known->complete && n > 1) {
        known->counts = &items[ITEM_COUNTS];
        absw_tick_learn(tick, known, items, n);
    }
}

/* --- the epoch ----------------------------------------------------------------------- */

static int is_epoch(const absw_store_item_t *item)
{
    return item->found == ABSW_STORE_FOUND && item->len == ABSW_EPOCH_MAX
           && strspn(item->value, "0123456789abcdef") == ABSW_EPOCH_MAX;
}

/* The store's epoch, made if there is none; NULL if that failed. */
static const char *find_epoch(const absw_tick_t *tick, absw_known_t *known,
                              absw_store_item_t *item)
{
    absw_store_t *store = tick->node->store;
    char made[ABSW_EPOCH_MAX + 1];

    if (is_epoch(item)) {
        return apr_pstrmemdup(tick->pool, item->value, item->len);
    }
    if (item->found == ABSW_STORE_FOUND) {
        absw_tick_ignore_bytes(tick, known, item, "it is no epoch");
    }
    if (absw_node_random(made, EPOCH_BYTES) != APR_SUCCESS) {
        absw_tick_fail(tick, known, "there are no random bytes for an epoch");
        return NULL;
    }
    switch (absw_tick_replace(tick, item, made)) {
    case ABSW_STORE_DONE:
        return apr_pstrdup(tick->pool, made);
    case ABSW_STORE_CONFLICT:
        if (store->ops->get(store, item, 1, tick->pool) && is_epoch(item)) {
            return apr_pstrmemdup(tick->pool, item->value, item->len);
        }
        absw_tick_fail(tick, known, "the store has lost its data");
        return NULL;
    case ABSW_STORE_FAILED:
    default:
        absw_tick_fail(tick, known, NULL);
        return NULL;
    }
}

/* Whatever was proven or published in another epoch is gone. */
static void begin_epoch(const absw_tick_t *tick, absw_known_t *known, const char *epoch)
{
    absw_board_cluster_t *cluster = &known->cluster;
    absw_board_drain_t none = { .proven = 0 };

    apr_cpystrn(none.reason, absw_cluster_unsettled, sizeof(none.reason));
    cluster->settled = tick->now;
    cluster->steady = tick->now + tick->node->sync;
    if (cluster->epoch[0]) {
        absw_tick_say(tick, ABSW_SAY_WARNING, known->app, ABSW_NO_SIDE,
                      "store of %s: it has lost its data; all nodes publish theirs anew",
                      known->app->policy->name);
    }
    else {
        cluster->settled += ABSW_CLUSTER_SYNCS * tick->node->sync;
        cluster->steady = cluster->settled;
    }
    apr_cpystrn(cluster->epoch, epoch, sizeof(cluster->epoch));
    memset(known->memory->own, 0, sizeof(known->memory->own));
    for (int i = 0; i < known->app->policy->sides_n && absw_tick_is_ours(tick); i++) {
        absw_board_drain_t kept;

        absw_board_get_drain(&known->app->place, i, &kept);
        none.told = kept.told;
        none.generation = kept.generation;
        absw_board_set_drain(&known->app->place, i, &none);
    }
}

/* --- the records --------------------------------------------------------------------- */

static const absw_store_item_t *item_for(const absw_tick_t *tick, const absw_known_t *known,
                                         const char *name, const absw_store_item_t *items, int n)
{
    const char *key = absw_node_key(tick, known, name);

    for (int i = 0; i < n; i++) {
        if (strcmp(items[i].key, key) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

/* Hear of every node of the roster; those not asked for yet are asked for now. */
static void hear_all(const absw_tick_t *tick, absw_known_t *known,
                     const absw_store_item_t *items, int n)
{
    absw_store_t *store = tick->node->store;
    absw_store_item_t *more = apr_pcalloc(tick->pool, (apr_size_t)(known->roster->n + 1)
                                                      * sizeof(*more));
    int more_n = 0;

    for (int i = 0; i < known->roster->n; i++) {
        const char *name = known->roster->names[i];

        if (strcmp(name, tick->node->name) != 0 && !item_for(tick, known, name, items, n)) {
            more[more_n++] = absw_node_record_item(known->app->policy, name, tick->pool);
        }
    }
    if (more_n > 0 && !store->ops->get(store, more, more_n, tick->pool)) {
        absw_tick_fail(tick, known, absw_tick_why(tick, more, more_n));
        return;
    }
    for (int i = 0; i < known->roster->n; i++) {
        const char *name = known->roster->names[i];
        const absw_store_item_t *item = item_for(tick, known, name, items, n);

        if (strcmp(name, tick->node->name) != 0) {
            absw_peer_hear(tick, known, item ? item : item_for(tick, known, name, more, more_n),
                           absw_peer_of(known->memory, name));
        }
    }
}

/* Nodes that are no longer in the roster. */
static void forget_others(const absw_tick_t *tick, absw_known_t *known)
{
    for (apr_hash_index_t *i = apr_hash_first(tick->pool, known->memory->peers); i;
         i = apr_hash_next(i)) {
        absw_peer_t *peer = apr_hash_this_val(i);

        if (!absw_roster_has(known->roster, peer->name)) {
            absw_peer_forget(known->memory, peer);
        }
        else {
            peer->known_before = 1;
        }
    }
}

static void list_nodes(const absw_tick_t *tick, absw_known_t *known)
{
    known->nodes = apr_pcalloc(tick->pool, (apr_size_t)known->roster->n * sizeof(*known->nodes));
    for (int i = 0; i < known->roster->n; i++) {
        absw_cluster_node_t *node = &known->nodes[i];
        const absw_peer_t *peer = apr_hash_get(known->memory->peers, known->roster->names[i],
                                               APR_HASH_KEY_STRING);

        node->name = known->roster->names[i];
        if (strcmp(node->name, tick->node->name) == 0) {
            node->record = &known->record;      /* to be filled in when we have counted */
            node->doubled = known->doubled;
            continue;
        }
        node->doubled = peer && peer->doubled_until > tick->now;
        if (peer && peer->has) {
            apr_interval_time_t least = ABSW_CLUSTER_SYNCS * tick->node->sync + 1;

            node->record = &peer->record;
            node->skew = peer->skew;
            node->age = peer->seen ? tick->now - peer->seen : tick->now - peer->clock;
            if (!peer->seen && node->age < least) {
                node->age = least;      /* nobody knows whether it is alive */
            }
            if (peer->record.generation > known->newest) {
                known->newest = peer->record.generation;
                known->newest_is_live = absw_cluster_state(node, tick->node->sync)
                                        == ABSW_NODE_LIVE;
            }
        }
    }
}

void absw_tick_learn(const absw_tick_t *tick, absw_known_t *known, absw_store_item_t *items, int n)
{
    absw_memory_t *memory = known->memory;
    int is_lost;
    const char *epoch;
    int same;

    if (memory->answers_since == 0
        || tick->now - memory->answered > 2 * absw_node_stale_after(tick->node)) {
        memory->answers_since = tick->now;
    }
    if (memory->losses != tick->node->store->losses) {
        memory->losses = tick->node->store->losses;
        known->app->logged = 0;
        memset(memory->own, 0, sizeof(memory->own));
    }
    epoch = find_epoch(tick, known, &items[ITEM_EPOCH]);
    if (!epoch) {
        return;
    }
    is_lost = strcmp(epoch, known->cluster.epoch) != 0;
    if (is_lost) {
        begin_epoch(tick, known, epoch);
    }
    known->roster = absw_tick_find_roster(tick, known, &items[ITEM_ROSTER], is_lost, &same);
    if (!known->roster) {
        absw_tick_fail(tick, known, "there are no random bytes for a roster");
        return;
    }
    hear_all(tick, known, items, n);
    if (known->complete) {
        absw_peer_hear_self(tick, known, item_for(tick, known, tick->node->name, items, n));
    }
    if (known->complete) {
        absw_tick_write_roster(tick, known, &items[ITEM_ROSTER], is_lost);
    }
    if (known->complete) {
        apr_cpystrn(known->cluster.roster, known->roster->mark, sizeof(known->cluster.roster));
        known->cluster.peers_n = known->roster->n;
        forget_others(tick, known);
        list_nodes(tick, known);
        memory->answered = tick->now;
    }
}
