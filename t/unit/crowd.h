/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CROWD_H
#define CROWD_H

#include <stdlib.h>

#include <apr_general.h>

#include "dice.h"
#include "members.h"
#include "sample.h"
#include "token.h"

/** What the tests of members and of sheets share: users, sets of them, publishing. */

#define NOW     SAMPLE_NOW
#define WIDTH   57
#define IDLE    1800
#define NODES   37

static const absw_sheet_head_t HEAD = {
    .epoch = "00112233445566778899aabbccddeeff", .boot = APR_UINT64_C(0xfedcba9876543210),
    .sequence = 7, .taken = NOW,
};

static inline int set_up(void **state)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    *state = pool;
    return 0;
}

static inline int tear_down(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

/* The hash of user number i: what absw_members_hash makes of an id. */
static inline apr_uint64_t user(apr_uint64_t i)
{
    unsigned char id[ABSW_TOKEN_ID_LEN] = { 0 };

    memcpy(id, &i, sizeof(i));
    return absw_members_hash(id);
}

static inline absw_sec_t rounded(absw_sec_t ends)
{
    return absw_bucket_end(WIDTH, absw_bucket_of(WIDTH, ends));
}

static inline absw_sheet_t *publish(const absw_members_t *members, absw_sec_t now,
                                    apr_pool_t *pool)
{
    apr_size_t len;
    const char *why;
    const char *value = absw_sheet_encode(members, &HEAD, WIDTH, now, pool, &len, NULL);
    char *copy = malloc(len);           /* so that a read behind it is noticed */
    absw_sheet_t *sheet;

    memcpy(copy, value, len);
    sheet = absw_sheet_decode(copy, len, pool, &why);
    memset(copy, 0xaa, len);
    free(copy);
    if (!sheet) {
        fail_msg("%s", why);
    }
    return sheet;
}

static inline apr_uint64_t digest(const absw_members_t *members)
{
    return absw_members_digest(members, 1, 0);
}

/* limit 0: exact; else it becomes a sketch */
static inline absw_members_t *some(dice_t *d, apr_uint32_t limit, apr_pool_t *pool)
{
    absw_members_t *members = absw_members_make(pool, limit);
    apr_uint32_t n = 100 + dice_below(d, 3000);

    for (apr_uint32_t i = 0; i < n; i++) {
        absw_members_add(members, user(dice_below(d, 5000)), NOW + dice_below(d, IDLE));
    }
    return members;
}

#endif
