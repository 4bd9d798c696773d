/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "log.h"
#include "node_parts.h"

/* The last sync, as evidence: how old it is, and why it is none any more ("" if it is). */
typedef struct {
    apr_interval_time_t age;
    const char *stale;
} evidence_t;

static evidence_t look_at(const absw_node_t *node, const absw_board_node_t *own, apr_time_t now,
                          apr_pool_t *pool)
{
    evidence_t evidence = { .age = now - own->synced, .stale = "" };
    apr_interval_time_t after = absw_node_stale_after(node);

    if (own->synced == 0) {
        evidence.age = 0;
        evidence.stale = "the sync has not run yet";
    }
    else if (evidence.age > after || evidence.age < -after) {
        evidence.stale = apr_psprintf(pool, "the sync has not run for %" APR_TIME_T_FMT " s",
                                      apr_time_sec(evidence.age < 0 ? -evidence.age
                                                                    : evidence.age));
    }
    if (evidence.age < 0) {
        evidence.age = 0;
    }
    return evidence;
}

/* The counts of this moment can end a drain's proof; only syncs in a row can make one. */
static void fill_drain(const absw_known_t *known, int side, const evidence_t *evidence,
                       absw_report_side_t *out, apr_pool_t *pool)
{
    const absw_cluster_side_t *found = &known->sides[side];
    absw_board_drain_t kept;

    absw_board_get_drain(&known->app->place, side, &kept);
    if (kept.generation != known->rec.generation) {
        memset(&kept, 0, sizeof(kept));     /* no sync has looked since the last change */
    }
    out->reason = "";
    out->drain = found->drain;
    if (found->drain == ABSW_DRAIN_OPEN) {
        return;
    }
    out->reason = evidence->stale[0] ? evidence->stale
                : kept.reason[0] ? apr_pstrdup(pool, kept.reason)
                : found->reason;
    if (out->reason[0]) {
        out->drain = ABSW_DRAIN_UNKNOWN;
    }
    else if (found->drain == ABSW_DRAIN_DRAINED
             && (!kept.proven || kept.streak < ABSW_CLUSTER_STREAK)) {
        out->drain = ABSW_DRAIN_DRAINING;
    }
}

static void fill_side(const absw_known_t *known, int side, absw_sec_t now,
                      const evidence_t *evidence, absw_report_side_t *out, apr_pool_t *pool)
{
    const absw_policy_t *policy = known->app->policy;
    const absw_cluster_side_t *found = &known->sides[side];

    out->name = policy->sides[side].name;
    out->path = policy->sides[side].path;
    out->state = absw_switch_state(policy, &known->rec, side, now);
    fill_drain(known, side, evidence, out, pool);
    out->known = found->known;
    out->exact = found->exact;
    out->sessions = found->sessions;
    out->testers = found->testers;
    out->in_flight = found->in_flight;
    out->draining_since = known->rec.since[side];
    out->deadline = absw_switch_deadline(policy, &known->rec, side);
    if (found->known && found->exact && found->sessions > 0) {
        out->empty_if_idle = found->empty_at;
        if (out->deadline > 0 && out->deadline < out->empty_if_idle) {
            out->empty_if_idle = out->deadline;
        }
    }
}

static void fill_self(const absw_node_t *node, const absw_known_t *known,
                      const evidence_t *evidence, absw_report_node_t *self)
{
    self->name = node->name;
    self->state = ABSW_NODE_LIVE;
    self->generation = known->rec.generation;
    self->age = evidence->age;
    self->known = 1;
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        self->sessions[i] = known->record.sides[i].sessions + known->inherited[i];
        self->in_flight[i] = known->record.sides[i].in_flight;
    }
}

