/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include "report_facts.h"

typedef struct {
    apr_pool_t *pool;
    apr_array_header_t *lines;      /* const char * */
    const char *family;             /* whose samples are being written */
} writer_t;

/* ---- one sample ---- */

typedef struct {
    const char *name;
    const char *value;
} label_t;

#define LABELS_MAX 3

/* A label's value, in quotes: backslash, quote and newline are escaped. */
static const char *quoted(apr_pool_t *pool, const char *value)
{
    const char *clean = absw_report_clean(value, pool);
    char *text = apr_palloc(pool, 2 * strlen(clean) + 3);
    char *out = text;

    *out++ = '"';
    for (; *clean; clean++) {
        if (*clean == '\\' || *clean == '"' || *clean == '\n') {
            *out++ = '\\';
        }
        *out++ = (char)(*clean == '\n' ? 'n' : *clean);
    }
    *out++ = '"';
    *out = '\0';
    return text;
}

/* labels end with one without a name, or are LABELS_MAX. suffix: of the name, or "". */
static void put_sample(writer_t *w, const char *suffix, const label_t *labels, const char *value)
{
    const char *text = "";

    for (int i = 0; i < LABELS_MAX && labels[i].name; i++) {
        text = apr_pstrcat(w->pool, text, i ? "," : "", labels[i].name, "=",
                           quoted(w->pool, labels[i].value), NULL);
    }
    APR_ARRAY_PUSH(w->lines, const char *) =
        apr_psprintf(w->pool, "%s%s{%s} %s\n", w->family, suffix, text, value);
}

static void sample(writer_t *w, const label_t *labels, apr_uint64_t value)
{
    put_sample(w, "", labels, apr_psprintf(w->pool, "%" APR_UINT64_T_FMT, value));
}

static void of_side(writer_t *w, const absw_report_app_t *app, int side, apr_uint64_t value)
{
    const label_t labels[LABELS_MAX] = {
        { "app", app->policy->name }, { "side", app->sides[side].name }
    };

    sample(w, labels, value);
}

/* 1 for what is, 0 for the others: one sample of a side's state or drain. */
static void of_word(writer_t *w, const absw_report_app_t *app, int side, const char *label,
                    const char *word, int is)
{
    const label_t labels[LABELS_MAX] = {
        { "app", app->policy->name }, { "side", app->sides[side].name }, { label, word }
    };

    sample(w, labels, is ? 1 : 0);
}

/* ---- families of a side ---- */

static void sessions(writer_t *w, const absw_report_app_t *app, int side)
{
    if (app->sides[side].known) {
        of_side(w, app, side, app->sides[side].sessions);
    }
}

static void testers(writer_t *w, const absw_report_app_t *app, int side)
{
    of_side(w, app, side, app->sides[side].testers);
}

static void in_flight(writer_t *w, const absw_report_app_t *app, int side)
{
    of_side(w, app, side, app->sides[side].in_flight);
}

static void state(writer_t *w, const absw_report_app_t *app, int side)
{
    for (int i = 0; i < ABSW_SIDE_STATE_COUNT; i++) {
        of_word(w, app, side, "state", absw_side_state_name((absw_side_state_e)i),
                (int)app->sides[side].state == i);
    }
}

static void drain(writer_t *w, const absw_report_app_t *app, int side)
{
    for (int i = 0; i < ABSW_DRAIN_COUNT; i++) {
        of_word(w, app, side, "verdict", absw_drain_name((absw_drain_e)i),
                (int)app->sides[side].drain == i);
    }
}

static void weight(writer_t *w, const absw_report_app_t *app, int side)
{
    of_side(w, app, side, app->rec.weight[side]);
}

static void deadline(writer_t *w, const absw_report_app_t *app, int side)
{
    if (app->sides[side].deadline) {
        of_side(w, app, side, (apr_uint64_t)app->sides[side].deadline);
    }
}

static void responses(writer_t *w, const absw_report_app_t *app, int side)
{
    for (int i = 0; i < ABSW_TALLY_CLASSES; i++) {
        const label_t labels[LABELS_MAX] = {
            { "app", app->policy->name }, { "side", app->sides[side].name },
            { "class", absw_tally_class_name(i) }
        };

        sample(w, labels, app->sides[side].own.classes[i]);
    }
}

/* A histogram: each bucket with those below it. */
static void seconds(writer_t *w, const absw_report_app_t *app, int side)
{
    const absw_tally_t *own = &app->sides[side].own;
    label_t labels[LABELS_MAX] = {
        { "app", app->policy->name }, { "side", app->sides[side].name }, { "le", NULL }
    };
    const char *count = "0";
    apr_uint64_t sum = 0;

    for (int i = 0; i < ABSW_TALLY_BUCKETS; i++) {
        sum += own->buckets[i];
        count = apr_psprintf(w->pool, "%" APR_UINT64_T_FMT, sum);
        labels[2].value = absw_tally_bound_name(i);
        put_sample(w, "_bucket", labels, count);
    }
    labels[2].name = NULL;
    put_sample(w, "_sum", labels,
               apr_psprintf(w->pool, "%" APR_UINT64_T_FMT ".%06d", own->usec / APR_USEC_PER_SEC,
                            (int)(own->usec % APR_USEC_PER_SEC)));
    put_sample(w, "_count", labels, count);
}

