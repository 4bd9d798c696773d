/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "node_parts.h"
#include "roll.h"

/* What this node says of itself: its record every sync, its sheets when they change. */

#define RECORD_TTL      (7 * 86400)     /* a silent node's last word is there for a week */
#define SHEET_SYNCS     2               /* an unchanged sheet is written again after so many: it
                                         * may have been evicted */

static void list_ends(const absw_tick_t *tick, absw_known_t *known)
{
    absw_record_t *record = &known->record;

    if (tick->node->ends) {
        record->ends_n = absw_ends_recent(tick->node->ends, known->app->place.app,
                                          tick->sec - ABSW_ENDS_KEPT, tick->sec, record->ends,
                                          ABSW_RECORD_ENDS, NULL);
    }
}

/* All ends that are known, by this node's and the other nodes' words. */
static absw_ended_t *gather_ends(const absw_tick_t *tick, const absw_known_t *known, int n)
{
    apr_uint32_t room = 0;
    absw_ended_t *ended;

    for (int i = 0; i < n; i++) {
        for (int k = 0; known[i].nodes && k < known[i].roster->n; k++) {
            const absw_record_t *record = known[i].nodes[k].record;

            room += record && record != &known[i].record ? (apr_uint32_t)record->ends_n : 0;
        }
    }
    if (room == 0) {
        return NULL;
    }
    ended = absw_ended_make(tick->pool, room);
    for (int i = 0; i < n; i++) {
        for (int k = 0; known[i].nodes && k < known[i].roster->n; k++) {
            const absw_record_t *record = known[i].nodes[k].record;

            for (int e = 0; record && record != &known[i].record && e < record->ends_n; e++) {
                absw_ended_add(ended, known[i].app->place.app, &record->ends[e], tick->sec);
            }
        }
    }
    return ended;
}

/* Those who are known by their hashes alone count until they end, or their side closes. */
static void add_inherited(const absw_tick_t *tick, absw_known_t *known, int side)
{
    absw_sheet_t *sheet = known->memory->inherited[side];
    absw_record_side_t *said = &known->record.sides[side];
    apr_uint32_t all;
    int exact;

    if (!sheet || known->cluster.inherited_until <= tick->sec
        || absw_switch_state(known->app->policy, &known->rec, side, tick->sec)
               == ABSW_SIDE_CLOSED) {
        return;
    }
    for (int k = 0; k < known->roster->n; k++) {
        const absw_record_t *record = known->nodes[k].record;

        for (int e = 0; record && e < record->ends_n; e++) {
            if (record->ends[e].at >= sheet->head.taken) {
                absw_sheet_end(sheet, record->ends[e].hash, tick->now);
            }
        }
    }
    absw_members_unite_sheet(known->members[side], sheet);
    all = absw_members_count(known->members[side], tick->sec, &exact);
    if (all <= said->sessions) {
        return;
    }
    known->inherited[side] = all - said->sessions;
    said->sessions = all;
    absw_members_histogram(known->members[side], absw_bucket_width(known->app->policy->idle),
                           tick->sec, &said->hist);
    if (absw_hist_empty_at(&said->hist) > said->empty_at) {
        said->empty_at = absw_hist_empty_at(&said->hist);
    }
}

int absw_tick_call_roll(const absw_tick_t *tick, absw_known_t *known, int n)
{
    apr_uint32_t places = tick->node->board_apps * ABSW_SIDES_MAX;
    absw_census_rule_t *rules = apr_pcalloc(tick->pool, places * sizeof(*rules));
    absw_roll_t *roll = apr_pcalloc(tick->pool, places * sizeof(*roll));
    absw_census_count_t *counts = apr_pcalloc(tick->pool, places * sizeof(*counts));
    int ahead;

    absw_node_prepare(tick->node, known, n, tick->now, rules, places);
    ahead = absw_roll_take(tick->node->table, rules, roll, places, tick->sec, !tick->leaving,
                           gather_ends(tick, known, n), tick->pool);
    for (apr_uint32_t i = 0; i < places; i++) {
        counts[i] = roll[i].count;
    }
    for (int i = 0; i < n; i++) {
        absw_node_fill_record(tick->node, &known[i], counts, places, tick->now);
        list_ends(tick, &known[i]);
        for (int side = 0; side < known[i].app->policy->sides_n; side++) {
            apr_uint16_t place = known[i].app->place.place[side];

            if (place < places && roll[place].members) {
                known[i].members[side] = roll[place].members;
                known[i].record.sides[side].hist = roll[place].hist;
            }
            else {
                known[i].members[side] = absw_members_make(tick->pool, ABSW_MEMBERS_EXACT);
            }
            if (known[i].nodes) {
                add_inherited(tick, &known[i], side);
            }
        }
    }
    return ahead;
}

