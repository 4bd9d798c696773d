/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_CHANGE_H
#define ABSW_CHANGE_H

#include "board.h"
#include "log.h"
#include "store.h"

/**
 * Making a change of the switch in the store, and entering it in the log: what the manager does for
 * its user and the sync does for AutoClose. Nothing is in force on the node by this alone; see
 * absw_node_change().
 */

typedef enum {
    ABSW_CHANGE_FLIP,           /* side */
    ABSW_CHANGE_WEIGHTS,        /* weight */
    ABSW_CHANGE_ROLLBACK,
    ABSW_CHANGE_CLOSE,          /* side */
    ABSW_CHANGE_REOPEN          /* side */
} absw_change_e;

typedef struct {
    absw_change_e what;
    int side;
    apr_uint32_t weight[ABSW_SIDES_MAX];
    apr_int64_t generation;     /* the one the sender saw */

    /* of a cluster, else 0 */
    apr_int64_t newest;         /* generation that any node is known to have */
    int newest_is_live;         /* one that has it is live, so its record will come */
    int unsettled;              /* the store is young: that it has no record means nothing */
} absw_change_t;

typedef enum {
    ABSW_CHANGE_DONE,
    ABSW_CHANGE_PASSED,         /* the switch is another by now than the sender saw */
    ABSW_CHANGE_PENDING,        /* somebody's change is there that is not taken up yet */
    ABSW_CHANGE_SAME,           /* nothing would change */
    ABSW_CHANGE_NONE_OPEN,      /* it would close the only open side */
    ABSW_CHANGE_NOT_CLOSED,     /* reopen of a side that is not closed */
    ABSW_CHANGE_NO_TARGET,      /* there is nothing to roll back to */
    ABSW_CHANGE_EXHAUSTED,      /* no generation is left */
    ABSW_CHANGE_NODE_LIVE,      /* retire: of a node that reports */
    ABSW_CHANGE_NODE_UNKNOWN,   /* retire: of a node that is not in the roster */
    ABSW_CHANGE_NODE_ALONE,     /* retire: there is no roster, the store is `solo` */
    ABSW_CHANGE_UNREACHABLE,    /* the store; it may or may not have been done */
    ABSW_CHANGE_RESULT_COUNT
} absw_change_result_e;

/** One sentence for the sender, why it was not done. Static. */
const char *absw_change_result_text(absw_change_result_e result);

/** What came of it. */
typedef struct {
    absw_switch_t rec;          /* the new record, of ABSW_CHANGE_DONE */
    apr_int64_t generation;     /* the present one, as far as it is known here */
    const char *log;            /* the log with it, in pool; NULL: it could not be written */
    apr_size_t log_len;
} absw_change_made_t;

/**
 * Make the change by cas, from the newer of the record in force here and the one in the store, and
 * enter both in the log. A log that cannot be written fails nothing: the sync enters what is in
 * force. Safe in any thread with a store handle of its own; waits for the store. place: for the
 * record in force.
 */
absw_change_result_e absw_change_make(absw_store_t *store, const absw_policy_t *policy,
                                      const absw_board_app_t *place,
                                      const absw_change_t *change,
                                      const absw_switch_who_t *who, absw_change_made_t *made,
                                      apr_pool_t *pool);

/** The item for a get of the switch; of two mirrors' values the newer one, or a hand's, holds. */
absw_store_item_t absw_change_item(const absw_policy_t *policy, int mend, apr_pool_t *pool);

/**
 * The record in force on this node, by default before there is any. Returns 0 if its open sides are
 * all gone from the configuration: then the default side was opened in rec.
 */
int absw_change_in_force(const absw_policy_t *policy, const absw_board_app_t *place,
                         absw_switch_t *rec);

/**
 * The record before base, among the n entries of the log, newest first: where a rollback leads. 0:
 * there is none that can be gone back to.
 */
int absw_change_target(const absw_policy_t *policy, const absw_log_entry_t *entries, int n,
                       const absw_switch_t *base, absw_switch_t *target);

/** Write rec in place of what item holds, by cas, or by add where there is nothing. */
absw_store_result_e absw_change_write(absw_store_t *store, const absw_policy_t *policy,
                                      const absw_store_item_t *item, const absw_switch_t *rec,
                                      apr_pool_t *pool);

/** "abswitch:<app>:<what>" in pool. */
const char *absw_change_key(const absw_policy_t *policy, const char *what, apr_pool_t *pool);

#endif
