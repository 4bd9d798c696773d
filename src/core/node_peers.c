/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "node_parts.h"

/* What this node knows of the others, and what it finds of itself in the store. */

#define DOUBLED_SYNCS   10      /* two nodes of a name are told of so long after the last sign */
#define BOOT_MAX        (APR_UINT64_MAX / 2)

static apr_interval_time_t doubled_for(const absw_tick_t *tick)
{
    return DOUBLED_SYNCS * tick->node->sync;
}

absw_peer_t *absw_peer_of(absw_memory_t *memory, const char *name)
{
    absw_peer_t *peer = apr_hash_get(memory->peers, name, APR_HASH_KEY_STRING);
    apr_pool_t *pool;

    if (!peer) {
        apr_pool_create(&pool, memory->pool);
        peer = apr_pcalloc(pool, sizeof(*peer));
        peer->pool = pool;
        peer->name = apr_pstrdup(pool, name);
        apr_hash_set(memory->peers, peer->name, APR_HASH_KEY_STRING, peer);
    }
    return peer;
}

void absw_peer_forget(absw_memory_t *memory, absw_peer_t *peer)
{
    apr_hash_set(memory->peers, peer->name, APR_HASH_KEY_STRING, NULL);
    apr_pool_destroy(peer->pool);
}

/* --- what another process of this node knew ------------------------------------------ */

static void recall_peer(absw_memory_t *memory, const absw_board_peer_t *kept)
{
    absw_peer_t *peer = absw_peer_of(memory, kept->name);

    peer->known_before = 1;
    peer->doubled_until = kept->doubled_until;
    peer->skew = kept->skew;
    peer->seen = kept->seen;
    peer->seen_before = 0;
    peer->clock = kept->clock;
    peer->has = peer->has && peer->boot == kept->boot && peer->sequence == kept->sequence;
    peer->boot = kept->boot;
    peer->sequence = kept->sequence;
}

static void shift(apr_time_t *moment, apr_interval_time_t by)
{
    if (*moment > 0) {
        *moment -= by;
    }
}

/* Our clock was set back since the last sync: so are the moments that we remember, or what was seen
 * would be news until the clock has caught up, and a node that died would live as long. */
static void set_back(absw_known_t *known, apr_interval_time_t by)
{
    absw_memory_t *memory = known->memory;

    for (apr_hash_index_t *i = apr_hash_first(NULL, memory->peers); i; i = apr_hash_next(i)) {
        absw_peer_t *peer = apr_hash_this_val(i);

        shift(&peer->seen, by);
        shift(&peer->seen_before, by);
        shift(&peer->doubled_until, by);
        for (int e = 0; e < peer->heard.n; e++) {
            shift(&peer->heard.at[e], by);
        }
    }
    for (int e = 0; e < memory->heard.n; e++) {
        shift(&memory->heard.at[e], by);
    }
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        shift(&memory->own[i].at, by);
    }
    shift(&memory->answered, by);
    shift(&memory->answers_since, by);
    shift(&memory->strange_at, by);
    shift(&memory->doubled_until, by);
    shift(&known->cluster.settled, by);
    shift(&known->cluster.steady, by);
}

/* Whoever ticked last wrote what he knew to the board: take it, if that was not us. */
static void recall(const absw_tick_t *tick, absw_known_t *known)
{
    absw_memory_t *memory = known->memory;
    absw_board_peer_t kept;

    for (int i = 0; i < known->cluster.peers_n && i < ABSW_BOARD_PEERS_MAX; i++) {
        if (!absw_board_get_peer(&known->app->place, i, &kept)
            || !absw_roster_is_name(kept.name, strlen(kept.name))) {
            continue;
        }
        if (strcmp(kept.name, tick->node->name) == 0) {
            memory->doubled_until = kept.doubled_until;
        }
        else {
            recall_peer(memory, &kept);
        }
    }
    memset(memory->own, 0, sizeof(memory->own));
    memory->awake = 1;
    memory->sequence = known->cluster.sequence;
    memory->wrote = 0;
    memory->answered = 0;
    memory->answers_since = 0;
    memory->inherited_loaded = 0;
}

void absw_peer_recall(const absw_tick_t *tick, absw_known_t *known)
{
    absw_memory_t *memory = known->app->memory;

    known->memory = memory;
    absw_board_get_cluster(&known->app->place, &known->cluster);
    if (!memory->awake || memory->sequence != known->cluster.sequence) {
        recall(tick, known);
    }
    if (tick->was.synced > tick->now) {
        set_back(known, tick->was.synced - tick->now);
    }
}

