/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "decide.h"

static const char *const state_names[ABSW_SIDE_STATE_COUNT] = {
    [ABSW_SIDE_OPEN] = "open",
    [ABSW_SIDE_DRAINING] = "draining",
    [ABSW_SIDE_CLOSED] = "closed",
};

const char *absw_side_state_name(absw_side_state_e state)
{
    return state_names[state];
}

static inline int is_expired(const absw_policy_t *policy, const absw_facts_t *facts)
{
    return facts->token && policy->max_login
           && facts->now - facts->token->login >= policy->max_login;
}

static inline int is_live(const absw_policy_t *policy, const absw_facts_t *facts)
{
    const absw_token_t *token = facts->token;

    return token && !is_expired(policy, facts)
           && (token->tester || facts->state[token->side] != ABSW_SIDE_CLOSED);
}

int absw_decide_live(const absw_policy_t *policy, const absw_facts_t *facts)
{
    return is_live(policy, facts);
}

/* ---- answers, one function each ---- */

static absw_decision_t answer(absw_verdict_e verdict, int status)
{
    return (absw_decision_t) {
        .verdict = verdict, .status = status, .to = ABSW_TO_NOWHERE,
        .to_side = ABSW_NO_SIDE, .new_token = ABSW_NO_SIDE,
    };
}

static absw_decision_t pass(absw_verdict_e verdict, int live)
{
    absw_decision_t d = answer(verdict, 0);

    d.count = live;
    return d;
}

/** It passes, with a new token for this side in place of what it had. */
static absw_decision_t pass_with_token(absw_verdict_e verdict, const absw_facts_t *facts)
{
    absw_decision_t d = answer(verdict, 0);

    d.new_token = facts->side;
    d.end_session = facts->token != NULL;
    return d;
}

static absw_decision_t redirect(absw_verdict_e verdict, int status, absw_to_e to, int side)
{
    absw_decision_t d = answer(verdict, status);

    d.to = to;
    d.to_side = side;
    return d;
}

/** It is sent to side with a new token in place of what it had. */
static absw_decision_t send_with_token(absw_verdict_e verdict, int status, absw_to_e to,
                                       int side, const absw_facts_t *facts)
{
    absw_decision_t d = redirect(verdict, status, to, side);

    d.new_token = side;
    d.end_session = facts->token != NULL;
    return d;
}

static absw_decision_t cutoff(const absw_facts_t *facts)
{
    absw_decision_t d = answer(ABSW_CUTOFF, 403);

    if (facts->kind == ABSW_KIND_NAV) {
        d = redirect(ABSW_CUTOFF, 302, ABSW_TO_EXPIRED, ABSW_NO_SIDE);
    }
    else if (facts->kind == ABSW_KIND_FORM_POST) {
        d = redirect(ABSW_CUTOFF, 303, ABSW_TO_EXPIRED, ABSW_NO_SIDE);
    }
    d.expire_token = d.expire_cookies = d.end_session = 1;
    return d;
}

static absw_decision_t logout(const absw_facts_t *facts)
{
    absw_decision_t d = answer(ABSW_LOGOUT, 0);

    d.expire_token = d.expire_cookies = 1;
    d.end_session = facts->token != NULL;
    return d;
}

static absw_decision_t closed(const absw_facts_t *facts, int live)
{
    if (facts->kind == ABSW_KIND_NAV) {
        return live ? redirect(ABSW_CLOSED, 302, ABSW_TO_SIDE, facts->token->side)
                    : send_with_token(ABSW_CLOSED, 302, ABSW_TO_SIDE,
                                      facts->current(facts->baton), facts);
    }
    if (facts->kind == ABSW_KIND_FORM_POST) {
        return redirect(ABSW_CLOSED, 303, ABSW_TO_CLOSED, ABSW_NO_SIDE);
    }
    return answer(ABSW_CLOSED, 403);
}

/** Row 9: a live session of another side, from outside. */
static absw_decision_t bookmark(const absw_policy_t *policy, const absw_facts_t *facts)
{
    int current;

    switch (policy->bookmarks) {
    case ABSW_BOOKMARKS_OFF:
        return pass(ABSW_VISITOR, 1);
    case ABSW_BOOKMARKS_HOME:
        return redirect(ABSW_BOOKMARK, 302, ABSW_TO_SIDE, facts->token->side);
    case ABSW_BOOKMARKS_CURRENT:
        break;
    }
    current = facts->current(facts->baton);
    return current == facts->side
           ? pass_with_token(ABSW_ENTER, facts)
           : send_with_token(ABSW_BOOKMARK, 302, ABSW_TO_SIDE, current, facts);
}

/** Rows 11 and 12: no session, from outside. */
static absw_decision_t arrival(const absw_policy_t *policy, const absw_facts_t *facts)
{
    int current;

    if (facts->state[facts->side] == ABSW_SIDE_OPEN || policy->bookmarks == ABSW_BOOKMARKS_OFF) {
        return pass_with_token(ABSW_ENTER, facts);
    }
    current = facts->current(facts->baton);
    return current == facts->side
           ? pass_with_token(ABSW_ENTER, facts)
           : send_with_token(ABSW_BOOKMARK, 302, ABSW_TO_SIDE, current, facts);
}

