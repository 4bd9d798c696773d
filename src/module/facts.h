/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_FACTS_H
#define ABSWITCH_FACTS_H

#include "headers.h"
#include "module.h"

/** request_rec -> facts. */

typedef struct {
    absw_facts_t facts;         /* points into this struct: do not copy it */
    absw_switch_t switch_now;   /* as much of it as the board's view has */
    absw_token_t token;
    absw_side_state_e state[ABSW_SIDES_MAX];
    request_rec *r;
    const abswitch_app_t *app;
} abswitch_facts_t;

/**
 * Everything a decision needs to know of r. The headers that say what a request is and where it
 * comes from are not even looked at where they cannot matter (absw_decide_settled).
 */
void abswitch_facts_gather(request_rec *r, const abswitch_request_t *ours,
                           abswitch_facts_t *facts);

/** Seconds until the session's cut-off (login: of its token; 0: there is none) or the deadline
 * of side, whichever is first; -1 if there is neither. */
absw_sec_t abswitch_facts_expires(const abswitch_facts_t *facts, int side, absw_sec_t login);

#endif
