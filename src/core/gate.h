/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_GATE_H
#define ABSW_GATE_H

#include <string.h>

#include "absw.h"

/**
 * Many paths, and one cheap look at a request's: most requests of a server lie below none of
 * them, and shall not pay for that. The gate knows what all the paths begin with, and which bytes
 * may follow. Made once at configuration time, read only afterwards. Paths as in policy.h.
 */
typedef struct {
    const char *common;         /* what all of them begin with; belongs to the pool */
    apr_size_t len;
    apr_uint64_t next[4];       /* bit b: byte b may follow it */
} absw_gate_t;

/** A gate for n paths; for none, one that nothing passes. */
void absw_gate_make(apr_pool_t *pool, const char *const *paths, int n, absw_gate_t *gate);

/**
 * NULL: path lies at or below none of them. Else what follows gate->common in it, to be compared
 * with what follows it in each of them (absw_gate_below).
 */
static inline const char *absw_gate_pass(const absw_gate_t *gate, const char *path)
{
    const char *common = gate->common;
    unsigned char next;

    /* Most paths differ early, and then a call is too much. */
    if (gate->len > 1 && (path[0] != common[0] || path[1] != common[1])) {
        return NULL;
    }
    if (strncmp(path, common, gate->len) != 0) {
        return NULL;
    }
    path += gate->len;
    next = (unsigned char)*path;
    return gate->next[next / 64] >> next % 64 & 1 ? path : NULL;
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