/* ---- the table of contract section 4, rows 3 to 12; the first match wins ---- */

static absw_decision_t by_table(const absw_policy_t *policy, const absw_facts_t *facts)
{
    int live = is_live(policy, facts);
    int here = live && facts->token->side == facts->side;

    return
    /*  3 */  facts->logout                                 ? logout(facts)
    /*  4 */: is_expired(policy, facts)                     ? cutoff(facts)
    /*  5 */: here && facts->token->tester                  ? pass(ABSW_TESTER, 1)
    /*  6 */: facts->state[facts->side] == ABSW_SIDE_CLOSED ? closed(facts, live)
    /*  7 */: facts->kind != ABSW_KIND_NAV                  ? pass(ABSW_PASS, live)
    /* 8a */: here                                          ? pass(ABSW_PASS, 1)
    /* 8b */: live && facts->inside                         ? pass(ABSW_VISITOR, 1)
    /*  9 */: live                                          ? bookmark(policy, facts)
    /* 10 */: facts->inside                                 ? pass_with_token(ABSW_ADOPT, facts)
    /* 11 and 12 */                                         : arrival(policy, facts);
}

int absw_decide_settled(const absw_policy_t *policy, const absw_facts_t *facts)
{
    return !facts->logout && is_live(policy, facts)
           && facts->token->side == facts->side
           && (facts->token->tester || facts->state[facts->side] != ABSW_SIDE_CLOSED);
}

absw_decision_t absw_decide_at_home(const absw_facts_t *facts)
{
    return pass(facts->token->tester ? ABSW_TESTER : ABSW_PASS, 1);
}

/** Row 2, and the same rule at the launchpad, a deep link and the door. */
static inline absw_decision_t unless_prefetch(const absw_facts_t *facts, absw_decision_t d)
{
    int plain = d.status == 0 && d.new_token == ABSW_NO_SIDE && !d.expire_token;

    if (facts->prefetch && !plain) {
        d = answer(ABSW_PREFETCH, 503);
    }
    return d;
}

absw_decision_t absw_decide(const absw_policy_t *policy, const absw_facts_t *facts)
{
    return unless_prefetch(facts, by_table(policy, facts));
}

/* ---- launchpad, deep links, door ---- */

absw_decision_t absw_decide_launchpad(const absw_policy_t *policy, const absw_facts_t *facts,
                                      const absw_entry_t *entry)
{
    int status = !entry->post ? 302 : entry->has_login ? 307 : 303;
    int live = absw_decide_live(policy, facts);

    if (!entry->post && entry->has_page) {
        return answer(ABSW_UNTOUCHED, 0);
    }
    /* A tester's token beats the current side also where a new session is begun. */
    if (live && (!entry->post || facts->token->tester)) {
        return unless_prefetch(facts, redirect(ABSW_LAUNCHPAD, status, ABSW_TO_SIDE_TOP,
                                               facts->token->side));
    }
    return unless_prefetch(facts, send_with_token(ABSW_LAUNCHPAD, status, ABSW_TO_SIDE_TOP,
                                                  facts->current(facts->baton), facts));
}

absw_decision_t absw_decide_deeplink(const absw_policy_t *policy, const absw_facts_t *facts)
{
    if (absw_decide_live(policy, facts)) {
        return unless_prefetch(facts, redirect(ABSW_DEEPLINK, 302, ABSW_TO_SIDE,
                                               facts->token->side));
    }
    return unless_prefetch(facts, send_with_token(ABSW_DEEPLINK, 302, ABSW_TO_SIDE,
                                                  facts->current(facts->baton), facts));
}

absw_decision_t absw_decide_door(const absw_policy_t *policy, const absw_facts_t *facts,
                                 absw_door_e door)
{
    absw_decision_t d;

    (void)policy;
    switch (door) {
    case ABSW_DOOR_REFUSED:
        return answer(ABSW_DOOR, 403);
    case ABSW_DOOR_UNKNOWN:
        return answer(ABSW_DOOR, 404);
    case ABSW_DOOR_OFF:
    case ABSW_DOOR_OFF_BLIND:
        d = redirect(ABSW_DOOR, 302, ABSW_TO_LAUNCHPAD, ABSW_NO_SIDE);
        d.end_session = facts->token && facts->token->tester;
        d.expire_token = d.end_session || (!facts->token && door == ABSW_DOOR_OFF_BLIND
                                           && !facts->from_afar);
        return unless_prefetch(facts, d);
    case ABSW_DOOR_SIDE:
        break;
    }
    d = send_with_token(ABSW_DOOR, 302, ABSW_TO_SIDE, facts->side, facts);
    d.new_tester = 1;
    return unless_prefetch(facts, d);
}
