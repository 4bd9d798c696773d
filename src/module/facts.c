/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

/* ---- the switch ---- */

static void read_state(abswitch_facts_t *f, int side)
{
    f->state[side] = absw_switch_state(&f->app->policy, &f->switch_now, side, f->facts.now);
}

/** What it says of all sides. */
static void read_switch(abswitch_facts_t *f, const abswitch_node_t *node)
{
    const absw_policy_t *policy = &f->app->policy;

    if (!absw_board_view(abswitch_place_of(node, f->app), &f->switch_now)) {
        absw_switch_default_weights(policy, &f->switch_now);
    }
    for (int i = 0; i < policy->sides_n; i++) {
        read_state(f, i);
    }
}

/** What it says of one. */
static void read_side(abswitch_facts_t *f, const abswitch_node_t *node, int side)
{
    if (!absw_board_view_side(abswitch_place_of(node, f->app), side, &f->switch_now)) {
        absw_switch_default_weights(&f->app->policy, &f->switch_now);
    }
    read_state(f, side);
}

/** The current side: the first route that holds and is not closed, then the weights. */
static int current_side(void *baton)
{
    abswitch_facts_t *f = baton;
    apr_uint32_t random = 0;
    int only;

    for (int i = 0; i < f->app->routes->nelts; i++) {
        const abswitch_route_t *route = &APR_ARRAY_IDX(f->app->routes, i, abswitch_route_t);
        const char *error = NULL;

        if (f->state[route->side] == ABSW_SIDE_CLOSED) {
            continue;
        }
        if (ap_expr_exec(f->r, route->expr, &error) > 0) {
            return route->side;
        }
        if (error) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, f->r, "%s: ABSwitchRoute %s \"%s\" could "
                          "not be evaluated and is passed over: %s", f->app->name, route->name,
                          route->text, error);
        }
    }
    only = absw_switch_only(&f->app->policy, &f->switch_now);
    if (only != ABSW_NO_SIDE) {
        return only;                /* nothing to cast lots for */
    }
    apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    return absw_switch_choose(&f->app->policy, &f->switch_now, random);
}

/* ---- where it comes from ---- */

static int is_inside(const request_rec *r, const abswitch_app_t *app,
                     const abswitch_headers_t *headers)
{
    const absw_provenance_t from = {
        .referer = headers->referer,
        .origin = headers->origin,
        .fetch_site = headers->fetch_site,
    };
    absw_origin_t own;

    if (app->origins->nelts) {
        return absw_inside(&app->policy, (const absw_origin_t *)app->origins->elts,
                           app->origins->nelts, &from);
    }
    return absw_inside(&app->policy, &own, abswitch_headers_origin(r, headers->host, &own), &from);
}

/** Is the path this one, but for ";parameters" of its segments? */
static int is_path(const char *path, const char *wanted)
{
    for (;; path++, wanted++) {
        if (*path == ';') {
            path += strcspn(path, "/");
        }
        if (*path != *wanted || !*path) {
            return *path == *wanted;
        }
    }
}

static int is_logout(const abswitch_app_t *app, const char *rest)
{
    for (int i = 0; i < app->logout->nelts; i++) {
        if (is_path(rest, APR_ARRAY_IDX(app->logout, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

static int is_prefetch(const char *purpose)
{
    return purpose && absw_inside_is_prefetch(purpose);
}

/** What only the headers tell. */
static void read_headers(request_rec *r, const abswitch_request_t *ours, absw_facts_t *facts)
{
    abswitch_headers_t headers;

    abswitch_headers_read(r, &headers);
    facts->kind = absw_inside_kind(&(absw_asking_t) {
        .method = r->method,
        .accept = headers.accept,
        .fetch_mode = headers.fetch_mode,
        .requested_with = headers.requested_with,
        .upgrade = headers.upgrade,
        .content_type = headers.content_type,
    });
    facts->prefetch = is_prefetch(headers.purpose);
    facts->inside = ours->at == ABSWITCH_AT_SIDE && facts->kind == ABSW_KIND_NAV
                    && is_inside(r, ours->app, &headers);
    facts->from_afar = headers.fetch_site && strcmp(headers.fetch_site, "same-origin")
                       && strcmp(headers.fetch_site, "none");
}

/* ---- all of it ---- */

/** The common case: a session on its own side. Of the switch that side is all one has to know. */
static int is_settled(abswitch_facts_t *f, const abswitch_request_t *ours)
{
    if (ours->at != ABSWITCH_AT_SIDE || !f->facts.token || f->facts.token->side != ours->side) {
        return 0;
    }
    read_side(f, ours->node, ours->side);
    return absw_decide_settled(&ours->app->policy, &f->facts);
}

void abswitch_facts_gather(request_rec *r, const abswitch_request_t *ours, const char *cookie,
                           abswitch_facts_t *f)
{
    absw_facts_t *facts = &f->facts;

    f->r = r;
    f->app = ours->app;
    *facts = (absw_facts_t) {
        .now = apr_time_sec(r->request_time),
        .side = ours->side,
        .logout = ours->at == ABSWITCH_AT_SIDE && is_logout(ours->app, ours->rest),
        .state = f->state,
        .current = current_side,
        .baton = f,
    };
    if (abswitch_session_find(ours->node, ours->app, cookie, facts->now, &f->session)) {
        facts->token = &f->session.token;
    }
    f->settled = is_settled(f, ours);
    if (!f->settled) {
        read_switch(f, ours->node);
        if (ours->at == ABSWITCH_AT_LAUNCHPAD && ours->handled) {
            /* whoever enters is asked nothing else */
            facts->prefetch = is_prefetch(apr_table_getm(r->pool, r->headers_in, "Sec-Purpose"));
        }
        else {
            read_headers(r, ours, facts);
        }
    }
}

absw_sec_t abswitch_facts_expires(const abswitch_facts_t *f, int side, absw_sec_t login)
{
    const absw_policy_t *policy = &f->app->policy;
    absw_sec_t deadline = absw_switch_deadline(policy, &f->switch_now, side);
    absw_sec_t cutoff = policy->max_login && login ? login + policy->max_login : 0;
    absw_sec_t end = !deadline || (cutoff && cutoff < deadline) ? cutoff : deadline;

    if (!end) {
        return -1;
    }
    return end > f->facts.now ? end - f->facts.now : 0;
}
