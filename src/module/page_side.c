/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "members.h"
#include "page_parts.h"

/* ---- the state ---- */

const char *abswitch_page_word(const absw_report_side_t *side)
{
    return side->state == ABSW_SIDE_CLOSED ? absw_side_state_name(side->state)
                                           : absw_drain_name(side->drain);
}

/** A word that is also a shape and a colour. */
static void put_badge(abswitch_markup_t *m, const char *word, const char *shape)
{
    abswitch_markup_putf(m, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span> "
                         "%s</span>", word, shape, word);
}

static void put_badges(abswitch_markup_t *m, const absw_report_side_t *side)
{
    static const char *const shapes[ABSW_DRAIN_COUNT] = {
        [ABSW_DRAIN_OPEN] = "\xe2\x97\x8f",
        [ABSW_DRAIN_DRAINING] = "\xe2\x97\x90",
        [ABSW_DRAIN_DRAINED] = "\xe2\x9c\x93",
        [ABSW_DRAIN_UNKNOWN] = "?",
    };

    abswitch_markup_put(m, "<p class=\"badges\">");
    if (side->state == ABSW_SIDE_CLOSED) {
        put_badge(m, absw_side_state_name(side->state), "\xe2\x96\xa0");
        abswitch_markup_put(m, " ");
    }
    put_badge(m, absw_drain_name(side->drain), shapes[side->drain]);
    abswitch_markup_put(m, "</p>\n");
}

/* ---- how many ---- */

/** A table that is full or was lost has no more to tell; many sessions of several nodes are an
 * estimate. */
const char *abswitch_page_about(const absw_report_app_t *app, int side)
{
    const absw_report_side_t *s = &app->sides[side];

    if (s->exact) {
        return "";
    }
    return app->nodes_n > 1 && s->sessions > ABSW_MEMBERS_EXACT ? "about " : "at least ";
}

static void put_count(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    const absw_report_side_t *side = &app->sides[number];

    if (!side->known) {
        abswitch_markup_put(m, "<p class=\"count\"><b>?</b> sessions, not known</p>\n");
        return;
    }
    abswitch_markup_putf(m, "<p class=\"count\">%s<b>%s</b> %s</p>\n",
                         abswitch_page_about(app, number),
                         abswitch_markup_count(m, side->sessions),
                         side->sessions == 1 ? "session" : "sessions");
}

/** What that means for the person who looks. */
static const char *meaning_of(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    const absw_report_side_t *side = &app->sides[number];
    const char *share;

    if (side->state == ABSW_SIDE_OPEN) {
        share = abswitch_page_share(m, app, number);
        return strcmp(share, "100 %")
               ? apr_pstrcat(m->pool, share, " of new sessions land here.", NULL)
               : "Every new session lands here.";
    }
    if (side->drain == ABSW_DRAIN_DRAINED) {
        return "Empty, and proven so: it may be stopped.";
    }
    if (side->drain == ABSW_DRAIN_UNKNOWN) {
        return apr_pstrcat(m->pool, "Nobody can say whether it is empty: ",
                           abswitch_markup_text(m, side->reason), ". Do not stop it yet.", NULL);
    }
    return side->state == ABSW_SIDE_CLOSED
           ? "Nobody gets in; what is left here is still finishing."
           : "Keeps the sessions it has and takes no new ones.";
}

/* ---- the rest ---- */

static void put_row(abswitch_markup_t *m, const char *what, const char *value)
{
    abswitch_markup_putf(m, "<div><dt>%s</dt><dd>%s</dd></div>\n", what, value);
}

/** Since when, and until when at the latest. */
static void put_times(abswitch_markup_t *m, const absw_report_app_t *app,
                      const absw_report_side_t *side)
{
    put_row(m, "Draining since",
            side->draining_since ? abswitch_markup_ago(m, side->draining_since)
            : app->rec.generation ? "not known" : "the start");
    if (side->state == ABSW_SIDE_CLOSED) {
        return;
    }
    if (side->empty_if_idle) {
        put_row(m, "Empty if nobody clicks", abswitch_markup_until(m, side->empty_if_idle));
    }
    put_row(m, "Deadline", side->deadline ? abswitch_markup_until(m, side->deadline) : "none");
}

static void put_rows(abswitch_markup_t *m, const absw_report_app_t *app,
                     const absw_report_side_t *side)
{
    abswitch_markup_put(m, "<dl>\n");
    put_row(m, "Testers", abswitch_markup_count(m, side->testers));
    put_row(m, "Requests in flight", abswitch_markup_count(m, side->in_flight));
    abswitch_page_responses(m, side);
    if (side->state != ABSW_SIDE_OPEN) {
        put_times(m, app, side);
    }
    abswitch_markup_put(m, "</dl>\n");
}

void abswitch_page_side(abswitch_markup_t *m, const absw_report_app_t *app, int number, int side)
{
    const absw_report_side_t *s = &app->sides[side];

    abswitch_markup_putf(m, "<article class=\"side\" aria-labelledby=\"a%d-s%d\">\n<header>\n",
                         number, side);
    abswitch_markup_key(m, side);
    abswitch_markup_putf(m, "\n<h3 id=\"a%d-s%d\">%s</h3>\n<code>%s</code>\n", number, side,
                         abswitch_markup_text(m, s->name),
                         *s->path ? abswitch_markup_text(m, s->path) : "/");
    put_badges(m, s);
    abswitch_markup_put(m, "</header>\n");
    put_count(m, app, side);
    abswitch_markup_putf(m, "<p class=\"says\">%s</p>\n", meaning_of(m, app, side));
    put_rows(m, app, s);
    abswitch_page_side_orders(m, app, side);
    abswitch_markup_put(m, "</article>\n");
}
