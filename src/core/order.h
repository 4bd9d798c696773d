/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_ORDER_H
#define ABSW_ORDER_H

#include "change.h"

/**
 * An order: what a form of the manager asks for (contract section 7), read from its body. Pure
 * but for the memory. The text is hostile.
 */

#define ABSW_ORDER_TEXT_MAX 4096    /* bytes of a form */
#define ABSW_ORDER_NOTE_MAX 200     /* characters of a note */

typedef enum {
    ABSW_ORDER_FLIP,
    ABSW_ORDER_WEIGHTS,
    ABSW_ORDER_ROLLBACK,
    ABSW_ORDER_CLOSE,
    ABSW_ORDER_REOPEN,
    ABSW_ORDER_RETIRE,
    ABSW_ORDER_COUNT
} absw_order_e;

/** "flip", "weights", ... as in the form. Static. */
const char *absw_order_name(absw_order_e action);

/** The fields, decoded, in the pool that was given; what the action does not have is NULL. */
typedef struct {
    absw_order_e action;
    const char *app;            /* may be no application's name, or none at all */
    const char *side;
    const char *weights;
    const char *node;           /* the name of a node */
    const char *token;
    const char *note;           /* "" if there is none; clean, at most ABSW_ORDER_NOTE_MAX */
    apr_int64_t generation;     /* the one the sender saw */
} absw_order_t;

/**
 * Read a form of len bytes, NUL-terminated. NULL, or what is wrong with it: a sentence without its
 * capital and full stop, which quotes nothing of the form.
 */
const char *absw_order_read(const char *text, apr_size_t len, absw_order_t *order,
                            apr_pool_t *pool);

/**
 * The change of policy's switch that is asked for, of any action but ABSW_ORDER_RETIRE. NULL, or
 * what is wrong with it, as above.
 */
const char *absw_order_change(const absw_order_t *order, const absw_policy_t *policy,
                              absw_change_t *change);

#endif
