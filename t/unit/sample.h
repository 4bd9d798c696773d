/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

/** What the tables of these tests are written against: /contact with three sides of its own. */

enum { SIDE_A, SIDE_B, SIDE_C, SAMPLE_SIDES };

#define SAMPLE_MAX_LOGIN 28800
#define SAMPLE_NOW       APR_INT64_C(1763800000)
#define COUNT_OF(a)      (sizeof(a) / sizeof((a)[0]))

static inline absw_policy_t sample_policy(void)
{
    absw_policy_t policy = {
        .name = "contact",
        .launchpad = "/contact",
        .sides_n = SAMPLE_SIDES,
        .sides = {
            [SIDE_A] = { .name = "A", .path = "/contact/A", .path_len = 10 },
            [SIDE_B] = { .name = "B", .path = "/contact/B", .path_len = 10 },
            [SIDE_C] = { .name = "C", .path = "/else/where", .path_len = 11 },
        },
        .default_side = SIDE_A,
        .max_login = SAMPLE_MAX_LOGIN,
        .idle = 1800,
        .bookmarks = ABSW_BOOKMARKS_HOME,
    };
    return policy;
}

#endif