/* --- writing ------------------------------------------------------------------------- */

/* 1: the sheet is in the store, or nobody needs one. */
static int write_sheet(const absw_tick_t *tick, absw_known_t *known, int side)
{
    absw_store_t *store = tick->node->store;
    absw_own_sheet_t *own = &known->memory->own[side];
    absw_record_side_t *said = &known->record.sides[side];
    absw_sec_t width = absw_bucket_width(known->app->policy->idle);
    absw_sheet_head_t head = {
        .boot = known->cluster.boot, .sequence = known->cluster.sequence, .taken = tick->sec
    };
    apr_uint64_t digest;
    const char *bytes;
    apr_size_t len;
    int exact;

    if (said->sessions == 0) {
        own->written = 0;
        return 1;
    }
    digest = absw_members_digest(known->members[side], width, tick->sec);
    said->members_sketch = !absw_members_are_exact(known->members[side]);
    if (own->written && own->digest == digest
        && tick->now - own->at < SHEET_SYNCS * tick->node->sync - tick->node->sync / 2) {
        said->members_sequence = own->sequence;
        return 1;
    }
    apr_cpystrn(head.epoch, known->cluster.epoch, sizeof(head.epoch));
    bytes = absw_sheet_encode(known->members[side], &head, width, tick->sec, tick->pool, &len,
                              &exact);
    said->members_sketch = !exact;
    said->members_sequence = head.sequence;
    own->written = 0;
    if (store->ops->set(store, absw_node_members_key(tick, known, side, tick->node->name), bytes,
                        len, tick->leaving ? ABSW_STORE_TTL_MAX : RECORD_TTL, tick->pool)
        != ABSW_STORE_DONE) {
        return 0;
    }
    *own = (absw_own_sheet_t){
        .written = 1, .digest = digest, .sequence = head.sequence, .at = tick->now
    };
    return 1;
}

static int write_record(const absw_tick_t *tick, absw_known_t *known)
{
    absw_store_t *store = tick->node->store;
    char *text = apr_palloc(tick->pool, ABSW_RECORD_TEXT_MAX + 1);
    apr_size_t len = absw_record_encode(known->app->policy, &known->record, text);

    known->memory->wrote = store->ops->set(store, absw_node_key(tick, known, tick->node->name),
                                           text, len,
                                           tick->leaving ? ABSW_STORE_TTL_MAX : RECORD_TTL,
                                           tick->pool) == ABSW_STORE_DONE;
    known->memory->wrote_clock = known->record.clock;
    return known->memory->wrote;
}

void absw_tick_publish(const absw_tick_t *tick, absw_known_t *known)
{
    absw_record_t *record = &known->record;

    if (!known->complete || !absw_tick_is_ours(tick)) {
        return;
    }
    /* A number that may be in the store is never given to another record. */
    known->cluster.sequence++;
    if (!absw_board_set_cluster(&known->app->place, &known->cluster)) {
        absw_tick_fail(tick, known, "another process of this node syncs, too");
        return;
    }
    known->memory->sequence = known->cluster.sequence;
    known->memory->wrote = 0;
    record->boot = known->cluster.boot;
    record->sequence = known->cluster.sequence;
    record->left = tick->leaving;
    record->doubled = known->doubled && !tick->leaving;
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        if (!write_sheet(tick, known, i)) {
            absw_tick_fail(tick, known, NULL);
            return;
        }
    }
    if (!write_record(tick, known)) {
        absw_tick_fail(tick, known, NULL);
    }
}
