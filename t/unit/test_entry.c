/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* -- Section 3: the launchpad and deep links ----------------------------------------------- */

#define TOP(code, side, token, ends) \
    { .verdict = ABSW_LAUNCHPAD, .status = (code), .to = ABSW_TO_SIDE_TOP, .to_side = (side), \
      .new_token = (token), .end_session = (ends) }
#define PAGE    { .verdict = ABSW_UNTOUCHED, .to_side = NONE, .new_token = NONE }
#define GET             { 0, 0, 0 }
#define GET_PAGE        { 0, 1, 0 }
#define GET_LOGIN       { 0, 0, 1 }
#define GET_PAGE_LOGIN  { 0, 1, 1 }
#define POST            { 1, 0, 0 }
#define POST_PAGE       { 1, 1, 0 }
#define POST_LOGIN      { 1, 0, 1 }
#define POST_PAGE_LOGIN { 1, 1, 1 }

static void test_launchpad(void **state)
{
    static const struct {
        const char *why;
        ask_t ask;
        absw_entry_t entry;
        absw_decision_t want;
    } rows[] = {
        { "get", ASK(NONE, NAV, OUTSIDE, NOBODY), GET, TOP(302, SIDE_B, SIDE_B, 0) },
        { "get, not nav", ASK(NONE, OTHER, OUTSIDE, NOBODY), GET, TOP(302, SIDE_B, SIDE_B, 0) },
        { "get, inside", ASK(NONE, NAV, INSIDE, NOBODY), GET, TOP(302, SIDE_B, SIDE_B, 0) },
        { "get, routed", ASK(NONE, NAV, OUTSIDE, NOBODY, ROUTED), GET,
          TOP(302, SIDE_A, SIDE_A, 0) },
        { "get, login", ASK(NONE, NAV, OUTSIDE, NOBODY), GET_LOGIN, TOP(302, SIDE_B, SIDE_B, 0) },
        { "get, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)), GET,
          TOP(302, SIDE_A, NONE, 0) },
        { "get, a session, not nav", ASK(NONE, OTHER, OUTSIDE, USER(SIDE_A, FRESH)), GET,
          TOP(302, SIDE_A, NONE, 0) },
        { "get, a session, login", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)), GET_LOGIN,
          TOP(302, SIDE_A, NONE, 0) },
        { "get, a session, current", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH), CURRENT), GET,
          TOP(302, SIDE_A, NONE, 0) },
        { "get, its last second", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, LAST)), GET,
          TOP(302, SIDE_A, NONE, 0) },
        { "get, past it", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, OVER)), GET,
          TOP(302, SIDE_B, SIDE_B, ANY) },
        { "get, its side closed", ASK(NONE, NAV, OUTSIDE, USER(SIDE_C, FRESH)), GET,
          TOP(302, SIDE_B, SIDE_B, ANY) },
        { "get, tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)), GET,
          TOP(302, SIDE_C, NONE, 0) },
        { "get, tester, routed", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_B, FRESH), ROUTED), GET,
          TOP(302, SIDE_B, NONE, 0) },
        { "get, tester past it", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, OVER)), GET,
          TOP(302, SIDE_B, SIDE_B, ANY) },
        { "page", ASK(NONE, NAV, OUTSIDE, NOBODY), GET_PAGE, PAGE },
        { "page, login", ASK(NONE, NAV, OUTSIDE, NOBODY), GET_PAGE_LOGIN, PAGE },
        { "page, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)), GET_PAGE, PAGE },
        { "page, past it", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, OVER)), GET_PAGE, PAGE },
        { "page, tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)), GET_PAGE, PAGE },
        { "page, prefetched", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH), PREFETCHED), GET_PAGE,
          PAGE },
        { "post", ASK(NONE, FORM, OUTSIDE, NOBODY), POST, TOP(303, SIDE_B, SIDE_B, 0) },
        { "post, any client", ASK(NONE, OTHER, OUTSIDE, NOBODY), POST,
          TOP(303, SIDE_B, SIDE_B, 0) },
        { "post, page", ASK(NONE, FORM, INSIDE, NOBODY), POST_PAGE, TOP(303, SIDE_B, SIDE_B, 0) },
        { "post, login", ASK(NONE, FORM, INSIDE, NOBODY), POST_LOGIN,
          TOP(307, SIDE_B, SIDE_B, 0) },
        { "post, page, login", ASK(NONE, FORM, INSIDE, NOBODY), POST_PAGE_LOGIN,
          TOP(307, SIDE_B, SIDE_B, 0) },
        { "post, routed", ASK(NONE, FORM, OUTSIDE, NOBODY, ROUTED), POST,
          TOP(303, SIDE_A, SIDE_A, 0) },
        { "post, a session", ASK(NONE, FORM, OUTSIDE, USER(SIDE_A, FRESH)), POST,
          TOP(303, SIDE_B, SIDE_B, 1) },
        { "post, a session, login", ASK(NONE, FORM, OUTSIDE, USER(SIDE_A, FRESH)), POST_LOGIN,
          TOP(307, SIDE_B, SIDE_B, 1) },
        { "post, a session there", ASK(NONE, FORM, OUTSIDE, USER(SIDE_B, FRESH)), POST,
          TOP(303, SIDE_B, SIDE_B, 1) },
        { "post, past it", ASK(NONE, FORM, OUTSIDE, USER(SIDE_A, OVER)), POST,
          TOP(303, SIDE_B, SIDE_B, ANY) },
        { "prefetched get", ASK(NONE, NAV, OUTSIDE, NOBODY, PREFETCHED), GET, UNFETCHED },
        { "prefetched, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH), PREFETCHED), GET,
          UNFETCHED },
        { "prefetched, tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH), PREFETCHED), GET,
          UNFETCHED },
        { "prefetched post", ASK(NONE, FORM, OUTSIDE, NOBODY, PREFETCHED), POST, UNFETCHED },
    };
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        scene_t *scene = scene_of(&rows[i].ask, world);
        absw_decision_t got = absw_decide_launchpad(&scene->policy, &scene->facts,
                                                    &rows[i].entry);

        wrong += compare(rows[i].why, &got, &rows[i].want);
    }
    assert_int_equal(wrong, 0);
}

