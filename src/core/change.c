/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "log.h"

const char *absw_change_result_text(absw_change_result_e result)
{
    static const char *const TEXTS[ABSW_CHANGE_RESULT_COUNT] = {
        [ABSW_CHANGE_DONE] = "done",
        [ABSW_CHANGE_PASSED] = "the switch has been changed meanwhile; look at it again",
        [ABSW_CHANGE_SAME] = "nothing would change",
        [ABSW_CHANGE_NONE_OPEN] = "no side would be open",
        [ABSW_CHANGE_NOT_CLOSED] = "the side is not closed",
        [ABSW_CHANGE_NO_TARGET] = "there is nothing to roll back to",
        [ABSW_CHANGE_EXHAUSTED] = "the switch has used up its generations",
        [ABSW_CHANGE_UNREACHABLE] = "the store did not answer; look whether it was done",
    };
    return TEXTS[result];
}

const char *absw_change_key(const absw_policy_t *policy, const char *what, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "abswitch:", policy->name, ":", what, NULL);
}

int absw_change_in_force(const absw_policy_t *policy, const absw_board_app_t *place,
                         absw_switch_t *rec)
{
    if (place->app < 0 || !absw_board_get_switch(place, rec)) {
        absw_switch_default(policy, rec);
        return 1;
    }
    for (int i = 0; i < policy->sides_n; i++) {
        if (rec->weight[i] > 0) {
            return 1;
        }
    }
    rec->weight[policy->default_side] = 1;
    rec->since[policy->default_side] = 0;
    rec->closed &= ~(1U << policy->default_side);
    return 0;
}

/* The record that a change starts from: in force here, or already in the store. 0: neither, for
 * somebody's change is about to be taken up. */
static int find_base(const absw_policy_t *policy, const absw_board_app_t *place,
                     const absw_store_item_t *item, absw_switch_t *base)
{
    absw_switch_t stored;

    absw_change_in_force(policy, place, base);
    if (item->found == ABSW_STORE_BUSY) {
        return 0;
    }
    if (item->found != ABSW_STORE_FOUND) {
        return 1;
    }
    switch (absw_switch_parse(policy, item->value, item->len, &stored, NULL, 0)) {
    case ABSW_SWITCH_BARE:
        return absw_switch_says(policy, base, stored.weight);
    case ABSW_SWITCH_FULL:
        if (absw_switch_newer(&stored, base)) {
            *base = stored;
        }
        return !absw_switch_is_edited(policy, base, &stored);
    case ABSW_SWITCH_BAD:
    default:
        return 1;
    }
}

/* The record before base. 0: there is none that can be gone back to. */
static int find_target(const absw_policy_t *policy, const absw_store_item_t *log,
                       const absw_switch_t *base, absw_switch_t *target, apr_pool_t *pool)
{
    absw_log_entry_t *entries = apr_palloc(pool, ABSW_LOG_MAX * sizeof(*entries));
    int n = log->found == ABSW_STORE_FOUND
            ? absw_log_parse(policy, log->value, log->len, entries) : 0;

    for (int i = 0; i < n; i++) {
        if (absw_switch_newer(base, &entries[i].rec)) {
            *target = entries[i].rec;
            return entries[i].valid;
        }
    }
    absw_switch_default(policy, target);
    return base->generation == 1;
}

static absw_change_result_e result_of(absw_switch_result_e result)
{
    switch (result) {
    case ABSW_SWITCH_DONE:
        return ABSW_CHANGE_DONE;
    case ABSW_SWITCH_NONE_OPEN:
        return ABSW_CHANGE_NONE_OPEN;
    case ABSW_SWITCH_NOT_CLOSED:
        return ABSW_CHANGE_NOT_CLOSED;
    case ABSW_SWITCH_EXHAUSTED:
        return ABSW_CHANGE_EXHAUSTED;
    case ABSW_SWITCH_SAME:
    default:
        return ABSW_CHANGE_SAME;
    }
}

static absw_change_result_e apply(const absw_policy_t *policy, const absw_change_t *change,
                                  const absw_switch_who_t *who, const absw_store_item_t *log,
                                  const absw_switch_t *base, absw_switch_t *made,
                                  apr_pool_t *pool)
{
    absw_switch_t target;

    switch (change->what) {
    case ABSW_CHANGE_FLIP:
        return result_of(absw_switch_flip(policy, base, change->side, who, made));
    case ABSW_CHANGE_WEIGHTS:
        return result_of(absw_switch_weights(policy, base, change->weight, who, made));
    case ABSW_CHANGE_CLOSE:
        return result_of(absw_switch_close(policy, base, change->side, who, made));
    case ABSW_CHANGE_REOPEN:
        return result_of(absw_switch_reopen(policy, base, change->side, who, made));
    case ABSW_CHANGE_ROLLBACK:
    default:
        if (!find_target(policy, log, base, &target, pool)) {
            return ABSW_CHANGE_NO_TARGET;
        }
        return result_of(absw_switch_rollback(policy, base, &target, who, made));
    }
}

absw_store_result_e absw_change_write(absw_store_t *store, const absw_policy_t *policy,
                                      const absw_store_item_t *item, const absw_switch_t *rec,
                                      apr_pool_t *pool)
{
    char text[ABSW_SWITCH_TEXT_MAX];
    apr_size_t len = absw_switch_format(policy, rec, text);

    text[len++] = '\n';     /* for the hands that look into the file; ignored at the end */
    return item->found == ABSW_STORE_FOUND
           ? store->ops->cas(store, item->key, item->cas, text, len, 0, pool)
           : store->ops->add(store, item->key, text, len, 0, pool);
}

absw_change_result_e absw_change_make(absw_store_t *store, const absw_policy_t *policy,
                                      const absw_board_app_t *place,
                                      const absw_change_t *change,
                                      const absw_switch_who_t *who, absw_switch_t *made,
                                      apr_pool_t *pool)
{
    absw_store_item_t items[2] = {
        { .key = absw_change_key(policy, "switch", pool) },
        { .key = absw_change_key(policy, "log", pool) },
    };
    absw_switch_t base;
    absw_change_result_e result;

    if (!store->ops->get(store, items, change->what == ABSW_CHANGE_ROLLBACK ? 2 : 1, pool)) {
        return ABSW_CHANGE_UNREACHABLE;
    }
    if (!find_base(policy, place, &items[0], &base) || base.generation != change->generation) {
        return ABSW_CHANGE_PASSED;
    }
    result = apply(policy, change, who, &items[1], &base, made, pool);
    if (result != ABSW_CHANGE_DONE) {
        return result;
    }
    switch (absw_change_write(store, policy, &items[0], made, pool)) {
    case ABSW_STORE_DONE:
        return ABSW_CHANGE_DONE;
    case ABSW_STORE_CONFLICT:
        return ABSW_CHANGE_PASSED;
    case ABSW_STORE_FAILED:
    default:
        return ABSW_CHANGE_UNREACHABLE;
    }
}
