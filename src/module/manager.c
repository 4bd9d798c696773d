/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_main.h>

#include "accept.h"
#include "answer.h"
#include "body.h"
#include "formkey.h"
#include "headers.h"
#include "location.h"
#include "manager.h"
#include "node_change.h"
#include "order.h"
#include "page.h"
#include "send.h"
#include "stores.h"

#define RETIRE_LOOK apr_time_from_msec(20)
#define RETIRE_WAIT apr_time_from_sec(2)    /* at most, until the node's own page shows it */

/** An order on its way. */
typedef struct {
    request_rec *r;
    const abswitch_node_t *node;        /* NULL: no application anywhere */
    const abswitch_app_t *app;          /* NULL: none of that name */
    absw_order_t order;
} post_t;

/** What came of it. */
typedef struct {
    int status;                 /* 200: done */
    apr_int64_t generation;     /* of the switch, of done */
    const char *error;          /* why it was refused: a sentence without capital and full stop */
} outcome_t;

static outcome_t refuse(int status, const char *error)
{
    return (outcome_t){ .status = status, .error = error };
}

/* ---- may it be done? ---- */

static int is_among(const absw_origin_t *origin, const apr_array_header_t *own)
{
    for (int i = 0; i < own->nelts; i++) {
        if (absw_origin_equal(origin, &APR_ARRAY_IDX(own, i, absw_origin_t))) {
            return 1;
        }
    }
    return 0;
}

/**
 * Is that an origin of our own: one that the application names, or where it names none, the
 * request's? Where there is no such application, any application's does.
 */
static int is_own(const post_t *post, const char *host, const char *url, int whole)
{
    absw_origin_t origin, own;

    if (!absw_origin_parse(url, whole, &origin, NULL)) {
        return 0;
    }
    if (post->app && post->app->origins->nelts) {
        return is_among(&origin, post->app->origins);
    }
    for (int i = 0; !post->app && post->node && i < post->node->apps->nelts; i++) {
        if (is_among(&origin, APR_ARRAY_IDX(post->node->apps, i, abswitch_app_t *)->origins)) {
            return 1;
        }
    }
    return abswitch_headers_origin(post->r, host, &own) && absw_origin_equal(&origin, &own);
}

/** Another site's page can send a form here, and cannot hide that it did. */
static int comes_from_here(const post_t *post)
{
    abswitch_headers_t headers;

    abswitch_headers_read(post->r, &headers);
    return (!headers.origin || is_own(post, headers.host, headers.origin, 1))
           && (!headers.referer || !*headers.referer
               || is_own(post, headers.host, headers.referer, 0));
}

static int has_form_key(const post_t *post)
{
    return post->node
           && absw_formkey_verify(post->node->keys, apr_time_sec(apr_time_now()), post->r->user,
                                  post->order.token, strlen(post->order.token));
}

/* ---- doing it ---- */

static outcome_t outcome_of(const post_t *post, absw_change_result_e result,
                            apr_int64_t generation)
{
    const char *text = absw_change_result_text(result);

    if (result == ABSW_CHANGE_DONE) {
        return (outcome_t){ .status = HTTP_OK, .generation = generation };
    }
    if (result == ABSW_CHANGE_UNREACHABLE) {
        return refuse(HTTP_SERVICE_UNAVAILABLE, text);
    }
    return refuse(HTTP_CONFLICT, apr_psprintf(post->r->pool, "%s (the switch is at generation %"
                                              APR_INT64_T_FMT ")", text, generation));
}

/** Give the sync a moment, so that the page that follows does not show the node any more. */
static void await_absence(const post_t *post, const absw_node_app_t *app)
{
    apr_time_t until = apr_time_now() + RETIRE_WAIT;

    while (absw_node_has_peer(app, post->order.node) && apr_time_now() < until) {
        apr_sleep(RETIRE_LOOK);
    }
}

static outcome_t retire(const post_t *post, const absw_node_app_t *app, absw_store_t *store,
                        const absw_switch_who_t *who)
{
    apr_int64_t generation;
    absw_change_result_e result = absw_node_retire(post->node->node, app, store,
                                                   post->order.node, post->order.generation, who,
                                                   apr_time_now(), &generation, post->r->pool);

    if (result == ABSW_CHANGE_DONE) {
        await_absence(post, app);
    }
    return outcome_of(post, result, generation);
}

static outcome_t carry_out(const post_t *post)
{
    request_rec *r = post->r;
    const absw_node_app_t *app = &post->node->node->apps[post->app->index];
    absw_store_t *store = abswitch_stores_make(r->pool, ap_server_conf, post->node);
    const absw_switch_who_t who = {
        .now = apr_time_sec(apr_time_now()), .node = post->node->name,
        .by = r->user && *r->user ? r->user : r->useragent_ip, .note = post->order.note,
    };
    absw_change_result_e result;
    absw_change_made_t made;
    absw_change_t change;
    const char *wrong;

    if (post->order.action == ABSW_ORDER_RETIRE) {
        return retire(post, app, store, &who);
    }
    wrong = absw_order_change(&post->order, &post->app->policy, &change);
    if (wrong) {
        return refuse(HTTP_BAD_REQUEST, wrong);
    }
    if (app->place.app < 0) {
        return refuse(HTTP_CONFLICT, "the state file has no room for this application");
    }
    result = absw_node_change(post->node->node, app, store, &change, &who, apr_time_now(), &made,
                              r->pool);
    return outcome_of(post, result, made.generation);
}

