/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* -- What holds of every decision ---------------------------------------------------------- */

/* Would it do anything but let the request pass as it is? */
static int meddles(const absw_decision_t *d)
{
    return d->status != 0 || d->new_token != NONE || d->expire_token || d->expire_cookies;
}

static int same_decision(const absw_decision_t *a, const absw_decision_t *b)
{
    return compare("", a, b) == 0;
}

/* Past max-login-time, as the contract has it. */
static int is_too_old(const scene_t *scene)
{
    const absw_token_t *token = scene->facts.token;

    return token && scene->policy.max_login > 0
           && scene->facts.now >= token->login + scene->policy.max_login;
}

static const char *faulty(const ask_t *ask, const absw_decision_t *d, const scene_t *scene)
{
    int live = absw_decide_live(&scene->policy, &scene->facts);
    int gone = is_too_old(scene);
    int redirect = d->status >= 300 && d->status < 400;

    if (live && gone) {
        return "live and expired";
    }
    if (scene->current.asked > 1) {
        return "asked twice for the current side";
    }
    if (redirect != (d->to != ABSW_TO_NOWHERE)) {
        return "a redirect without an aim, or an aim without a redirect";
    }
    if ((d->to_side != NONE) != (d->to == ABSW_TO_SIDE) || d->to_side == ask->side) {
        return "sent to no side, or to the one it asked for";
    }
    if (d->count && (d->status != 0 || !live || d->end_session)) {
        return "counted, though it did not pass with a live session that goes on";
    }
    if (live && d->status == 0 && !d->end_session && !d->count) {
        return "passed with a live session and is not counted";
    }
    if (d->new_token != NONE && (ask->kind != NAV || d->new_tester || d->expire_token
                                 || world[d->new_token] == ABSW_SIDE_CLOSED)) {
        return "a token that nobody should get here";
    }
    if (d->new_token != NONE && d->new_token != (redirect ? d->to_side : ask->side)) {
        return "a token for another side than it goes to";
    }
    if (ask->kind == FORM && redirect && d->status != 303) {
        return "a form sent on without 303";
    }
    if (ask->kind == NAV && redirect && d->status != 302) {
        return "a navigation sent on without 302";
    }
    if (ask->kind == OTHER && redirect) {
        return "sent on, though it is no navigation";
    }
    if (live && scene->token.side == ask->side && !ask->logout && meddles(d)) {
        return "meddled with a live session on its own side";
    }
    return NULL;
}

/* A prefetch passes as any request would, or it is put off and leaves no trace. */
static const char *faulty_prefetch(const ask_t *ask, const absw_decision_t *plain)
{
    static const absw_decision_t put_off = UNFETCHED;
    ask_t speculative = *ask;
    scene_t *scene;
    absw_decision_t d;

    speculative.prefetch = 1;
    scene = scene_of(&speculative, world);
    d = absw_decide(&scene->policy, &scene->facts);
    return same_decision(&d, meddles(plain) ? &put_off : plain) ? NULL : "prefetched";
}

/* A live session on its own side is decided without a look at a header, and no otherwise. */
static const char *faulty_settled(const ask_t *ask, const absw_decision_t *d,
                                  const scene_t *scene)
{
    int live = absw_decide_live(&scene->policy, &scene->facts);
    int settled = absw_decide_settled(&scene->policy, &scene->facts);
    absw_decision_t home;

    if (settled != (live && scene->token.side == ask->side && !ask->logout)) {
        return "settled, or not";
    }
    if (!settled) {
        return NULL;
    }
    home = absw_decide_at_home(&scene->facts);
    return same_decision(&home, d) ? NULL : "settled in another way";
}

static void check_ask(const ask_t *ask)
{
    scene_t *scene = scene_of(ask, world);
    absw_decision_t d = absw_decide(&scene->policy, &scene->facts);
    const char *why = faulty(ask, &d, scene);

    if (!why) {
        why = faulty_prefetch(ask, &d);
    }
    if (!why) {
        why = faulty_settled(ask, &d, scene_of(ask, world));
    }
    if (why) {
        fail_msg("%s: side %d kind %d inside %d token %d/%d/%ld logout %d bookmarks %d routed %d"
                 " -> %s", why, ask->side, (int)ask->kind, ask->inside, ask->who.side,
                 ask->who.tester, (long)ask->who.age, ask->logout, (int)ask->bookmarks,
                 ask->routed, absw_verdict_name(d.verdict));
    }
}

/* All asks there are, numbered: each fact is one digit. */
static int digit(int *number, int base)
{
    int value = *number % base;

    *number /= base;
    return value;
}

