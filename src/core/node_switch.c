/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "change.h"
#include "log.h"
#include "node_parts.h"
#include "text.h"

#define EXCERPT_MAX 60      /* bytes of a bad value that are shown */

/* A value that cannot be taken: on the page until a good one comes, in the error log once. The
 * board remembers what was said, for the next process that syncs. */
static void set_trouble(const absw_tick_t *tick, const absw_node_app_t *app, const char *text)
{
    char is[ABSW_BOARD_TROUBLE_MAX];
    char old[ABSW_BOARD_TROUBLE_MAX];

    absw_text_clean(is, sizeof(is), text);
    absw_board_get_trouble(&app->place, old);
    if (strcmp(is, old) == 0 || !absw_tick_is_ours(tick)
        || !absw_board_set_trouble(&app->place, is)) {
        return;
    }
    absw_tick_say(tick, ABSW_SAY_ERROR, app, ABSW_NO_SIDE, "switch of %s: %s",
                  app->policy->name, is);
}

static void clear_trouble(const absw_tick_t *tick, const absw_known_t *known)
{
    char old[ABSW_BOARD_TROUBLE_MAX];

    absw_board_get_trouble(&known->app->place, old);
    if (old[0] == '\0' || !absw_tick_is_ours(tick)
        || !absw_board_set_trouble(&known->app->place, "")) {
        return;
    }
    absw_tick_say(tick, ABSW_SAY_NOTICE, known->app, ABSW_NO_SIDE,
                  "switch of %s: its value is good again (generation %" APR_INT64_T_FMT ")",
                  known->app->policy->name, known->rec.generation);
}

const char *absw_node_describe_switch(const absw_policy_t *policy, const absw_switch_t *rec,
                                      apr_pool_t *pool)
{
    char weights[ABSW_SWITCH_WEIGHTS_MAX];
    const char *closed = "";

    for (int i = 0; i < policy->sides_n; i++) {
        if (rec->closed & (1U << i)) {
            closed = apr_pstrcat(pool, closed, *closed ? " " : ", closed ",
                                 policy->sides[i].name, NULL);
        }
    }
    return apr_psprintf(pool, "%s (generation %" APR_INT64_T_FMT "%s%s%s%s%s)",
                        absw_switch_weights_text(policy, rec->weight, weights), rec->generation,
                        rec->by[0] ? ", by " : "", rec->by, closed,
                        rec->note[0] ? ", " : "", rec->note);
}

void absw_tick_keep_switch(const absw_tick_t *tick, const absw_known_t *known)
{
    char text[ABSW_SWITCH_TEXT_MAX];
    apr_size_t len = absw_switch_format(known->app->policy, &known->rec, text);

    text[len++] = '\n';
    absw_tick_keep_file(tick, known, "switch", text, len);
}

/* rec comes into force. What was proven under another generation proves nothing now, and has
 * gone before the record comes: a process may be killed in between. */
static void enforce(const absw_tick_t *tick, absw_known_t *known, const absw_switch_t *rec)
{
    const absw_policy_t *policy = known->app->policy;
    const absw_board_app_t *place = &known->app->place;

    if (!absw_tick_is_ours(tick)) {
        return;
    }
    for (int i = 0; i < policy->sides_n; i++) {
        absw_board_drain_t drain;

        absw_board_get_drain(place, i, &drain);
        drain.proven = 0;
        drain.streak = 0;
        absw_board_set_drain(place, i, &drain);
    }
    if (!absw_board_set_switch(place, rec)) {
        /* a process that was stopped for a while holds an old idea of what is in force */
        absw_change_in_force(policy, place, &known->rec);
        return;
    }
    known->rec = *rec;
    known->app->logged = 0;
    absw_tick_keep_switch(tick, known);
    absw_tick_say(tick, ABSW_SAY_NOTICE, known->app, ABSW_NO_SIDE, "switch of %s: %s",
                  policy->name, absw_node_describe_switch(policy, rec, tick->pool));
}

