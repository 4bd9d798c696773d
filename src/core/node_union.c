/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "node_parts.h"
#include "text.h"

/*
 * What all nodes have together. Whether it is nothing follows from the records alone: a side is
 * empty if every node says so. How many it is takes the sheets. Where they are small every node
 * reads them; else the first live node of the roster does, and tells the others by a key.
 */

#define EVERYBODY       16384   /* sessions in sheets that every node reads each sync: 150 KB */
#define COUNT_SYNCS     10      /* the key lives for so many */

/* The side, by the records: bounds of the union. */
typedef struct {
    apr_uint32_t sum;
    apr_uint32_t most;          /* of one node */
    apr_uint32_t testers;
    int sketch;                 /* a node's sheet is one */
    int gone;                   /* a node with sessions is not there to hear of their ends */
    int news;                   /* or it may not have heard of all of them yet */
} bounds_t;

/** Are they one number only if the sheets say so? */
static int needs_sheets(const bounds_t *bounds)
{
    return bounds->sum > bounds->most || bounds->gone;
}

/** Do they say better? */
static int wants_sheets(const bounds_t *bounds)
{
    return needs_sheets(bounds) || bounds->news;
}

/* --- sessions that ended on another node ---------------------------------------------- */

/* The ends that the node with that number in the roster tells of; none of the peer's own. */
static const absw_heard_t *heard_from(const absw_known_t *known, int i, const absw_peer_t *peer)
{
    static const absw_heard_t NONE = { 0 };
    const absw_peer_t *teller = apr_hash_get(known->memory->peers, known->roster->names[i],
                                             APR_HASH_KEY_STRING);

    return teller == peer ? &NONE : teller ? &teller->heard : &known->memory->heard;
}

/*
 * Since when an end is known here that the peer may not know yet; 0: it does. It does once it
 * has spoken twice since we heard: before the second time it looked for news. Of an end that was
 * there when we first looked, all that can be compared are clocks.
 */
static apr_time_t news_since(const absw_tick_t *tick, const absw_heard_t *heard, int e,
                             const absw_peer_t *peer)
{
    if (heard->at[e] == 0) {
        return heard->ends[e].at >= apr_time_sec(peer->record.clock) ? tick->now : 0;
    }
    return heard->at[e] >= peer->seen_before ? heard->at[e] : 0;
}

static int has_news(const absw_tick_t *tick, const absw_known_t *known, const char *name)
{
    const absw_peer_t *peer = apr_hash_get(known->memory->peers, name, APR_HASH_KEY_STRING);

    for (int i = 0; peer && i < known->roster->n; i++) {
        const absw_heard_t *heard = heard_from(known, i, peer);

        for (int e = 0; e < heard->n; e++) {
            if (news_since(tick, heard, e, peer)) {
                return 1;
            }
        }
    }
    return 0;
}

/* --- bounds --------------------------------------------------------------------------- */

static bounds_t bounds_of(const absw_tick_t *tick, const absw_known_t *known,
                          const absw_cluster_facts_t *facts, int side)
{
    bounds_t bounds = { 0 };

    for (int i = 0; i < facts->nodes_n; i++) {
        const absw_cluster_node_t *node = &facts->nodes[i];
        apr_uint32_t sessions;

        if (!absw_cluster_counts(facts, node, side)) {
            continue;
        }
        sessions = node->record == &known->record ? known->record.sides[side].sessions
                                                  : absw_peer_sessions(tick, node, side);
        bounds.sum = sessions > APR_UINT32_MAX - bounds.sum ? APR_UINT32_MAX
                                                            : bounds.sum + sessions;
        bounds.most = sessions > bounds.most ? sessions : bounds.most;
        bounds.gone |= sessions > 0 && node->record != &known->record
                       && absw_cluster_state(node, tick->node->sync) != ABSW_NODE_LIVE;
        bounds.news = bounds.news || (sessions > 0 && has_news(tick, known, node->name));
        bounds.testers += node->record->sides[side].testers;
        bounds.sketch |= node->record->sides[side].members_sketch;
    }
    return bounds;
}

/* Does this node have to tell the others? */
static int is_first(const absw_tick_t *tick, const absw_known_t *known)
{
    for (int i = 0; i < known->roster->n; i++) {
        const absw_cluster_node_t *node = &known->nodes[i];

        if (node->record == &known->record) {
            return 1;
        }
        if (absw_cluster_state(node, tick->node->sync) == ABSW_NODE_LIVE) {
            return 0;
        }
    }
    return 0;
}

