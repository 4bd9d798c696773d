/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>

#include "answer.h"
#include "location.h"
#include "session.h"

/* ---- where to ---- */

static const char *location_of(request_rec *r, const abswitch_app_t *app,
                               const absw_decision_t *d, const char *rest)
{
    const char *side = d->to_side != ABSW_NO_SIDE ? app->policy.sides[d->to_side].path : "";
    /* As it was when httpd decoded the path; what a <Directory> merged since then has lost it. */
    const core_dir_config *core = ap_get_core_module_config(r->server->lookup_defaults);
    int keep_2f = (core->allow_encoded_slashes && !core->decode_encoded_slashes)
                  || r->proxyreq == PROXYREQ_REVERSE ? ABSW_LOCATION_KEEP_2F : 0;

    switch (d->to) {
    case ABSW_TO_NOWHERE:
        break;
    case ABSW_TO_SIDE:
        return absw_location_build(r->pool, side, rest, r->args, NULL, keep_2f);
    case ABSW_TO_SIDE_TOP:
        return absw_location_build(r->pool, side,
                                   app->login && r->method_number == M_POST ? app->login : "/",
                                   r->args, NULL, 0);
    case ABSW_TO_EXPIRED:
        return absw_location_build(r->pool, app->launchpad, "", NULL, "abswitch=expired", 0);
    case ABSW_TO_CLOSED:
        return absw_location_build(r->pool, app->launchpad, "", NULL, "abswitch=closed", 0);
    case ABSW_TO_LAUNCHPAD:
        return absw_location_build(r->pool, app->launchpad, "", r->args, NULL, 0);
    }
    return NULL;
}

/* ---- cookies and the table ---- */

static void change_session(request_rec *r, abswitch_request_t *ours,
                           const abswitch_facts_t *f, const absw_decision_t *d)
{
    if (d->end_session && f->facts.token) {
        abswitch_session_end(ours->node, ours->app, f->facts.token, f->facts.now);
    }
    if (d->new_token != ABSW_NO_SIDE) {
        int begun = abswitch_session_begin(r, ours->node, ours->app, d->new_token, d->new_tester,
                                           f->facts.now);

        ours->private_answer = begun && d->status == ABSWITCH_PASSES;
    }
    else if (d->expire_token) {
        abswitch_session_expire(r, ours->app);
    }
    if (d->expire_cookies) {
        abswitch_session_clear_cookies(r, ours->app, ours->side,
                                       f->facts.token ? f->facts.token->side : ours->side);
    }
}

/* ---- the environment ---- */

/** Whatever somebody has set under our names before us. Mostly nobody has. */
static void clear_env(apr_table_t *env)
{
    static const char *const names[] = {
        ABSWITCH_ENV_APP, ABSWITCH_ENV_SIDE, ABSWITCH_ENV_VERDICT, ABSWITCH_ENV_DRAINING,
        ABSWITCH_ENV_EXPIRES
    };
    const apr_array_header_t *all = apr_table_elts(env);
    int found = 0;

    for (int i = 0; i < all->nelts; i++) {
        const char *name = APR_ARRAY_IDX(all, i, apr_table_entry_t).key;

        found |= name && (*name | 0x20) == 'a' && (name[1] | 0x20) == 'b';
    }
    for (int i = 0; found && i < (int)(sizeof(names) / sizeof(names[0])); i++) {
        apr_table_unset(env, names[i]);
    }
}

static void tell_draining(request_rec *r, const abswitch_facts_t *f, int side,
                          const absw_decision_t *d)
{
    absw_sec_t login = d->new_token != ABSW_NO_SIDE ? f->facts.now
                       : f->facts.token ? f->facts.token->login : 0;
    absw_sec_t left = abswitch_facts_expires(f, side, login);

    apr_table_setn(r->subprocess_env, ABSWITCH_ENV_DRAINING, "1");
    if (left >= 0) {
        apr_table_setn(r->subprocess_env, ABSWITCH_ENV_EXPIRES,
                       apr_psprintf(r->pool, "%" APR_INT64_T_FMT, left));
    }
}