/* Write rec to the store. 1: it is there. */
static int write_back(const absw_tick_t *tick, const absw_known_t *known,
                      const absw_store_item_t *item, const absw_switch_t *rec,
                      absw_store_result_e *result)
{
    absw_store_t *store = tick->node->store;

    *result = ABSW_STORE_CONFLICT;
    if (absw_tick_is_ours(tick)) {
        *result = absw_change_write(store, known->app->policy, item, rec, tick->pool);
    }
    if (*result == ABSW_STORE_FAILED) {
        set_trouble(tick, known->app, apr_pstrcat(tick->pool, "it cannot be written: ",
                                                  store->why, NULL));
    }
    return *result == ABSW_STORE_DONE;
}

/* rec is to come into force, and into the store first: of several nodes that make one from the
 * same bare value, one succeeds. A node that is alone goes on with a store that it cannot write. */
static void write_and_enforce(const absw_tick_t *tick, absw_known_t *known,
                             const absw_store_item_t *item, const absw_switch_t *rec)
{
    absw_store_result_e result;

    if (tick->starting || write_back(tick, known, item, rec, &result)) {
        enforce(tick, known, rec);
        clear_trouble(tick, known);
    }
    else if (result == ABSW_STORE_FAILED && tick->node->store->ops->solo) {
        enforce(tick, known, rec);
    }
}

/* The store lacks our record, or has an older one or a bare one that says the same. */
static void put_back(const absw_tick_t *tick, absw_known_t *known, const absw_store_item_t *item,
                     const char *instead_of)
{
    absw_store_result_e result;

    if (tick->starting || known->rec.generation == 0) {
        return;
    }
    if (write_back(tick, known, item, &known->rec, &result)) {
        clear_trouble(tick, known);
        if (instead_of) {
            absw_tick_say(tick, ABSW_SAY_NOTICE, known->app, ABSW_NO_SIDE,
                          "switch of %s: generation %" APR_INT64_T_FMT
                          " is put back into the store, which had %s",
                          known->app->policy->name, known->rec.generation, instead_of);
        }
    }
}

static absw_switch_who_t hand(const absw_tick_t *tick)
{
    return (absw_switch_who_t){
        .now = tick->sec, .node = tick->node->name, .by = tick->node->store->ops->hand,
        .note = "",
    };
}

/*
 * The record that a bare value changes. A node that was away and does not know the newest one
 * leaves it to those who do; if none of them is there any more, it goes on from their generation.
 * 0: it is left to others.
 */
static int base_for_wish(const absw_tick_t *tick, const absw_known_t *known, absw_switch_t *base)
{
    *base = known->rec;
    if (tick->node->store->ops->solo) {
        return 1;
    }
    if (tick->starting || !known->complete || known->cluster.settled > tick->now
        || (known->newest > base->generation && known->newest_is_live)) {
        return 0;
    }
    if (known->newest > base->generation) {
        base->generation = known->newest;
    }
    return 1;
}

static void take_weights(const absw_tick_t *tick, absw_known_t *known,
                         const absw_store_item_t *item, const apr_uint32_t *weight)
{
    absw_switch_who_t who = hand(tick);
    absw_switch_t base;
    absw_switch_t next;

    if (!base_for_wish(tick, known, &base)) {
        return;
    }
    switch (absw_switch_weights(known->app->policy, &base, weight, &who, &next)) {
    case ABSW_SWITCH_DONE:
        write_and_enforce(tick, known, item, &next);
        break;
    case ABSW_SWITCH_SAME:
        put_back(tick, known, item, NULL);
        break;
    default:
        set_trouble(tick, known->app, "no generation is left for another change");
        break;
    }
}

/* Is what the stored record says of its sides not what is in force, though it is that record? */
static int is_touched(const absw_known_t *known, const absw_switch_t *rec)
{
    return rec->closed != known->rec.closed
           || memcmp(rec->since, known->rec.since, sizeof(rec->since)) != 0;
}

/* Or who made it, and why? A node whose write was done, though it did not hear so, has made two. */
static int is_retold(const absw_known_t *known, const absw_switch_t *rec)
{
    return strcmp(rec->by, known->rec.by) != 0 || strcmp(rec->note, known->rec.note) != 0;
}

