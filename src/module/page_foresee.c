/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_lib.h>
#include <apr_strings.h>

#include "page_parts.h"

/* What a change will do to how many people, before it is done: a sentence for each consequence. */

/** "1,000 people", "at least 1 person". */
static const char *people_on(abswitch_markup_t *m, const absw_report_app_t *app, int side)
{
    apr_uint32_t sessions = app->sides[side].sessions;

    return apr_psprintf(m->pool, "%s%s %s", abswitch_page_about(app, side),
                        abswitch_markup_count(m, sessions), sessions == 1 ? "person" : "people");
}

static int nobody_on(const absw_report_side_t *side)
{
    return side->known && side->exact && side->sessions == 0;
}

/** ", or until 18:00:00 at the latest", where there is a deadline. */
static const char *at_the_latest(abswitch_markup_t *m, absw_sec_t deadline)
{
    return deadline ? apr_pstrcat(m->pool, ", or until ", abswitch_markup_time(m, deadline),
                                  " at the latest", NULL) : "";
}

static const char *capital(abswitch_markup_t *m, const char *text)
{
    char *copy = apr_pstrdup(m->pool, text);

    *copy = (char)apr_toupper(*copy);
    return copy;
}

static void put_stay(abswitch_markup_t *m, const absw_report_app_t *app, int side,
                     const absw_switch_t *next)
{
    const absw_report_side_t *s = &app->sides[side];
    const char *name = abswitch_markup_text(m, s->name);
    const char *latest = at_the_latest(m, absw_switch_deadline(app->policy, next, side));
    const char *closes = app->auto_close
        ? apr_psprintf(m->pool, " %s closes by itself when it is drained.", name) : "";

    if (nobody_on(s)) {
        abswitch_markup_putf(m, "<li>Nobody is on %s, and nobody new comes.%s</li>\n", name,
                             closes);
    }
    else if (!s->known) {
        abswitch_markup_putf(m, "<li>Who is on %s stays until they leave%s; how many that are is "
                             "not known now.%s</li>\n", name, latest, closes);
    }
    else {
        abswitch_markup_putf(m, "<li>%s on %s stay%s there until they leave%s.%s</li>\n",
                             capital(m, people_on(m, app, side)), name,
                             s->sessions == 1 ? "s" : "", latest, closes);
    }
}

static void put_cut(abswitch_markup_t *m, const absw_report_app_t *app, int side)
{
    const absw_report_side_t *s = &app->sides[side];
    const char *name = abswitch_markup_text(m, s->name);

    if (nobody_on(s)) {
        abswitch_markup_putf(m, "<li>Nobody is on %s; nobody is cut off.</li>\n", name);
        return;
    }
    abswitch_markup_putf(m, "<li>%s on %s %s cut off: the next page is one of another side, in a "
                         "new session, and what was not saved is lost.</li>\n",
                         s->known ? capital(m, people_on(m, app, side)) : "Whoever is", name,
                         s->known && s->sessions != 1 ? "are" : "is");
}

static void put_side(abswitch_markup_t *m, const absw_report_app_t *app, int side,
                     const absw_switch_t *next)
{
    const absw_policy_t *policy = app->policy;
    const char *name = abswitch_markup_text(m, app->sides[side].name);
    absw_side_state_e before = absw_switch_state(policy, &app->rec, side, m->now);
    absw_side_state_e after = absw_switch_state(policy, next, side, m->now);

    if (before == after) {
        return;
    }
    if (after == ABSW_SIDE_CLOSED) {
        put_cut(m, app, side);
    }
    else if (before == ABSW_SIDE_CLOSED) {
        abswitch_markup_putf(m, "<li>%s, which is closed, opens again%s%s.</li>\n", name,
                             after == ABSW_SIDE_OPEN ? "" : ": to those who come back to a session "
                             "there, and to nobody new",
                             at_the_latest(m, absw_switch_deadline(policy, next, side)));
    }
    else if (after == ABSW_SIDE_DRAINING) {
        put_stay(m, app, side, next);
    }
    else if (!nobody_on(&app->sides[side])) {
        abswitch_markup_putf(m, "<li>Who is on %s stays there.</li>\n", name);
    }
}

void abswitch_page_foresee(abswitch_markup_t *m, const absw_report_app_t *app,
                           const absw_switch_t *next)
{
    const absw_policy_t *policy = app->policy;

    abswitch_markup_put(m, "<ul>\n");
    if (memcmp(app->rec.weight, next->weight, sizeof(next->weight)) != 0) {
        abswitch_markup_put(m, "<li>");
        abswitch_page_landing(m, policy, next->weight);
        abswitch_markup_put(m, "</li>\n");
    }
    for (int i = 0; i < policy->sides_n; i++) {
        put_side(m, app, i, next);
    }
    abswitch_markup_put(m, "</ul>\n");
}
