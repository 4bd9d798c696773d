/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_H
#define ABSW_STORE_H

#include "absw.h"

/**
 * The operations that a store offers: where nodes share the switch and what they count. A
 * handle is made and used by one thread; it is never shared across fork.
 *
 * Keys are printable ASCII without spaces, as in contract section 8. Values are any bytes,
 * written by others, hostile until parsed.
 */

#define ABSW_STORE_KEY_MAX   200
#define ABSW_STORE_VALUE_MAX 65536      /* bytes; of a longer value one more is handed out, any */

typedef enum {
    ABSW_STORE_UP,
    ABSW_STORE_DEGRADED,        /* some servers are lost, nothing else is */
    ABSW_STORE_DOWN,
    ABSW_STORE_STATE_COUNT
} absw_store_state_e;

/** "up", "degraded", "down". Static. */
const char *absw_store_state_name(absw_store_state_e state);

typedef enum {
    ABSW_STORE_UNKNOWN,         /* no answer about this key: it says nothing, not even absence */
    ABSW_STORE_ABSENT,
    ABSW_STORE_FOUND,
    ABSW_STORE_BUSY             /* is being written right now: ask again next time */
} absw_store_found_e;

/** One key of a get. The caller sets key, the store all else. */
typedef struct {
    const char *key;
    absw_store_found_e found;
    const char *value;          /* of FOUND; lives until the next get of this key, or the pool */
    apr_size_t len;
    apr_uint64_t cas;           /* token for cas(); never 0 when FOUND */
    const char *why;            /* of UNKNOWN: words for a log line, in pool; or NULL */
} absw_store_item_t;

typedef enum {
    ABSW_STORE_DONE,
    ABSW_STORE_CONFLICT,        /* the value is another by now: get it again */
    ABSW_STORE_FAILED           /* it may or may not have been done: get it again */
} absw_store_result_e;

typedef struct {
    const char *server;
    absw_store_state_e state;   /* UP or DOWN */
} absw_store_server_t;

typedef struct absw_store_t absw_store_t;

typedef struct {
    const char *type;           /* "local", "memcache" */
    const char *hand;           /* by whom a bare value is said to come: "file", "key" */
    int solo;                   /* nobody else can be there: a failed write changes nothing */

    /**
     * Get n keys at once. Returns 1 if the answer is complete: every item is ABSENT, FOUND or
     * BUSY, and an ABSENT one is absent. pool: for values and words.
     */
    int (*get)(absw_store_t *store, absw_store_item_t *items, int n, apr_pool_t *pool);

    /** Write whatever is there. ttl in seconds, 0: for ever. */
    absw_store_result_e (*set)(absw_store_t *store, const char *key, const char *value,
                               apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool);

    /** Write if the key is absent, else CONFLICT. */
    absw_store_result_e (*add)(absw_store_t *store, const char *key, const char *value,
                               apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool);

    /** Write if the value is still the one that came with the token, else CONFLICT. */
    absw_store_result_e (*cas)(absw_store_t *store, const char *key, apr_uint64_t token,
                               const char *value, apr_size_t len, apr_uint32_t ttl,
                               apr_pool_t *pool);

    /** State, after the last operation, and servers (*servers, in pool; *n). Any thread. */
    absw_store_state_e (*state)(const absw_store_t *store, apr_pool_t *pool,
                                const absw_store_server_t **servers, int *n);
} absw_store_ops_t;

#define ABSW_STORE_WHY_MAX 200

/** The beginning of every store's own structure. */
struct absw_store_t {
    const absw_store_ops_t *ops;
    char why[ABSW_STORE_WHY_MAX];   /* of the last write that FAILED: words for a log line */
};

#endif