static void take_full(const absw_tick_t *tick, absw_known_t *known,
                      const absw_store_item_t *item, absw_switch_t *rec)
{
    absw_switch_who_t who = hand(tick);

    if (absw_switch_newer(rec, &known->rec)) {
        if (absw_switch_complete(known->app->policy, &known->rec, &who, rec)) {
            write_and_enforce(tick, known, item, rec);
            return;
        }
        enforce(tick, known, rec);
        clear_trouble(tick, known);
    }
    else if (absw_switch_newer(&known->rec, rec)) {
        put_back(tick, known, item, rec->generation == known->rec.generation
                 ? "an older one of that generation"
                 : apr_psprintf(tick->pool, "generation %" APR_INT64_T_FMT, rec->generation));
    }
    else if (absw_switch_is_edited(known->app->policy, &known->rec, rec)) {
        take_weights(tick, known, item, rec->weight);
    }
    else if (is_touched(known, rec) && tick->node->store->ops->solo) {
        put_back(tick, known, item, "it with other words");
    }
    else if (!tick->node->store->ops->solo && (is_touched(known, rec) || is_retold(known, rec))) {
        enforce(tick, known, rec);      /* the store's is the one that all can agree on */
        clear_trouble(tick, known);
    }
    else {
        clear_trouble(tick, known);
    }
}

/* Our own record, written when the application had sides that it has no more and that nobody
 * landed on: a configuration that shrinks is no reason to complain. */
static int is_ours_of_before(const absw_known_t *known, const absw_store_item_t *item)
{
    absw_switch_t rec;
    unsigned gone;

    return absw_switch_parse_past(known->app->policy, item->value, item->len, &rec, &gone)
               == ABSW_SWITCH_FULL
           && gone == ABSW_SWITCH_GONE && known->rec.generation > 0
           && !absw_switch_newer(&rec, &known->rec) && !absw_switch_newer(&known->rec, &rec);
}

/* Another node has accepted a record that a bad value has overwritten: it is in the log. */
static void catch_up(const absw_tick_t *tick, absw_known_t *known)
{
    absw_store_t *store = tick->node->store;
    const absw_policy_t *policy = known->app->policy;
    absw_store_item_t item = { .key = absw_change_key(policy, "log", tick->pool), .mend = 1 };
    absw_log_entry_t *entries;

    if (store->ops->solo || tick->starting || !known->complete
        || known->newest <= known->rec.generation
        || !store->ops->get(store, &item, 1, tick->pool) || item.found != ABSW_STORE_FOUND) {
        return;
    }
    entries = apr_palloc(tick->pool, ABSW_LOG_MAX * sizeof(*entries));
    if (absw_log_parse(policy, item.value, item.len, entries) > 0 && entries[0].valid
        && absw_switch_newer(&entries[0].rec, &known->rec)) {
        enforce(tick, known, &entries[0].rec);
    }
}

static void take_value(const absw_tick_t *tick, absw_known_t *known,
                       const absw_store_item_t *item)
{
    absw_switch_t rec;
    char why[120];
    char quoted[EXCERPT_MAX];
    apr_size_t len;

    switch (absw_switch_parse(known->app->policy, item->value, item->len, &rec,
                              why, sizeof(why))) {
    case ABSW_SWITCH_BARE:
        take_weights(tick, known, item, rec.weight);
        break;
    case ABSW_SWITCH_FULL:
        take_full(tick, known, item, &rec);
        break;
    case ABSW_SWITCH_BAD:
    default:
        if (is_ours_of_before(known, item)) {
            put_back(tick, known, item, "sides that are no longer configured");
            break;
        }
        catch_up(tick, known);
        for (len = item->len; len > 0 && apr_isspace(item->value[len - 1]); len--) {
        }
        set_trouble(tick, known->app, apr_psprintf(tick->pool,
                    "%s is not taken: %s; generation %" APR_INT64_T_FMT " stays in force",
                    absw_text_quote(quoted, sizeof(quoted), item->value, len), why,
                    known->rec.generation));
        break;
    }
}

void absw_tick_take_switch(const absw_tick_t *tick, absw_known_t *known)
{
    const absw_store_item_t *item = &known->item;

    switch (item->found) {
    case ABSW_STORE_FOUND:
        take_value(tick, known, item);
        break;
    case ABSW_STORE_ABSENT:
        if (known->rec.generation > 0) {
            put_back(tick, known, item, "none");
        }
        else {
            clear_trouble(tick, known);
        }
        break;
    case ABSW_STORE_UNKNOWN:
        set_trouble(tick, known->app, known->trouble ? known->trouble
                                                     : "the store did not answer");
        break;
    case ABSW_STORE_BUSY:
    default:
        break;
    }
}