static const abswitch_app_t *find_app(const abswitch_node_t *node, const char *name)
{
    for (int i = 0; node && i < node->apps->nelts; i++) {
        const abswitch_app_t *app = APR_ARRAY_IDX(node->apps, i, abswitch_app_t *);

        if (!strcmp(app->name, name)) {
            return app;
        }
    }
    return NULL;
}

static const char *body_error(int status)
{
    switch (status) {
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return "the form has more than 4096 bytes";
    case HTTP_REQUEST_TIME_OUT:
        return "the form did not come in time";
    default:
        return "the body is not a whole form of type application/x-www-form-urlencoded";
    }
}

static outcome_t judge(post_t *post)
{
    const char *text, *wrong;
    apr_size_t len;
    int status = abswitch_body_read(post->r, ABSW_ORDER_TEXT_MAX, &text, &len);

    if (status) {
        return refuse(status, body_error(status));
    }
    if ((wrong = absw_order_read(text, len, &post->order, post->r->pool))) {
        return refuse(HTTP_BAD_REQUEST, wrong);
    }
    post->app = find_app(post->node, post->order.app);
    if (!comes_from_here(post)) {
        return refuse(HTTP_FORBIDDEN, "the form comes from another site than this one, by its "
                      "Origin or Referer");
    }
    if (!post->node) {
        return refuse(HTTP_NOT_FOUND, "there is no application of that name");
    }
    if (!has_form_key(post)) {
        return refuse(HTTP_FORBIDDEN, "the form is older than an hour, or was not made for you");
    }
    return post->app ? carry_out(post)
                     : refuse(HTTP_NOT_FOUND, "there is no application of that name");
}

/* ---- the answer ---- */

static const char *advice_for(int status)
{
    switch (status) {
    case HTTP_FORBIDDEN:
        return "Nothing was changed. Load the manager again and use the form there. If its address "
               "in the browser is not the one that this server sees, as behind a TLS proxy, "
               "ABSwitchOrigin must name it.";
    case HTTP_NOT_FOUND:
        return "Nothing was changed. The manager shows the applications that there are.";
    case HTTP_CONFLICT:
        return "Nothing was changed. Look at how it stands now, and decide again.";
    case HTTP_SERVICE_UNAVAILABLE:
        return "Users are served as before. The manager shows whether it was done; if not, try "
               "again when the store answers.";
    default:
        return "Nothing was changed. Load the manager again and use the form there.";
    }
}

static const char *capitalized(apr_pool_t *p, const char *sentence)
{
    char *text = apr_pstrdup(p, sentence);

    *text = (char)apr_toupper(*text);
    return text;
}

static int send_refusal(request_rec *r, const outcome_t *outcome)
{
    const abswitch_refusal_t refusal = {
        .title = "Not done",
        .sentence = capitalized(r->pool, outcome->error),
        .advice = advice_for(outcome->status),
        .query = r->args ? r->args : "",
    };
    const char *policy = abswitch_page_refusal_policy(r->pool);
    abswitch_markup_t markup;

    if (!policy) {
        return abswitch_send_failure(r, "libcrypto could not compute SHA-256");
    }
    markup = abswitch_send_begin(r, apr_time_sec(r->request_time));
    abswitch_page_refuse(&markup, &refusal);
    return abswitch_send_page(r, outcome->status, policy, &markup);
}

static int send_to_page(request_rec *r)
{
    abswitch_answer_no_store(r);
    apr_table_setn(r->headers_out, "Location",
                   absw_location_build(r->pool, "", r->uri, r->args, NULL, 0));
    return HTTP_SEE_OTHER;
}

static int send_json(request_rec *r, const outcome_t *outcome)
{
    const char *text = absw_report_outcome(outcome->generation, outcome->error, r->pool);

    return text ? abswitch_send_text(r, outcome->status, ABSWITCH_TYPE_JSON, text)
                : abswitch_send_failure(r, "out of memory");
}

int abswitch_manager_post(request_rec *r)
{
    post_t post = { .r = r, .node = abswitch_server_of(r->server)->node };
    outcome_t outcome = judge(&post);

    if (outcome.status == AP_FILTER_ERROR) {
        return AP_FILTER_ERROR;
    }
    if (outcome.error) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "mod_abswitch: a change was refused: %s",
                      outcome.error);
    }
    if (absw_accept_prefers_json(apr_table_get(r->headers_in, "Accept"))) {
        return send_json(r, &outcome);
    }
    return outcome.error ? send_refusal(r, &outcome) : send_to_page(r);
}
