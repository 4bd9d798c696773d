/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "reading.h"
#include "switch.h"
#include "text.h"

/* The first thing that is wrong stays; after it every getter answers something harmless. */
typedef struct {
    apr_pool_t *pool;
    const char *why;
} reader_t;

static void complain(reader_t *r, const char *name, const char *what)
{
    if (!r->why) {
        r->why = apr_psprintf(r->pool, "\"%s\" is not %s", name, what);
    }
}

/* ---- values of an object ---- */

/* In pool, with "?" in place of what is not clean. */
static const char *clean(reader_t *r, const char *s)
{
    apr_size_t size = strlen(s) + 1;
    char *copy = apr_palloc(r->pool, size);

    absw_text_clean(copy, size, s);
    return copy;
}

static const char *word(reader_t *r, const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    if (!value) {
        complain(r, name, "a string");
        return "";
    }
    return clean(r, value);
}

static apr_int64_t number(reader_t *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    json_int_t n = json_integer_value(value);

    if (!json_is_integer(value) || n < 0 || n > ABSW_SWITCH_GEN_MAX) {
        complain(r, name, "a whole number from 0 up");
        return 0;
    }
    return n;
}

static apr_int64_t number_or(reader_t *r, const json_t *object, const char *name,
                             apr_int64_t none)
{
    return json_is_null(json_object_get(object, name)) ? none : number(r, object, name);
}

/* A moment that can be written with a year of four digits; null is 0. */
static absw_sec_t moment(reader_t *r, const json_t *object, const char *name)
{
    apr_int64_t n = number_or(r, object, name, 0);

    if (n > ABSW_SWITCH_TIME_MAX) {
        complain(r, name, "a time");
        return 0;
    }
    return n;
}

/* Seconds, with or without a fraction, which is cut off; null is none. */
static absw_sec_t seconds_or(reader_t *r, const json_t *object, const char *name,
                             absw_sec_t none)
{
    const json_t *value = json_object_get(object, name);
    double n = json_number_value(value);

    if (json_is_null(value) && none < 0) {
        return none;
    }
    if (!json_is_number(value) || !(n >= 0 && n <= (double)ABSW_SWITCH_TIME_MAX)) {
        complain(r, name, "a time");
        return 0;
    }
    return (absw_sec_t)n;
}

static int flag(reader_t *r, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_boolean(value)) {
        complain(r, name, "true or false");
    }
    return json_is_true(value);
}

/* The place of the value among words; 0 if it is none of them. */
static int one_of(reader_t *r, const json_t *object, const char *name, const char *const *words,
                  int n)
{
    const char *value = word(r, object, name);

    for (int i = 0; i < n; i++) {
        if (!strcmp(words[i], value)) {
            return i;
        }
    }
    complain(r, name, "a word that this abswitchctl knows");
    return 0;
}

static absw_side_state_e side_state(reader_t *r, const json_t *object)
{
    const char *words[ABSW_SIDE_STATE_COUNT];

    for (int i = 0; i < ABSW_SIDE_STATE_COUNT; i++) {
        words[i] = absw_side_state_name((absw_side_state_e)i);
    }
    return (absw_side_state_e)one_of(r, object, "state", words, ABSW_SIDE_STATE_COUNT);
}

static absw_drain_e drain_of(reader_t *r, const json_t *object)
{
    const char *words[ABSW_DRAIN_COUNT];

    for (int i = 0; i < ABSW_DRAIN_COUNT; i++) {
        words[i] = absw_drain_name((absw_drain_e)i);
    }
    return (absw_drain_e)one_of(r, object, "drain", words, ABSW_DRAIN_COUNT);
}

static absw_node_state_e node_state(reader_t *r, const json_t *object)
{
    const char *words[ABSW_NODE_STATE_COUNT];

    for (int i = 0; i < ABSW_NODE_STATE_COUNT; i++) {
        words[i] = absw_node_state_name((absw_node_state_e)i);
    }
    return (absw_node_state_e)one_of(r, object, "state", words, ABSW_NODE_STATE_COUNT);
}

static absw_store_state_e store_state(reader_t *r, const json_t *object)
{
    const char *words[ABSW_STORE_STATE_COUNT];

    for (int i = 0; i < ABSW_STORE_STATE_COUNT; i++) {
        words[i] = absw_store_state_name((absw_store_state_e)i);
    }
    return (absw_store_state_e)one_of(r, object, "state", words, ABSW_STORE_STATE_COUNT);
}

