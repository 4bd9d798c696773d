/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_time.h>

#include "cluster.h"

const char absw_cluster_unsettled[] =
    "the store is new or lost its data, and has not settled yet";

const char *absw_drain_name(absw_drain_e drain)
{
    static const char *const NAMES[ABSW_DRAIN_COUNT] = {
        [ABSW_DRAIN_OPEN] = "open",
        [ABSW_DRAIN_DRAINING] = "draining",
        [ABSW_DRAIN_DRAINED] = "drained",
        [ABSW_DRAIN_UNKNOWN] = "unknown",
    };
    return NAMES[drain];
}

const char *absw_node_state_name(absw_node_state_e state)
{
    static const char *const NAMES[ABSW_NODE_STATE_COUNT] = {
        [ABSW_NODE_LIVE] = "live",
        [ABSW_NODE_LEFT] = "left",
        [ABSW_NODE_SILENT] = "silent",
    };
    return NAMES[state];
}

absw_node_state_e absw_cluster_state(const absw_cluster_node_t *node, apr_interval_time_t sync)
{
    if (!node->record) {
        return ABSW_NODE_SILENT;
    }
    if (node->record->left) {
        return ABSW_NODE_LEFT;
    }
    return node->age <= ABSW_CLUSTER_SYNCS * sync ? ABSW_NODE_LIVE : ABSW_NODE_SILENT;
}

/* The last word of a node that was stopped holds, whatever becomes of the store. */
static int in_epoch(const absw_cluster_facts_t *facts, const absw_cluster_node_t *node)
{
    return node->record && facts->epoch
           && (node->record->left || strcmp(node->record->epoch, facts->epoch) == 0);
}

static int is_skewed(const absw_cluster_node_t *node)
{
    return node->skew > apr_time_from_sec(ABSW_CLUSTER_SKEW)
           || node->skew < -apr_time_from_sec(ABSW_CLUSTER_SKEW);
}

/* Has a silent node closed the side by itself, so that nothing is left there? */
static int is_excused(const absw_cluster_facts_t *facts, const absw_cluster_node_t *node,
                      int side)
{
    absw_sec_t deadline = absw_switch_deadline(facts->policy, facts->rec, side);

    return absw_cluster_state(node, facts->sync) == ABSW_NODE_SILENT && in_epoch(facts, node)
           && !is_skewed(node) && node->record->generation == facts->rec->generation && deadline > 0
           && apr_time_sec(facts->now) >= deadline + ABSW_CLUSTER_SKEW;
}

int absw_cluster_counts(const absw_cluster_facts_t *facts, const absw_cluster_node_t *node,
                        int side)
{
    if (!node->record || is_excused(facts, node, side)) {
        return 0;
    }
    return !node->record->left
           || absw_switch_state(facts->policy, facts->rec, side, apr_time_sec(facts->now))
                  != ABSW_SIDE_CLOSED;
}

/* A moment for a reason: it does not change from one look to the next, as "in 12 s" would. */
typedef struct {
    char text[80];
} moment_t;

static moment_t moment(absw_sec_t at)
{
    moment_t out;
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, apr_time_from_sec(at));
    snprintf(out.text, sizeof(out.text), "%04d-%02d-%02d %02d:%02d:%02d UTC",
             t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    return out;
}

/* Why a node's report does not do as a proof for any side; 0 if it does. */
static int doubt_report(const absw_cluster_facts_t *facts, const absw_cluster_node_t *node,
                        char *reason)
{
    const absw_record_t *record = node->record;
    absw_node_state_e state = absw_cluster_state(node, facts->sync);

    if (node->doubled) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "two nodes are called %s; give each an ABSwitchNode of its own",
                        node->name);
    }
    if (!record) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s has not reported; start it, or retire it if it is gone", node->name);
    }
    if (!in_epoch(facts, node)) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s has not reported since the store lost its data", node->name);
    }
    if (state == ABSW_NODE_SILENT) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s is silent since %s; start it, or retire it if it is gone",
                        node->name, moment(apr_time_sec(facts->now - node->age)).text);
    }
    if (state == ABSW_NODE_LIVE && record->generation != facts->rec->generation) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s is at generation %" APR_INT64_T_FMT " of the switch, not %"
                        APR_INT64_T_FMT, node->name, record->generation,
                        facts->rec->generation);
    }
    if (state == ABSW_NODE_LIVE && is_skewed(node)) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "the clock of %s is %d s %s; set it right", node->name,
                        (int)(apr_time_sec((node->skew < 0 ? -node->skew : node->skew)
                                          + APR_USEC_PER_SEC / 2) % 1000000000),
                        node->skew < 0 ? "behind" : "ahead");
    }
    return 0;
}