/* ---- families of an application ---- */

static void generation(writer_t *w, const absw_report_app_t *app)
{
    const label_t labels[LABELS_MAX] = { { "app", app->policy->name } };

    sample(w, labels, (apr_uint64_t)app->rec.generation);
}

static void nodes(writer_t *w, const absw_report_app_t *app)
{
    apr_uint64_t count[ABSW_NODE_STATE_COUNT] = { 0 };

    for (int i = 0; i < app->nodes_n; i++) {
        count[app->nodes[i].state]++;
    }
    for (int i = 0; i < ABSW_NODE_STATE_COUNT; i++) {
        const label_t labels[LABELS_MAX] = {
            { "app", app->policy->name },
            { "state", absw_node_state_name((absw_node_state_e)i) }
        };

        sample(w, labels, count[i]);
    }
}

static void verdicts(writer_t *w, const absw_report_app_t *app)
{
    for (int i = ABSW_UNTOUCHED + 1; i < ABSW_VERDICT_COUNT; i++) {
        const label_t labels[LABELS_MAX] = {
            { "app", app->policy->name }, { "verdict", absw_verdict_name((absw_verdict_e)i) }
        };

        sample(w, labels, app->verdicts[i]);
    }
}

/* ---- families of the node ---- */

static void store_up(writer_t *w, const absw_report_t *report)
{
    for (int i = 0; i < report->store.servers_n; i++) {
        const absw_store_server_t *server = &report->store.servers[i];
        const label_t labels[LABELS_MAX] = { { "server", server->server } };

        sample(w, labels, server->state == ABSW_STORE_UP);
    }
}

/* ---- all of them ---- */

typedef struct {
    const char *name;
    const char *type;
    const char *help;
    /* one of these */
    void (*of_side)(writer_t *w, const absw_report_app_t *app, int side);
    void (*of_app)(writer_t *w, const absw_report_app_t *app);
    void (*of_node)(writer_t *w, const absw_report_t *report);
} family_t;

static const family_t families[] = {
    { .name = "abswitch_sessions", .type = "gauge", .of_side = sessions,
      .help = "Counted sessions of a side, testers apart; left out while not known." },
    { .name = "abswitch_testers", .type = "gauge", .of_side = testers,
      .help = "Counted sessions of testers on a side." },
    { .name = "abswitch_in_flight_requests", .type = "gauge", .of_side = in_flight,
      .help = "Requests that a side is answering." },
    { .name = "abswitch_side_state", .type = "gauge", .of_side = state,
      .help = "1 for the state that a side is in." },
    { .name = "abswitch_drain", .type = "gauge", .of_side = drain,
      .help = "1 for what is known of a side's drain." },
    { .name = "abswitch_switch_generation", .type = "gauge", .of_app = generation,
      .help = "Number of the switch record in force, 0 while there is none." },
    { .name = "abswitch_switch_weight", .type = "gauge", .of_side = weight,
      .help = "Weight of a side for new sessions." },
    { .name = "abswitch_nodes", .type = "gauge", .of_app = nodes,
      .help = "Nodes of the roster in each state." },
    { .name = "abswitch_store_up", .type = "gauge", .of_node = store_up,
      .help = "1 for a store server that answers; the local store has none." },
    { .name = "abswitch_verdicts_total", .type = "counter", .of_app = verdicts,
      .help = "Requests decided by this node." },
    { .name = "abswitch_responses_total", .type = "counter", .of_side = responses,
      .help = "Responses on this node to requests that passed to a side, by class of status." },
    { .name = "abswitch_response_seconds", .type = "histogram", .of_side = seconds,
      .help = "Time to serve them, from the request's first line to the response's last byte." },
    { .name = "abswitch_deadline_timestamp_seconds", .type = "gauge", .of_side = deadline,
      .help = "Unix time at which a draining side closes by itself." },
};

static void put_family(writer_t *w, const family_t *family, const absw_report_t *report)
{
    w->family = family->name;
    APR_ARRAY_PUSH(w->lines, const char *) =
        apr_psprintf(w->pool, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                     family->name, family->type);
    if (family->of_node) {
        family->of_node(w, report);
    }
    for (int i = 0; i < report->apps_n; i++) {
        const absw_report_app_t *app = &report->apps[i];

        if (family->of_app) {
            family->of_app(w, app);
        }
        for (int side = 0; family->of_side && side < app->policy->sides_n; side++) {
            family->of_side(w, app, side);
        }
    }
}

const char *absw_report_prometheus(const absw_report_t *report, apr_pool_t *pool)
{
    writer_t w = { .pool = pool, .lines = apr_array_make(pool, 64, sizeof(const char *)) };

    for (apr_size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        put_family(&w, &families[i], report);
    }
    return apr_array_pstrcat(pool, w.lines, 0);
}
