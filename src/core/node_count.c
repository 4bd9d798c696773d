/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "node_parts.h"

/* --- counting ---------------------------------------------------------------------- */

static void set_rules(const absw_known_t *known, absw_sec_t now, absw_census_rule_t *rules,
                      apr_uint32_t places)
{
    const absw_policy_t *policy = known->app->policy;

    for (int i = 0; i < policy->sides_n; i++) {
        apr_uint16_t place = known->app->place.place[i];

        if (place < places) {
            rules[place] = (absw_census_rule_t){
                .configured = 1,
                .closed = absw_switch_state(policy, &known->rec, i, now) == ABSW_SIDE_CLOSED,
                .idle = policy->idle,
                .max_login = policy->max_login,
            };
        }
    }
}

static void count_in_flight(const absw_node_t *node, absw_known_t *known)
{
    const absw_board_app_t *place = &known->app->place;

    memset(&known->record, 0, sizeof(known->record));
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        known->record.sides[i].in_flight =
            absw_children_in_flight(node->children, place->place[i], node->alive);
    }
    known->record.blind = absw_children_overflow(node->children);
}

void absw_node_fill_record(const absw_node_t *node, absw_known_t *known,
                           const absw_census_count_t *counts, apr_uint32_t places,
                           apr_time_t now)
{
    absw_record_t *record = &known->record;
    const absw_policy_t *policy = known->app->policy;
    absw_board_node_t own;

    absw_board_get_node(node->board, &own);
    apr_cpystrn(record->node, node->name, sizeof(record->node));
    apr_cpystrn(record->epoch, node->store->ops->solo ? own.epoch : known->cluster.epoch,
                sizeof(record->epoch));
    record->generation = known->rec.generation;
    record->clock = now;
    record->relearning_until = node->store->ops->solo ? own.relearning_until
                                                      : known->cluster.relearning_until;
    for (int i = 0; i < policy->sides_n; i++) {
        apr_uint16_t place = known->app->place.place[i];
        absw_sec_t uncounted = absw_board_uncounted_at(&known->app->place, i);

        if (place < places) {
            record->sides[i].sessions = counts[place].sessions;
            record->sides[i].testers = counts[place].testers;
            record->sides[i].empty_at = counts[place].empty_at;
        }
        record->sides[i].uncounted_until = uncounted > 0 ? uncounted + policy->idle : 0;
    }
    absw_node_fill_responses(node, known, now);
}

/* A roster of one: the union of all nodes' sessions is what this node counts. */
static void judge_alone(const absw_node_t *node, absw_known_t *known, apr_time_t now)
{
    absw_cluster_union_t sides[ABSW_SIDES_MAX];
    absw_cluster_node_t self = { .name = node->name, .record = &known->record };
    absw_cluster_facts_t facts = {
        .policy = known->app->policy, .rec = &known->rec, .now = now, .sync = node->sync,
        .complete = known->complete, .trouble = known->trouble,
        .epoch = known->record.epoch[0] ? known->record.epoch : NULL,
        .nodes = &self, .nodes_n = 1, .sides = sides,
    };

    for (int i = 0; i < known->app->policy->sides_n; i++) {
        sides[i] = (absw_cluster_union_t){
            .sessions = known->record.sides[i].sessions,
            .testers = known->record.sides[i].testers,
            .exact = 1,
        };
    }
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        absw_cluster_judge(&facts, i, &known->sides[i]);
    }
}

/* What this node finds now, in place of what it found at the last sync; less whatever ended. */
static apr_uint32_t shift(apr_uint32_t all, apr_uint32_t then, apr_uint32_t now)
{
    apr_int64_t sum = (apr_int64_t)all - then + now;

    return sum < now ? now : sum > APR_UINT32_MAX ? APR_UINT32_MAX : (apr_uint32_t)sum;
}

/*
 * The same for sessions. One that is idle for too long here may be active elsewhere, so what is
 * missing is missing everywhere only if it ended here: by a logout, or with its side.
 */
