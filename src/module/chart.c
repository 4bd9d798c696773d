/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include <apr_strings.h>

#include "chart.h"

/*
 * The drawing is 480 units wide and 190 high; the curves have a part of that. Coordinates are
 * reckoned in tenths, which is as fine as anybody sees and keeps the text short.
 */
#define LEFT    400
#define RIGHT   4720
#define TOP     180
#define BOTTOM  1600
#define STEPS   4                       /* of the grid, above its ground line */

typedef struct {
    absw_sec_t from;
    absw_sec_t to;
    apr_uint64_t step;                  /* sessions from one line of the grid to the next */
} scale_t;

/* ---- where ---- */

/** Tenths as the number of units that they are. */
static const char *units(char *buf, apr_int64_t tenths)
{
    if (tenths % 10) {
        apr_snprintf(buf, 16, "%" APR_INT64_T_FMT ".%d", tenths / 10, (int)(tenths % 10));
    }
    else {
        apr_snprintf(buf, 16, "%" APR_INT64_T_FMT, tenths / 10);
    }
    return buf;
}

static apr_int64_t x_of(const scale_t *scale, absw_sec_t t)
{
    absw_sec_t length = scale->to - scale->from;

    return LEFT + ((t - scale->from) * (RIGHT - LEFT) + length / 2) / length;
}

static apr_int64_t y_of(const scale_t *scale, apr_uint64_t sessions)
{
    apr_uint64_t top = scale->step * STEPS;

    return BOTTOM - (apr_int64_t)((sessions * (BOTTOM - TOP) + top / 2) / top);
}

/** 1, 2 or 5 times a power of ten: the smallest whose grid holds `highest`. */
static apr_uint64_t nice_step(apr_uint64_t highest)
{
    static const apr_uint64_t nice[] = { 1, 2, 5 };
    apr_uint64_t power = 1;

    for (;;) {
        for (int i = 0; i < 3; i++) {
            if (nice[i] * power * STEPS >= highest) {
                return nice[i] * power;
            }
        }
        power *= 10;
    }
}

static int is_shown(const scale_t *scale, absw_sec_t t)
{
    return t >= scale->from && t <= scale->to;
}

static void scale_make(scale_t *scale, const abswitch_chart_t *chart, absw_sec_t now)
{
    apr_uint64_t highest = 1;

    scale->to = now;
    scale->from = now - chart->length;
    for (int i = 0; i < chart->points_n; i++) {
        const absw_history_entry_t *point = &chart->points[i];

        for (int side = 0; side < chart->app->policy->sides_n; side++) {
            apr_uint32_t n = point->sessions[side];

            if (is_shown(scale, point->time) && n != ABSW_HISTORY_UNKNOWN && n > highest) {
                highest = n;
            }
        }
    }
    scale->step = nice_step(highest);
}

/* ---- the grid ---- */

static void put_lines(abswitch_markup_t *m, const scale_t *scale)
{
    char y[16], text_y[16];

    for (apr_uint64_t i = 0; i <= STEPS; i++) {
        apr_uint64_t sessions = scale->step * i;
        int big = sessions >= 10000;

        units(y, y_of(scale, sessions));
        units(text_y, y_of(scale, sessions) + 40);
        abswitch_markup_putf(m, "<path class=\"grid\" d=\"M40 %sH472\"/><text x=\"34\" y=\"%s\" "
                             "text-anchor=\"end\">%" APR_UINT64_T_FMT "%s</text>\n", y, text_y,
                             big ? sessions / 1000 : sessions, big ? "k" : "");
    }
}

/** Seconds that this node's clock is east of UTC at t. */
static absw_sec_t offset_at(absw_sec_t t)
{
    time_t seconds = (time_t)t;
    struct tm tm = { 0 };

    localtime_r(&seconds, &tm);
    return tm.tm_gmtoff;
}

static void put_ticks(abswitch_markup_t *m, const scale_t *scale, absw_sec_t tick)
{
    absw_sec_t offset = offset_at(scale->to);
    absw_sec_t t = (scale->from + offset + tick - 1) / tick * tick - offset;
    char x[16];

    for (; t <= scale->to; t += tick) {
        units(x, x_of(scale, t));
        abswitch_markup_putf(m, "<path class=\"grid\" d=\"M%s 160V164\"/><text x=\"%s\" y=\"179\" "
                             "text-anchor=\"middle\">%s</text>\n", x, x,
                             abswitch_markup_local(m, "%H:%M", t));
    }
}

