/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_LINK_H
#define ABSW_STORE_LINK_H

#include "store.h"
#include "store_address.h"

/**
 * The link to one memcached server: a connection that is made when it is first needed, made anew
 * after everything unexpected, and left alone for a while after a failure (circuit breaker), or
 * until it is seen to answer again.
 * store_link.c is the only file that includes libmemcached. One thread.
 *
 * libmemcached says "not found" for a refused connection, an error and a broken answer, too. So a
 * get ends with a key of our own, the proof: memcached answers in order, and an answer that
 * contains the proof contains everything that is there. A proof that is missing is planted and
 * asked for again; until a connection has been proven nothing else is written to it.
 *
 * Values are hostile and do no harm. A server that is none is noticed before it is written to;
 * one that is made to break libmemcached 1.1.4 does so (it aborts at END in answer to a set, and
 * writes out of bounds for a length close to 2^64): whoever can pose as the server is trusted.
 */

/** Microseconds, not set back: for the breaker alone. */
typedef apr_time_t (*absw_store_clock_t)(void);

typedef struct absw_store_link_t absw_store_link_t;

/** What a write wants to find. */
typedef enum {
    ABSW_STORE_WANT_ANYTHING,
    ABSW_STORE_WANT_NOTHING,
    ABSW_STORE_WANT_OLD         /* the value of the token */
} absw_store_want_e;

/** A write. */
typedef struct {
    absw_store_want_e want;
    apr_uint64_t cas;           /* the server's own token, for WANT_OLD */
    const char *key;
    absw_store_bytes_t value;
    apr_uint32_t ttl;
} absw_store_write_t;

/**
 * A link, in pool, which closes it. place must live as long. timeout: of one wait for the server.
 * pause: no call for so long after a failure, doubling up to pause_max. owner: see
 * absw_store_memcached_make().
 */
typedef struct {
    apr_interval_time_t timeout;
    apr_interval_time_t pause;
    apr_interval_time_t pause_max;
    absw_store_clock_t clock;
    const char *owner;
} absw_store_link_terms_t;

absw_store_link_t *absw_store_link_make(apr_pool_t *pool, const absw_store_place_t *place,
                                        const absw_store_link_terms_t *terms);

/** May it be called, or is it left alone for now? */
int absw_store_link_is_open(const absw_store_link_t *link);

/**
 * Look whether a server that is left alone answers again; if it does, it may be called. Such news
 * is believed once in a pause: who answers this and fails again has overcome nothing. Before a
 * get. Waits no longer than store_scout.h says.
 */
void absw_store_link_look(absw_store_link_t *link);

/** Did it answer the last call? 0 before the first. */
int absw_store_link_is_up(const absw_store_link_t *link);

/** Why it is not up, or up and takes no writes: words; "" if there is nothing to say. */
const char *absw_store_link_why(const absw_store_link_t *link);

/** Grows with every connection, so that a token of an earlier one can be told. Never 0. */
apr_uint16_t absw_store_link_session(const absw_store_link_t *link);

/** How often it was found empty or answered again after a failure: see absw_store_t. */
apr_uint32_t absw_store_link_losses(const absw_store_link_t *link);

/**
 * Get n keys. 1: every item is ABSENT or FOUND, and that is proven; cas is the server's own
 * token, at most ABSW_STORE_CAS_MAX. 0: there is no answer, and the items say nothing.
 */
int absw_store_link_get(absw_store_link_t *link, absw_store_item_t *items, int n,
                        apr_pool_t *pool);

#define ABSW_STORE_CAS_MAX ((APR_UINT64_C(1) << 48) - 1)

/** Write. Of FAILED, the words are in why (ABSW_STORE_WHY_MAX bytes). */
absw_store_result_e absw_store_link_put(absw_store_link_t *link, const absw_store_write_t *write,
                                        char *why, apr_pool_t *pool);

#endif