/** To add a table made long ago is cheaper than to set its variables one by one. */
static void tell(request_rec *r, const abswitch_request_t *ours, const abswitch_facts_t *f,
                 const absw_decision_t *d)
{
    apr_table_t *env = r->subprocess_env;

    clear_env(env);
    if (ours->side == ABSW_NO_SIDE || d->verdict == ABSW_UNTOUCHED) {
        apr_table_setn(env, ABSWITCH_ENV_APP, ours->app->name);
    }
    else {
        apr_table_overlap(env, ours->app->env[ours->side][d->verdict], APR_OVERLAP_TABLES_ADD);
    }
    if (ours->side == ABSW_NO_SIDE && d->verdict != ABSW_UNTOUCHED) {
        apr_table_setn(env, ABSWITCH_ENV_VERDICT, absw_verdict_name(d->verdict));
    }
    if (ours->side != ABSW_NO_SIDE && f->state[ours->side] == ABSW_SIDE_DRAINING) {
        tell_draining(r, f, ours->side, d);
    }
}

/* ---- counts ---- */

/** What was answered in the end, by whatever it was redirected to inside. */
static void count_response(const abswitch_request_t *ours)
{
    const request_rec *last = ours->r;

    while (last->next) {
        last = last->next;
    }
    if (ours->node->counters) {
        absw_responses_count(&ours->node->counters[ours->in_flight], last->status,
                             apr_time_now() - last->request_time);
    }
}

static apr_status_t landed(void *data)
{
    const abswitch_request_t *ours = data;

    count_response(ours);
    absw_child_in_flight(ours->node->child, ours->in_flight, -1);
    return APR_SUCCESS;
}

/** In flight until the request's pool goes, when its last byte is out. */
static void take_off(request_rec *r, abswitch_request_t *ours, apr_uint16_t place)
{
    ours->r = r;
    ours->in_flight = place;
    absw_child_in_flight(ours->node->child, place, 1);
    apr_pool_cleanup_register(r->pool, ours, landed, apr_pool_cleanup_null);
}

static void count(request_rec *r, abswitch_request_t *ours, const abswitch_facts_t *f,
                  const absw_decision_t *d)
{
    const absw_board_app_t *place = abswitch_place_of(ours->node, ours->app);

    if (d->count) {
        abswitch_session_count(ours->node, ours->app, &f->session, ours->side, f->facts.now);
    }
    if (!ours->node->child || place->app < 0 || d->verdict == ABSW_UNTOUCHED) {
        return;
    }
    absw_child_verdict(ours->node->children, ours->node->child, place->app, d->verdict);
    if (d->status == ABSWITCH_PASSES && ours->at == ABSWITCH_AT_SIDE) {
        take_off(r, ours, place->place[ours->side]);
    }
}

/* ---- the answer ---- */

void abswitch_answer_no_store(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

static void refuse_or_redirect(request_rec *r, const abswitch_request_t *ours,
                               const absw_decision_t *d, const char *rest)
{
    const char *location = location_of(r, ours->app, d, rest);

    abswitch_answer_no_store(r);
    if (location) {
        apr_table_setn(r->headers_out, "Location", location);
    }
    if (d->status == HTTP_FORBIDDEN && ours->at == ABSWITCH_AT_SIDE) {
        apr_table_setn(r->err_headers_out, "ABSwitch-Reason", absw_verdict_name(d->verdict));
    }
}

int abswitch_answer(request_rec *r, abswitch_request_t *ours, abswitch_facts_t *f,
                    const absw_decision_t *d, const char *rest)
{
    ours->verdict = d->verdict;
    if (ours->side == ABSW_NO_SIDE) {
        ours->side = d->to_side;
    }
    change_session(r, ours, f, d);
    tell(r, ours, f, d);
    count(r, ours, f, d);
    if (d->status != ABSWITCH_PASSES) {
        refuse_or_redirect(r, ours, d, rest);
    }
    ap_log_rerror(APLOG_MARK, APLOG_TRACE1, 0, r, "%s: side %s: %s %s", ours->app->name,
                  ours->side == ABSW_NO_SIDE ? "-" : ours->app->policy.sides[ours->side].name,
                  absw_verdict_name(d->verdict), absw_verdict_text(d->verdict));
    return d->status;
}