/* --- sheets -------------------------------------------------------------------------- */

/* A peer that has sessions which count there. */
static absw_peer_t *peer_with_sheet(const absw_tick_t *tick, const absw_known_t *known,
                                    const absw_cluster_facts_t *facts, int i, int side)
{
    const absw_cluster_node_t *node = &facts->nodes[i];

    return node->record && node->record != &known->record
           && absw_cluster_counts(facts, node, side)
           && absw_peer_sessions(tick, node, side) > 0
           ? apr_hash_get(known->memory->peers, node->name, APR_HASH_KEY_STRING) : NULL;
}

static int is_at_hand(const absw_peer_t *peer, int side)
{
    const absw_sheet_t *sheet = peer->sides[side].sheet;

    return sheet && sheet->head.boot == peer->record.boot
           && sheet->head.sequence >= peer->record.sides[side].members_sequence;
}

static void read_sheet(const absw_tick_t *tick, absw_known_t *known, absw_peer_t *peer, int side,
                       const absw_store_item_t *item)
{
    const char *why = NULL;

    if (item->found != ABSW_STORE_FOUND) {
        return;
    }
    if (!peer->sides[side].pool) {
        apr_pool_create(&peer->sides[side].pool, peer->pool);
    }
    apr_pool_clear(peer->sides[side].pool);
    peer->sides[side].sheet = absw_sheet_decode(item->value, item->len, peer->sides[side].pool,
                                                &why);
    if (peer->sides[side].sheet) {
        peer->sides[side].bad = 0;
    }
    else {
        absw_tick_ignore(tick, known, item->key, why, &peer->sides[side].bad);
    }
}

/* Get the sheets that are not at hand. */
static void read_sheets(const absw_tick_t *tick, absw_known_t *known,
                        const absw_cluster_facts_t *facts)
{
    int sides_n = known->app->policy->sides_n;
    apr_size_t room = (apr_size_t)(facts->nodes_n * sides_n) + 1;
    absw_store_item_t *items = apr_pcalloc(tick->pool, room * sizeof(*items));
    struct { absw_peer_t *peer; int side; } *whose = apr_pcalloc(tick->pool,
                                                                 room * sizeof(*whose));
    int n = 0;

    for (int i = 0; i < facts->nodes_n; i++) {
        for (int side = 0; side < sides_n; side++) {
            absw_peer_t *peer = peer_with_sheet(tick, known, facts, i, side);

            if (peer && !is_at_hand(peer, side)) {
                items[n].key = absw_node_members_key(tick, known, side, peer->name);
                whose[n].peer = peer;
                whose[n++].side = side;
            }
        }
    }
    if (n > 0 && !tick->node->store->ops->get(tick->node->store, items, n, tick->pool)) {
        absw_tick_fail(tick, known, absw_tick_why(tick, items, n));
        return;
    }
    for (int i = 0; i < n; i++) {
        read_sheet(tick, known, whose[i].peer, whose[i].side, &items[i]);
    }
}

static void apply_ends(const absw_tick_t *tick, const absw_known_t *known,
                       const absw_peer_t *peer, absw_sheet_t *sheet)
{
    const absw_heard_t *heard;

    sheet->confirmed = peer->seen_before;
    for (int i = 0; i < known->roster->n; i++) {
        heard = heard_from(known, i, peer);
        for (int e = 0; e < heard->n; e++) {
            absw_sheet_end(sheet, heard->ends[e].hash, news_since(tick, heard, e, peer));
        }
    }
}

/* The union, of sheets that are all at hand; 0: they are not. */
static int unite(const absw_tick_t *tick, absw_known_t *known, const absw_cluster_facts_t *facts,
                 int side, const bounds_t *bounds, absw_cluster_union_t *found)
{
    absw_members_t *all = absw_members_make(tick->pool, 0);
    apr_uint32_t least = 0;

    absw_members_unite(all, known->members[side]);
    least = known->record.sides[side].sessions;
    for (int i = 0; i < facts->nodes_n; i++) {
        absw_peer_t *peer = peer_with_sheet(tick, known, facts, i, side);
        apr_uint32_t sessions;
        apr_uint32_t listed;
        int exact;

        if (!peer) {
            continue;
        }
        if (!is_at_hand(peer, side)) {
            return 0;
        }
        apply_ends(tick, known, peer, peer->sides[side].sheet);
        absw_members_unite_sheet(all, peer->sides[side].sheet);
        sessions = absw_peer_sessions(tick, &facts->nodes[i], side);
        listed = absw_sheet_count(peer->sides[side].sheet, tick->sec, &exact);
        if (exact && listed < sessions) {
            sessions = listed;      /* less those that have ended elsewhere */
        }
        least = sessions > least ? sessions : least;
    }
    found->sessions = absw_members_count(all, tick->sec, &found->exact);
    if (found->sessions < least) {
        found->sessions = least;
    }
    if (found->sessions > bounds->sum) {
        found->sessions = bounds->sum;
    }
    return 1;
}

