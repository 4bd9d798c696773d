/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "census.h"

typedef struct {
    const absw_census_rule_t *rules;
    absw_census_count_t *counts;
    apr_uint32_t places;
    absw_sec_t now;
    int sweep;
    const absw_census_watch_t *watch;
    int ahead;                  /* a session was seen after now */
} walk_t;

/* When the session stops being counted if nobody clicks. */
static absw_sec_t ends_at(const absw_census_rule_t *rule, const absw_table_seen_t *seen)
{
    absw_sec_t end = seen->last + rule->idle;

    if (rule->max_login > 0 && seen->login + rule->max_login < end) {
        end = seen->login + rule->max_login;
    }
    return end;
}

/* A closing ends the side's sessions, where they are visitors, too; testers' it does not end. */
static int has_ended(const walk_t *walk, const absw_table_seen_t *seen)
{
    const absw_census_rule_t *home = &walk->rules[seen->home];

    return !home->configured
           || (!seen->tester && (home->closed || walk->rules[seen->place].closed));
}

/* 1 if the slot is of no use any more. */
static int count(void *baton, const absw_table_seen_t *seen)
{
    walk_t *walk = baton;
    const absw_census_rule_t *rule;
    absw_census_count_t *counted;
    absw_sec_t end;

    walk->ahead |= seen->last > walk->now + ABSW_CENSUS_AHEAD;
    if (walk->watch->has_ended && walk->watch->has_ended(walk->watch->baton, seen)) {
        return 1;
    }
    if (seen->place >= walk->places || seen->home >= walk->places) {
        return walk->sweep;
    }
    rule = &walk->rules[seen->place];
    if (!rule->configured) {
        return walk->sweep && walk->now >= seen->last + ABSW_CENSUS_UNCONFIGURED;
    }
    end = ends_at(rule, seen);
    if (walk->now >= end || has_ended(walk, seen)) {
        return walk->sweep;
    }
    counted = &walk->counts[seen->place];
    if (seen->tester) {
        counted->testers++;
        return 0;
    }
    counted->sessions++;
    if (end > counted->empty_at) {
        counted->empty_at = end;
    }
    if (walk->watch->counted) {
        walk->watch->counted(walk->watch->baton, seen, end);
    }
    return 0;
}

int absw_census_watch(absw_table_t *table, const absw_census_rule_t *rules,
                      absw_census_count_t *counts, apr_uint32_t places, absw_sec_t now,
                      int sweep, const absw_census_watch_t *watch)
{
    walk_t walk = {
        .rules = rules, .counts = counts, .places = places, .now = now, .sweep = sweep,
        .watch = watch
    };

    memset(counts, 0, places * sizeof(*counts));
    absw_table_scan(table, count, &walk);
    return walk.ahead;
}

int absw_census_take(absw_table_t *table, const absw_census_rule_t *rules,
                     absw_census_count_t *counts, apr_uint32_t places, absw_sec_t now,
                     int sweep)
{
    static const absw_census_watch_t nobody = { 0 };

    return absw_census_watch(table, rules, counts, places, now, sweep, &nobody);
}
