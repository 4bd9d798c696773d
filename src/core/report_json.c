/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>

#include "report_facts.h"

/*
 * jansson takes over a new value even where it cannot enter it, and refuses to enter NULL. So
 * values are handed on unseen, and the first that was not to be had marks the whole.
 */
typedef struct {
    apr_pool_t *pool;
    int failed;
} writer_t;

static void put(writer_t *w, json_t *object, const char *name, json_t *value)
{
    w->failed |= json_object_set_new(object, name, value) != 0;
}

static void add(writer_t *w, json_t *array, json_t *value)
{
    w->failed |= json_array_append_new(array, value) != 0;
}

static json_t *word_of(writer_t *w, const char *word)
{
    return json_string(absw_report_clean(word, w->pool));
}

static json_t *value_of(writer_t *w, const absw_fact_t *fact)
{
    switch (fact->kind) {
    case ABSW_FACT_WORD:
        return word_of(w, fact->word);
    case ABSW_FACT_NUMBER:
        return json_integer(fact->number);
    case ABSW_FACT_FLAG:
        return json_boolean(fact->number != 0);
    case ABSW_FACT_TIME:
        return json_real((double)fact->number / APR_USEC_PER_SEC);
    case ABSW_FACT_END:
    case ABSW_FACT_NONE:
    case ABSW_FACT_UNKNOWN:
        break;
    }
    return json_null();
}

static void put_facts(writer_t *w, json_t *object, const absw_fact_t *facts)
{
    for (; facts->kind != ABSW_FACT_END; facts++) {
        put(w, object, facts->name, value_of(w, facts));
    }
}

/* ---- numbers by side ---- */

/* known: 0 writes null for each. */
static json_t *by_side(writer_t *w, const absw_policy_t *policy, const apr_uint32_t *numbers,
                       int known)
{
    json_t *object = json_object();

    for (int i = 0; i < policy->sides_n; i++) {
        int is_number = known && numbers[i] != ABSW_HISTORY_UNKNOWN;

        put(w, object, policy->sides[i].name, is_number ? json_integer(numbers[i]) : json_null());
    }
    return object;
}

/* ---- the parts of an application ---- */

static json_t *closed_of(writer_t *w, const absw_policy_t *policy, apr_uint32_t closed)
{
    json_t *array = json_array();

    for (int i = 0; i < policy->sides_n; i++) {
        if (closed >> i & 1) {
            add(w, array, word_of(w, policy->sides[i].name));
        }
    }
    return array;
}

static json_t *switch_of(writer_t *w, const absw_policy_t *policy, const absw_switch_t *rec)
{
    json_t *object = json_object();
    absw_fact_t before[ABSW_FACTS_MAX];
    absw_fact_t after[ABSW_FACTS_MAX];

    absw_report_facts_of_switch(rec, before, after);
    put_facts(w, object, before);
    put(w, object, "weights", by_side(w, policy, rec->weight, 1));
    put(w, object, "closed", closed_of(w, policy, rec->closed));
    put_facts(w, object, after);
    return object;
}

/* The histogram, each bucket with those below it. */
static json_t *seconds_of(writer_t *w, const absw_tally_t *tally)
{
    json_t *object = json_object();
    json_t *buckets = json_object();
    apr_uint64_t sum = 0;

    for (int i = 0; i < ABSW_TALLY_BUCKETS; i++) {
        sum += tally->buckets[i];
        put(w, buckets, absw_tally_bound_name(i), json_integer((json_int_t)sum));
    }
    put(w, object, "sum", json_real((double)tally->usec / APR_USEC_PER_SEC));
    put(w, object, "buckets", buckets);
    return object;
}

static json_t *responses_of(writer_t *w, const absw_report_side_t *side)
{
    json_t *object = json_object();
    json_t *recent = json_object();
    absw_fact_t facts[ABSW_FACTS_MAX];

    absw_report_facts_of_tally(&side->responses, facts);
    put_facts(w, object, facts);
    put(w, object, "seconds", seconds_of(w, &side->responses));
    absw_report_facts_of_tally(&side->recent, facts);
    put_facts(w, recent, facts);
    put(w, object, "recent", recent);
    return object;
}

static json_t *sides_of(writer_t *w, const absw_report_app_t *app)
{
    json_t *array = json_array();
    absw_fact_t facts[ABSW_FACTS_MAX];

    for (int i = 0; i < app->policy->sides_n; i++) {
        json_t *object = json_object();

        absw_report_facts_of_side(&app->sides[i], facts);
        put_facts(w, object, facts);
        put(w, object, "responses", responses_of(w, &app->sides[i]));
        add(w, array, object);
    }
    return array;
}

static json_t *nodes_of(writer_t *w, const absw_report_app_t *app)
{
    json_t *array = json_array();
    absw_fact_t facts[ABSW_FACTS_MAX];

    for (int i = 0; i < app->nodes_n; i++) {
        const absw_report_node_t *peer = &app->nodes[i];
        json_t *object = json_object();

        absw_report_facts_of_peer(peer, facts);
        put_facts(w, object, facts);
        put(w, object, "sessions", by_side(w, app->policy, peer->sessions, peer->known));
        put(w, object, "in_flight", by_side(w, app->policy, peer->in_flight, peer->known));
        add(w, array, object);
    }
    return array;
}