/* --- another node -------------------------------------------------------------------- */

/* A node that was stopped says nothing any more: who remembers its last word, repeats it. */
static void repeat(const absw_tick_t *tick, const absw_known_t *known, const absw_peer_t *peer)
{
    char *text;
    apr_size_t len;

    if (peer->has && peer->record.left && absw_tick_is_ours(tick)) {
        text = apr_palloc(tick->pool, ABSW_RECORD_TEXT_MAX + 1);
        len = absw_record_encode(known->app->policy, &peer->record, text);
        tick->node->store->ops->add(tick->node->store,
                                    absw_node_key(tick, known, peer->name), text, len,
                                    ABSW_STORE_TTL_MAX, tick->pool);
    }
}

static int decode(const absw_tick_t *tick, absw_known_t *known, const absw_store_item_t *item,
                  const char *name, absw_record_t *record, int *bad)
{
    char why[ABSW_RECORD_WHY];

    if (!absw_record_decode(known->app->policy, item->value, item->len, record, why)) {
    }
    else if (strcmp(record->node, name) != 0) {
        apr_cpystrn(why, "it is another node's", sizeof(why));
    }
    else if (record->boot == 0 || record->boot > BOOT_MAX) {
        apr_cpystrn(why, "its boot is out of range", sizeof(why));
    }
    else {
        *bad = 0;
        return 1;
    }
    absw_tick_ignore(tick, known, item->key, why, bad);
    return 0;
}

/* Its clock less ours. It wrote the record after our last look, and before this one. */
static apr_interval_time_t skew_of(const absw_tick_t *tick, const absw_known_t *known,
                                   const absw_peer_t *peer, const absw_record_t *record)
{
    apr_time_t before = known->memory->answered;

    if (record->clock > tick->now) {
        return record->clock - tick->now;
    }
    return peer->boot && before && record->clock < before ? record->clock - before : 0;
}

void absw_peer_hear_ends(absw_heard_t *heard, const absw_record_t *record, apr_time_t now)
{
    absw_heard_t before = *heard;
    int from = 0;

    heard->n = record->ends_n;
    for (int i = 0; i < record->ends_n; i++) {
        const absw_end_t *end = &record->ends[i];

        heard->ends[i] = *end;
        heard->at[i] = now;
        for (int n = 0; n < before.n; n++) {    /* they keep their order: it is the first */
            int k = (from + n) % before.n;

            if (before.ends[k].hash == end->hash && before.ends[k].at == end->at) {
                heard->at[i] = before.at[k];
                from = k + 1;
                break;
            }
        }
    }
}

static int is_newer(apr_uint64_t boot, apr_uint64_t sequence, apr_uint64_t than_boot,
                    apr_uint64_t than_sequence)
{
    return boot > than_boot || (boot == than_boot && sequence > than_sequence);
}

static void take(const absw_tick_t *tick, const absw_known_t *known, absw_peer_t *peer,
                 const absw_record_t *record)
{
    apr_time_t until = tick->now + ABSW_CLUSTER_SYNCS * tick->node->sync;

    if (record->doubled && !record->left && peer->doubled_until < until) {
        peer->doubled_until = until;    /* it says so for long enough itself */
    }
    peer->skew = skew_of(tick, known, peer, record);
    absw_peer_hear_ends(&peer->heard, record, peer->has ? tick->now : 0);
    peer->seen_before = peer->seen;
    peer->seen = peer->boot || peer->known_before ? tick->now : 0;
    peer->record = *record;
    peer->has = 1;
    peer->boot = record->boot;
    peer->sequence = record->sequence;
    peer->clock = record->clock;
}

void absw_peer_hear(const absw_tick_t *tick, absw_known_t *known, const absw_store_item_t *item,
                    absw_peer_t *peer)
{
    absw_record_t *record = apr_palloc(tick->pool, sizeof(*record));

    if (item->found == ABSW_STORE_ABSENT) {
        repeat(tick, known, peer);
    }
    if (item->found != ABSW_STORE_FOUND
        || !decode(tick, known, item, peer->name, record, &peer->bad)) {
        return;
    }
    if (record->boot == peer->boot && record->sequence == peer->sequence) {
        absw_peer_hear_ends(&peer->heard, record, 0);
        peer->record = *record;
        peer->has = 1;
    }
    else if (is_newer(record->boot, record->sequence, peer->boot, peer->sequence)
             /* its clock was set back while it was away, and it lost its memory */
             || (record->boot != peer->boot && tick->now - peer->seen > doubled_for(tick)
                 && tick->now >= peer->doubled_until)) {
        take(tick, known, peer, record);
    }
    else if (record->boot != peer->boot) {
        peer->doubled_until = tick->now + doubled_for(tick);
    }
}

