/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_GATE_H
#define ABSW_GATE_H

#include "absw.h"

/**
 * Many paths, and one cheap look at a request's: most requests of a server lie below none of
 * them, and shall not pay for that. The gate knows what all the paths begin with, and which bytes
 * may follow. Made once at configuration time, read only afterwards. Paths as in policy.h.
 */
typedef struct {
    const char *common;         /* what all of them begin with; belongs to the pool */
    apr_size_t len;
    unsigned char next[256];    /* by byte: may it follow? */
} absw_gate_t;

/** A gate for n paths; for none, one that nothing passes. */
void absw_gate_make(apr_pool_t *pool, const char *const *paths, int n, absw_gate_t *gate);

/**
 * NULL: path lies at or below none of them. Else what follows gate->common in it, to be compared
 * with what follows it in each of them (absw_gate_below).
 */
static inline const char *absw_gate_pass(const absw_gate_t *gate, const char *path)
{
    /* Most paths differ in the second byte, so no call is worth its while. */
    for (apr_size_t i = 0; i < gate->len; i++) {
        if (path[i] != gate->common[i]) {
            return NULL;
        }
    }
    path += gate->len;
    return gate->next[(unsigned char)*path] ? path : NULL;
}

/** Does path lie at or below base, by whole segments? Then the rest, "" or beginning with "/". */
static inline const char *absw_gate_below(const char *base, const char *path)
{
    for (; *base != '\0'; base++, path++) {
        if (*base != *path) {
            return NULL;
        }
    }
    return *path == '/' || *path == '\0' ? path : NULL;
}

#endif
