/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_DECIDE_H
#define ABSW_DECIDE_H

#include "inside.h"
#include "policy.h"
#include "token.h"
#include "verdict.h"

/**
 * Policy and facts -> decision: contract sections 3, 4 and 5 as pure functions. No I/O, no
 * clock, no memory of its own.
 */

typedef enum {
    ABSW_SIDE_OPEN,
    ABSW_SIDE_DRAINING,
    ABSW_SIDE_CLOSED,
    ABSW_SIDE_STATE_COUNT
} absw_side_state_e;

/** "open", "draining", "closed". Static. */
const char *absw_side_state_name(absw_side_state_e state);

typedef struct {
    absw_sec_t now;
    int side;                       /* the side of the path, or ABSW_NO_SIDE */
    absw_kind_e kind;
    int prefetch;                   /* Sec-Purpose has the token prefetch */
    int logout;                     /* the path is a logout path */
    int inside;
    int from_afar;                  /* another site's page sent it, says Sec-Fetch-Site */
    const absw_token_t *token;      /* the newest valid one, or NULL; it may be past its time */
    const absw_side_state_e *state; /* per side, at now */
    /** The current side (routes, then weights); asked at most once, only where a row needs it. */
    int (*current)(void *baton);
    void *baton;
} absw_facts_t;

/** Where an answer sends the browser. */
typedef enum {
    ABSW_TO_NOWHERE,            /* it passes, or is refused */
    ABSW_TO_SIDE,               /* to_side with the same rest and query */
    ABSW_TO_SIDE_TOP,           /* to_side's "/", or the login path, with the query */
    ABSW_TO_EXPIRED,            /* exactly <launchpad>?abswitch=expired */
    ABSW_TO_CLOSED,             /* exactly <launchpad>?abswitch=closed */
    ABSW_TO_LAUNCHPAD           /* the launchpad with the query */
} absw_to_e;

typedef struct {
    absw_verdict_e verdict;
    int status;                 /* HTTP status to answer with; 0: the request passes */
    absw_to_e to;
    int to_side;                /* for ABSW_TO_SIDE*, else ABSW_NO_SIDE */
    int new_token;              /* side of a token to hand out, or ABSW_NO_SIDE */
    int new_tester;             /* that token is a tester's */
    int expire_token;           /* the token expires in the answer */
    int expire_cookies;         /* so do the ABSwitchClearCookies */
    int end_session;            /* the token's session ends, on every side */
    int count;                  /* the request is activity of the token's session */
} absw_decision_t;

/** Is the token one of a live session (contract section 1)? A tester's is, on a closed side too. */
int absw_decide_live(const absw_policy_t *policy, const absw_facts_t *facts);

/**
 * Is it decided already, whatever kind, prefetch, inside and from_afar are? So for a live session on the path's
 * side: the common case, in which nobody has to look at a header.
 */
int absw_decide_settled(const absw_policy_t *policy, const absw_facts_t *facts);

/** What absw_decide says then. */
absw_decision_t absw_decide_at_home(const absw_facts_t *facts);

/** Below a side: the table of contract section 4. facts->side is one. */
absw_decision_t absw_decide(const absw_policy_t *policy, const absw_facts_t *facts);

/** What is asked of the launchpad. */
typedef struct {
    int post;                   /* POST, else GET or HEAD */
    int has_page;               /* page= is configured */
    int has_login;              /* login= is configured */
} absw_entry_t;

/**
 * At the launchpad, contract section 3. verdict ABSW_UNTOUCHED with status 0: show the page.
 */
absw_decision_t absw_decide_launchpad(const absw_policy_t *policy, const absw_facts_t *facts,
                                      const absw_entry_t *entry);

/** A nav request below the launchpad, below no side, that would be 404. */
absw_decision_t absw_decide_deeplink(const absw_policy_t *policy, const absw_facts_t *facts);

typedef enum {
    ABSW_DOOR_REFUSED,          /* EXPR is false */
    ABSW_DOOR_UNKNOWN,          /* an unknown side, or none */
    ABSW_DOOR_SIDE,             /* <override path>/<SIDE>[/rest] */
    ABSW_DOOR_OFF,              /* <override path>/off */
    ABSW_DOOR_OFF_BLIND         /* the same, where the token's cookie is not sent */
} absw_door_e;

/**
 * At the tester's door, contract section 5; facts->side is the side named there. Where the
 * cookie's path does not cover the door, "off" cannot see whose token it drops: then it drops
 * any, unless another site's page sent the browser here.
 */
absw_decision_t absw_decide_door(const absw_policy_t *policy, const absw_facts_t *facts,
                                 absw_door_e door);

#endif