/* Why what a node counts on the side may not be all that is there; 0 if it is. */
static int doubt_count(const absw_cluster_facts_t *facts, const absw_cluster_node_t *node,
                       int side, char *reason)
{
    const absw_record_t *record = node->record;
    absw_sec_t now = apr_time_sec(facts->now);

    if (record->relearning_until > now) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s learns its sessions anew until %s; it lost its table, or shared its "
                        "name",
                        node->name, moment(record->relearning_until).text);
    }
    if (record->sides[side].uncounted_until > now) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s had no room for a session; until %s there may be more than it "
                        "counts; raise ABSwitchSessions", node->name,
                        moment(record->sides[side].uncounted_until).text);
    }
    if (record->blind && !record->left) {
        return snprintf(reason, ABSW_CLUSTER_REASON,
                        "%s has a process whose requests in flight are not counted",
                        node->name);
    }
    return 0;
}

/* Why the drain is not known; 0 if it is. The first condition that fails is told. */
static int doubt(const absw_cluster_facts_t *facts, int side, char *reason)
{
    if (!facts->complete) {
        return snprintf(reason, ABSW_CLUSTER_REASON, "%s",
                        facts->trouble ? facts->trouble : "the store did not answer");
    }
    if (!facts->epoch) {
        return snprintf(reason, ABSW_CLUSTER_REASON, "%s", absw_cluster_unsettled);
    }
    if (facts->nodes_n < 1) {
        return snprintf(reason, ABSW_CLUSTER_REASON, "no node has reported");
    }
    for (int i = 0; i < facts->nodes_n; i++) {
        const absw_cluster_node_t *node = &facts->nodes[i];

        if (!node->doubled && is_excused(facts, node, side)) {
            continue;
        }
        if (doubt_report(facts, node, reason) || doubt_count(facts, node, side, reason)) {
            return 1;
        }
    }
    return 0;
}

/* Add up what the nodes say of the side, and whether it is known at all. */
static void add_up(const absw_cluster_facts_t *facts, int side, absw_cluster_side_t *found)
{
    found->known = facts->complete && facts->epoch && !facts->sides[side].unknown;
    found->exact = facts->sides[side].exact;
    found->sessions = facts->sides[side].sessions;
    found->testers = facts->sides[side].testers;
    for (int i = 0; i < facts->nodes_n; i++) {
        const absw_cluster_node_t *node = &facts->nodes[i];
        const absw_record_side_t *said = node->record ? &node->record->sides[side] : NULL;

        if (!in_epoch(facts, node)) {
            found->known = 0;
        }
        if (!absw_cluster_counts(facts, node, side)) {
            continue;
        }
        found->in_flight += said->in_flight;
        if (said->uncounted_until > apr_time_sec(facts->now)
            || node->record->relearning_until > apr_time_sec(facts->now)) {
            found->exact = 0;
        }
        if (said->empty_at > found->empty_at) {
            found->empty_at = said->empty_at;
        }
    }
}

/* Does a node say that it has sessions there? That they have ended elsewhere is for it to say: one
 * may have come back to it. A node that was stopped says no more. */
static int is_said(const absw_cluster_facts_t *facts, int side)
{
    for (int i = 0; i < facts->nodes_n; i++) {
        const absw_cluster_node_t *node = &facts->nodes[i];

        if (absw_cluster_counts(facts, node, side) && !node->record->left
            && node->record->sides[side].sessions > 0) {
            return 1;
        }
    }
    return 0;
}

void absw_cluster_judge(const absw_cluster_facts_t *facts, int side, absw_cluster_side_t *found)
{
    absw_side_state_e state = absw_switch_state(facts->policy, facts->rec, side,
                                                apr_time_sec(facts->now));

    memset(found, 0, sizeof(*found));
    add_up(facts, side, found);
    if (state == ABSW_SIDE_OPEN) {
        found->drain = ABSW_DRAIN_OPEN;
    }
    else if (doubt(facts, side, found->reason)) {
        found->drain = ABSW_DRAIN_UNKNOWN;
    }
    else {
        found->drain = facts->sides[side].unknown || found->sessions > 0 || found->in_flight > 0
                       || is_said(facts, side) ? ABSW_DRAIN_DRAINING : ABSW_DRAIN_DRAINED;
    }
}
