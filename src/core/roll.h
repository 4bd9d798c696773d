/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_ROLL_H
#define ABSW_ROLL_H

#include "census.h"
#include "ends.h"
#include "members.h"

/**
 * Calling the roll: the census with names. One walk over the node's session table that counts
 * every side, lists its members and when they end, and ends the sessions that ended elsewhere.
 */

typedef struct {
    absw_census_count_t count;
    absw_hist_t hist;           /* of the sessions counted; width by the rule's idle */
    absw_members_t *members;    /* of the same, limit ABSW_MEMBERS_EXACT; NULL: not configured */
} absw_roll_t;

/**
 * As absw_census_take(), with the same rules and return value. roll[i] is what place i has.
 * Sessions in `ended` (or NULL), whose last activity is not later than their end, are freed first
 * and not counted, whether sweep is set or not. pool: members' memory.
 */
int absw_roll_take(absw_table_t *table, const absw_census_rule_t *rules, absw_roll_t *roll,
                   apr_uint32_t places, absw_sec_t now, int sweep, const absw_ended_t *ended,
                   apr_pool_t *pool);

#endif
