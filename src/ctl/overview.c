/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "describe.h"
#include "overview.h"
#include "say.h"
#include "table.h"

static const char *const state_marks[ABSW_SIDE_STATE_COUNT] = {
    [ABSW_SIDE_OPEN] = CTL_GOOD, [ABSW_SIDE_DRAINING] = CTL_BUSY, [ABSW_SIDE_CLOSED] = CTL_SOFT,
};

static const char *const drain_marks[ABSW_DRAIN_COUNT] = {
    [ABSW_DRAIN_OPEN] = "", [ABSW_DRAIN_DRAINING] = CTL_BUSY, [ABSW_DRAIN_DRAINED] = CTL_GOOD,
    [ABSW_DRAIN_UNKNOWN] = CTL_BAD,
};

static const char *marked(const char *mark, const char *word, apr_pool_t *pool)
{
    return *mark ? apr_pstrcat(pool, mark, word, CTL_PLAIN, NULL) : word;
}

static const char *number(apr_int64_t n, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, n);
}

/* ---- an application ---- */

static const char *sessions(const ctl_side_t *side, apr_pool_t *pool)
{
    return side->sessions < 0 ? "unknown"
         : apr_pstrcat(pool, side->exact ? "" : "~", number(side->sessions, pool), NULL);
}

static const char *moment(const ctl_report_t *report, absw_sec_t time, apr_pool_t *pool)
{
    return time ? ctl_describe_time(report, time, pool) : "-";
}

static const char *sides_table(const ctl_report_t *report, const ctl_app_t *app,
                               apr_pool_t *pool)
{
    static const char *const head[] = {
        "side", "state", "weight", "sessions", "in flight", "testers", "drain", "closes at",
        "empty if idle", "path"
    };
    ctl_table_t *table = ctl_table_create(pool, CTL_TABLE_COLUMNS, 0x3c);

    ctl_table_add(table, head);
    for (int i = 0; i < app->sides_n; i++) {
        const ctl_side_t *side = &app->sides[i];
        const char *const cells[] = {
            marked(CTL_STRONG, side->name, pool),
            marked(state_marks[side->state], absw_side_state_name(side->state), pool),
            number(side->weight, pool), sessions(side, pool), number(side->in_flight, pool),
            number(side->testers, pool),
            side->drain == ABSW_DRAIN_OPEN
                ? "-" : marked(drain_marks[side->drain], absw_drain_name(side->drain), pool),
            moment(report, side->deadline, pool), moment(report, side->empty_if_idle, pool),
            side->path,
        };

        ctl_table_add(table, cells);
    }
    return ctl_table_text(table, "  ");
}

/* One sentence for all sides whose drain is unknown for the same reason. */
static const char *unknown_drains(const ctl_app_t *app, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < app->sides_n; i++) {
        if (app->sides[i].drain == ABSW_DRAIN_UNKNOWN) {
            text = apr_psprintf(pool, "%s  " CTL_BAD "the drain of %s is unknown:" CTL_PLAIN
                                " %s\n", text, app->sides[i].name, app->sides[i].reason);
        }
    }
    return text;
}

static const char *nodes_line(const ctl_app_t *app, apr_pool_t *pool)
{
    const char *odd = "";
    int count[ABSW_NODE_STATE_COUNT] = { 0 };

    for (int i = 0; i < app->nodes_n; i++) {
        const ctl_node_t *node = &app->nodes[i];

        count[node->state]++;
        if (node->state != ABSW_NODE_LIVE) {
            odd = apr_psprintf(pool, "%s; %s%s%s is %s", odd,
                               node->state == ABSW_NODE_SILENT ? CTL_BAD : "", node->name,
                               node->state == ABSW_NODE_SILENT ? CTL_PLAIN : "",
                               absw_node_state_name(node->state));
        }
        else if (node->generation >= 0 && node->generation != app->now.generation) {
            odd = apr_psprintf(pool, "%s; %s has generation %" APR_INT64_T_FMT, odd, node->name,
                               node->generation);
        }
    }
    return apr_psprintf(pool, "  nodes: %d live%s\n", count[ABSW_NODE_LIVE], odd);
}

static const char *app_text(const ctl_report_t *report, const ctl_app_t *app, apr_pool_t *pool)
{
    const ctl_change_t *now = &app->now;
    const char *changed = now->at
        ? apr_psprintf(pool, " since %s by %s%s%s", ctl_describe_time(report, now->at, pool),
                       now->by, *now->note ? ": " : "", now->note) : "";

    return apr_psprintf(pool, CTL_STRONG "%s" CTL_PLAIN "  %s  generation %" APR_INT64_T_FMT
                        "%s\n%s%s%s", app->name, app->launchpad, now->generation, changed,
                        sides_table(report, app, pool), unknown_drains(app, pool),
                        nodes_line(app, pool));
}

/* ---- the store ---- */

static const char *store_line(const ctl_report_t *report, apr_pool_t *pool)
{
    int is_up = report->store_state == ABSW_STORE_UP;
    const char *odd = "";

    for (int i = 0; i < report->servers_n; i++) {
        if (report->servers[i].state != ABSW_STORE_UP) {
            odd = apr_psprintf(pool, "%s; %s is %s", odd, report->servers[i].name,
                               absw_store_state_name(report->servers[i].state));
        }
    }
    return apr_psprintf(pool, "store: %s, %s%s%s%s\n", report->store, is_up ? "" : CTL_BAD,
                        absw_store_state_name(report->store_state), is_up ? "" : CTL_PLAIN, odd);
}

const char *ctl_overview(const ctl_report_t *report, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < report->apps_n; i++) {
        text = apr_pstrcat(pool, text, app_text(report, &report->apps[i], pool), NULL);
    }
    if (!report->apps_n) {
        text = "No application is configured.\n";
    }
    return apr_pstrcat(pool, text, store_line(report, pool), NULL);
}
