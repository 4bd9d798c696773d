/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "node_parts.h"

/* What all parts of a sync stand on. */

#define STALE_LEAST apr_time_from_sec(1)    /* a busy machine is late for a sync of 100 ms */

int absw_tick_is_ours(const absw_tick_t *tick)
{
    return tick->starting || tick->leaving || !tick->node->mine
           || tick->node->mine(tick->node->baton);
}

void absw_tick_say(const absw_tick_t *tick, absw_say_e level, const absw_node_app_t *app,
                   int side, const char *format, ...)
{
    va_list args;
    const char *text;

    va_start(args, format);
    text = apr_pvsprintf(tick->pool, format, args);
    va_end(args);
    tick->node->say(tick->node->baton, level, app->policy->name,
                    side == ABSW_NO_SIDE ? NULL : app->policy->sides[side].name, text);
}

const char *absw_tick_why(const absw_tick_t *tick, const absw_store_item_t *items, int n)
{
    (void)tick;
    for (int i = 0; i < n; i++) {
        if (items[i].found == ABSW_STORE_UNKNOWN && items[i].why) {
            return items[i].why;
        }
    }
    return "the store did not answer";
}

void absw_tick_fail(const absw_tick_t *tick, absw_known_t *known, const char *why)
{
    if (!why) {
        why = apr_pstrcat(tick->pool, "the store cannot be written: ", tick->node->store->why,
                          NULL);
    }
    if (known->complete) {
        known->complete = 0;
        known->trouble = why;
    }
    if (known->memory) {
        known->memory->answers_since = 0;
    }
}

absw_store_result_e absw_tick_replace(const absw_tick_t *tick, const absw_store_item_t *item,
                                      const char *text)
{
    absw_store_t *store = tick->node->store;

    if (!absw_tick_is_ours(tick)) {
        return ABSW_STORE_CONFLICT;
    }
    return item->found == ABSW_STORE_FOUND
           ? store->ops->cas(store, item->key, item->cas, text, strlen(text), 0, tick->pool)
           : store->ops->add(store, item->key, text, strlen(text), 0, tick->pool);
}

apr_interval_time_t absw_node_stale_after(const absw_node_t *node)
{
    apr_interval_time_t after = ABSW_CLUSTER_SYNCS * node->sync;

    return after > STALE_LEAST ? after : STALE_LEAST;
}

apr_status_t absw_node_random(char *out, apr_size_t n)
{
    static const char HEX[] = "0123456789abcdef";
    unsigned char bytes[ABSW_EPOCH_MAX / 2];
    apr_status_t rv = apr_generate_random_bytes(bytes, n);

    for (apr_size_t i = 0; i < n && rv == APR_SUCCESS; i++) {
        *out++ = HEX[bytes[i] >> 4];
        *out++ = HEX[bytes[i] & 15];
    }
    *out = '\0';
    return rv;
}