static apr_uint32_t shift_sessions(const absw_board_sum_t *sum, apr_uint32_t now,
                                   apr_uint32_t ended)
{
    apr_uint32_t gone = sum->own_sessions > now ? sum->own_sessions - now : 0;
    apr_uint32_t all;

    if (gone == 0) {
        return shift(sum->sessions, sum->own_sessions, now);
    }
    gone = gone < ended ? gone : ended;
    all = sum->sessions > gone ? sum->sessions - gone : 0;
    return all > now ? all : now;
}

/* How many sessions have ended on this node since the last sync. */
static apr_uint32_t ended_since(const absw_node_t *node, const absw_known_t *known,
                                apr_time_t synced, apr_time_t now)
{
    absw_end_t ends[ABSW_RECORD_ENDS];
    int lost = 0;
    int n = node->ends ? absw_ends_recent(node->ends, known->app->place.app,
                                          apr_time_sec(synced), apr_time_sec(now), ends,
                                          ABSW_RECORD_ENDS, &lost) : 0;

    return lost ? APR_UINT32_MAX : (apr_uint32_t)n;
}

/* In a cluster a page has the others' counts from the last sync, and this node's of this moment. */
static void judge_in_cluster(const absw_node_t *node, absw_known_t *known, apr_time_t now)
{
    const absw_policy_t *policy = known->app->policy;
    absw_board_node_t own;
    apr_uint32_t ended;

    known->complete = 1;        /* what the last sync could not have is in its verdict */
    judge_alone(node, known, now);
    absw_board_get_node(node->board, &own);
    ended = ended_since(node, known, own.synced, now);
    for (int i = 0; i < policy->sides_n; i++) {
        absw_cluster_side_t *found = &known->sides[i];
        absw_board_sum_t sum;

        absw_board_get_sum(&known->app->place, i, &sum);
        known->inherited[i] = sum.inherited;
        found->known = sum.known && known->cluster.steady <= now;
        found->exact = found->exact && sum.exact;
        found->sessions = shift_sessions(&sum, found->sessions,
                                         absw_switch_state(policy, &known->rec, i,
                                                           apr_time_sec(now))
                                             == ABSW_SIDE_CLOSED ? APR_UINT32_MAX : ended);
        found->testers = shift(sum.testers, sum.own_testers, found->testers);
        found->in_flight = shift(sum.in_flight, sum.own_in_flight, found->in_flight);
        if (sum.empty_at > found->empty_at) {
            found->empty_at = sum.empty_at;
        }
        if (found->drain == ABSW_DRAIN_DRAINED && (found->sessions > 0 || found->in_flight > 0)) {
            found->drain = ABSW_DRAIN_DRAINING;
        }
    }
}

void absw_node_prepare(const absw_node_t *node, absw_known_t *known, int n, apr_time_t now,
                       absw_census_rule_t *rules, apr_uint32_t places)
{
    /* Requests before sessions: one that ends before we look at it has left its session in the
     * table, and one that begins afterwards is too late to be missed. */
    for (int i = 0; i < n; i++) {
        count_in_flight(node, &known[i]);
        set_rules(&known[i], apr_time_sec(now), rules, places);
    }
}

int absw_node_count(const absw_node_t *node, absw_known_t *known, int n, apr_time_t now,
                    int sweep, apr_pool_t *pool)
{
    apr_uint32_t places = node->board_apps * ABSW_SIDES_MAX;
    absw_census_rule_t *rules = apr_pcalloc(pool, places * sizeof(*rules));
    absw_census_count_t *counts = apr_pcalloc(pool, places * sizeof(*counts));
    int ahead;

    absw_node_prepare(node, known, n, now, rules, places);
    ahead = absw_census_take(node->table, rules, counts, places, apr_time_sec(now),
                             sweep);
    for (int i = 0; i < n; i++) {
        if (!node->store->ops->solo) {
            absw_board_get_cluster(&known[i].app->place, &known[i].cluster);
        }
        absw_node_fill_record(node, &known[i], counts, places, now);
        if (node->store->ops->solo) {
            judge_alone(node, &known[i], now);
        }
        else {
            judge_in_cluster(node, &known[i], now);
        }
    }
    return ahead;
}

/* --- drains ------------------------------------------------------------------------ */

