/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_MEMBERS_PARTS_H
#define ABSW_MEMBERS_PARTS_H

#include "members.h"

/** How a set lies in memory: for members.c and sheet.c, nobody else. */

typedef struct {
    apr_uint64_t hash;
    apr_uint32_t ends;          /* Unix seconds, until the year 2106; 0: the slot is free */
} absw_member_t;

struct absw_members_t {
    apr_pool_t *pool;
    apr_uint32_t limit;
    apr_uint32_t n;             /* exact: members, expired ones too */
    unsigned bits;              /* exact: there are 2^bits slots */
    apr_uint64_t factor;        /* odd: spreads the hashes over the slots */
    absw_member_t *slots;       /* open addressing, linear probing */
    apr_uint32_t *cells;        /* a sketch: the latest end in each, 0: none; NULL: exact */
};

/** Eight bytes, the least first. Written out, for then compilers make one load of it. */
static inline apr_uint64_t absw_members_word(const unsigned char *at)
{
    return (apr_uint64_t)at[0] | (apr_uint64_t)at[1] << 8 | (apr_uint64_t)at[2] << 16
           | (apr_uint64_t)at[3] << 24 | (apr_uint64_t)at[4] << 32 | (apr_uint64_t)at[5] << 40
           | (apr_uint64_t)at[6] << 48 | (apr_uint64_t)at[7] << 56;
}

/** The cell of a hash. */
static inline apr_uint32_t absw_members_cell(apr_uint64_t hash)
{
    return (apr_uint32_t)(hash % ABSW_MEMBERS_CELLS);
}

/** How many members a sketch has, so many of whose cells are in use. */
apr_uint32_t absw_members_estimate(apr_uint32_t used);

/** Make it a sketch, if it is none. */
void absw_members_to_sketch(absw_members_t *members);

#endif