/* A tester who posts stays a tester, on the tester's side: the token beats routes and weights. */
static void test_launchpad_post_of_a_tester(void **state)
{
    static const ask_t ask = ASK(NONE, FORM, OUTSIDE, TESTER(SIDE_C, FRESH));
    static const absw_entry_t entry = POST;
    scene_t *scene = scene_of(&ask, world);
    absw_decision_t d = absw_decide_launchpad(&scene->policy, &scene->facts, &entry);

    (void)state;
    assert_int_equal(d.verdict, ABSW_LAUNCHPAD);
    assert_int_equal(d.status, 303);
    assert_int_equal(d.to, ABSW_TO_SIDE_TOP);
    assert_int_equal(d.to_side, SIDE_C);
    assert_false(d.expire_token);
    assert_true(d.new_token == NONE || (d.new_token == SIDE_C && d.new_tester));
    assert_int_equal(scene->current.asked, 0);
}

static void test_deeplink(void **state)
{
    static const row_t rows[] = {
        { "nobody", ASK(NONE, NAV, OUTSIDE, NOBODY), SENT_NEW(ABSW_DEEPLINK, SIDE_B) },
        { "inside", ASK(NONE, NAV, INSIDE, NOBODY), SENT_NEW(ABSW_DEEPLINK, SIDE_B) },
        { "routed", ASK(NONE, NAV, OUTSIDE, NOBODY, ROUTED), SENT_NEW(ABSW_DEEPLINK, SIDE_A) },
        { "a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)),
          SENT_HOME(ABSW_DEEPLINK, SIDE_A) },
        { "a session, current", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH), CURRENT),
          SENT_HOME(ABSW_DEEPLINK, SIDE_A) },
        { "past it", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, OVER)),
          SENT_ANEW(ABSW_DEEPLINK, SIDE_B) },
        { "its side closed", ASK(NONE, NAV, OUTSIDE, USER(SIDE_C, FRESH)),
          SENT_ANEW(ABSW_DEEPLINK, SIDE_B) },
        { "tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)),
          SENT_HOME(ABSW_DEEPLINK, SIDE_C) },
        { "prefetched", ASK(NONE, NAV, OUTSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "prefetched, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH), PREFETCHED),
          UNFETCHED },
    };
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        scene_t *scene = scene_of(&rows[i].ask, world);
        absw_decision_t got = absw_decide_deeplink(&scene->policy, &scene->facts);

        wrong += compare(rows[i].why, &got, &rows[i].want);
    }
    assert_int_equal(wrong, 0);
}

/* -- Section 5: the tester's door ---------------------------------------------------------- */

#define LET_IN(side) \
    { .verdict = ABSW_DOOR, .status = 302, .to = ABSW_TO_SIDE, .to_side = (side), \
      .new_token = (side), .new_tester = 1, .end_session = ANY }
#define SHOWN_OUT(expires) \
    { .verdict = ABSW_DOOR, .status = 302, .to = ABSW_TO_LAUNCHPAD, .to_side = NONE, \
      .new_token = NONE, .expire_token = (expires), .end_session = ANY }

