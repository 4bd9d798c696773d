/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "chart.h"
#include "page_parts.h"

/* ---- the section's head ---- */

static void put_lead(abswitch_markup_t *m, const absw_report_app_t *app)
{
    abswitch_markup_put(m, "<p class=\"lead\">");
    abswitch_page_landing(m, app->policy, app->rec.weight);
    abswitch_markup_put(m, "</p>\n");
}

/** Which record that is: by whom, when, why. */
static void put_record(abswitch_markup_t *m, const absw_switch_t *rec)
{
    abswitch_markup_put(m, "<p class=\"record\">");
    if (rec->generation == 0) {
        abswitch_markup_put(m, "No flip yet: this is the configured default.</p>\n");
        return;
    }
    abswitch_markup_putf(m, "Generation %" APR_INT64_T_FMT, rec->generation);
    if (rec->at) {
        abswitch_markup_putf(m, ", flipped at %s", abswitch_markup_ago(m, rec->at));
    }
    if (*rec->by) {
        abswitch_markup_putf(m, " by %s", abswitch_markup_text(m, rec->by));
    }
    if (*rec->note) {
        abswitch_markup_putf(m, ": \xe2\x80\x9c%s\xe2\x80\x9d", abswitch_markup_text(m, rec->note));
    }
    abswitch_markup_put(m, ".</p>\n");
}

static void put_trouble(abswitch_markup_t *m, const absw_report_app_t *app)
{
    if (*app->trouble) {
        abswitch_markup_putf(m, "<p class=\"alert\"><b>Trouble with the switch:</b> %s.</p>\n",
                             abswitch_markup_text(m, app->trouble));
    }
    if (*app->ignored) {
        abswitch_markup_putf(m, "<p class=\"alert\"><b>Ignored in the store:</b> %s.</p>\n",
                             abswitch_markup_text(m, app->ignored));
    }
}

/* ---- the history ---- */

static void put_charts(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    abswitch_chart_t hour = {
        .id = apr_psprintf(m->pool, "a%d-hour", number), .title = "Sessions, last hour",
        .app = app, .points = app->history, .points_n = app->history_n,
        .length = 3600, .tick = 900, .gap = 30,
    };
    abswitch_chart_t day = {
        .id = apr_psprintf(m->pool, "a%d-day", number), .title = "Sessions, last 24 hours",
        .app = app, .length = 86400, .tick = 4 * 3600, .gap = 720,
    };

    day.points = abswitch_chart_thin(m->pool, app, 240, &day.points_n);
    abswitch_chart_write(m, &hour);
    abswitch_chart_write(m, &day);
}

/* ---- the tables ---- */

/** That of the nodes has two columns for each side: with many it takes the page's whole width. */
static void put_tables(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    int broad = app->policy->sides_n > 2;

    abswitch_markup_putf(m, "<div class=\"%s\">\n", broad ? "whole" : "stack");
    abswitch_page_nodes(m, app, number);
    if (broad) {
        abswitch_markup_put(m, "</div>\n<div class=\"stack\">\n");
    }
    abswitch_page_log(m, app, number);
    abswitch_markup_put(m, "</div>\n");
    abswitch_page_verdicts(m, app, number);
}

/* ---- the whole section ---- */

void abswitch_page_app(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    const char *name = abswitch_markup_text(m, app->policy->name);
    const char *launchpad = *app->policy->launchpad
                            ? abswitch_markup_text(m, app->policy->launchpad) : "/";
    const char *href = *app->policy->launchpad
        ? abswitch_markup_text(m, ap_os_escape_path(m->pool, app->policy->launchpad, 1)) : "/";

    abswitch_markup_putf(m, "<section class=\"app\" aria-labelledby=\"app-%s\">\n<header>\n"
                         "<h2 id=\"app-%s\">%s</h2>\n<a href=\"%s\">%s</a>\n", name, name, name,
                         href, launchpad);
    put_lead(m, app);
    put_record(m, &app->rec);
    abswitch_markup_put(m, "</header>\n");
    put_trouble(m, app);
    abswitch_page_worse(m, app);
    abswitch_markup_put(m, "<div class=\"sides\">\n");
    for (int i = 0; i < app->policy->sides_n; i++) {
        abswitch_page_side(m, app, number, i);
    }
    abswitch_markup_put(m, "</div>\n");
    abswitch_page_app_orders(m, app, number);
    abswitch_markup_put(m, "<div class=\"panels\">\n");
    put_charts(m, app, number);
    put_tables(m, app, number);
    abswitch_markup_put(m, "</div>\n</section>\n");
}