apr_uint32_t absw_peer_sessions(const absw_tick_t *tick, const absw_cluster_node_t *node,
                                int side)
{
    const absw_record_side_t *said = &node->record->sides[side];

    if (absw_cluster_state(node, tick->node->sync) == ABSW_NODE_LIVE || said->sessions == 0) {
        return said->sessions;
    }
    if (said->hist.n > 0) {
        return absw_hist_left(&said->hist, tick->sec);
    }
    return absw_bucket_is_live(said->empty_at, tick->sec) ? said->sessions : 0;
}

/* --- this node ----------------------------------------------------------------------- */

/* Somebody else wrote under our name since we did: once may be an old copy of ours that was put
 * back; time and again it is a node of the same name. What that one counts we overwrite, so when it
 * goes nobody knows its sessions: they are seen again, or end, within an idle time-out. */
static void find_strange(const absw_tick_t *tick, absw_known_t *known,
                         const absw_record_t *record)
{
    absw_memory_t *memory = known->memory;

    if (memory->strange_at && tick->now - memory->strange_at <= doubled_for(tick)) {
        if (memory->doubled_until <= tick->now) {
            absw_tick_say(tick, ABSW_SAY_ERROR, known->app, ABSW_NO_SIDE,
                          "two nodes of %s are called %s; give each an ABSwitchNode of its own",
                          known->app->policy->name, tick->node->name);
        }
        memory->doubled_until = tick->now + doubled_for(tick);
        if (known->cluster.relearning_until < tick->sec + known->app->policy->idle) {
            known->cluster.relearning_until = tick->sec + known->app->policy->idle;
        }
    }
    memory->strange_at = tick->now;
    if (record->boot >= known->cluster.boot) {
        known->cluster.boot = record->boot + 1;     /* or others would not hear us */
    }
}

static void look_at_own(const absw_tick_t *tick, absw_known_t *known,
                        const absw_record_t *record)
{
    absw_memory_t *memory = known->memory;
    absw_board_cluster_t *cluster = &known->cluster;

    if (cluster->boot == 0) {
        cluster->boot = (apr_uint64_t)tick->now;
        if (record && record->boot >= cluster->boot) {
            cluster->boot = record->boot + 1;
        }
        return;
    }
    if (!record) {
        return;
    }
    if (memory->wrote
        && (record->boot != cluster->boot || record->sequence != cluster->sequence
            || record->clock != memory->wrote_clock)) {
        find_strange(tick, known, record);
    }
    else if (!memory->wrote
             && is_newer(record->boot, record->sequence, cluster->boot, cluster->sequence)) {
        cluster->boot = record->boot + 1;
    }
}

/* --- what is inherited --------------------------------------------------------------- */

/* The sheet that the own record names, in memory's pool; NULL: it is not to be had. */
static absw_sheet_t *read_sheet(const absw_known_t *known, const absw_record_t *record, int side,
                                const absw_store_item_t *item)
{
    const char *why;
    absw_sheet_t *sheet;

    if (item->found != ABSW_STORE_FOUND) {
        return NULL;
    }
    sheet = absw_sheet_decode(item->value, item->len, known->memory->inherited_pool, &why);
    return sheet && sheet->head.boot == record->boot
           && sheet->head.sequence >= record->sides[side].members_sequence ? sheet : NULL;
}

