/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <http_request.h>

#include "answer.h"
#include "headers.h"
#include "request.h"

/* ---- eligible? ---- */

/** The most specific of our paths that the URL path lies at or below, or NULL. tail: as it comes
 * from the gate. */
static const abswitch_path_t *path_of(const abswitch_server_t *conf, const char *tail,
                                      const char **rest)
{
    for (int i = 0; i < conf->paths->nelts; i++) {
        const abswitch_path_t *path = &APR_ARRAY_IDX(conf->paths, i, abswitch_path_t);

        if ((*rest = absw_gate_below(path->tail, tail)) != NULL) {
            return path;
        }
    }
    return NULL;
}

/** The launchpad itself and the door are handlers: they map to nothing, but pass through
 * authentication like anything else. Deep links go on as if we were not there. */
static int is_handled(abswitch_at_e at, const char *rest)
{
    return at == ABSWITCH_AT_DOOR
           || (at == ABSWITCH_AT_LAUNCHPAD && (!*rest || !strcmp(rest, "/")));
}

/** Ours for a request that the gate let pass, or NULL. Row 1: only a request as it came from the
 * client. */
static abswitch_request_t *eligible(request_rec *r, const abswitch_server_t *conf, const char *tail)
{
    const abswitch_path_t *path;
    abswitch_request_t *ours;
    const char *rest;

    if (!conf->node || r->main || r->prev || !(path = path_of(conf, tail, &rest))) {
        return NULL;
    }
    ours = apr_palloc(r->pool, sizeof(*ours));
    *ours = (abswitch_request_t) {
        .app = path->app, .node = conf->node, .at = path->at,
        .handled = is_handled(path->at, rest), .side = path->side, .rest = rest
    };
    ap_set_module_config(r->request_config, &abswitch_module, ours);
    return ours;
}

/* ---- hooks ---- */

static int below_side(request_rec *r, abswitch_request_t *ours)
{
    abswitch_facts_t facts;
    absw_decision_t decision;
    int status;

    abswitch_facts_gather(r, ours, abswitch_headers_screen(r), &facts);
    decision = facts.settled ? absw_decide_at_home(&facts.facts)
                             : absw_decide(&ours->app->policy, &facts.facts);
    status = abswitch_answer(r, ours, &facts, &decision, ours->rest);
    return status == ABSWITCH_PASSES ? DECLINED : status;
}

static __attribute__((noinline)) int at_a_path(request_rec *r, const abswitch_server_t *conf,
                                               const char *tail)
{
    abswitch_request_t *ours = eligible(r, conf, tail);

    if (!ours) {
        return DECLINED;
    }
    if (ours->at == ABSWITCH_AT_SIDE) {
        return below_side(r, ours);
    }
    if (ours->handled) {
        abswitch_headers_screen(r);     /* before anybody looks */
        r->filename = apr_pstrcat(r->pool, "abswitch:", r->uri, NULL);
        return OK;
    }
    return DECLINED;
}

/** What mod_proxy took before translate_name, if it does not forward it. A ProxyPass with
 * mapping=encoded has kept the path as it came: it is decoded for us alone. */
static __attribute__((noinline)) int proxied(request_rec *r, const abswitch_server_t *conf)
{
    char *uri = apr_pstrdup(r->pool, r->uri);
    const char *tail = r->proxyreq == PROXYREQ_REVERSE && ap_unescape_url_keep2f(uri, 0) == OK
                       ? absw_gate_pass(&conf->gate, uri) : NULL;

    return tail ? at_a_path(r, conf, tail) : DECLINED;
}

/** Every request of the server comes here, and many are none of ours: the rest is kept out of
 * line. */
static int translate_name(request_rec *r)
{
    const abswitch_server_t *conf = abswitch_server_of(r->server);
    const char *tail;

    if (r->proxyreq) {
        return proxied(r, conf);
    }
    tail = absw_gate_pass(&conf->gate, r->uri);
    return tail ? at_a_path(r, conf, tail) : DECLINED;
}

/** What a handler answers has no file: no directory is walked for it. */
static int map_to_storage(request_rec *r)
{
    const abswitch_request_t *ours = abswitch_request_of(r);

    return ours && ours->handled ? OK : DECLINED;
}

/* ---- what other modules may ask ---- */

static const abswitch_request_t *first_of(const request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return abswitch_request_of(r);
}

static const char *abswitch_app(request_rec *r)
{
    const abswitch_request_t *ours = first_of(r);

    return ours ? ours->app->name : NULL;
}

static const char *abswitch_side(request_rec *r)
{
    const abswitch_request_t *ours = first_of(r);

    return ours && ours->side != ABSW_NO_SIDE ? ours->app->policy.sides[ours->side].name : NULL;
}

static const char *abswitch_verdict(request_rec *r)
{
    const abswitch_request_t *ours = first_of(r);

    return ours && ours->verdict != ABSW_UNTOUCHED ? absw_verdict_name(ours->verdict) : NULL;
}

void abswitch_request_register_hooks(apr_pool_t *p)
{
    /* translate_name stops at the first module that does not decline, and mod_proxy's hook is
     * FIRST. We decide on the URL as the user sees it, before anybody maps it to something. */
    static const char *const after_us[] = {
        "mod_proxy.c", "mod_alias.c", "mod_rewrite.c", "mod_vhost_alias.c", "mod_userdir.c", NULL
    };

    (void)p;
    ap_hook_translate_name(translate_name, NULL, after_us, APR_HOOK_FIRST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    APR_REGISTER_OPTIONAL_FN(abswitch_app);
    APR_REGISTER_OPTIONAL_FN(abswitch_side);
    APR_REGISTER_OPTIONAL_FN(abswitch_verdict);
}