/* What the first node has told; 0: nothing that can be believed. */
static int take_count(const absw_tick_t *tick, absw_known_t *known, int side,
                      const bounds_t *bounds, absw_cluster_union_t *found)
{
    const absw_store_item_t *item = &known->counts[side];
    apr_size_t len = item->len;
    apr_int64_t number;

    if (item->found != ABSW_STORE_FOUND) {
        return 0;
    }
    while (len > 0 && strchr(" \t\r\n", item->value[len - 1]) && item->value[len - 1]) {
        len--;
    }
    if (!absw_text_number(item->value, len, APR_UINT32_MAX, &number)) {
        absw_tick_ignore_bytes(tick, known, item, "it is no number");
        return 0;
    }
    found->sessions = (apr_uint32_t)number;
    if (found->sessions < bounds->most) {
        found->sessions = bounds->most;
    }
    if (found->sessions > bounds->sum) {
        found->sessions = bounds->sum;
    }
    found->exact = !bounds->sketch;
    return 1;
}

/* --- the verdict --------------------------------------------------------------------- */

static void write_counts(const absw_tick_t *tick, absw_known_t *known)
{
    absw_store_t *store = tick->node->store;
    apr_time_t life = COUNT_SYNCS * tick->node->sync;
    apr_uint32_t ttl = (apr_uint32_t)apr_time_sec(life + APR_USEC_PER_SEC - 1);

    for (int i = 0; i < known->app->policy->sides_n && absw_tick_is_ours(tick); i++) {
        char text[16];

        if (!known->sides[i].known) {
            continue;
        }
        apr_snprintf(text, sizeof(text), "%u", known->sides[i].sessions);
        if (store->ops->set(store, known->counts[i].key, text, strlen(text), ttl < 2 ? 2 : ttl,
                            tick->pool) != ABSW_STORE_DONE) {
            absw_tick_fail(tick, known, NULL);
            return;
        }
    }
}

static void find_unions(const absw_tick_t *tick, absw_known_t *known,
                        const absw_cluster_facts_t *facts, absw_cluster_union_t *unions,
                        int first)
{
    bounds_t bounds[ABSW_SIDES_MAX];
    apr_uint64_t all = 0;
    int reads = 0;

    for (int i = 0; i < known->app->policy->sides_n; i++) {
        bounds[i] = bounds_of(tick, known, facts, i);
        all += bounds[i].sum;
        reads |= wants_sheets(&bounds[i]);
    }
    reads = reads && (first || all <= EVERYBODY);
    if (reads) {
        read_sheets(tick, known, facts);
    }
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        unions[i] = (absw_cluster_union_t){
            .sessions = bounds[i].most, .testers = bounds[i].testers, .exact = 1,
        };
        if (wants_sheets(&bounds[i])
            && !(reads && known->complete
                 && unite(tick, known, facts, i, &bounds[i], &unions[i]))
            && (first || !take_count(tick, known, i, &bounds[i], &unions[i]))
            && needs_sheets(&bounds[i])) {
            unions[i].unknown = 1;
            unions[i].exact = 0;
        }
    }
}

void absw_tick_unite(const absw_tick_t *tick, absw_known_t *known)
{
    absw_cluster_union_t unions[ABSW_SIDES_MAX];
    absw_cluster_facts_t facts = {
        .policy = known->app->policy, .rec = &known->rec, .now = tick->now,
        .sync = tick->node->sync, .epoch = NULL, .nodes = known->nodes, .sides = unions,
    };
    int first = 0;

    memset(unions, 0, sizeof(unions));
    if (known->complete) {
        facts.epoch = known->cluster.epoch;
        facts.nodes_n = known->roster->n;
        first = is_first(tick, known);
        absw_peer_hear_ends(&known->memory->heard, &known->record, tick->now);
        find_unions(tick, known, &facts, unions, first);
    }
    facts.complete = known->complete;
    facts.trouble = known->trouble;
    if (known->cluster.steady > tick->now) {
        facts.epoch = NULL;
    }
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        absw_cluster_judge(&facts, i, &known->sides[i]);
    }
    if (known->complete && first) {
        write_counts(tick, known);
    }
}

