/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_FACTS_H
#define ABSWITCH_FACTS_H

#include "headers.h"
#include "session.h"

/** request_rec -> facts. */

typedef struct {
    absw_facts_t facts;         /* points into this struct: do not copy it */
    absw_switch_t switch_now;   /* as much of it as the board's view has */
    abswitch_session_t session; /* if there is one: facts.token is its token then */
    absw_side_state_e state[ABSW_SIDES_MAX];    /* if it is settled, of the path's side alone */
    int settled;                /* absw_decide_settled */
    request_rec *r;
    const abswitch_app_t *app;
} abswitch_facts_t;

/**
 * Everything a decision needs to know of r; cookie is its Cookie header, or NULL. The headers that
 * say what a request is and where it comes from, and the other sides, are not even looked at where
 * they cannot matter (absw_decide_settled).
 */
void abswitch_facts_gather(request_rec *r, const abswitch_request_t *ours,
                           const char *cookie, abswitch_facts_t *facts);

/** Seconds until the session's cut-off (login: of its token; 0: there is none) or the deadline
 * of side, whichever is first; -1 if there is neither. */
absw_sec_t abswitch_facts_expires(const abswitch_facts_t *facts, int side, absw_sec_t login);

#endif
