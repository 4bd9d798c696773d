/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

#include "policy.h"

/**
 * A fuzz target is one file, fuzz_NAME.c, that defines fuzz(): what it does with any bytes, and the
 * properties that hold whatever they are. libFuzzer (make fuzz) or replay.c (make check) calls it,
 * once for each input. Whoever adds a target adds seeds: seeds/NAME/.
 */

#define FUZZ_NOW    APR_INT64_C(1763800000)

/** One input, taken apart from its beginning. */
typedef struct {
    const char *at;
    size_t len;
    apr_pool_t *pool;           /* cleared after the input */
} fuzz_t;

void fuzz(fuzz_t *in);

/** A property: printed and the end of the process if it does not hold. */
#define FUZZ_HOLDS(property) \
    ((property) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #property))

static inline void fuzz_fail(const char *file, int line, const char *property)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
    abort();
}

static apr_status_t fuzz_free(void *data)
{
    free(data);
    return APR_SUCCESS;
}

/**
 * len bytes in memory of their own, so that the sanitizer sees a read behind them; they live as
 * long as the input. with_nul: one more byte, 0, as for text.
 */
static inline char *fuzz_copy(fuzz_t *in, const char *bytes, size_t len, int with_nul)
{
    char *copy = malloc(len + 1);

    if (!with_nul) {
        free(copy);
        copy = malloc(len ? len : 1);
    }
    if (!copy) {
        abort();
    }
    memcpy(copy, bytes, len);
    if (with_nul) {
        copy[len] = '\0';
    }
    apr_pool_cleanup_register(in->pool, copy, fuzz_free, apr_pool_cleanup_null);
    return copy;
}

/** The next line as text, without its end; "" when there is none. */
static inline char *fuzz_line(fuzz_t *in)
{
    const char *end = memchr(in->at, '\n', in->len);
    size_t len = end ? (size_t)(end - in->at) : in->len;
    char *line = fuzz_copy(in, in->at, len, 1);

    in->at += len + (end ? 1 : 0);
    in->len -= len + (end ? 1 : 0);
    return line;
}

/** All that is left, as bytes. */
static inline char *fuzz_rest(fuzz_t *in, size_t *len)
{
    char *rest = fuzz_copy(in, in->at, in->len, 0);

    *len = in->len;
    in->at += in->len;
    in->len = 0;
    return rest;
}

/** The next n bytes (at most 8) as a number; those that are missing are 0. */
static inline apr_uint64_t fuzz_number(fuzz_t *in, size_t n)
{
    apr_uint64_t number = 0;

    for (size_t i = 0; i < n; i++) {
        number <<= 8;
        if (in->len > 0) {
            number |= (unsigned char)*in->at++;
            in->len--;
        }
    }
    return number;
}

/** What the targets are configured for: two sides below the launchpad, one that lies elsewhere. */
static inline const absw_policy_t *fuzz_policy(void)
{
    static const absw_policy_t policy = {
        .name = "contact",
        .launchpad = "/contact",
        .sides_n = 3,
        .sides = {
            { .name = "A", .path = "/contact/A", .path_len = 10 },
            { .name = "B", .path = "/contact/B", .path_len = 10 },
            { .name = "C", .path = "/else/where", .path_len = 11 },
        },
        .max_login = 28800,
        .idle = 1800,
    };
    return &policy;
}

#endif