/* ---- flips ---- */

/** Where new sessions went from then on: a side's name, "mix", or NULL if that did not change. */
static const char *target_of(const absw_policy_t *policy, const absw_log_entry_t *entry)
{
    const char *only = NULL;
    int changed = !entry->has_from;

    for (int i = 0; i < policy->sides_n; i++) {
        changed |= entry->rec.weight[i] != entry->from[i];
        if (entry->rec.weight[i]) {
            only = only ? "mix" : policy->sides[i].name;
        }
    }
    return changed && entry->valid ? only : NULL;
}

/** Its words stand to the right of its line, near the right edge to the left of it, and not
 * where others stand already: up to *taken. */
static void put_mark(abswitch_markup_t *m, const char *target, apr_int64_t x, apr_int64_t *taken)
{
    apr_int64_t width = 140 + 90 * (apr_int64_t)strlen(target);
    int left = x + width > RIGHT;
    char text_x[16];

    if ((left ? x - width : x) < *taken) {
        return;
    }
    *taken = left ? x : x + width;
    abswitch_markup_putf(m, "<text class=\"mark\" x=\"%s\" y=\"12\"%s>\xe2\x86\x92 %s</text>",
                         units(text_x, left ? x - 40 : x + 40),
                         left ? " text-anchor=\"end\"" : "", abswitch_markup_text(m, target));
}

static void put_flips(abswitch_markup_t *m, const abswitch_chart_t *chart, const scale_t *scale)
{
    apr_int64_t taken = 0;

    for (int i = chart->app->log_n - 1; i >= 0; i--) {
        const absw_log_entry_t *entry = &chart->app->log[i];
        const char *target = target_of(chart->app->policy, entry);
        char x[16];

        if (!is_shown(scale, entry->rec.at)) {
            continue;
        }
        units(x, x_of(scale, entry->rec.at));
        abswitch_markup_putf(m, "<g><title>Generation %" APR_INT64_T_FMT ", %s</title>"
                             "<path class=\"flip\" d=\"M%s 14V160\"/>", entry->rec.generation,
                             abswitch_markup_local(m, "%H:%M:%S", entry->rec.at), x);
        if (target) {
            put_mark(m, target, x_of(scale, entry->rec.at), &taken);
        }
        abswitch_markup_put(m, "</g>\n");
    }
}

/* ---- curves ---- */

typedef struct {
    int n;                              /* numbers that are known */
    apr_uint32_t last;
    int ends;                           /* the newest number is known */
    apr_uint32_t low;
    apr_uint32_t high;
    absw_sec_t high_at;
} summary_t;

static void summarize(summary_t *s, absw_sec_t t, apr_uint32_t sessions)
{
    s->ends = sessions != ABSW_HISTORY_UNKNOWN;
    if (!s->ends) {
        return;
    }
    if (!s->n || sessions < s->low) {
        s->low = sessions;
    }
    if (!s->n || sessions > s->high) {
        s->high = sessions;
        s->high_at = t;
    }
    s->last = sessions;
    s->n++;
}

static summary_t summary_of(const abswitch_chart_t *chart, const scale_t *scale, int side)
{
    summary_t summary = { 0 };

    for (int i = 0; i < chart->points_n; i++) {
        if (is_shown(scale, chart->points[i].time)) {
            summarize(&summary, chart->points[i].time, chart->points[i].sessions[side]);
        }
    }
    return summary;
}

/** A curve is broken where the number is not known, and where nobody counted for a while. */
static void put_curve(abswitch_markup_t *m, const abswitch_chart_t *chart, const scale_t *scale,
                      int side)
{
    absw_sec_t last = 0;
    int joined = 0;                     /* points of the piece at hand */
    char x[16], y[16];

    abswitch_markup_putf(m, "<path class=\"line s%d\" d=\"", side);
    for (int i = 0; i < chart->points_n; i++) {
        const absw_history_entry_t *point = &chart->points[i];

        if (!is_shown(scale, point->time) || point->sessions[side] == ABSW_HISTORY_UNKNOWN) {
            continue;
        }
        /* an unknown number in between leaves a distance as well */
        if (!joined || i == 0 || chart->points[i - 1].sessions[side] == ABSW_HISTORY_UNKNOWN
            || point->time - last > chart->gap) {
            abswitch_markup_put(m, joined == 1 ? "h2" : "");
            joined = 0;
        }
        units(x, x_of(scale, point->time));
        units(y, y_of(scale, point->sessions[side]));
        abswitch_markup_putf(m, "%s%s %s", joined ? "L" : "M", x, y);
        joined++;
        last = point->time;
    }
    /* a piece of one point would not be seen */
    abswitch_markup_putf(m, "%s\"/>\n", joined == 1 ? "h2" : "");
}

