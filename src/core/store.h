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
 *
 * A store of several servers keeps everything on each of them (mirrors):
 *
 * - A write goes to every server that is not known to be lost, and is DONE when one has it.
 *   add() and cas() are decided by the first server in the configured order that is up; what it
 *   took is then set on the others.
 * - A get asks all and is complete when one has answered in full. A key that any of them has is
 *   FOUND; where their values differ, `merge` says which one holds (the newer switch, the newer
 *   record of a node, the union of rosters), else the first server's does.
 * - With `mend` a get brings the servers that lack the value or have another one up to date, by
 *   add and cas. So it is for keys that live for ever (switch, epoch, nodes, log). The others
 *   their writers write anew, see `losses`.
 */

#define ABSW_STORE_KEY_MAX   200
#define ABSW_STORE_VALUE_MAX 262144     /* bytes; of a longer value one more is handed out, any */
#define ABSW_STORE_TTL_MAX   2592000    /* seconds: memcached takes more for a date; cut to this */

typedef enum {
    ABSW_STORE_UP,
    ABSW_STORE_DEGRADED,        /* some servers are lost or take no writes, nothing else is */
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

/** Bytes of a value, hostile. */
typedef struct {
    const char *bytes;
    apr_size_t len;             /* ABSW_STORE_VALUE_MAX + 1: it is too long, and not all here */
} absw_store_bytes_t;

/**
 * A key has two values, on two mirrors: which one holds? Returns first, second, or one made of
 * both, in pool. Neither is better: first.
 */
typedef absw_store_bytes_t (*absw_store_merge_t)(const void *baton, absw_store_bytes_t first,
                                                 absw_store_bytes_t second, apr_pool_t *pool);

/** One key of a get. The caller sets what is marked so, the store all else. */
typedef struct {
    const char *key;            /* caller */
    absw_store_merge_t merge;   /* caller; NULL: the first server that has the key decides */
    const void *baton;          /* caller; for merge */
    int mend;                   /* caller; 1: lives for ever, and get() may write it to mirrors */
    absw_store_found_e found;
    const char *value;          /* of FOUND; lives until the next get of this key, or the pool */
    apr_size_t len;
    apr_uint64_t cas;           /* token for cas() on this handle; never 0 when FOUND */
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
    const char *why;            /* why it is DOWN, or UP and takes no writes: words; or NULL */
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

    /** Write whatever is there. ttl in seconds, 0: for ever. What FAILED may be gone. */
    absw_store_result_e (*set)(absw_store_t *store, const char *key, const char *value,
                               apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool);

    /** Write if the key is absent, else CONFLICT. */
    absw_store_result_e (*add)(absw_store_t *store, const char *key, const char *value,
                               apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool);

    /** Write if the value is still the one that came with the token, else CONFLICT. */
    absw_store_result_e (*cas)(absw_store_t *store, const char *key, apr_uint64_t token,
                               const char *value, apr_size_t len, apr_uint32_t ttl,
                               apr_pool_t *pool);

    /**
     * State, after the last operation (DOWN before the first, if it has servers), and servers
     * (*servers, in pool; *n). The thread that uses the handle.
     */
    absw_store_state_e (*state)(const absw_store_t *store, apr_pool_t *pool,
                                const absw_store_server_t **servers, int *n);
} absw_store_ops_t;

#define ABSW_STORE_WHY_MAX 200

/** The beginning of every store's own structure. */
struct absw_store_t {
    const absw_store_ops_t *ops;
    char why[ABSW_STORE_WHY_MAX];   /* of the last write that FAILED: words for a log line */

    /**
     * Grows when a server may lack what was written before: it was found empty, or answers again
     * after it did not. Whoever sees it grow writes everything of theirs anew, changed or not.
     */
    apr_uint32_t losses;
};

#endif
