/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include "absw.h"

/** Chance that a seed decides. */
typedef struct {
    apr_uint64_t state;
} sim_chance_t;

static inline apr_uint32_t sim_draw(sim_chance_t *chance, apr_uint32_t below)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (apr_uint32_t)(chance->state >> 20) % below;
}

/** Once in so many times; 0: never. */
static inline int sim_once_in(sim_chance_t *chance, apr_uint32_t n)
{
    return n > 0 && sim_draw(chance, n) == 0;
}

#endif
