/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_CENSUS_H
#define ABSW_CENSUS_H

#include "table.h"

/**
 * The census: one walk over the node's session table that counts every side of every
 * application. Pure but for the table; any thread.
 *
 * A session is counted at now if it was seen less than idle ago and began less than max_login ago,
 * and its side is not closed. Testers are counted apart, on a closed side too.
 */

/** What holds for a place (board.h). All zero: no configured side has it. */
typedef struct {
    int configured;
    int closed;
    absw_sec_t idle;
    absw_sec_t max_login;       /* 0: none */
} absw_census_rule_t;

typedef struct {
    apr_uint32_t sessions;
    apr_uint32_t testers;
    absw_sec_t empty_at;        /* the last counted session ends then if nobody clicks; 0: none */
} absw_census_count_t;

/** A session last seen so many seconds ahead of the clock shows that the clock was set back. */
#define ABSW_CENSUS_AHEAD 60

/** A place without a configured side keeps its sessions for so long: it may come back. */
#define ABSW_CENSUS_UNCONFIGURED 86400

/**
 * Count at now: counts[i] is what place i has, by rules[i], for `places` places. With sweep,
 * slots that no longer count are freed on the way. Returns 1 if a session was seen more than a
 * minute after now, so that the clock was set back (absw_table_set_back).
 */
int absw_census_take(absw_table_t *table, const absw_census_rule_t *rules,
                     absw_census_count_t *counts, apr_uint32_t places, absw_sec_t now,
                     int sweep);

/** Who watches a census; either function may be NULL. */
typedef struct {
    /** Has it ended for another reason? Asked of every session; 1: it is freed, not counted. */
    int (*has_ended)(void *baton, const absw_table_seen_t *seen);
    /** It was counted, as a session, and stops being so at `ends` if nobody clicks. */
    void (*counted)(void *baton, const absw_table_seen_t *seen, absw_sec_t ends);
    void *baton;
} absw_census_watch_t;

/** The same, watched. */
int absw_census_watch(absw_table_t *table, const absw_census_rule_t *rules,
                      absw_census_count_t *counts, apr_uint32_t places, absw_sec_t now,
                      int sweep, const absw_census_watch_t *watch);

#endif
