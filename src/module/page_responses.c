/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "page_parts.h"
#include "responses.h"

#define MINUTES (ABSW_RESPONSES_RECENT / 60)

/* ---- numbers as people read them ---- */

/** "0.4 %"; what rounds to nothing or to everything is neither. */
static const char *percent(abswitch_markup_t *m, double part)
{
    if (part <= 0 || part >= 1) {
        return part <= 0 ? "0 %" : "100 %";
    }
    if (part < 0.0005 || part > 0.9995) {
        return part < 0.5 ? "&lt; 0.1 %" : "&gt; 99.9 %";
    }
    return apr_psprintf(m->pool, "%.1f %%", part * 100);
}

/** "35 ms", "2.1 s". The last bound stands for everything behind it, the first for all below. */
static const char *span_of(abswitch_markup_t *m, apr_interval_time_t took)
{
    if (took >= apr_time_from_sec(10)) {
        return "10 s or more";
    }
    if (took < apr_time_from_msec(1)) {
        return "under 1 ms";
    }
    return took < apr_time_from_sec(1)
           ? apr_psprintf(m->pool, "%d ms", (int)((took + 500) / 1000))
           : apr_psprintf(m->pool, "%.1f s", (double)took / APR_USEC_PER_SEC);
}

static apr_uint64_t failures_of(const absw_tally_t *tally)
{
    return tally->classes[ABSW_TALLY_CLASSES - 1];
}

/* ---- a side's lines ---- */

static void put_failed(abswitch_markup_t *m, const char *what, const absw_tally_t *tally)
{
    abswitch_markup_putf(m, "<div><dt>%s</dt><dd>%s", what,
                         abswitch_markup_count(m, absw_tally_count(tally)));
    if (absw_tally_count(tally) > 0) {
        abswitch_markup_putf(m, ", %s 5xx", percent(m, absw_tally_failed(tally)));
    }
    abswitch_markup_put(m, "</dd></div>\n");
}

void abswitch_page_responses(abswitch_markup_t *m, const absw_report_side_t *side)
{
    const absw_tally_t *timed = absw_tally_count(&side->recent) > 0 ? &side->recent
                                                                    : &side->responses;

    put_failed(m, "Responses", &side->responses);
    put_failed(m, apr_psprintf(m->pool, "Last %d minutes", MINUTES), &side->recent);
    if (absw_tally_count(timed) > 0) {
        abswitch_markup_putf(m, "<div><dt>Time to serve</dt><dd>median %s, 95th %s</dd></div>\n",
                             span_of(m, absw_tally_within(timed, 0.5)),
                             span_of(m, absw_tally_within(timed, 0.95)));
    }
}

/* ---- one side against another ---- */

static void put_worse(abswitch_markup_t *m, const absw_report_side_t *side,
                      const absw_report_side_t *other)
{
    abswitch_markup_putf(m, "<p class=\"alert\"><b>%s fails more often than %s.</b> In the last %d "
                         "minutes %s of %s responses were 5xx, on %s %s of %s.</p>\n",
                         abswitch_markup_text(m, side->name),
                         abswitch_markup_text(m, other->name), MINUTES,
                         abswitch_markup_count(m, failures_of(&side->recent)),
                         abswitch_markup_count(m, absw_tally_count(&side->recent)),
                         abswitch_markup_text(m, other->name),
                         abswitch_markup_count(m, failures_of(&other->recent)),
                         abswitch_markup_count(m, absw_tally_count(&other->recent)));
}

/** Of each side that fails, the best that it is worse than. */
void abswitch_page_worse(abswitch_markup_t *m, const absw_report_app_t *app)
{
    for (int i = 0; i < app->policy->sides_n; i++) {
        const absw_report_side_t *best = NULL;

        for (int k = 0; k < app->policy->sides_n; k++) {
            const absw_report_side_t *other = &app->sides[k];

            if (k != i && absw_tally_is_worse(&app->sides[i].recent, &other->recent)
                && (!best || absw_tally_failed(&other->recent)
                                 < absw_tally_failed(&best->recent))) {
                best = other;
            }
        }
        if (best) {
            put_worse(m, &app->sides[i], best);
        }
    }
}
