/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "order.h"
#include "page_parts.h"

/*
 * The manager's controls. Each is closed until it is wanted, then says what it will do, and is
 * done by a button: two steps, and neither needs a script. A form carries the generation that the
 * reader sees, so what they read is what they change.
 */

/** For records that are only made to see what would come of them. */
static absw_switch_who_t nobody(const abswitch_markup_t *m)
{
    return (absw_switch_who_t){ .now = m->now, .node = "", .by = "", .note = "" };
}

/* ---- a form ---- */

static void hidden(abswitch_markup_t *m, const char *name, const char *value)
{
    abswitch_markup_putf(m, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", name,
                         abswitch_markup_text(m, value));
}

/** title: what is ordered, as text; cuts: it is for people to be careful with. */
static void begin(abswitch_markup_t *m, const absw_report_app_t *app, absw_order_e action,
                  const char *title, int cuts)
{
    abswitch_markup_putf(m, "<details class=\"order%s\">\n<summary>%s</summary>\n"
                         "<form method=\"post\" autocomplete=\"off\">\n", cuts ? " cuts" : "",
                         title);
    hidden(m, "app", app->policy->name);
    hidden(m, "action", absw_order_name(action));
    hidden(m, "generation", apr_psprintf(m->pool, "%" APR_INT64_T_FMT, app->rec.generation));
    hidden(m, "token", m->form_key);
}

static void finish(abswitch_markup_t *m, const char *button)
{
    abswitch_markup_putf(m, "<label>Why, for the log (may be left empty)\n"
                         "<input type=\"text\" name=\"note\" maxlength=\"%d\"></label>\n"
                         "<button type=\"submit\">%s</button>\n</form>\n</details>\n",
                         ABSW_ORDER_NOTE_MAX, button);
}

/* ---- a side's ---- */

static void put_side_order(abswitch_markup_t *m, const absw_report_app_t *app, int side,
                           absw_order_e action, const char *verb, const absw_switch_t *next)
{
    const char *name = abswitch_markup_text(m, app->sides[side].name);
    const char *title = apr_pstrcat(m->pool, verb, " ", name, NULL);

    begin(m, app, action, title, action == ABSW_ORDER_CLOSE);
    hidden(m, "side", app->sides[side].name);
    abswitch_page_foresee(m, app, next);
    finish(m, apr_pstrcat(m->pool, title, " now", NULL));
}

void abswitch_page_side_orders(abswitch_markup_t *m, const absw_report_app_t *app, int side)
{
    const absw_policy_t *policy = app->policy;
    absw_switch_who_t who = nobody(m);
    absw_side_state_e state = app->sides[side].state;
    absw_switch_t next;

    if (!m->form_key) {
        return;
    }
    abswitch_markup_put(m, "<div class=\"orders\">");
    if (absw_switch_flip(policy, &app->rec, side, &who, &next) == ABSW_SWITCH_DONE
        && memcmp(next.weight, app->rec.weight, sizeof(next.weight)) != 0) {
        put_side_order(m, app, side, ABSW_ORDER_FLIP, "Flip to", &next);
    }
    if (state != ABSW_SIDE_CLOSED
        && absw_switch_close(policy, &app->rec, side, &who, &next) == ABSW_SWITCH_DONE) {
        put_side_order(m, app, side, ABSW_ORDER_CLOSE, "Close", &next);
    }
    if (absw_switch_reopen(policy, &app->rec, side, &who, &next) == ABSW_SWITCH_DONE) {
        put_side_order(m, app, side, ABSW_ORDER_REOPEN, "Reopen", &next);
    }
    abswitch_markup_put(m, "</div>\n");
}

/* ---- an application's ---- */

static void put_weights(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    char text[ABSW_SWITCH_WEIGHTS_MAX];

    begin(m, app, ABSW_ORDER_WEIGHTS, "Share out new sessions", 0);
    abswitch_markup_putf(m, "<label>Weights by side\n<input type=\"text\" name=\"weights\" "
                         "value=\"%s\" spellcheck=\"false\" autocapitalize=\"none\" "
                         "aria-describedby=\"a%d-weights\"></label>\n"
                         "<p id=\"a%d-weights\" class=\"soft\">A side gets its weight\xe2\x80\x99s "
                         "part of all new sessions. One that has none, or is not named, drains: "
                         "who is there stays. A closed side that gets some opens again.</p>\n",
                         abswitch_markup_text(m, absw_switch_weights_text(app->policy,
                                                                          app->rec.weight, text)),
                         number, number);
    finish(m, "Share out now");
}

static void put_rollback(abswitch_markup_t *m, const absw_report_app_t *app)
{
    absw_switch_who_t who = nobody(m);
    absw_switch_t target, next;

    if (!absw_change_target(app->policy, app->log, app->log_n, &app->rec, &target)
        || absw_switch_rollback(app->policy, &app->rec, &target, &who, &next)
               != ABSW_SWITCH_DONE) {
        return;
    }
    begin(m, app, ABSW_ORDER_ROLLBACK,
          target.generation ? apr_psprintf(m->pool, "Roll back to generation %" APR_INT64_T_FMT,
                                           target.generation)
                            : "Roll back to the configured default", 0);
    abswitch_page_foresee(m, app, &next);
    finish(m, "Roll back now");
}

void abswitch_page_app_orders(abswitch_markup_t *m, const absw_report_app_t *app, int number)
{
    if (!m->form_key) {
        return;
    }
    abswitch_markup_put(m, "<div class=\"orders wide\">");
    put_weights(m, app, number);
    put_rollback(m, app);
    abswitch_markup_put(m, "</div>\n");
}

/* ---- nodes ---- */

/** Its last sessions, by side: "3 on A, 0 on B". */
static const char *sessions_of(abswitch_markup_t *m, const absw_report_app_t *app,
                               const absw_report_node_t *node)
{
    const char *text = "";

    for (int i = 0; i < app->policy->sides_n; i++) {
        text = apr_pstrcat(m->pool, text, i ? ", " : "",
                           abswitch_markup_count(m, node->sessions[i]), " on ",
                           abswitch_markup_text(m, app->sides[i].name), NULL);
    }
    return text;
}

static void put_retire(abswitch_markup_t *m, const absw_report_app_t *app,
                       const absw_report_node_t *node)
{
    const char *name = abswitch_markup_text(m, node->name);

    begin(m, app, ABSW_ORDER_RETIRE, apr_pstrcat(m->pool, "Retire ", name, NULL), 1);
    hidden(m, "node", node->name);
    abswitch_markup_put(m, "<ul>\n<li>Only if it is gone for good: a node that still serves people "
                        "and is merely cut off would not be waited for.</li>\n");
    abswitch_markup_putf(m, "<li>%s%s.</li>\n",
                         node->known ? "Its sessions are not counted any more; at its last report: "
                                     : "It has no report that counts",
                         node->known ? sessions_of(m, app, node) : "");
    abswitch_markup_put(m, "<li>If it comes back, it enters again by itself.</li>\n</ul>\n");
    finish(m, apr_pstrcat(m->pool, "Retire ", name, " now", NULL));
}

void abswitch_page_node_orders(abswitch_markup_t *m, const absw_report_app_t *app)
{
    if (!m->form_key) {
        return;
    }
    abswitch_markup_put(m, "<div class=\"orders\">");
    for (int i = 0; i < app->nodes_n; i++) {
        if (app->nodes[i].state == ABSW_NODE_SILENT) {
            put_retire(m, app, &app->nodes[i]);
        }
    }
    abswitch_markup_put(m, "</div>\n");
}