/* An array, and in *items room for its n elements of that size. */
static const json_t *array(reader_t *r, const json_t *object, const char *name, apr_size_t size,
                           int *n, void **items)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_array(value)) {
        complain(r, name, "a list");
    }
    *n = r->why ? 0 : (int)json_array_size(value);
    *items = apr_pcalloc(r->pool, (apr_size_t)*n * size + 1);
    return value;
}

/* ---- the parts of a report ---- */

/* "A=75 B=25"; null is NULL. */
static const char *weights_text(reader_t *r, const json_t *object, const char *name)
{
    json_t *weights = json_object_get(object, name);
    const char *text = NULL;
    const char *side;
    json_t *value;

    if (json_is_null(weights)) {
        return NULL;
    }
    if (!json_is_object(weights)) {
        complain(r, name, "weights by side");
        return NULL;
    }
    json_object_foreach(weights, side, value) {
        text = apr_psprintf(r->pool, "%s%s%s=%" APR_INT64_T_FMT, text ? text : "",
                            text ? " " : "", clean(r, side), number_or(r, weights, side, 0));
    }
    return text ? text : "";
}

static void read_change(reader_t *r, const json_t *object, ctl_change_t *change)
{
    change->generation = number(r, object, "generation");
    change->at = moment(r, object, "at");
    change->by = word(r, object, "by");
    change->note = word(r, object, "note");
}

static void read_side(reader_t *r, const json_t *object, const json_t *weights, ctl_side_t *side)
{
    const char *name = json_string_value(json_object_get(object, "side"));

    side->name = word(r, object, "side");
    side->path = word(r, object, "path");
    side->state = side_state(r, object);
    side->drain = drain_of(r, object);
    side->reason = word(r, object, "reason");
    side->weight = name ? number(r, weights, name) : 0;
    side->sessions = number_or(r, object, "sessions", -1);
    side->exact = flag(r, object, "exact");
    side->testers = number(r, object, "testers");
    side->in_flight = number(r, object, "in_flight");
    side->draining_since = moment(r, object, "draining_since");
    side->deadline = moment(r, object, "deadline");
    side->empty_if_idle = moment(r, object, "empty_if_idle");
}

static void read_node(reader_t *r, const json_t *object, ctl_node_t *node)
{
    node->name = word(r, object, "node");
    node->state = node_state(r, object);
    node->generation = number_or(r, object, "generation", -1);
    node->age = seconds_or(r, object, "age", -1);
}

static void read_app(reader_t *r, const json_t *object, ctl_app_t *app)
{
    const json_t *now = json_object_get(object, "switch");
    const json_t *list;

    app->name = word(r, object, "app");
    app->launchpad = word(r, object, "launchpad");
    read_change(r, now, &app->now);
    list = array(r, object, "sides", sizeof(*app->sides), &app->sides_n, (void **)&app->sides);
    for (int i = 0; i < app->sides_n && !r->why; i++) {
        read_side(r, json_array_get(list, (size_t)i), json_object_get(now, "weights"),
                  &app->sides[i]);
    }
    list = array(r, object, "nodes", sizeof(*app->nodes), &app->nodes_n, (void **)&app->nodes);
    for (int i = 0; i < app->nodes_n && !r->why; i++) {
        read_node(r, json_array_get(list, (size_t)i), &app->nodes[i]);
    }
    list = array(r, object, "log", sizeof(*app->log), &app->log_n, (void **)&app->log);
    for (int i = 0; i < app->log_n && !r->why; i++) {
        const json_t *entry = json_array_get(list, (size_t)i);

        read_change(r, entry, &app->log[i]);
        app->log[i].from = weights_text(r, entry, "from");
        app->log[i].to = weights_text(r, entry, "to");
    }
}

static void read_store(reader_t *r, const json_t *object, ctl_report_t *report)
{
    const json_t *list;

    report->store = word(r, object, "type");
    report->store_state = store_state(r, object);
    list = array(r, object, "servers", sizeof(*report->servers), &report->servers_n,
                 (void **)&report->servers);
    for (int i = 0; i < report->servers_n && !r->why; i++) {
        const json_t *server = json_array_get(list, (size_t)i);

        report->servers[i].name = word(r, server, "server");
        report->servers[i].state = store_state(r, server);
    }
}

