/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <http_main.h>
#include <http_request.h>

#include "accept.h"
#include "answer.h"
#include "config.h"
#include "form.h"
#include "formkey.h"
#include "manager.h"
#include "page.h"
#include "send.h"
#include "status.h"

/* ---- formats ---- */

typedef enum {
    FORMAT_HTML,
    FORMAT_JSON,
    FORMAT_PROMETHEUS,
    FORMAT_TEXT,
    FORMAT_COUNT
} format_e;

static const struct {
    const char *name;
    const char *type;
    const char *(*write)(const absw_report_t *report, apr_pool_t *pool);    /* NULL: the page */
} formats[FORMAT_COUNT] = {
    [FORMAT_HTML] = { "html", ABSWITCH_TYPE_HTML, NULL },
    [FORMAT_JSON] = { "json", ABSWITCH_TYPE_JSON, absw_report_json },
    [FORMAT_PROMETHEUS] = { "prometheus", "text/plain; version=0.0.4; charset=utf-8",
                            absw_report_prometheus },
    [FORMAT_TEXT] = { "text", ABSWITCH_TYPE_TEXT, absw_report_text },
};

/* ---- what is asked ---- */

typedef struct {
    int has_format;
    int format;                 /* FORMAT_COUNT: another one */
    int has_auto;
    const char *app;            /* NULL: all; "": one that cannot be */
    int still;                  /* refresh=off */
} asked_t;

/** A value that has to be one of ours is short; what is longer, or does not decode, is none. */
static const char *value_of(request_rec *r, const absw_form_pair_t *pair)
{
    char value[ABSW_APP_NAME_MAX + 1];

    return absw_form_decode(pair->value, pair->value_len, value, sizeof(value))
           ? apr_pstrdup(r->pool, value) : "";
}

static int format_of(const char *name)
{
    int i = 0;

    while (i < FORMAT_COUNT && strcmp(formats[i].name, name)) {
        i++;
    }
    return i;
}

/** Read one argument; those that are not ours are passed over. 0: it is there a second time. */
static int take(request_rec *r, const absw_form_pair_t *pair, asked_t *asked)
{
    char name[16];

    if (!absw_form_decode(pair->name, pair->name_len, name, sizeof(name))) {
        return 1;
    }
    if (!strcmp(name, "format")) {
        asked->format = format_of(value_of(r, pair));
        return !asked->has_format++;
    }
    if (!strcmp(name, "app")) {
        const char *before = asked->app;

        asked->app = value_of(r, pair);
        return !before;
    }
    asked->has_auto |= !strcmp(name, "auto");
    asked->still |= !strcmp(name, "refresh") && !strcmp(value_of(r, pair), "off");
    return 1;
}

/** NULL, or one sentence of what is wrong with the query. */
static const char *read_query(request_rec *r, asked_t *asked)
{
    const char *pos = r->args ? r->args : "";
    absw_form_pair_t pair;

    memset(asked, 0, sizeof(*asked));
    while (absw_form_next(&pos, &pair)) {
        if (!take(r, &pair, asked)) {
            return "\"format\" and \"app\" may be given once.\n";
        }
    }
    if (!asked->has_format) {
        asked->format = asked->has_auto ? FORMAT_TEXT
                        : absw_accept_prefers_json(apr_table_get(r->headers_in, "Accept"))
                        ? FORMAT_JSON : FORMAT_HTML;
    }
    return asked->format < FORMAT_COUNT
           ? NULL : "\"format\" is one of html, json, prometheus and text.\n";
}

/* ---- what is known ---- */

/** A node without any application has no engine; it says so in the same form. */
static absw_report_t *report_without_node(request_rec *r)
{
    absw_report_t *report = apr_pcalloc(r->pool, sizeof(*report));

    report->node = abswitch_config_node(r->pool, ap_server_conf);
    report->time = apr_time_now();
    report->store.type = abswitch_config_store(ap_server_conf)->n ? "memcache" : "local";
    report->store.epoch = "";
    return report;
}

static absw_report_t *report_of(request_rec *r, const abswitch_node_t *node, const char *app)
{
    absw_report_t *report = node ? absw_node_status(node->node, app, apr_time_now(), r->pool)
                                 : report_without_node(r);

    report->module = ABSWITCH_VERSION;
    return report;
}

/** The manager's answers carry a key for its forms. 0: there is none to be had. */
static int add_form_key(request_rec *r, const abswitch_node_t *node, absw_report_t *report)
{
    char *key = apr_palloc(r->pool, ABSW_FORMKEY_MAX + 1);

    if (node && !absw_formkey_make(node->keys, apr_time_sec(report->time), r->user, key)) {
        return 0;
    }
    report->csrf = node ? key : NULL;
    return 1;
}

/* ---- the answer ---- */

static int send_sentence(request_rec *r, int status, const char *sentence)
{
    return abswitch_send_text(r, status, ABSWITCH_TYPE_TEXT, sentence);
}

static int send_page(request_rec *r, const absw_report_t *report, const asked_t *asked)
{
    const abswitch_page_t page = {
        .report = report, .app = asked->app, .refresh = !asked->still
    };
    const char *policy = abswitch_page_policy(r->pool, &page);
    abswitch_markup_t markup;

    if (!policy) {
        return abswitch_send_failure(r, "libcrypto could not compute SHA-256");
    }
    markup = abswitch_send_begin(r, apr_time_sec(report->time));
    markup.form_key = report->csrf;
    abswitch_page_write(&markup, &page);
    return abswitch_send_page(r, HTTP_OK, policy, &markup);
}

static int send_report(request_rec *r, const absw_report_t *report, const asked_t *asked)
{
    const char *text;

    if (!formats[asked->format].write) {
        return send_page(r, report, asked);
    }
    text = formats[asked->format].write(report, r->pool);
    return text ? abswitch_send_text(r, HTTP_OK, formats[asked->format].type, text)
                : abswitch_send_failure(r, "out of memory");
}

/* ---- hooks ---- */

static int answer(request_rec *r, int manager)
{
    const abswitch_node_t *node = abswitch_server_of(r->server)->node;
    absw_report_t *report;
    asked_t asked;
    const char *complaint;

    if (manager && r->method_number == M_POST) {
        return abswitch_manager_post(r);
    }
    if (r->method_number != M_GET) {
        abswitch_answer_no_store(r);
        ap_allow_methods(r, REPLACE_ALLOW, "GET", manager ? "POST" : NULL, NULL);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if ((complaint = read_query(r, &asked))) {
        return send_sentence(r, HTTP_BAD_REQUEST, complaint);
    }
    report = report_of(r, node, asked.app);
    if (asked.app && !report->apps_n) {
        return send_sentence(r, HTTP_NOT_FOUND, "There is no application of that name.\n");
    }
    if (manager && !add_form_key(r, node, report)) {
        return abswitch_send_failure(r, "libcrypto could not compute HMAC-SHA-256");
    }
    return send_report(r, report, &asked);
}

int abswitch_status_handle(request_rec *r)
{
    if (!strcmp(r->handler, "abswitch-status")) {
        return answer(r, 0);
    }
    return !strcmp(r->handler, "abswitch-manager") ? answer(r, 1) : DECLINED;
}
