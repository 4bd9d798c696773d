/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_MANAGER_H
#define CTL_MANAGER_H

#include "ctl.h"

/**
 * Questions to the manager and changes by it: HTTP answers -> reports, or an exit status and a
 * sentence.
 */

/** What came of asking. In the pool of the request. */
typedef struct {
    ctl_exit_e status;              /* CTL_DONE, CTL_FAILED, CTL_UNREACHABLE */
    const char *why;                /* a sentence without its full stop, if not CTL_DONE */
    const char *text;               /* the JSON itself */
    apr_size_t len;
    ctl_report_t report;
    const ctl_app_t *app;           /* the one that was asked for, or NULL */
} ctl_answer_t;

/** Ask for an application, or for all (NULL). */
void ctl_manager_ask(ctl_t *ctl, const char *app, apr_pool_t *pool, ctl_answer_t *answer);

/**
 * The side of that name; NULL, and in *why a sentence, if the application has none.
 */
const ctl_side_t *ctl_manager_side(const ctl_app_t *app, const char *name, apr_pool_t *pool,
                                   const char **why);

/** A change. What does not belong to the action is NULL. */
typedef struct {
    const char *action;
    const char *side;
    const char *weights;
    const char *node;
    const char *note;               /* "": none */
} ctl_change_form_t;

/**
 * Have the change made that was decided on by what seen says. If somebody else was first, it is
 * not made, and why says who. *generation: what the switch has now, -1 if the server did not say.
 */
ctl_exit_e ctl_manager_change(ctl_t *ctl, const ctl_answer_t *seen, const ctl_change_form_t *form,
                              apr_pool_t *pool, apr_int64_t *generation, const char **why);

#endif