static void test_every_ask(void **state)
{
    static const absw_sec_t ages[] = { -60, 0, LAST, OVER, OVER + 1 };
    const int asks = 3 * 3 * 2 * 4 * 2 * 5 * 2 * 3 * 2;

    (void)state;
    for (int i = 0; i < asks; i++) {
        int rest = i;
        ask_t ask = { 0 };

        ask.side = digit(&rest, SAMPLE_SIDES);
        ask.kind = (absw_kind_e)digit(&rest, 3);
        ask.inside = digit(&rest, 2);
        ask.who.side = digit(&rest, SAMPLE_SIDES + 1) - 1;
        ask.who.tester = digit(&rest, 2);
        ask.who.age = ages[digit(&rest, (int)COUNT_OF(ages))];
        ask.logout = digit(&rest, 2);
        ask.bookmarks = (absw_bookmarks_e)digit(&rest, 3);
        ask.routed = digit(&rest, 2);
        assert_int_equal(rest, 0);
        check_ask(&ask);
    }
}

/* The routes are expressions to evaluate: only rows that need the current side ask for it. */
static void test_asks_seldom(void **state)
{
    static const struct {
        const char *why;
        ask_t ask;
        int asked;
    } rows[] = {
        { "3", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, LOGOUT), 0 },
        { "4", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, OVER)), 0 },
        { "5", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)), 0 },
        { "6 form", ASK(SIDE_C, FORM, OUTSIDE, NOBODY), 0 },
        { "6 other", ASK(SIDE_C, OTHER, OUTSIDE, NOBODY), 0 },
        { "6 a session elsewhere", ASK(SIDE_C, NAV, OUTSIDE, USER(SIDE_A, FRESH)), 0 },
        { "6", ASK(SIDE_C, NAV, OUTSIDE, NOBODY), 1 },
        { "7", ASK(SIDE_A, OTHER, OUTSIDE, NOBODY), 0 },
        { "8a", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH)), 0 },
        { "8b", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_B, FRESH)), 0 },
        { "9", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH)), 0 },
        { "9 current", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), CURRENT), 1 },
        { "10", ASK(SIDE_A, NAV, INSIDE, NOBODY), 0 },
        { "11 open", ASK(SIDE_B, NAV, OUTSIDE, NOBODY), 0 },
        { "12", ASK(SIDE_A, NAV, OUTSIDE, NOBODY), 1 },
        { "12 off", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, OFF), 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        scene_t *scene = scene_of(&rows[i].ask, world);

        absw_decide(&scene->policy, &scene->facts);
        assert_int_equal(differs(rows[i].why, "asked", scene->current.asked, rows[i].asked), 0);
    }
}

static void test_live(void **state)
{
    static const struct {
        const char *why;
        who_t who;
        absw_sec_t max_login;
        int live;
        int expired;
    } rows[] = {
        { "nobody", NOBODY, SAMPLE_MAX_LOGIN, 0, 0 },
        { "new", USER(SIDE_A, 0), SAMPLE_MAX_LOGIN, 1, 0 },
        { "from ahead", USER(SIDE_A, -60), SAMPLE_MAX_LOGIN, 1, 0 },
        { "last second", USER(SIDE_A, LAST), SAMPLE_MAX_LOGIN, 1, 0 },
        { "at the second", USER(SIDE_A, OVER), SAMPLE_MAX_LOGIN, 0, 1 },
        { "past it", USER(SIDE_A, OVER + 1), SAMPLE_MAX_LOGIN, 0, 1 },
        { "no limit", USER(SIDE_A, 100 * OVER), 0, 1, 0 },
        { "no limit, new", USER(SIDE_A, 0), 0, 1, 0 },
        { "open side", USER(SIDE_B, FRESH), SAMPLE_MAX_LOGIN, 1, 0 },
        { "closed side", USER(SIDE_C, FRESH), SAMPLE_MAX_LOGIN, 0, 0 },
        { "closed side, past it", USER(SIDE_C, OVER), SAMPLE_MAX_LOGIN, 0, 1 },
        { "tester, closed side", TESTER(SIDE_C, FRESH), SAMPLE_MAX_LOGIN, 1, 0 },
        { "tester, last second", TESTER(SIDE_C, LAST), SAMPLE_MAX_LOGIN, 1, 0 },
        { "tester, past it", TESTER(SIDE_C, OVER), SAMPLE_MAX_LOGIN, 0, 1 },
        { "tester, no limit", TESTER(SIDE_A, 100 * OVER), 0, 1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const ask_t ask = { .side = SIDE_A, .kind = NAV, .who = rows[i].who };
        scene_t *scene = scene_of(&ask, world);

        scene->policy.max_login = rows[i].max_login;
        assert_int_equal(differs(rows[i].why, "live",
                                 !!absw_decide_live(&scene->policy, &scene->facts),
                                 rows[i].live), 0);
        assert_int_equal(differs(rows[i].why, "expired", is_too_old(scene), rows[i].expired), 0);
    }
}

static void test_state_names(void **state)
{
    (void)state;
    assert_string_equal(absw_side_state_name(ABSW_SIDE_OPEN), "open");
    assert_string_equal(absw_side_state_name(ABSW_SIDE_DRAINING), "draining");
    assert_string_equal(absw_side_state_name(ABSW_SIDE_CLOSED), "closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_ask),
        cmocka_unit_test(test_asks_seldom),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_state_names),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
