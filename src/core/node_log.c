/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "log.h"
#include "node_parts.h"

/*
 * The log of changes: for all in the store, and in every node's state directory, where its status
 * page reads it. What the store has lost of it is put back from there.
 */

#define LOOK_EVERY 60       /* seconds: a log that was lost or spoilt is noticed so soon */

static int is_due(const absw_tick_t *tick, const absw_known_t *known)
{
    const absw_node_app_t *app = known->app;

    return known->rec.generation > 0
           && (app->logged != known->rec.generation
               || (!tick->node->store->ops->solo
                   && (tick->sec < app->logged_at || tick->sec - app->logged_at >= LOOK_EVERY)));
}

/* This node's own copy; with a store that is solo that is the store. */
static absw_log_text_t own_copy(const absw_tick_t *tick, const absw_known_t *known)
{
    char *text;
    apr_size_t len;

    if (!known->memory || !tick->node->dir
        || absw_shared_read(tick->node->dir,
                            apr_pstrcat(tick->pool, known->app->policy->name, ".log", NULL),
                            ABSW_LOG_TEXT_MAX, tick->pool, &text, &len) != APR_SUCCESS) {
        return (absw_log_text_t){ "", 0 };
    }
    return (absw_log_text_t){ text, len };
}

static int is_same(const absw_log_text_t *a, const absw_log_text_t *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* 1: the store and this node have one log, with the record in force in it. */
static int bring_up_to_date(const absw_tick_t *tick, absw_known_t *known,
                            const absw_store_item_t *item)
{
    absw_store_t *store = tick->node->store;
    const absw_policy_t *policy = known->app->policy;
    int there = item->found == ABSW_STORE_FOUND;
    char *text = apr_palloc(tick->pool, ABSW_LOG_TEXT_MAX + 1);
    char rec[ABSW_SWITCH_TEXT_MAX];
    const absw_log_text_t logs[] = {
        { there ? item->value : "", there ? item->len : 0 },
        own_copy(tick, known),
        { rec, absw_switch_format(policy, &known->rec, rec) },
    };
    absw_log_text_t all = { text, absw_log_unite(policy, logs, 3, text, tick->pool) };

    if (known->memory && !absw_log_is_whole(policy, &logs[0])) {
        absw_tick_ignore_bytes(tick, known, item, "it has lines that are no records");
    }
    if (!is_same(&all, &logs[0])
        && (there ? store->ops->cas(store, item->key, item->cas, all.bytes, all.len, 0, tick->pool)
                  : store->ops->add(store, item->key, all.bytes, all.len, 0, tick->pool))
           != ABSW_STORE_DONE) {
        return 0;
    }
    if (!is_same(&all, &logs[1])) {
        absw_tick_keep_file(tick, known, "log", all.bytes, all.len);
    }
    return 1;
}

void absw_tick_log(const absw_tick_t *tick, absw_known_t *known)
{
    absw_store_t *store = tick->node->store;
    absw_node_app_t *app = known->app;
    absw_store_item_t item = {
        .key = absw_change_key(app->policy, "log", tick->pool), .mend = 1
    };
    int complete;

    if (!is_due(tick, known) || !absw_tick_is_ours(tick)) {
        return;
    }
    store->why[0] = '\0';
    complete = store->ops->get(store, &item, 1, tick->pool);
    if (item.found == ABSW_STORE_BUSY) {
        return;
    }
    if (complete && bring_up_to_date(tick, known, &item)) {
        if (app->logged != known->rec.generation) {
            absw_tick_keep_switch(tick, known);     /* a change that came from here, too */
        }
        app->logged = known->rec.generation;
        app->logged_at = tick->sec;
        app->log_failed = 0;
    }
    else if (!app->log_failed && (!complete || store->why[0])) {
        app->log_failed = 1;
        absw_tick_say(tick, ABSW_SAY_WARNING, app, ABSW_NO_SIDE,
                      "log of %s cannot be kept: %s", app->policy->name,
                      complete ? store->why : item.why ? item.why : "the store did not answer");
    }
}
