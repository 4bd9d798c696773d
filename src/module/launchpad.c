/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <http_request.h>

#include "answer.h"
#include "launchpad.h"

static int method_not_allowed(request_rec *r, const char *post)
{
    abswitch_answer_no_store(r);
    ap_allow_methods(r, REPLACE_ALLOW, "GET", post, NULL);
    return HTTP_METHOD_NOT_ALLOWED;
}

/** A status for a handler: whoever passes here is answered by somebody else. */
static int handled(int status)
{
    return status == ABSWITCH_PASSES ? DECLINED : status;
}

/** With the Cookie header as the modules before us have left it. */
static void gather(request_rec *r, const abswitch_request_t *ours, abswitch_facts_t *facts)
{
    abswitch_facts_gather(r, ours, apr_table_get(r->headers_in, "Cookie"), facts);
}

/* ---- the launchpad ---- */

static int show_page(request_rec *r, const abswitch_app_t *app)
{
    ap_internal_redirect(r->args ? apr_pstrcat(r->pool, app->page, "?", r->args, NULL)
                                 : app->page, r);
    return OK;
}

static int enter(request_rec *r, abswitch_request_t *ours)
{
    const abswitch_app_t *app = ours->app;
    const absw_entry_t entry = {
        .post = r->method_number == M_POST,
        .has_page = app->page != NULL,
        .has_login = app->login != NULL,
    };
    abswitch_facts_t facts;
    absw_decision_t decision;
    int status;

    if (r->method_number != M_GET && r->method_number != M_POST) {
        return method_not_allowed(r, "POST");
    }
    gather(r, ours, &facts);
    decision = absw_decide_launchpad(&app->policy, &facts.facts, &entry);
    status = abswitch_answer(r, ours, &facts, &decision, "");
    return status == ABSWITCH_PASSES ? show_page(r, app) : status;
}

/* ---- the tester's door ---- */

static int is_tester(request_rec *r, const abswitch_app_t *app)
{
    const char *error = NULL;
    int holds = ap_expr_exec(r, app->door_expr, &error) > 0;

    if (error) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "%s: the expression of ABSwitchOverride "
                      "could not be evaluated, the door stays shut: %s", app->name, error);
    }
    return holds && !error;
}

/** What is asked of the door; sets the side, and what comes behind it. */
static absw_door_e ask_door(request_rec *r, abswitch_request_t *ours, const char **rest)
{
    const char *name = *ours->rest ? ours->rest + 1 : "";
    apr_size_t len = strcspn(name, "/");

    *rest = name[len] ? name + len : "/";
    if (!strcmp(name, "off") || !strcmp(name, "off/")) {
        return ours->app->door_blind ? ABSW_DOOR_OFF_BLIND : ABSW_DOOR_OFF;
    }
    if (!is_tester(r, ours->app)) {
        return ABSW_DOOR_REFUSED;
    }
    ours->side = absw_policy_side_of_name(&ours->app->policy, name, len);
    return ours->side == ABSW_NO_SIDE ? ABSW_DOOR_UNKNOWN : ABSW_DOOR_SIDE;
}

static int door(request_rec *r, abswitch_request_t *ours)
{
    abswitch_facts_t facts;
    absw_decision_t decision;
    absw_door_e asked;
    const char *rest;

    if (r->method_number != M_GET) {
        return method_not_allowed(r, NULL);
    }
    asked = ask_door(r, ours, &rest);
    gather(r, ours, &facts);
    decision = absw_decide_door(&ours->app->policy, &facts.facts, asked);
    return handled(abswitch_answer(r, ours, &facts, &decision, rest));
}

/* ---- the launchpad and the door ---- */

int abswitch_launchpad_handle(request_rec *r, abswitch_request_t *ours)
{
    if (!ours->handled || ours->verdict != ABSW_UNTOUCHED) {
        return DECLINED;
    }
    return ours->at == ABSWITCH_AT_DOOR ? door(r, ours) : enter(r, ours);
}

/* ---- deep links ---- */

/** Would httpd's own handler, which is next, answer 404? */
static int is_missing(const request_rec *r)
{
    return r->finfo.filetype == APR_NOFILE
           || (r->finfo.filetype == APR_REG && r->path_info && *r->path_info
               && r->used_path_info != AP_REQ_ACCEPT_PATH_INFO);
}

int abswitch_launchpad_deep_link(request_rec *r, abswitch_request_t *ours)
{
    abswitch_facts_t facts;
    absw_decision_t decision;

    if (!ours->app->deep_links || !is_missing(r)) {
        return DECLINED;
    }
    gather(r, ours, &facts);
    if (facts.facts.kind != ABSW_KIND_NAV) {
        return DECLINED;
    }
    decision = absw_decide_deeplink(&ours->app->policy, &facts.facts);
    return handled(abswitch_answer(r, ours, &facts, &decision, ours->rest));
}