static void test_door(void **state)
{
    static const struct {
        const char *why;
        ask_t ask;
        absw_door_e door;
        absw_decision_t want;
    } rows[] = {
        { "draining side", ASK(SIDE_A, NAV, OUTSIDE, NOBODY), ABSW_DOOR_SIDE, LET_IN(SIDE_A) },
        { "open side", ASK(SIDE_B, NAV, OUTSIDE, NOBODY), ABSW_DOOR_SIDE, LET_IN(SIDE_B) },
        { "closed side", ASK(SIDE_C, NAV, OUTSIDE, NOBODY), ABSW_DOOR_SIDE, LET_IN(SIDE_C) },
        { "not nav", ASK(SIDE_C, OTHER, OUTSIDE, NOBODY), ABSW_DOOR_SIDE, LET_IN(SIDE_C) },
        { "a session", ASK(SIDE_C, NAV, OUTSIDE, USER(SIDE_A, FRESH)), ABSW_DOOR_SIDE,
          LET_IN(SIDE_C) },
        { "a session there", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH)), ABSW_DOOR_SIDE,
          LET_IN(SIDE_A) },
        { "past it", ASK(SIDE_C, NAV, OUTSIDE, USER(SIDE_A, OVER)), ABSW_DOOR_SIDE,
          LET_IN(SIDE_C) },
        { "tester of another", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_A, FRESH)), ABSW_DOOR_SIDE,
          LET_IN(SIDE_C) },
        { "tester of it", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)), ABSW_DOOR_SIDE,
          LET_IN(SIDE_C) },
        { "tester past it", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, OVER)), ABSW_DOOR_SIDE,
          LET_IN(SIDE_C) },
        { "prefetched", ASK(SIDE_C, NAV, OUTSIDE, NOBODY, PREFETCHED), ABSW_DOOR_SIDE,
          UNFETCHED },
        { "refused", ASK(SIDE_C, NAV, OUTSIDE, NOBODY), ABSW_DOOR_REFUSED,
          REFUSED(ABSW_DOOR, 403) },
        { "refused, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)), ABSW_DOOR_REFUSED,
          REFUSED(ABSW_DOOR, 403) },
        { "refused, tester", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)), ABSW_DOOR_REFUSED,
          REFUSED(ABSW_DOOR, 403) },
        { "refused, prefetched", ASK(SIDE_C, NAV, OUTSIDE, NOBODY, PREFETCHED),
          ABSW_DOOR_REFUSED, REFUSED(ABSW_DOOR, 403) },
        { "unknown", ASK(NONE, NAV, OUTSIDE, NOBODY), ABSW_DOOR_UNKNOWN,
          REFUSED(ABSW_DOOR, 404) },
        { "unknown, tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_A, FRESH)), ABSW_DOOR_UNKNOWN,
          REFUSED(ABSW_DOOR, 404) },
        { "unknown, prefetched", ASK(NONE, NAV, OUTSIDE, NOBODY, PREFETCHED), ABSW_DOOR_UNKNOWN,
          REFUSED(ABSW_DOOR, 404) },
        { "off, nobody", ASK(NONE, NAV, OUTSIDE, NOBODY), ABSW_DOOR_OFF, SHOWN_OUT(0) },
        { "off, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)), ABSW_DOOR_OFF,
          SHOWN_OUT(0) },
        { "off, tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)), ABSW_DOOR_OFF,
          SHOWN_OUT(1) },
        { "off, tester, from afar", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH), FROM_AFAR),
          ABSW_DOOR_OFF, SHOWN_OUT(1) },
        { "off, tester past it", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_A, OVER)), ABSW_DOOR_OFF,
          SHOWN_OUT(1) },
        { "off, blind", ASK(NONE, NAV, OUTSIDE, NOBODY), ABSW_DOOR_OFF_BLIND, SHOWN_OUT(1) },
        { "off, blind, from afar", ASK(NONE, NAV, OUTSIDE, NOBODY, FROM_AFAR),
          ABSW_DOOR_OFF_BLIND, SHOWN_OUT(0) },
        { "off, blind, a session", ASK(NONE, NAV, OUTSIDE, USER(SIDE_A, FRESH)),
          ABSW_DOOR_OFF_BLIND, SHOWN_OUT(0) },
        { "off, blind, tester", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)),
          ABSW_DOOR_OFF_BLIND, SHOWN_OUT(1) },
        { "off, blind, prefetched", ASK(NONE, NAV, OUTSIDE, NOBODY, PREFETCHED),
          ABSW_DOOR_OFF_BLIND, UNFETCHED },
        { "off, prefetched", ASK(NONE, NAV, OUTSIDE, TESTER(SIDE_A, FRESH), PREFETCHED),
          ABSW_DOOR_OFF, UNFETCHED },
    };
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        scene_t *scene = scene_of(&rows[i].ask, world);
        absw_decision_t got = absw_decide_door(&scene->policy, &scene->facts, rows[i].door);

        wrong += compare(rows[i].why, &got, &rows[i].want);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launchpad),
        cmocka_unit_test(test_launchpad_post_of_a_tester),
        cmocka_unit_test(test_deeplink),
        cmocka_unit_test(test_door),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