/* Get the sheets of the own record. 1: all that it names are there; 0: not; -1: no answer. */
static int read_sheets(const absw_tick_t *tick, absw_known_t *known,
                       const absw_record_t *record)
{
    int sides_n = known->app->policy->sides_n;
    absw_store_item_t *items = apr_pcalloc(tick->pool, (apr_size_t)sides_n * sizeof(*items));
    int whole = 1;

    for (int i = 0; i < sides_n; i++) {
        items[i].key = absw_node_members_key(tick, known, i, tick->node->name);
    }
    if (!tick->node->store->ops->get(tick->node->store, items, sides_n, tick->pool)) {
        absw_tick_fail(tick, known, absw_tick_why(tick, items, sides_n));
        return -1;
    }
    apr_pool_clear(known->memory->inherited_pool);
    for (int i = 0; i < sides_n; i++) {
        known->memory->inherited[i] = NULL;
        if (record->sides[i].sessions > 0) {
            known->memory->inherited[i] = read_sheet(known, record, i, &items[i]);
            whole &= known->memory->inherited[i] != NULL;
        }
    }
    return whole;
}

/* Until when sessions of the sheets may be there. */
static absw_sec_t inherited_until(const absw_tick_t *tick, const absw_known_t *known)
{
    absw_sec_t until = 0;

    for (int i = 0; i < known->app->policy->sides_n; i++) {
        if (known->memory->inherited[i]) {
            absw_members_t *members = absw_members_make(tick->pool, 0);
            absw_hist_t hist;

            absw_members_unite_sheet(members, known->memory->inherited[i]);
            absw_members_histogram(members, absw_bucket_width(known->app->policy->idle),
                                   tick->sec, &hist);
            if (absw_hist_empty_at(&hist) > until) {
                until = absw_hist_empty_at(&hist);
            }
        }
    }
    return until;
}

/*
 * What the last record cannot say are the sessions that came after it. There are none if it was
 * the last word of a clean stop; else they have been seen again, or have ended, after an idle
 * time-out. (It would not do to believe a record that is a sync old at most: nobody knows when the
 * node died, nor how long it could not write before that. Who clicked there once in that time is
 * in no table but the lost one.)
 */
static void judge_loss(absw_known_t *known, const absw_record_t *record, int whole)
{
    absw_board_cluster_t *cluster = &known->cluster;
    absw_sec_t until = cluster->lost + known->app->policy->idle;

    if (record && record->left && whole) {
        until = record->relearning_until;
    }
    else if (!record && !known->named && cluster->relearning_until == 0) {
        until = 0;              /* it is new here */
    }
    for (int i = 0; record && i < known->app->policy->sides_n; i++) {
        if (record->sides[i].uncounted_until > until) {
            until = record->sides[i].uncounted_until;
        }
    }
    cluster->relearning_until = until;
    cluster->lost = 0;
}

static void inherit(const absw_tick_t *tick, absw_known_t *known, const absw_record_t *record)
{
    absw_board_cluster_t *cluster = &known->cluster;
    int whole = 1;

    if (record) {
        whole = read_sheets(tick, known, record);
        if (whole < 0) {
            return;
        }
        cluster->inherited_until = inherited_until(tick, known);
    }
    if (cluster->lost) {
        judge_loss(known, record, whole);
    }
    else if (!record || !whole) {
        /* it is gone with the store's data, and with the process that remembered it */
        cluster->inherited_until = 0;
        cluster->relearning_until = tick->sec + known->app->policy->idle;
    }
    known->memory->inherited_loaded = 1;
}

/* Before the roster names this node: else another process that takes over in the middle of this
 * sync would take a new node for one that has lost its sessions. */
static void keep_judgement(const absw_tick_t *tick, absw_known_t *known)
{
    absw_board_cluster_t kept;

    absw_board_get_cluster(&known->app->place, &kept);
    kept.lost = known->cluster.lost;
    kept.relearning_until = known->cluster.relearning_until;
    kept.inherited_until = known->cluster.inherited_until;
    if (!absw_tick_is_ours(tick) || !absw_board_set_cluster(&known->app->place, &kept)) {
        absw_tick_fail(tick, known, "another process of this node syncs, too");
    }
}

void absw_peer_hear_self(const absw_tick_t *tick, absw_known_t *known,
                         const absw_store_item_t *item)
{
    absw_record_t *record = apr_palloc(tick->pool, sizeof(*record));
    absw_memory_t *memory = known->memory;

    if (item->found != ABSW_STORE_FOUND
        || !decode(tick, known, item, tick->node->name, record, &memory->own_bad)) {
        record = NULL;
    }
    if (known->cluster.lost
        || (known->cluster.inherited_until > tick->sec && !memory->inherited_loaded)) {
        inherit(tick, known, record);
        keep_judgement(tick, known);
    }
    if (known->complete) {
        look_at_own(tick, known, record);
    }
    known->doubled = memory->doubled_until > tick->now;
}