static void describe(abswitch_markup_t *m, const char *name, const summary_t *s)
{
    if (!s->n) {
        abswitch_markup_putf(m, "%s: no numbers yet. ", abswitch_markup_text(m, name));
        return;
    }
    abswitch_markup_putf(m, "%s: ", abswitch_markup_text(m, name));
    if (s->ends) {
        abswitch_markup_putf(m, "%u at the end", s->last);
    }
    else {
        abswitch_markup_put(m, "not known at the end");
    }
    abswitch_markup_putf(m, ", between %u and %u, highest at %s. ", s->low, s->high,
                         abswitch_markup_local(m, "%H:%M", s->high_at));
}

/* ---- the panel ---- */

static void put_drawing(abswitch_markup_t *m, const abswitch_chart_t *chart)
{
    const absw_policy_t *policy = chart->app->policy;
    summary_t summary[ABSW_SIDES_MAX];
    scale_t scale;
    int curves = 0;

    scale_make(&scale, chart, m->now);
    abswitch_markup_putf(m, "<desc id=\"%s-d\">", chart->id);
    for (int i = 0; i < policy->sides_n; i++) {
        summary[i] = summary_of(chart, &scale, i);
        describe(m, policy->sides[i].name, &summary[i]);
        curves += summary[i].n > 0;
    }
    abswitch_markup_put(m, "</desc>\n");
    put_lines(m, &scale);
    put_ticks(m, &scale, chart->tick);
    put_flips(m, chart, &scale);
    for (int i = 0; i < policy->sides_n; i++) {
        if (summary[i].n) {
            put_curve(m, chart, &scale, i);
        }
    }
    if (!curves) {
        abswitch_markup_put(m, "<text x=\"256\" y=\"93\" text-anchor=\"middle\">No numbers yet"
                            "</text>\n");
    }
}

static void put_legend(abswitch_markup_t *m, const absw_policy_t *policy)
{
    abswitch_markup_put(m, "<ul class=\"legend\">\n");
    for (int i = 0; i < policy->sides_n; i++) {
        abswitch_markup_put(m, "<li>");
        abswitch_markup_key(m, i);
        abswitch_markup_putf(m, "%s</li>\n", abswitch_markup_text(m, policy->sides[i].name));
    }
    abswitch_markup_put(m, "</ul>\n");
}

void abswitch_chart_write(abswitch_markup_t *m, const abswitch_chart_t *chart)
{
    const char *id = chart->id;

    abswitch_markup_putf(m, "<section class=\"panel\" aria-labelledby=\"%s\">\n"
                         "<h3 id=\"%s\">%s</h3>\n"
                         "<svg class=\"chart\" viewBox=\"0 0 480 190\" role=\"img\" "
                         "aria-labelledby=\"%s-t %s-d\" focusable=\"false\">\n"
                         "<title id=\"%s-t\">%s</title>\n", id, id, chart->title, id, id, id,
                         chart->title);
    put_drawing(m, chart);
    abswitch_markup_put(m, "</svg>\n");
    put_legend(m, chart->app->policy);
    abswitch_markup_put(m, "</section>\n");
}

/* ---- fewer points ---- */

const absw_history_entry_t *abswitch_chart_thin(apr_pool_t *pool, const absw_report_app_t *app,
                                                absw_sec_t step, int *n)
{
    absw_history_entry_t *points =
        apr_palloc(pool, ((apr_size_t)app->history_n + 1) * sizeof(*points));

    *n = 0;
    for (int i = 0; i < app->history_n; i++) {
        const absw_history_entry_t *entry = &app->history[i];
        absw_history_entry_t *point;

        if (*n == 0 || points[*n - 1].time / step != entry->time / step) {
            points[(*n)++] = *entry;
            continue;
        }
        point = &points[*n - 1];
        point->time = entry->time;
        for (int side = 0; side < app->policy->sides_n; side++) {
            apr_uint32_t sessions = entry->sessions[side];

            if (sessions != ABSW_HISTORY_UNKNOWN
                && (point->sessions[side] == ABSW_HISTORY_UNKNOWN
                    || sessions > point->sessions[side])) {
                point->sessions[side] = sessions;
            }
        }
    }
    return points;
}