void absw_node_describe_peer(const absw_node_t *node, const absw_board_peer_t *peer,
                             apr_time_t now, absw_report_node_t *out, apr_pool_t *pool)
{
    absw_record_t record = { .left = peer->left };
    absw_cluster_node_t one = { .record = peer->boot ? &record : NULL };

    out->name = apr_pstrdup(pool, peer->name);
    out->generation = peer->generation;
    out->age = peer->boot == 0 ? -1 : now - (peer->seen ? peer->seen : peer->clock);
    if (peer->boot && out->age < 0) {
        out->age = 0;
    }
    one.age = peer->seen ? out->age : ABSW_CLUSTER_SYNCS * node->sync + 1;
    out->state = absw_cluster_state(&one, node->sync);
    out->skew = peer->skew;
    out->doubled = peer->doubled_until > now;
    out->known = peer->generation >= 0;
    memcpy(out->sessions, peer->sessions, sizeof(out->sessions));
    memcpy(out->in_flight, peer->in_flight, sizeof(out->in_flight));
}

/* The roster as of the last sync. This node is in it, but for the moment before its first sync. */
static void fill_nodes(const absw_node_t *node, const absw_known_t *known, apr_time_t now,
                       const evidence_t *evidence, absw_report_app_t *out, apr_pool_t *pool)
{
    int n = known->cluster.peers_n;
    int found = 0;

    if (node->store->ops->solo || n < 0) {
        n = 0;
    }
    out->nodes_more = n > ABSW_BOARD_PEERS_MAX ? n - ABSW_BOARD_PEERS_MAX : 0;
    n -= out->nodes_more;
    out->nodes = apr_pcalloc(pool, (apr_size_t)(n + 1) * sizeof(*out->nodes));
    for (int i = 0; i < n; i++) {
        absw_report_node_t *one = &out->nodes[out->nodes_n];
        absw_board_peer_t peer;

        if (!absw_board_get_peer(&known->app->place, i, &peer)) {
            continue;
        }
        absw_node_describe_peer(node, &peer, now, one, pool);
        if (strcmp(peer.name, node->name) == 0) {
            fill_self(node, known, evidence, one);
            one->skew = 0;
            found = 1;
        }
        out->nodes_n++;
    }
    if (!found) {
        fill_self(node, known, evidence, &out->nodes[out->nodes_n++]);
    }
}

/* From the state directory, where every node keeps it: a page waits for no store. */
static void fill_log(const absw_node_t *node, const absw_policy_t *policy,
                     absw_report_app_t *out, apr_pool_t *pool)
{
    absw_log_entry_t *entries;
    apr_size_t len;
    char *text;

    if (node->dir
        && absw_shared_read(node->dir, apr_pstrcat(pool, policy->name, ".log", NULL),
                         ABSW_LOG_TEXT_MAX, pool, &text, &len) == APR_SUCCESS) {
        entries = apr_palloc(pool, ABSW_LOG_MAX * sizeof(*entries));
        out->log = entries;
        out->log_n = absw_log_parse(policy, text, len, entries);
        out->log_n = out->log_n < ABSW_LOG_SHOWN ? out->log_n : ABSW_LOG_SHOWN;
    }
}

static void fill_app(const absw_node_t *node, const absw_known_t *known, apr_time_t now,
                     const evidence_t *evidence, absw_report_app_t *out, apr_pool_t *pool)
{
    const absw_policy_t *policy = known->app->policy;
    const absw_board_app_t *place = &known->app->place;
    char *trouble = apr_pcalloc(pool, ABSW_BOARD_TROUBLE_MAX);
    absw_history_entry_t *history = apr_palloc(pool, ABSW_HISTORY_MAX * sizeof(*history));

    out->policy = policy;
    out->auto_close = known->app->auto_close;
    out->rec = known->rec;
    absw_board_get_trouble(place, trouble);
    out->trouble = trouble;
    out->ignored = known->cluster.ignored_at > 0
                   && apr_time_sec(now) - known->cluster.ignored_at <= ABSW_NODE_IGNORED_SHOWN
                   ? apr_pstrdup(pool, known->cluster.ignored) : "";
    for (int i = 0; i < policy->sides_n; i++) {
        fill_side(known, i, apr_time_sec(now), evidence, &out->sides[i], pool);
    }
    absw_node_report_responses(node, known, now, out);
    fill_nodes(node, known, now, evidence, out, pool);
    absw_children_verdicts(node->children, place, out->verdicts);
    out->history = history;
    out->history_n = absw_board_history(place, apr_time_sec(now), history);
    fill_log(node, policy, out, pool);
}

