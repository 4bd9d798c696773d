/* SPDX-License-Identifier: Apache-2.0 */
#include "roll.h"

typedef struct {
    absw_roll_t *roll;
    const absw_ended_t *ended;
} walk_t;

static int has_ended(void *baton, const absw_table_seen_t *seen)
{
    walk_t *walk = baton;
    absw_sec_t at = absw_ended_at(walk->ended, seen->place / ABSW_SIDES_MAX,
                                  absw_members_hash(seen->id));

    return at > 0 && seen->last <= at;
}

static void list(void *baton, const absw_table_seen_t *seen, absw_sec_t ends)
{
    walk_t *walk = baton;
    absw_roll_t *roll = &walk->roll[seen->place];

    absw_hist_add(&roll->hist, ends, 1);
    absw_members_add(roll->members, absw_members_hash(seen->id), ends);
}

int absw_roll_take(absw_table_t *table, const absw_census_rule_t *rules, absw_roll_t *roll,
                   apr_uint32_t places, absw_sec_t now, int sweep, const absw_ended_t *ended,
                   apr_pool_t *pool)
{
    absw_census_count_t *counts = apr_pcalloc(pool, places * sizeof(*counts));
    walk_t walk = { .roll = roll, .ended = ended };
    absw_census_watch_t watch = {
        .has_ended = ended ? has_ended : NULL, .counted = list, .baton = &walk
    };
    int ahead;

    for (apr_uint32_t i = 0; i < places; i++) {
        absw_hist_begin(&roll[i].hist, absw_bucket_width(rules[i].idle));
        roll[i].members = rules[i].configured ? absw_members_make(pool, ABSW_MEMBERS_EXACT)
                                              : NULL;
    }
    ahead = absw_census_watch(table, rules, counts, places, now, sweep, &watch);
    for (apr_uint32_t i = 0; i < places; i++) {
        roll[i].count = counts[i];
    }
    return ahead;
}
