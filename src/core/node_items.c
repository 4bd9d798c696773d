/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "node_parts.h"

/* The keys of an application, and what of two mirrors' values holds. */

const char *absw_node_key(const absw_tick_t *tick, const absw_known_t *known, const char *name)
{
    return apr_pstrcat(tick->pool, "abswitch:", known->app->policy->name, ":node:", name, NULL);
}

const char *absw_node_members_key(const absw_tick_t *tick, const absw_known_t *known, int side,
                                  const char *name)
{
    return apr_pstrcat(tick->pool, "abswitch:", known->app->policy->name, ":members:",
                       known->app->policy->sides[side].name, ":", name, NULL);
}

/* --- which of two mirrors' values holds ---------------------------------------------- */

static absw_store_bytes_t newer_record(const void *baton, absw_store_bytes_t first,
                                       absw_store_bytes_t second, apr_pool_t *pool)
{
    absw_record_t *records = apr_palloc(pool, 2 * sizeof(*records));
    char why[ABSW_RECORD_WHY];
    int is_first = absw_record_decode(baton, first.bytes, first.len, &records[0], why);
    int is_second = absw_record_decode(baton, second.bytes, second.len, &records[1], why);

    return is_second && (!is_first || absw_record_newer(&records[1], &records[0])) ? second
                                                                                   : first;
}

static absw_store_bytes_t both_rosters(const void *baton, absw_store_bytes_t first,
                                       absw_store_bytes_t second, apr_pool_t *pool)
{
    absw_roster_t *rosters = apr_palloc(pool, 2 * sizeof(*rosters));
    absw_store_bytes_t both;

    (void)baton;
    if (!absw_roster_parse(second.bytes, second.len, &rosters[1], pool)) {
        return first;
    }
    if (!absw_roster_parse(first.bytes, first.len, &rosters[0], pool)) {
        return second;
    }
    for (int i = 0; i < rosters[1].n; i++) {
        absw_roster_add(&rosters[0], rosters[1].names[i], pool);
    }
    both.bytes = absw_roster_format(&rosters[0], pool);
    both.len = strlen(both.bytes);
    return both;
}

/* --- items of a get -------------------------------------------------------------------- */

static absw_store_item_t item_of(const absw_policy_t *policy, const char *key,
                                 absw_store_merge_t merge, int mend)
{
    return (absw_store_item_t){ .key = key, .merge = merge, .baton = policy, .mend = mend };
}

absw_store_item_t absw_node_roster_item(const absw_policy_t *policy, apr_pool_t *pool)
{
    return item_of(policy, absw_change_key(policy, "nodes", pool), both_rosters, 1);
}

absw_store_item_t absw_node_record_item(const absw_policy_t *policy, const char *name,
                                        apr_pool_t *pool)
{
    return item_of(policy, apr_pstrcat(pool, "abswitch:", policy->name, ":node:", name, NULL),
                   newer_record, 0);
}

absw_store_item_t absw_node_epoch_item(const absw_policy_t *policy, apr_pool_t *pool)
{
    return item_of(policy, absw_change_key(policy, "epoch", pool), NULL, 1);
}

absw_store_item_t absw_node_count_item(const absw_policy_t *policy, int side, apr_pool_t *pool)
{
    return item_of(policy, apr_pstrcat(pool, "abswitch:", policy->name, ":count:",
                                       policy->sides[side].name, NULL), NULL, 0);
}