/* An application that the state file has no room for: it is served by its default, uncounted. */
static void fill_homeless(const absw_policy_t *policy, absw_report_app_t *out)
{
    out->policy = policy;
    absw_switch_default(policy, &out->rec);
    out->trouble = "the state file has no room for this application";
    out->ignored = "";
    for (int i = 0; i < policy->sides_n; i++) {
        out->sides[i] = (absw_report_side_t){
            .name = policy->sides[i].name, .path = policy->sides[i].path,
            .state = i == policy->default_side ? ABSW_SIDE_OPEN : ABSW_SIDE_DRAINING,
            .drain = i == policy->default_side ? ABSW_DRAIN_OPEN : ABSW_DRAIN_UNKNOWN,
            .reason = i == policy->default_side ? "" : out->trouble,
        };
    }
}

/* The last sync's words: a page asks no store. */
static void fill_store(const absw_node_t *node, const absw_board_node_t *own,
                       absw_report_t *report, apr_pool_t *pool)
{
    absw_board_cluster_t cluster;
    absw_board_store_t *kept = apr_palloc(pool, sizeof(*kept));
    absw_store_server_t *servers;

    report->store.type = node->store->ops->type;
    if (node->store->ops->solo) {
        report->store.state = ABSW_STORE_UP;
        report->store.epoch = apr_pstrdup(pool, own->epoch);
        return;
    }
    report->store.epoch = "";
    for (int i = 0; i < node->apps_n && !report->store.epoch[0]; i++) {
        absw_board_get_cluster(&node->apps[i].place, &cluster);
        report->store.epoch = apr_pstrdup(pool, cluster.epoch);
    }
    absw_board_get_store(node->board, kept);
    servers = apr_pcalloc(pool, (apr_size_t)(kept->servers_n + 1) * sizeof(*servers));
    for (int i = 0; i < kept->servers_n; i++) {
        servers[i].server = kept->servers[i].name;
        servers[i].why = kept->servers[i].why[0] ? kept->servers[i].why : NULL;
        servers[i].state = kept->servers[i].state == ABSW_STORE_UP ? ABSW_STORE_UP
                                                                   : ABSW_STORE_DOWN;
    }
    report->store.state = !kept->asked || kept->state < 0
                          || kept->state >= ABSW_STORE_STATE_COUNT ? ABSW_STORE_DOWN
                          : (absw_store_state_e)kept->state;
    report->store.servers = servers;
    report->store.servers_n = kept->servers_n;
}

static absw_report_t *begin(const absw_node_t *node, const absw_board_node_t *own,
                            apr_time_t now, apr_pool_t *pool)
{
    absw_report_t *report = apr_pcalloc(pool, sizeof(*report));

    report->node = node->name;
    report->time = now;
    fill_store(node, own, report, pool);
    report->apps = apr_pcalloc(pool, (apr_size_t)(node->apps_n + 1) * sizeof(*report->apps));
    return report;
}

absw_report_t *absw_node_status(const absw_node_t *node, const char *app, apr_time_t now,
                                apr_pool_t *pool)
{
    apr_size_t room = (apr_size_t)node->apps_n + 1;
    absw_known_t *known = apr_pcalloc(pool, room * sizeof(*known));
    absw_report_app_t **out = apr_pcalloc(pool, room * sizeof(*out));
    absw_board_node_t own;
    absw_report_t *report;
    evidence_t evidence;
    int n = 0;

    absw_board_get_node(node->board, &own);
    report = begin(node, &own, now, pool);
    evidence = look_at(node, &own, now, pool);
    for (int i = 0; i < node->apps_n; i++) {
        absw_node_app_t *one = &node->apps[i];

        if (app && strcmp(app, one->policy->name) != 0) {
            continue;
        }
        out[n] = &report->apps[report->apps_n++];
        if (one->place.app < 0) {
            fill_homeless(one->policy, out[n]);
            continue;
        }
        known[n].app = one;
        known[n].complete = 1;      /* what the last sync could not have is on the board */
        absw_change_in_force(one->policy, &one->place, &known[n].rec);
        n++;
    }
    absw_node_count(node, known, n, now, 0, pool);
    for (int i = 0; i < n; i++) {
        fill_app(node, &known[i], now, &evidence, out[i], pool);
    }
    return report;
}
