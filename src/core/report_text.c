/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include "report_facts.h"

typedef struct {
    apr_pool_t *pool;
    apr_array_header_t *lines;      /* char * */
} writer_t;

static const char *value_of(writer_t *w, const absw_fact_t *fact)
{
    switch (fact->kind) {
    case ABSW_FACT_WORD:
        return absw_report_clean(fact->word, w->pool);
    case ABSW_FACT_NUMBER:
        return apr_psprintf(w->pool, "%" APR_INT64_T_FMT, fact->number);
    case ABSW_FACT_FLAG:
        return fact->number ? "yes" : "no";
    case ABSW_FACT_TIME:
        return apr_psprintf(w->pool, "%" APR_INT64_T_FMT ".%03d",
                            fact->number / APR_USEC_PER_SEC,
                            (int)(fact->number % APR_USEC_PER_SEC / 1000));
    case ABSW_FACT_UNKNOWN:
        return "unknown";
    case ABSW_FACT_END:
    case ABSW_FACT_NONE:
        break;
    }
    return "none";
}

/* prefix: "", or what stands before the fact's name, with its dot. */
static void put(writer_t *w, const char *prefix, const absw_fact_t *fact)
{
    APR_ARRAY_PUSH(w->lines, const char *) =
        apr_pstrcat(w->pool, prefix, fact->name, ": ", value_of(w, fact), "\n", NULL);
}

static void put_word(writer_t *w, const char *prefix, const char *name, const char *word)
{
    put(w, prefix, &(absw_fact_t) { .name = name, .kind = ABSW_FACT_WORD, .word = word });
}

static void put_number(writer_t *w, const char *prefix, const char *name, apr_int64_t number,
                       int known)
{
    put(w, prefix, &(absw_fact_t) {
        .name = name, .kind = known ? ABSW_FACT_NUMBER : ABSW_FACT_UNKNOWN, .number = number
    });
}

static void put_facts(writer_t *w, const char *prefix, const absw_fact_t *facts)
{
    for (; facts->kind != ABSW_FACT_END; facts++) {
        put(w, prefix, facts);
    }
}

/* "<prefix><word>." for what belongs to it, the word without what is not clean. */
static const char *below(writer_t *w, const char *prefix, const char *word)
{
    return apr_pstrcat(w->pool, prefix, absw_report_clean(word, w->pool), ".", NULL);
}

/* ---- the parts of an application ---- */

static const char *closed_of(writer_t *w, const absw_policy_t *policy, apr_uint32_t closed)
{
    const char *names = "";

    for (int i = 0; i < policy->sides_n; i++) {
        if (closed >> i & 1) {
            names = apr_pstrcat(w->pool, names, *names ? " " : "", policy->sides[i].name, NULL);
        }
    }
    return *names ? names : "none";
}

static void put_switch(writer_t *w, const char *prefix, const absw_report_app_t *app)
{
    absw_fact_t before[ABSW_FACTS_MAX];
    absw_fact_t after[ABSW_FACTS_MAX];
    char weights[ABSW_SWITCH_WEIGHTS_MAX];

    absw_report_facts_of_switch(&app->rec, before, after);
    put_facts(w, prefix, before);
    put_word(w, prefix, "weights",
             absw_switch_weights_text(app->policy, app->rec.weight, weights));
    put_word(w, prefix, "closed", closed_of(w, app->policy, app->rec.closed));
    put_facts(w, prefix, after);
    put_word(w, prefix, "trouble", *app->trouble ? app->trouble : "none");
    put_word(w, prefix, "ignored", *app->ignored ? app->ignored : "none");
}

static void put_side(writer_t *w, const char *app_prefix, const absw_report_side_t *side)
{
    const char *prefix = below(w, app_prefix, side->name);
    absw_fact_t facts[ABSW_FACTS_MAX];

    absw_report_facts_of_side(side, facts);
    put_facts(w, prefix, facts + 1);    /* its name is in the key */
    absw_report_facts_of_tally(&side->responses, facts);
    put_facts(w, below(w, prefix, "responses"), facts);
    absw_report_facts_of_tally(&side->recent, facts);
    put_facts(w, below(w, prefix, "recent"), facts);
}

static void put_peer(writer_t *w, const char *app_prefix, const absw_policy_t *policy,
                     const absw_report_node_t *peer)
{
    const char *prefix = below(w, below(w, app_prefix, "node"), peer->name);
    absw_fact_t facts[ABSW_FACTS_MAX];

    absw_report_facts_of_peer(peer, facts);
    put_facts(w, prefix, facts + 1);
    for (int i = 0; i < policy->sides_n; i++) {
        const char *side = below(w, prefix, policy->sides[i].name);

        put_number(w, side, "sessions", peer->sessions[i], peer->known);
        put_number(w, side, "in_flight", peer->in_flight[i], peer->known);
    }
}

static void put_app(writer_t *w, const absw_report_app_t *app)
{
    const absw_policy_t *policy = app->policy;
    const char *prefix = below(w, "", policy->name);

    put_word(w, prefix, "launchpad", *policy->launchpad ? policy->launchpad : "/");
    put_switch(w, prefix, app);
    for (int i = 0; i < policy->sides_n; i++) {
        put_side(w, prefix, &app->sides[i]);
    }
    for (int i = 0; i < app->nodes_n; i++) {
        put_peer(w, prefix, policy, &app->nodes[i]);
    }
    for (int i = ABSW_UNTOUCHED + 1; i < ABSW_VERDICT_COUNT; i++) {
        put_number(w, below(w, prefix, "verdict"), absw_verdict_name((absw_verdict_e)i),
                   (apr_int64_t)app->verdicts[i], 1);
    }
}

/* ---- the whole ---- */

static void put_store(writer_t *w, const absw_report_t *report)
{
    int has_epoch = report->store.epoch && *report->store.epoch;

    put_word(w, "", "store", report->store.type);
    put_word(w, "", "store_state", absw_store_state_name(report->store.state));
    put_word(w, "", "store_epoch", has_epoch ? report->store.epoch : "unknown");
    for (int i = 0; i < report->store.servers_n; i++) {
        const absw_store_server_t *server = &report->store.servers[i];

        put_word(w, "store_server.", absw_report_clean(server->server, w->pool),
                 absw_store_state_name(server->state));
    }
}

const char *absw_report_text(const absw_report_t *report, apr_pool_t *pool)
{
    writer_t w = { .pool = pool, .lines = apr_array_make(pool, 64, sizeof(const char *)) };
    absw_fact_t facts[ABSW_FACTS_MAX];

    absw_report_facts_of_node(report, facts);
    put_facts(&w, "", facts);
    put_store(&w, report);
    for (int i = 0; i < report->apps_n; i++) {
        put_app(&w, &report->apps[i]);
    }
    return apr_array_pstrcat(pool, w.lines, 0);
}