/* The streak of syncs in a row in which the side was empty, after this one. */
static apr_uint32_t streak_after(const absw_tick_t *tick, const absw_board_drain_t *drain)
{
    apr_interval_time_t gap = tick->now - tick->was.synced;

    if (tick->was.synced == 0 || gap < 0 || gap > absw_node_stale_after(tick->node)) {
        return 1;               /* nobody looked in between */
    }
    if (drain->streak > 0 && gap < tick->node->sync / 2) {
        return drain->streak;   /* two processes that sync in turn prove nothing twice */
    }
    return drain->streak < APR_UINT32_MAX ? drain->streak + 1 : drain->streak;
}

/*
 * Has every node that is there spoken since the row of syncs began? A session that left one node
 * for another while we looked is in neither's record until the other has spoken again.
 */
static int have_all_spoken(const absw_tick_t *tick, const absw_known_t *known, apr_time_t since)
{
    for (int i = 0; known->nodes && i < known->roster->n; i++) {
        const absw_cluster_node_t *node = &known->nodes[i];

        if (node->record != &known->record
            && absw_cluster_state(node, tick->node->sync) == ABSW_NODE_LIVE
            && tick->now - node->age <= since) {
            return 0;
        }
    }
    return 1;
}

static int keep_evidence(const absw_tick_t *tick, const absw_known_t *known, int side)
{
    const absw_cluster_side_t *found = &known->sides[side];
    absw_board_drain_t drain;

    absw_board_get_drain(&known->app->place, side, &drain);
    if (drain.generation != known->rec.generation) {
        drain.streak = 0;
    }
    drain.generation = known->rec.generation;
    drain.proven = found->drain == ABSW_DRAIN_DRAINED;
    drain.streak = drain.proven ? streak_after(tick, &drain) : 0;
    if (drain.streak <= 1) {
        drain.since = tick->now;
    }
    else if (drain.streak >= ABSW_CLUSTER_STREAK
             && !have_all_spoken(tick, known, drain.since)) {
        drain.streak = ABSW_CLUSTER_STREAK - 1;
    }
    apr_cpystrn(drain.reason, found->reason, sizeof(drain.reason));
    return absw_board_set_drain(&known->app->place, side, &drain)
           && drain.streak >= ABSW_CLUSTER_STREAK;
}

/* Is side's drain since then among "A:1763790000,B:1763790100"? *others gets the other sides'. */
static int is_announced(const absw_policy_t *policy, int side, absw_sec_t since,
                        const char *value, const char **others, apr_pool_t *pool)
{
    const char *own = apr_psprintf(pool, "%s:%" APR_INT64_T_FMT, policy->sides[side].name, since);
    apr_size_t name_len = strlen(policy->sides[side].name) + 1;
    char *last;
    int found = 0;

    *others = "";
    for (char *part = apr_strtok(apr_pstrdup(pool, value), ",\n", &last); part;
         part = apr_strtok(NULL, ",\n", &last)) {
        const char *colon = strchr(part, ':');

        if (strncmp(part, own, name_len) == 0) {
            found |= strcmp(part, own) == 0;
        }
        else if (colon && absw_policy_side_of_name(policy, part, (apr_size_t)(colon - part))
                              != ABSW_NO_SIDE) {
            *others = apr_pstrcat(pool, *others, ",", part, NULL);
        }
    }
    return found;
}

/*
 * The store remembers which drains were told of, so that each is told once, whichever process
 * or node finds it first: the one whose write succeeds. What nobody can write is told by a
 * node that is alone, which remembers it as long as its process lives.
 */
static int is_mine_to_tell(const absw_tick_t *tick, const absw_known_t *known, int side)
{
    absw_store_t *store = tick->node->store;
    const absw_policy_t *policy = known->app->policy;
    absw_store_item_t item = {
        .key = absw_change_key(policy, "drained", tick->pool), .mend = 1
    };
    absw_sec_t since = known->rec.since[side];
    absw_store_result_e result = ABSW_STORE_FAILED;
    const char *others;
    const char *text;

    if (store->ops->get(store, &item, 1, tick->pool) && item.found != ABSW_STORE_BUSY) {
        int there = item.found == ABSW_STORE_FOUND && item.len <= ABSW_STORE_VALUE_MAX;

        text = there ? apr_pstrmemdup(tick->pool, item.value, item.len) : "";
        if (is_announced(policy, side, since, text, &others, tick->pool)) {
            known->app->announced[side] = since;
            return 0;
        }
        text = apr_psprintf(tick->pool, "%s:%" APR_INT64_T_FMT "%s\n", policy->sides[side].name,
                            since, others);
        result = item.found == ABSW_STORE_FOUND
                 ? store->ops->cas(store, item.key, item.cas, text, strlen(text), 0, tick->pool)
                 : store->ops->add(store, item.key, text, strlen(text), 0, tick->pool);
    }
    return result == ABSW_STORE_DONE || (result == ABSW_STORE_FAILED && store->ops->solo);
}

