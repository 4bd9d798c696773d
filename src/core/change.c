/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"

#define TRIES 3     /* others write, too */

const char *absw_change_result_text(absw_change_result_e result)
{
    static const char *const TEXTS[ABSW_CHANGE_RESULT_COUNT] = {
        [ABSW_CHANGE_DONE] = "done",
        [ABSW_CHANGE_PASSED] = "the switch has been changed meanwhile; look at it again",
        [ABSW_CHANGE_PENDING] = "another change is being taken up; look at it again in a moment",
        [ABSW_CHANGE_SAME] = "nothing would change",
        [ABSW_CHANGE_NONE_OPEN] = "no side would be open",
        [ABSW_CHANGE_NOT_CLOSED] = "the side is not closed",
        [ABSW_CHANGE_NO_TARGET] = "there is nothing to roll back to",
        [ABSW_CHANGE_EXHAUSTED] = "the switch has used up its generations",
        [ABSW_CHANGE_NODE_LIVE] = "the node is live; stop it first, then it leaves by itself",
        [ABSW_CHANGE_NODE_UNKNOWN] = "no node of that name is in the roster",
        [ABSW_CHANGE_NODE_ALONE] = "this node is alone: with the local store there is no roster",
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

static absw_store_bytes_t newer(const void *baton, absw_store_bytes_t first,
                                absw_store_bytes_t second, apr_pool_t *pool)
{
    const absw_policy_t *policy = baton;
    absw_switch_t a, b;
    absw_switch_form_e is_a = absw_switch_parse(policy, first.bytes, first.len, &a, NULL, 0);
    absw_switch_form_e is_b = absw_switch_parse(policy, second.bytes, second.len, &b, NULL, 0);

    (void)pool;
    /* A bare value is somebody's wish, later than any record. */
    if (is_b == ABSW_SWITCH_BAD || is_a == ABSW_SWITCH_BARE) {
        return first;
    }
    if (is_a == ABSW_SWITCH_BAD || is_b == ABSW_SWITCH_BARE) {
        return second;
    }
    return absw_switch_newer(&b, &a) ? second : first;
}

absw_store_item_t absw_change_item(const absw_policy_t *policy, int mend, apr_pool_t *pool)
{
    return (absw_store_item_t){
        .key = absw_change_key(policy, "switch", pool), .merge = newer, .baton = policy,
        .mend = mend
    };
}

/* --- what a change starts from ------------------------------------------------------- */

/* The newer of the record in force here and the one in the store. 0: neither, for somebody's
 * change is about to be taken up. */
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

/* Is there a record, or may there be one, that neither this node nor the store has? */
static int is_behind(const absw_change_t *change, const absw_store_item_t *item,
                     const absw_switch_t *base)
{
    return (change->unsettled && item->found != ABSW_STORE_FOUND)
           || (change->newest > base->generation && change->newest_is_live);
}

int absw_change_target(const absw_policy_t *policy, const absw_log_entry_t *entries, int n,
                       const absw_switch_t *base, absw_switch_t *target)
{
    for (int i = 0; i < n; i++) {
        if (absw_switch_newer(base, &entries[i].rec)) {
            *target = entries[i].rec;
            return entries[i].valid;
        }
    }
    absw_switch_default(policy, target);
    return base->generation == 1;
}

static int find_target(const absw_policy_t *policy, const absw_store_item_t *log,
                       const absw_switch_t *base, absw_switch_t *target, apr_pool_t *pool)
{
    absw_log_entry_t *entries = apr_palloc(pool, ABSW_LOG_MAX * sizeof(*entries));
    int n = log->found == ABSW_STORE_FOUND
            ? absw_log_parse(policy, log->value, log->len, entries) : 0;

    return absw_change_target(policy, entries, n, base, target);
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

/* --- the log ------------------------------------------------------------------------- */

/* The log of item with these two in it. A base of generation 0 is no record. */
static absw_store_bytes_t log_with(const absw_policy_t *policy, const absw_store_item_t *item,
                                   const absw_switch_t *base, const absw_switch_t *rec,
                                   apr_pool_t *pool)
{
    char *text = apr_palloc(pool, ABSW_LOG_TEXT_MAX + 1);
    char lines[2][ABSW_SWITCH_TEXT_MAX];
    const absw_log_text_t logs[] = {
        { item->value, item->found == ABSW_STORE_FOUND ? item->len : 0 },
        { lines[0], base->generation > 0 ? absw_switch_format(policy, base, lines[0]) : 0 },
        { lines[1], absw_switch_format(policy, rec, lines[1]) },
    };

    return (absw_store_bytes_t){ text, absw_log_unite(policy, logs, 3, text, pool) };
}

/* The record that the change started from may not be in the log yet, and a rollback goes by it. */
static void enter_in_log(absw_store_t *store, const absw_policy_t *policy,
                         absw_store_item_t *item, const absw_switch_t *base,
                         absw_change_made_t *made, apr_pool_t *pool)
{
    absw_store_result_e result = ABSW_STORE_CONFLICT;

    for (int i = 0; i < TRIES && result == ABSW_STORE_CONFLICT; i++) {
        absw_store_bytes_t log;

        if ((i > 0 && !store->ops->get(store, item, 1, pool))
            || item->found == ABSW_STORE_BUSY || item->found == ABSW_STORE_UNKNOWN) {
            return;
        }
        log = log_with(policy, item, base, &made->rec, pool);
        result = item->found == ABSW_STORE_FOUND
                 ? store->ops->cas(store, item->key, item->cas, log.bytes, log.len, 0, pool)
                 : store->ops->add(store, item->key, log.bytes, log.len, 0, pool);
        if (result == ABSW_STORE_DONE) {
            made->log = log.bytes;
            made->log_len = log.len;
        }
    }
}

/* --- the change ---------------------------------------------------------------------- */

/* One attempt. CONFLICT in *wrote: somebody else was first. */
static absw_change_result_e attempt(absw_store_t *store, const absw_policy_t *policy,
                                    const absw_board_app_t *place, const absw_change_t *change,
                                    const absw_switch_who_t *who, absw_change_made_t *made,
                                    absw_store_result_e *wrote, apr_pool_t *pool)
{
    absw_store_item_t items[2] = {
        absw_change_item(policy, 1, pool),
        { .key = absw_change_key(policy, "log", pool), .mend = 1 },
    };
    absw_switch_t base, next;
    absw_change_result_e result;
    int settled;

    *wrote = ABSW_STORE_FAILED;
    store->ops->get(store, items, 2, pool);
    if (items[0].found == ABSW_STORE_UNKNOWN
        || (change->what == ABSW_CHANGE_ROLLBACK && items[1].found == ABSW_STORE_UNKNOWN)) {
        return ABSW_CHANGE_UNREACHABLE;
    }
    settled = find_base(policy, place, &items[0], &base);
    made->generation = base.generation;
    if (base.generation != change->generation) {
        return ABSW_CHANGE_PASSED;
    }
    if (!settled || is_behind(change, &items[0], &base)) {
        return ABSW_CHANGE_PENDING;
    }
    next = base;
    if (change->newest > next.generation) {
        next.generation = change->newest;   /* nobody is left who could bring that record */
    }
    result = apply(policy, change, who, &items[1], &next, &made->rec, pool);
    if (result != ABSW_CHANGE_DONE) {
        return result;
    }
    *wrote = absw_change_write(store, policy, &items[0], &made->rec, pool);
    if (*wrote != ABSW_STORE_DONE) {
        return *wrote == ABSW_STORE_CONFLICT ? ABSW_CHANGE_PENDING : ABSW_CHANGE_UNREACHABLE;
    }
    made->generation = made->rec.generation;
    enter_in_log(store, policy, &items[1], &base, made, pool);
    return ABSW_CHANGE_DONE;
}

absw_change_result_e absw_change_make(absw_store_t *store, const absw_policy_t *policy,
                                      const absw_board_app_t *place,
                                      const absw_change_t *change,
                                      const absw_switch_who_t *who, absw_change_made_t *made,
                                      apr_pool_t *pool)
{
    absw_store_result_e wrote = ABSW_STORE_CONFLICT;
    absw_change_result_e result = ABSW_CHANGE_PENDING;

    memset(made, 0, sizeof(*made));
    /* who was not first looks again, and then says by which generation it has passed */
    for (int i = 0; i < TRIES && wrote == ABSW_STORE_CONFLICT; i++) {
        result = attempt(store, policy, place, change, who, made, &wrote, pool);
    }
    return result;
}