static json_t *verdicts_of(writer_t *w, const absw_report_app_t *app)
{
    json_t *object = json_object();

    for (int i = ABSW_UNTOUCHED + 1; i < ABSW_VERDICT_COUNT; i++) {
        put(w, object, absw_verdict_name((absw_verdict_e)i),
            json_integer((json_int_t)app->verdicts[i]));
    }
    return object;
}

static json_t *history_of(writer_t *w, const absw_report_app_t *app)
{
    json_t *array = json_array();

    for (int i = 0; i < app->history_n; i++) {
        json_t *object = json_object();

        put(w, object, "time", json_integer(app->history[i].time));
        put(w, object, "sessions", by_side(w, app->policy, app->history[i].sessions, 1));
        add(w, array, object);
    }
    return array;
}

static json_t *log_of(writer_t *w, const absw_report_app_t *app)
{
    json_t *array = json_array();

    for (int i = 0; i < app->log_n; i++) {
        const absw_log_entry_t *entry = &app->log[i];
        json_t *object = json_object();
        absw_fact_t before[ABSW_FACTS_MAX];
        absw_fact_t after[ABSW_FACTS_MAX];

        absw_report_facts_of_switch(&entry->rec, before, after);
        put_facts(w, object, before);
        put_facts(w, object, after);
        put(w, object, "from",
            entry->has_from ? by_side(w, app->policy, entry->from, 1) : json_null());
        put(w, object, "to",
            entry->valid ? by_side(w, app->policy, entry->rec.weight, 1) : json_null());
        add(w, array, object);
    }
    return array;
}

static json_t *app_of(writer_t *w, const absw_report_app_t *app)
{
    const char *launchpad = app->policy->launchpad;
    json_t *object = json_object();

    put(w, object, "app", word_of(w, app->policy->name));
    put(w, object, "launchpad", word_of(w, *launchpad ? launchpad : "/"));
    put(w, object, "switch", switch_of(w, app->policy, &app->rec));
    put(w, object, "sides", sides_of(w, app));
    put(w, object, "nodes", nodes_of(w, app));
    put(w, object, "verdicts", verdicts_of(w, app));
    put(w, object, "history", history_of(w, app));
    put(w, object, "log", log_of(w, app));
    return object;
}

/* ---- the whole ---- */

static json_t *store_of(writer_t *w, const absw_report_t *report)
{
    json_t *object = json_object();
    json_t *servers = json_array();

    for (int i = 0; i < report->store.servers_n; i++) {
        json_t *server = json_object();

        put(w, server, "server", word_of(w, report->store.servers[i].server));
        put(w, server, "state",
            word_of(w, absw_store_state_name(report->store.servers[i].state)));
        add(w, servers, server);
    }
    put(w, object, "type", word_of(w, report->store.type));
    put(w, object, "state", word_of(w, absw_store_state_name(report->store.state)));
    put(w, object, "epoch", report->store.epoch && *report->store.epoch
                            ? word_of(w, report->store.epoch) : json_null());
    put(w, object, "servers", servers);
    return object;
}

static json_t *report_of(writer_t *w, const absw_report_t *report)
{
    json_t *object = json_object();
    json_t *apps = json_array();
    absw_fact_t facts[ABSW_FACTS_MAX];

    absw_report_facts_of_node(report, facts);
    put_facts(w, object, facts);
    if (report->csrf) {
        put(w, object, "csrf", word_of(w, report->csrf));
    }
    put(w, object, "store", store_of(w, report));
    for (int i = 0; i < report->apps_n; i++) {
        add(w, apps, app_of(w, &report->apps[i]));
    }
    put(w, object, "apps", apps);
    return object;
}

/* The text in pool, and root is gone. */
static const char *finish(const writer_t *w, json_t *root, size_t flags)
{
    char *text = w->failed ? NULL : json_dumps(root, flags);
    const char *copy = text ? apr_pstrcat(w->pool, text, "\n", NULL) : NULL;
    json_free_t release;

    json_get_alloc_funcs(NULL, &release);   /* another module may have set its own */
    release(text);
    json_decref(root);
    return copy;
}

const char *absw_report_json(const absw_report_t *report, apr_pool_t *pool)
{
    writer_t w = { .pool = pool };
    json_t *root = report_of(&w, report);

    /* 16 digits: microseconds of this century, and no digit that is only rounding */
    return finish(&w, root, JSON_INDENT(2) | JSON_REAL_PRECISION(16));
}

const char *absw_report_outcome(apr_int64_t generation, const char *error, apr_pool_t *pool)
{
    writer_t w = { .pool = pool };
    json_t *root = json_object();

    put(&w, root, "ok", json_boolean(!error));
    if (error) {
        put(&w, root, "error", word_of(&w, error));
    }
    else {
        put(&w, root, "generation", json_integer(generation));
    }
    return finish(&w, root, 0);
}