/* In a cluster every node remembers it, too: the store may lose what it knows. */
static int is_told(const absw_known_t *known, int side)
{
    absw_board_drain_t drain;

    absw_board_get_drain(&known->app->place, side, &drain);
    return known->memory && drain.told == known->rec.since[side];
}

static void note_told(const absw_known_t *known, int side)
{
    absw_board_drain_t drain;

    absw_board_get_drain(&known->app->place, side, &drain);
    drain.told = known->rec.since[side];
    absw_board_set_drain(&known->app->place, side, &drain);
}

/* A drain is what began with the loss of a side's last weight: a side that never had any, such
 * as the one that the next version is being put on, has nothing to tell and is not closed. */
static void tell(const absw_tick_t *tick, const absw_known_t *known, int side)
{
    const absw_policy_t *policy = known->app->policy;
    absw_sec_t since = known->rec.since[side];
    int mine;

    if (since == 0 || known->app->announced[side] == since || !absw_tick_is_ours(tick)
        || is_told(known, side)) {
        return;
    }
    mine = is_mine_to_tell(tick, known, side);
    if (mine) {
        known->app->announced[side] = since;
    }
    if (known->app->announced[side] == since) {
        note_told(known, side);
    }
    if (!mine) {
        return;
    }
    absw_tick_say(tick, ABSW_SAY_NOTICE, known->app, side,
                  "side %s of %s is drained: nobody is left there (generation %"
                  APR_INT64_T_FMT ")", policy->sides[side].name, policy->name,
                  known->rec.generation);
    if (tick->node->drained) {
        tick->node->drained(tick->node->baton, policy->name, policy->sides[side].name,
                            known->rec.generation);
    }
}

static void close_drained(const absw_tick_t *tick, const absw_known_t *known, int side)
{
    const absw_policy_t *policy = known->app->policy;
    absw_change_t change = {
        .what = ABSW_CHANGE_CLOSE, .side = side, .generation = known->rec.generation,
        .newest = known->newest, .newest_is_live = known->newest_is_live
    };
    absw_switch_who_t who = {
        .now = tick->sec, .node = tick->node->name, .by = "auto", .note = ""
    };
    absw_change_made_t made;

    if (known->app->auto_close && known->rec.since[side] > 0 && absw_tick_is_ours(tick)
        && absw_switch_state(policy, &known->rec, side, tick->sec) == ABSW_SIDE_DRAINING) {
        /* what does not succeed now is tried again at the next sync, if it is still right */
        absw_change_make(tick->node->store, policy, &known->app->place, &change, &who, &made,
                         tick->pool);
    }
}

/* A side that closed by itself since the last sync. */
static void tell_deadline(const absw_tick_t *tick, const absw_known_t *known, int side)
{
    const absw_policy_t *policy = known->app->policy;
    absw_sec_t deadline = absw_switch_deadline(policy, &known->rec, side);

    if (deadline > apr_time_sec(tick->was.synced) && deadline <= tick->sec) {
        absw_tick_say(tick, ABSW_SAY_NOTICE, known->app, side,
                      "side %s of %s has reached its deadline and is closed",
                      policy->sides[side].name, policy->name);
    }
}

void absw_tick_drains(const absw_tick_t *tick, absw_known_t *known)
{
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        if (!absw_tick_is_ours(tick)) {
            return;
        }
        tell_deadline(tick, known, i);
        if (keep_evidence(tick, known, i)) {
            tell(tick, known, i);
            close_drained(tick, known, i);
        }
    }
}