/* --- the board ----------------------------------------------------------------------- */

static void remember_sums(const absw_known_t *known)
{
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        const absw_cluster_side_t *found = &known->sides[i];
        const absw_record_side_t *own = &known->record.sides[i];
        absw_board_sum_t sum = {
            .known = found->known, .exact = found->exact, .sessions = found->sessions,
            .testers = found->testers, .in_flight = found->in_flight,
            .inherited = known->inherited[i],
            .own_sessions = own->sessions - known->inherited[i], .own_testers = own->testers,
            .own_in_flight = own->in_flight,
        };

        for (int k = 0; known->nodes && k < known->roster->n; k++) {
            const absw_record_t *record = known->nodes[k].record;

            if (record && record != &known->record
                && record->sides[i].empty_at > sum.empty_at) {
                sum.empty_at = record->sides[i].empty_at;
            }
        }
        absw_board_set_sum(&known->app->place, i, &sum);
    }
}

static absw_board_peer_t peer_for_board(const absw_tick_t *tick, const absw_known_t *known, int i)
{
    const absw_cluster_node_t *node = &known->nodes[i];
    const absw_peer_t *peer = apr_hash_get(known->memory->peers, node->name,
                                           APR_HASH_KEY_STRING);
    absw_board_peer_t out = { .generation = -1, .skew = node->skew };

    apr_cpystrn(out.name, node->name, sizeof(out.name));
    out.boot = peer ? peer->boot : known->record.boot;
    out.sequence = peer ? peer->sequence : known->record.sequence;
    out.seen = peer ? peer->seen : tick->now;
    out.clock = peer ? peer->clock : tick->now;
    out.doubled_until = peer ? peer->doubled_until : known->memory->doubled_until;
    if (node->record && (node->record->left
                         || strcmp(node->record->epoch, known->cluster.epoch) == 0)) {
        out.generation = node->record->generation;
        out.left = node->record->left;
        for (int side = 0; side < known->app->policy->sides_n; side++) {
            out.sessions[side] = absw_peer_sessions(tick, node, side);
            out.in_flight[side] = node->record->sides[side].in_flight;
        }
    }
    return out;
}

void absw_tick_remember(const absw_tick_t *tick, const absw_known_t *known)
{
    absw_board_cluster_t cluster = known->cluster;

    if (!absw_tick_is_ours(tick)) {
        return;
    }
    cluster.complete = known->complete;
    if (cluster.relearning_until <= tick->sec) {
        cluster.relearning_until = 0;
    }
    for (int i = 0; known->complete && i < known->roster->n && i < ABSW_BOARD_PEERS_MAX; i++) {
        absw_board_peer_t peer = peer_for_board(tick, known, i);

        absw_board_set_peer(&known->app->place, i, &peer);
    }
    absw_board_set_cluster(&known->app->place, &cluster);
    remember_sums(known);
    absw_tick_hear_responses(tick, known);
}

void absw_tick_remember_store(const absw_tick_t *tick)
{
    absw_store_t *store = tick->node->store;
    const absw_store_server_t *servers;
    absw_board_store_t kept = { .asked = 1 };

    kept.state = (int)store->ops->state(store, tick->pool, &servers, &kept.servers_n);
    if (kept.servers_n > ABSW_BOARD_SERVERS_MAX) {
        kept.servers_n = ABSW_BOARD_SERVERS_MAX;
    }
    for (int i = 0; i < kept.servers_n; i++) {
        apr_cpystrn(kept.servers[i].name, servers[i].server, sizeof(kept.servers[i].name));
        apr_cpystrn(kept.servers[i].why, servers[i].why ? servers[i].why : "",
                    sizeof(kept.servers[i].why));
        kept.servers[i].state = (int)servers[i].state;
    }
    if (absw_tick_is_ours(tick)) {
        absw_board_set_store(tick->node->board, &kept);
    }
}
