/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "duration.h"
#include "page_parts.h"

#define LOG_ROWS 10

/* ---- a panel with a table ---- */

/** what: the panel's name in its id. columns: the head's cells. */
static void begin_panel(abswitch_markup_t *m, int number, const char *what, const char *title)
{
    abswitch_markup_putf(m, "<section class=\"panel\" aria-labelledby=\"a%d-%s\">\n"
                         "<h3 id=\"a%d-%s\">%s</h3>\n", number, what, number, what, title);
}

static void end_panel(abswitch_markup_t *m)
{
    abswitch_markup_put(m, "</section>\n");
}

static void begin_table(abswitch_markup_t *m, int number, const char *what)
{
    abswitch_markup_putf(m, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
                         "aria-labelledby=\"a%d-%s\">\n<table>\n<thead><tr>", number, what);
}

static void column(abswitch_markup_t *m, const char *name, int numbers)
{
    abswitch_markup_putf(m, "<th scope=\"col\"%s>%s</th>", numbers ? " class=\"n\"" : "", name);
}

static void begin_rows(abswitch_markup_t *m)
{
    abswitch_markup_put(m, "</tr></thead>\n<tbody>\n");
}

static void end_table(abswitch_markup_t *m)
{
    abswitch_markup_put(m, "</tbody>\n</table>\n</div>\n");
}

static void number_cell(abswitch_markup_t *m, const char *number, int known)
{
    abswitch_markup_putf(m, "<td class=\"n\">%s</td>", known ? number : "?");
}

/* ---- nodes ---- */

static void node_state(abswitch_markup_t *m, absw_node_state_e state)
{
    static const struct {
        const char *style;
        const char *shape;
    } looks[ABSW_NODE_STATE_COUNT] = {
        [ABSW_NODE_LIVE] = { "open", "\xe2\x97\x8f" },
        [ABSW_NODE_LEFT] = { "soft", "\xe2\x97\x8b" },
        [ABSW_NODE_SILENT] = { "unknown", "?" },
    };

    abswitch_markup_putf(m, "<td><span class=\"word %s\"><span aria-hidden=\"true\">%s</span> "
                         "%s</span></td>", looks[state].style, looks[state].shape,
                         absw_node_state_name(state));
}

/** How long ago it reported, and what is wrong with its clock or its name. */
static void node_age(abswitch_markup_t *m, const absw_report_node_t *node)
{
    absw_sec_t skew = node->skew / APR_USEC_PER_SEC;

    if (node->age < 0) {
        abswitch_markup_put(m, "<td class=\"n\">never");
    }
    else if (node->age < apr_time_from_sec(60)) {
        abswitch_markup_putf(m, "<td class=\"n\">%.1f s", (double)node->age / APR_USEC_PER_SEC);
    }
    else {
        abswitch_markup_putf(m, "<td class=\"n\">%s",
                             absw_duration_words(apr_time_sec(node->age), m->pool));
    }
    if (skew > ABSW_CLUSTER_SKEW || skew < -ABSW_CLUSTER_SKEW) {
        abswitch_markup_putf(m, "; its clock is %s %s",
                             absw_duration_words(skew < 0 ? -skew : skew, m->pool),
                             skew < 0 ? "slow" : "fast");
    }
    if (node->doubled) {
        abswitch_markup_putf(m, "; two nodes are called %s", abswitch_markup_text(m, node->name));
    }
    abswitch_markup_put(m, "</td>");
}

static void node_row(abswitch_markup_t *m, const absw_report_app_t *app,
                     const absw_report_node_t *node)
{
    abswitch_markup_putf(m, "<tr><th scope=\"row\">%s</th>", abswitch_markup_text(m, node->name));
    node_state(m, node->state);
    for (int i = 0; i < app->policy->sides_n; i++) {
        number_cell(m, abswitch_markup_count(m, node->sessions[i]), node->known);
        number_cell(m, abswitch_markup_count(m, node->in_flight[i]), node->known);
    }
    number_cell(m, apr_psprintf(m->pool, "%" APR_INT64_T_FMT, node->generation),
                node->generation >= 0);
    node_age(m, node);
    abswitch_markup_put(m, "</tr>\n");
}

void abswitch_page_nodes(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    begin_panel(m, number, "nodes", "Nodes");
    begin_table(m, number, "nodes");
    column(m, "Node", 0);
    column(m, "State", 0);
    for (int i = 0; i < app->policy->sides_n; i++) {
        column(m, abswitch_markup_text(m, app->policy->sides[i].name), 1);
        column(m, "in flight", 1);
    }
    column(m, "Generation", 1);
    column(m, "Last heard", 1);
    begin_rows(m);
    for (int i = 0; i < app->nodes_n; i++) {
        node_row(m, app, &app->nodes[i]);
    }
    end_table(m);
    if (app->nodes_more > 0) {
        abswitch_markup_putf(m, "<p class=\"soft\">and %d more</p>\n", app->nodes_more);
    }
    abswitch_page_node_orders(m, app);
    end_panel(m);
}

