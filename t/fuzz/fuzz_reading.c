/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "reading.h"
#include "text.h"

/*
 * What a server says to the command line tool. In: the body of its answer.
 *
 * Whatever it is, it is read or it is not, with a sentence; no word of it would do anything to a
 * terminal; and what is handed on as JSON is printable and can be read again.
 */

static void is_clean(const char *word)
{
    for (; word && *word; word++) {
        FUZZ_HOLDS((unsigned char)*word >= ' ' && *word != 127);
    }
}

static void is_change(const ctl_change_t *change)
{
    FUZZ_HOLDS(change->generation >= -1 && change->at >= 0);
    is_clean(change->by);
    is_clean(change->note);
    is_clean(change->from);
    is_clean(change->to);
}

static void is_side(const ctl_app_t *app, const ctl_side_t *side)
{
    FUZZ_HOLDS(side->sessions >= -1 && side->testers >= -1 && side->in_flight >= -1);
    FUZZ_HOLDS(side->deadline >= 0 && side->draining_since >= 0 && side->empty_if_idle >= 0);
    FUZZ_HOLDS(ctl_reading_side(app, side->name) != NULL);
    is_clean(side->name);
    is_clean(side->path);
    is_clean(side->reason);
}

static void is_app(const ctl_app_t *app)
{
    is_clean(app->name);
    is_clean(app->launchpad);
    is_change(&app->now);
    for (int i = 0; i < app->sides_n; i++) {
        is_side(app, &app->sides[i]);
    }
    for (int i = 0; i < app->nodes_n; i++) {
        FUZZ_HOLDS(app->nodes[i].generation >= -1 && app->nodes[i].age >= -1);
        is_clean(app->nodes[i].name);
    }
    for (int i = 0; i < app->log_n; i++) {
        is_change(&app->log[i]);
    }
}

static void excerpts(fuzz_t *in, const char *text, size_t len)
{
    static const ctl_excerpt_e all[] = { CTL_EXCERPT_WHOLE, CTL_EXCERPT_NOW, CTL_EXCERPT_LOG };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        const char *excerpt = ctl_reading_excerpt(text, len, all[i], in->pool);
        ctl_report_t again;
        const char *why;

        for (const char *c = excerpt; c && *c; c++) {
            FUZZ_HOLDS((*c >= ' ' && *c < 127) || *c == '\n');
        }
        if (excerpt && all[i] == CTL_EXCERPT_WHOLE) {
            FUZZ_HOLDS(ctl_reading_report(excerpt, strlen(excerpt), in->pool, &again, &why));
            FUZZ_HOLDS(!again.csrf);
        }
    }
}

void fuzz(fuzz_t *in)
{
    const char *text = fuzz_copy(in, in->at, in->len, 0);
    ctl_report_t report;
    ctl_outcome_t outcome;
    const char *why = NULL;

    if (ctl_reading_report(text, in->len, in->pool, &report, &why)) {
        is_clean(report.module);
        is_clean(report.node);
        is_clean(report.store);
        is_clean(report.csrf);
        for (int i = 0; i < report.servers_n; i++) {
            is_clean(report.servers[i].name);
        }
        for (int i = 0; i < report.apps_n; i++) {
            is_app(&report.apps[i]);
        }
        excerpts(in, text, in->len);
    }
    else {
        FUZZ_HOLDS(why && *why);
        is_clean(why);
    }
    why = NULL;
    if (ctl_reading_outcome(text, in->len, in->pool, &outcome, &why)) {
        FUZZ_HOLDS(outcome.generation >= -1);
        is_clean(outcome.error);
    }
    else {
        FUZZ_HOLDS(why && *why);
        is_clean(why);
    }
}