static void read_report(reader_t *r, const json_t *root, ctl_report_t *report)
{
    const json_t *list;

    if (number(r, root, "schema") != 1) {
        complain(r, "schema", "1: this abswitchctl does not know what the server says");
    }
    report->module = word(r, root, "module");
    report->node = word(r, root, "node");
    report->time = seconds_or(r, root, "time", 0);
    report->csrf = json_object_get(root, "csrf") ? word(r, root, "csrf") : NULL;
    read_store(r, json_object_get(root, "store"), report);
    list = array(r, root, "apps", sizeof(*report->apps), &report->apps_n, (void **)&report->apps);
    for (int i = 0; i < report->apps_n && !r->why; i++) {
        read_app(r, json_array_get(list, (size_t)i), &report->apps[i]);
    }
}

/* ---- the whole ---- */

/* NULL, and why. */
static json_t *parse(const char *text, apr_size_t len, apr_pool_t *pool, const char **why)
{
    json_error_t error;
    char near[JSON_ERROR_TEXT_LENGTH];      /* it quotes what it met */
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

    if (!root) {
        absw_text_clean(near, sizeof(near), error.text);
        *why = apr_psprintf(pool, "it is not JSON: line %d: %s", error.line, near);
    }
    else if (!json_is_object(root)) {
        *why = "it is JSON, but not an object";
        json_decref(root);
        root = NULL;
    }
    return root;
}

int ctl_reading_report(const char *text, apr_size_t len, apr_pool_t *pool, ctl_report_t *report,
                       const char **why)
{
    reader_t r = { .pool = pool };
    json_t *root = parse(text, len, pool, why);

    if (!root) {
        return 0;
    }
    memset(report, 0, sizeof(*report));
    read_report(&r, root, report);
    json_decref(root);
    *why = r.why;
    return !r.why;
}

int ctl_reading_outcome(const char *text, apr_size_t len, apr_pool_t *pool,
                        ctl_outcome_t *outcome, const char **why)
{
    reader_t r = { .pool = pool };
    json_t *root = parse(text, len, pool, why);

    if (!root) {
        return 0;
    }
    memset(outcome, 0, sizeof(*outcome));
    outcome->ok = flag(&r, root, "ok");
    outcome->generation = json_object_get(root, "generation")
                          ? number_or(&r, root, "generation", -1) : -1;
    outcome->error = json_object_get(root, "error") ? word(&r, root, "error") : "";
    json_decref(root);
    *why = r.why;
    return !r.why;
}

static void forget_past(json_t *root)
{
    size_t i;
    json_t *app;

    json_array_foreach(json_object_get(root, "apps"), i, app) {
        json_object_del(app, "history");
        json_object_del(app, "log");
    }
}

/* JSON in pool without DEL, which jansson takes for printable; it can only stand in a string. */
static const char *printable(const char *json, apr_pool_t *pool)
{
    static const char DEL[] = "\\u007f";
    apr_size_t size = 1;
    char *text, *to;

    for (const char *c = json; *c; c++) {
        size += *c == 127 ? sizeof(DEL) - 1 : 1;
    }
    text = to = apr_palloc(pool, size);
    for (; *json; json++) {
        if (*json == 127) {
            memcpy(to, DEL, sizeof(DEL) - 1);
            to += sizeof(DEL) - 1;
        }
        else {
            *to++ = *json;
        }
    }
    *to = '\0';
    return text;
}

const char *ctl_reading_excerpt(const char *text, apr_size_t len, ctl_excerpt_e which,
                                apr_pool_t *pool)
{
    size_t flags = JSON_ENSURE_ASCII | JSON_REAL_PRECISION(16) | JSON_ENCODE_ANY;
    const char *why;
    json_t *root = parse(text, len, pool, &why);
    json_t *part = root;
    char *dump;
    const char *copy;

    json_object_del(root, "csrf");
    if (which == CTL_EXCERPT_NOW) {
        forget_past(root);
    }
    if (which == CTL_EXCERPT_LOG) {
        part = json_object_get(json_array_get(json_object_get(root, "apps"), 0), "log");
    }
    dump = json_dumps(part, flags | (which == CTL_EXCERPT_NOW ? 0 : JSON_INDENT(2)));
    copy = dump ? printable(dump, pool) : NULL;
    free(dump);
    json_decref(root);
    return copy;
}

const ctl_app_t *ctl_reading_app(const ctl_report_t *report, const char *name)
{
    for (int i = 0; i < report->apps_n; i++) {
        if (!strcmp(report->apps[i].name, name)) {
            return &report->apps[i];
        }
    }
    return NULL;
}

const ctl_side_t *ctl_reading_side(const ctl_app_t *app, const char *name)
{
    for (int i = 0; i < app->sides_n; i++) {
        if (!strcmp(app->sides[i].name, name)) {
            return &app->sides[i];
        }
    }
    return NULL;
}
