/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include <apr_strings.h>

#include "describe.h"

const char *ctl_describe_time(const ctl_report_t *report, absw_sec_t time, apr_pool_t *pool)
{
    time_t then = (time_t)time;
    time_t now = (time_t)report->time;
    struct tm at;
    struct tm today;
    char text[64];
    int is_today;

    if (!localtime_r(&then, &at) || !localtime_r(&now, &today)) {
        return "?";
    }
    is_today = at.tm_year == today.tm_year && at.tm_yday == today.tm_yday;
    strftime(text, sizeof(text), is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &at);
    return apr_pstrdup(pool, text);
}

/* ---- numbers ---- */

static const char *counted(apr_int64_t n, const char *thing, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s%s", n, thing, n == 1 ? "" : "s");
}

const char *ctl_describe_sessions(const ctl_side_t *side, apr_pool_t *pool)
{
    if (side->sessions < 0) {
        return "an unknown number of sessions";
    }
    return apr_pstrcat(pool, side->exact ? "" : "about ",
                       counted(side->sessions, "session", pool), NULL);
}

/* ---- the switch ---- */

static apr_int64_t total_weight(const ctl_app_t *app)
{
    apr_int64_t total = 0;

    for (int i = 0; i < app->sides_n; i++) {
        total += app->sides[i].weight;
    }
    return total;
}

static const char *share(apr_int64_t weight, apr_int64_t total, apr_pool_t *pool)
{
    apr_int64_t percent = (100 * weight + total / 2) / total;

    return percent < 1 ? " (under 1 %)"
         : percent > 99 ? " (over 99 %)"
         : apr_psprintf(pool, " (%" APR_INT64_T_FMT " %%)", percent);
}

const char *ctl_describe_landing(const ctl_app_t *app, apr_pool_t *pool)
{
    apr_int64_t total = total_weight(app);
    const char *text = NULL;
    int left = 0;

    for (int i = 0; i < app->sides_n; i++) {
        left += app->sides[i].weight > 0;
    }
    for (int i = 0, all = left; i < app->sides_n; i++) {
        const ctl_side_t *side = &app->sides[i];

        if (side->weight > 0) {
            left--;
            text = apr_pstrcat(pool, text ? text : "", !text ? "" : left ? ", " : " and ",
                               side->name, all > 1 ? share(side->weight, total, pool) : "", NULL);
        }
    }
    return text ? apr_pstrcat(pool, "new sessions land on ", text, NULL)
                : "new sessions land nowhere";
}

const char *ctl_describe_change(const ctl_report_t *report, const ctl_app_t *app,
                                apr_pool_t *pool)
{
    const ctl_change_t *now = &app->now;

    return apr_psprintf(pool, "generation %" APR_INT64_T_FMT " by %s%s%s: %s%s%s%s",
                        now->generation, now->by, now->at ? " at " : "",
                        now->at ? ctl_describe_time(report, now->at, pool) : "",
                        ctl_describe_landing(app, pool), *now->note ? " (" : "", now->note,
                        *now->note ? ")" : "");
}

/* Who is left on a side that takes no new sessions; "" of one that does. */
static const char *who_stays(const ctl_report_t *report, const ctl_side_t *side, apr_pool_t *pool)
{
    if (side->state == ABSW_SIDE_CLOSED) {
        return apr_psprintf(pool, "; %s is closed", side->name);
    }
    if (side->state == ABSW_SIDE_OPEN) {
        return "";
    }
    if (side->sessions == 0) {
        return apr_psprintf(pool, "; nobody is on %s", side->name);
    }
    return apr_psprintf(pool, "; %s %s on %s%s%s%s", ctl_describe_sessions(side, pool),
                        side->sessions == 1 || side->sessions < 0 ? "stays" : "stay", side->name,
                        side->deadline ? " until " : ", with no deadline",
                        side->deadline ? ctl_describe_time(report, side->deadline, pool) : "",
                        side->deadline ? " at the latest" : "");
}

const char *ctl_describe_switch(const ctl_report_t *report, const ctl_app_t *app,
                                apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool, "generation %" APR_INT64_T_FMT "; %s",
                                    app->now.generation, ctl_describe_landing(app, pool));

    for (int i = 0; i < app->sides_n; i++) {
        text = apr_pstrcat(pool, text, who_stays(report, &app->sides[i], pool), NULL);
    }
    return text;
}

/* ---- a drain ---- */

/* When it ends at the latest, and when if nobody clicks any more. */
static const char *ends(const ctl_report_t *report, const ctl_side_t *side, apr_pool_t *pool)
{
    const char *latest = side->deadline
        ? apr_psprintf(pool, " at %s at the latest",
                       ctl_describe_time(report, side->deadline, pool)) : "";
    const char *idle = side->empty_if_idle
        ? apr_psprintf(pool, "%s at %s if nobody clicks", side->deadline ? "," : "",
                       ctl_describe_time(report, side->empty_if_idle, pool)) : "";

    if (side->state == ABSW_SIDE_CLOSED) {
        return "; closed";
    }
    return *latest || *idle ? apr_pstrcat(pool, "; ends", latest, idle, NULL) : "; no deadline";
}

const char *ctl_describe_drain(const ctl_report_t *report, const ctl_side_t *side,
                               apr_pool_t *pool)
{
    int is_unknown = side->drain == ABSW_DRAIN_UNKNOWN;

    if (side->drain == ABSW_DRAIN_OPEN || side->drain == ABSW_DRAIN_DRAINED) {
        return absw_drain_name(side->drain);
    }
    return apr_psprintf(pool, "%s, %" APR_INT64_T_FMT " in flight%s%s%s",
                        ctl_describe_sessions(side, pool), side->in_flight,
                        is_unknown ? "; unknown: " : "", is_unknown ? side->reason : "",
                        ends(report, side, pool));
}