/* ---- the log ---- */

/** Weights as people say them: "B", or "A=90 B=10"; closed sides behind them. */
static const char *weights_of(abswitch_markup_t *m, const absw_policy_t *policy,
                              const apr_uint32_t *weight, apr_uint32_t closed)
{
    const char *text = "", *out = ", closed", *only = NULL;
    int n = 0;

    for (int i = 0; i < policy->sides_n; i++) {
        const char *name = abswitch_markup_text(m, policy->sides[i].name);

        if (weight[i]) {
            text = apr_psprintf(m->pool, "%s%s%s=%u", text, n ? " " : "", name, weight[i]);
            only = n++ ? NULL : name;
        }
        if (closed >> i & 1) {
            out = apr_pstrcat(m->pool, out, " ", name, NULL);
        }
    }
    return apr_pstrcat(m->pool, only ? only : text, closed ? out : "", NULL);
}

/** Of a change that left the weights as they were: the sides that it closed or reopened. */
static const char *closings_of(abswitch_markup_t *m, const absw_policy_t *policy,
                               const absw_switch_t *before, const absw_switch_t *rec)
{
    const char *text = "";

    if (memcmp(before->weight, rec->weight, sizeof(rec->weight)) != 0) {
        return text;
    }
    for (int i = 0; i < policy->sides_n; i++) {
        int is_closed = rec->closed >> i & 1;

        if (is_closed != (int)(before->closed >> i & 1) || before->since[i] != rec->since[i]) {
            text = apr_pstrcat(m->pool, text, *text ? ", " : "",
                               abswitch_markup_text(m, policy->sides[i].name),
                               is_closed ? " closed" : " reopened", NULL);
        }
    }
    return text;
}

/** What an entry of the log changed. before: the older one next to it, NULL if there is none. */
static const char *change_of(abswitch_markup_t *m, const absw_policy_t *policy,
                             const absw_log_entry_t *entry, const absw_log_entry_t *before)
{
    const absw_switch_t *rec = &entry->rec;
    const char *from = "", *closings = "";

    if (!entry->valid) {
        return "names a side that is no more";
    }
    if (entry->has_from) {
        closings = before ? closings_of(m, policy, &before->rec, rec) : "";
        from = apr_pstrcat(m->pool, weights_of(m, policy, entry->from, 0), " \xe2\x86\x92 ", NULL);
    }
    return *closings ? closings
                     : apr_pstrcat(m->pool, from, weights_of(m, policy, rec->weight, rec->closed),
                                   NULL);
}

static void log_row(abswitch_markup_t *m, const absw_policy_t *policy,
                    const absw_log_entry_t *entry, const absw_log_entry_t *before)
{
    const absw_switch_t *rec = &entry->rec;

    abswitch_markup_putf(m, "<tr><th scope=\"row\" class=\"n\">%" APR_INT64_T_FMT "</th><td>%s</td>"
                         "<td>%s</td><td>%s</td><td class=\"say\">%s</td></tr>\n",
                         rec->generation, change_of(m, policy, entry, before),
                         rec->at ? abswitch_markup_time(m, rec->at) : "",
                         abswitch_markup_text(m, rec->by), abswitch_markup_text(m, rec->note));
}

void abswitch_page_log(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    begin_panel(m, number, "log", "Flips");
    if (app->log_n) {
        begin_table(m, number, "log");
        column(m, "Generation", 1);
        column(m, "Change", 0);
        column(m, "Time", 0);
        column(m, "By", 0);
        column(m, "Note", 0);
        begin_rows(m);
        for (int i = 0; i < app->log_n && i < LOG_ROWS; i++) {
            log_row(m, app->policy, &app->log[i], i + 1 < app->log_n ? &app->log[i + 1] : NULL);
        }
        end_table(m);
    }
    else {
        abswitch_markup_put(m, "<p>No flip yet.</p>\n");
    }
    end_panel(m);
}

/* ---- verdicts ---- */

void abswitch_page_verdicts(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    begin_panel(m, number, "verdicts", "Requests on this node");
    begin_table(m, number, "verdicts");
    column(m, "Verdict", 0);
    column(m, "Total", 1);
    column(m, "The request", 0);
    begin_rows(m);
    for (int i = ABSW_UNTOUCHED + 1; i < ABSW_VERDICT_COUNT; i++) {
        absw_verdict_e verdict = (absw_verdict_e)i;

        abswitch_markup_putf(m, "<tr%s><th scope=\"row\">%s</th><td class=\"n\">%s</td>"
                             "<td class=\"say\">%s</td></tr>\n",
                             app->verdicts[i] ? "" : " class=\"zero\"", absw_verdict_name(verdict),
                             abswitch_markup_count(m, app->verdicts[i]),
                             abswitch_markup_text(m, absw_verdict_text(verdict)));
    }
    end_table(m);
    end_panel(m);
}
