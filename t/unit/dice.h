/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DICE_H
#define DICE_H

#include "absw.h"

/** Random numbers that are the same in every run: SplitMix64. */
typedef struct {
    apr_uint64_t state;
} dice_t;

static inline apr_uint64_t dice(dice_t *d)
{
    apr_uint64_t x = d->state += APR_UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * APR_UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/** 0 to n - 1. */
static inline apr_uint32_t dice_below(dice_t *d, apr_uint32_t n)
{
    return (apr_uint32_t)((dice(d) >> 32) * n >> 32);
}

#endif
