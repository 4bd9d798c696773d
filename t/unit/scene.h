/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCENE_H
#define SCENE_H

#include "decide.h"
#include "sample.h"

/** How the tests of decide say what is asked and what is to come of it, a line each. */

/* The world of the tables: A drains, B is open and the current side, C is closed. */
static const absw_side_state_e world[SAMPLE_SIDES] = {
    [SIDE_A] = ABSW_SIDE_DRAINING, [SIDE_B] = ABSW_SIDE_OPEN, [SIDE_C] = ABSW_SIDE_CLOSED
};

#define NONE    ABSW_NO_SIDE
#define ANY     77              /* the contract leaves it open */
#define FRESH   100
#define LAST    (SAMPLE_MAX_LOGIN - 1)
#define OVER    SAMPLE_MAX_LOGIN

/** Who asks: the token that the browser sent. */
typedef struct {
    int side;
    int tester;
    absw_sec_t age;
} who_t;

#define NOBODY              { NONE, 0, 0 }
#define USER(side, age)     { (side), 0, (age) }
#define TESTER(side, age)   { (side), 1, (age) }

#define NAV     ABSW_KIND_NAV
#define FORM    ABSW_KIND_FORM_POST
#define OTHER   ABSW_KIND_OTHER

#define OUTSIDE 0
#define INSIDE  1

/** What is asked, and by whom. */
typedef struct {
    int side;
    absw_kind_e kind;
    int inside;
    who_t who;
    int prefetch;
    int logout;
    absw_bookmarks_e bookmarks;
    int routed;                 /* a route makes A the current side */
    int from_afar;
} ask_t;

typedef struct {
    const char *why;
    ask_t ask;
    absw_decision_t want;
} row_t;

/* The last arguments say what is not usual about it. */
#define ASK(where, what, from, token, ...) \
    { .side = (where), .kind = (what), .inside = (from), .who = token, __VA_ARGS__ }
#define CURRENT     .bookmarks = ABSW_BOOKMARKS_CURRENT
#define OFF         .bookmarks = ABSW_BOOKMARKS_OFF
#define PREFETCHED  .prefetch = 1
#define LOGOUT      .logout = 1
#define ROUTED      .routed = 1
#define FROM_AFAR   .from_afar = 1

/* The decisions that every part of the contract has. */
#define SENT(v, where, side, token, ends) \
    { .verdict = (v), .status = 302, .to = (where), .to_side = (side), .new_token = (token), \
      .end_session = (ends) }
#define SENT_HOME(v, side)  SENT(v, ABSW_TO_SIDE, side, NONE, 0)
#define SENT_NEW(v, side)   SENT(v, ABSW_TO_SIDE, side, side, 0)
#define SENT_ANEW(v, side)  SENT(v, ABSW_TO_SIDE, side, side, ANY)
#define REFUSED(v, code) \
    { .verdict = (v), .status = (code), .to_side = NONE, .new_token = NONE }
#define UNFETCHED           REFUSED(ABSW_PREFETCH, 503)

/** The current side, and how often it was asked for. */
typedef struct {
    int side;
    int asked;
} current_t;

static inline int current_side(void *baton)
{
    current_t *current = baton;

    current->asked++;
    return current->side;
}

/** Everything that one decision is made of, in one place to point into. */
typedef struct {
    absw_policy_t policy;
    absw_token_t token;
    current_t current;
    absw_facts_t facts;
} scene_t;

static inline scene_t *scene_of(const ask_t *ask, const absw_side_state_e *states)
{
    static scene_t scene;

    scene.policy = sample_policy();
    scene.policy.bookmarks = ask->bookmarks;
    scene.token = (absw_token_t){
        .kid = 'k', .side = ask->who.side, .tester = ask->who.tester,
        .login = SAMPLE_NOW - ask->who.age
    };
    scene.current = (current_t){ .side = ask->routed ? SIDE_A : SIDE_B };
    scene.facts = (absw_facts_t){
        .now = SAMPLE_NOW, .side = ask->side, .kind = ask->kind, .prefetch = ask->prefetch,
        .logout = ask->logout, .inside = ask->inside, .from_afar = ask->from_afar,
        .token = ask->who.side == NONE ? NULL : &scene.token, .state = states,
        .current = current_side, .baton = &scene.current
    };
    return &scene;
}

static inline int differs(const char *why, const char *field, int got, int want)
{
    if (got != want && want != ANY) {
        print_error("%s: %s is %d, not %d\n", why, field, got, want);
        return 1;
    }
    return 0;
}

/* Says all that differs, not only the first. */
static inline int compare(const char *why, const absw_decision_t *got, const absw_decision_t *want)
{
    int n = 0;

    if (got->verdict != want->verdict) {
        print_error("%s: verdict is %s, not %s\n", why, absw_verdict_name(got->verdict),
                    absw_verdict_name(want->verdict));
        n++;
    }
    n += differs(why, "status", got->status, want->status);
    n += differs(why, "to", (int)got->to, (int)want->to);
    n += differs(why, "to_side", got->to_side, want->to_side);
    n += differs(why, "new_token", got->new_token, want->new_token);
    n += differs(why, "new_tester", got->new_tester, want->new_tester);
    n += differs(why, "expire_token", got->expire_token, want->expire_token);
    n += differs(why, "expire_cookies", got->expire_cookies, want->expire_cookies);
    n += differs(why, "end_session", got->end_session, want->end_session);
    n += differs(why, "count", got->count, want->count);
    return n;
}

#endif
