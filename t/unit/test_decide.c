/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

/* The decisions of section 4 alone. counted: it is activity of the token's session. */
#define PASSES(v, counted) \
    { .verdict = (v), .to_side = NONE, .new_token = NONE, .count = (counted) }
#define PASSES_WITH(v, side, ends) \
    { .verdict = (v), .to_side = NONE, .new_token = (side), .end_session = (ends) }
#define LOGGED_OUT(ends) \
    { .verdict = ABSW_LOGOUT, .to_side = NONE, .new_token = NONE, .expire_token = 1, \
      .expire_cookies = 1, .end_session = (ends) }
#define CUT_OFF(code, where) \
    { .verdict = ABSW_CUTOFF, .status = (code), .to = (where), .to_side = NONE, \
      .new_token = NONE, .expire_token = 1, .expire_cookies = 1, .end_session = ANY }
#define CUT_OFF_NAV         CUT_OFF(302, ABSW_TO_EXPIRED)
#define CUT_OFF_FORM        CUT_OFF(303, ABSW_TO_EXPIRED)
#define CUT_OFF_OTHER       CUT_OFF(403, ABSW_TO_NOWHERE)
#define CLOSED_FORM \
    { .verdict = ABSW_CLOSED, .status = 303, .to = ABSW_TO_CLOSED, .to_side = NONE, \
      .new_token = NONE }

static void check_rows(const row_t *rows, size_t n)
{
    int wrong = 0;

    for (size_t i = 0; i < n; i++) {
        scene_t *scene = scene_of(&rows[i].ask, world);
        absw_decision_t got = absw_decide(&scene->policy, &scene->facts);

        wrong += compare(rows[i].why, &got, &rows[i].want);
        wrong += differs(rows[i].why, "asked twice for the current side",
                         scene->current.asked > 1, 0);
    }
    assert_int_equal(wrong, 0);
}

/* -- Section 4, row by row ----------------------------------------------------------------- */

static void test_row_2_prefetch(void **state)
{
    static const row_t rows[] = {
        { "3 logout", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, FRESH), PREFETCHED, LOGOUT),
          UNFETCHED },
        { "4 past, nav", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, OVER), PREFETCHED), UNFETCHED },
        { "4 past, form", ASK(SIDE_A, FORM, INSIDE, USER(SIDE_A, OVER), PREFETCHED), UNFETCHED },
        { "4 past, other", ASK(SIDE_A, OTHER, INSIDE, USER(SIDE_A, OVER), PREFETCHED), UNFETCHED },
        { "5 tester, open", ASK(SIDE_B, NAV, OUTSIDE, TESTER(SIDE_B, FRESH), PREFETCHED),
          PASSES(ABSW_TESTER, 1) },
        { "5 tester, closed", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, FRESH), PREFETCHED),
          PASSES(ABSW_TESTER, 1) },
        { "6 closed, nav", ASK(SIDE_C, NAV, OUTSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "6 closed, form", ASK(SIDE_C, FORM, OUTSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "6 closed, other", ASK(SIDE_C, OTHER, OUTSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "6 closed, a session elsewhere", ASK(SIDE_C, NAV, INSIDE, USER(SIDE_A, FRESH),
          PREFETCHED), UNFETCHED },
        { "7 other", ASK(SIDE_A, OTHER, OUTSIDE, NOBODY, PREFETCHED), PASSES(ABSW_PASS, 0) },
        { "7 form", ASK(SIDE_A, FORM, OUTSIDE, NOBODY, PREFETCHED), PASSES(ABSW_PASS, 0) },
        { "7 other, a session", ASK(SIDE_A, OTHER, OUTSIDE, USER(SIDE_A, FRESH), PREFETCHED),
          PASSES(ABSW_PASS, 1) },
        { "8a", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH), PREFETCHED),
          PASSES(ABSW_PASS, 1) },
        { "8b", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_B, FRESH), PREFETCHED),
          PASSES(ABSW_VISITOR, 1) },
        { "9 home", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), PREFETCHED), UNFETCHED },
        { "9 current", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), PREFETCHED, CURRENT),
          UNFETCHED },
        { "9 current, asked for", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, FRESH), PREFETCHED,
          CURRENT), UNFETCHED },
        { "9 off", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), PREFETCHED, OFF),
          PASSES(ABSW_VISITOR, 1) },
        { "10", ASK(SIDE_A, NAV, INSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "11", ASK(SIDE_B, NAV, OUTSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "12", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, PREFETCHED), UNFETCHED },
        { "12 off", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, PREFETCHED, OFF), UNFETCHED },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_row_3_logout(void **state)
{
    static const row_t rows[] = {
        { "nav", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, FRESH), LOGOUT), LOGGED_OUT(1) },
        { "form", ASK(SIDE_A, FORM, INSIDE, USER(SIDE_A, FRESH), LOGOUT), LOGGED_OUT(1) },
        { "other", ASK(SIDE_A, OTHER, INSIDE, USER(SIDE_A, FRESH), LOGOUT), LOGGED_OUT(1) },
        { "outside", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH), LOGOUT), LOGGED_OUT(1) },
        { "open side", ASK(SIDE_B, NAV, INSIDE, USER(SIDE_B, FRESH), LOGOUT), LOGGED_OUT(1) },
        { "of another side", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_B, FRESH), LOGOUT),
          LOGGED_OUT(1) },
        { "of another side, outside", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), LOGOUT),
          LOGGED_OUT(1) },
        { "before row 4", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, OVER), LOGOUT), LOGGED_OUT(ANY) },
        { "before row 5", ASK(SIDE_C, NAV, INSIDE, TESTER(SIDE_C, FRESH), LOGOUT),
          LOGGED_OUT(1) },
        { "before row 6", ASK(SIDE_C, NAV, INSIDE, USER(SIDE_A, FRESH), LOGOUT), LOGGED_OUT(1) },
        { "closed, no session", ASK(SIDE_C, NAV, OUTSIDE, NOBODY, LOGOUT), LOGGED_OUT(ANY) },
        { "closed, its own", ASK(SIDE_C, NAV, INSIDE, USER(SIDE_C, FRESH), LOGOUT),
          LOGGED_OUT(ANY) },
        { "before row 10", ASK(SIDE_A, NAV, INSIDE, NOBODY, LOGOUT), LOGGED_OUT(ANY) },
        { "before row 11", ASK(SIDE_B, NAV, OUTSIDE, NOBODY, LOGOUT), LOGGED_OUT(ANY) },
        { "before row 12", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, LOGOUT), LOGGED_OUT(ANY) },
        { "bookmarks current", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), LOGOUT, CURRENT),
          LOGGED_OUT(1) },
        { "not the path", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, FRESH)), PASSES(ABSW_PASS, 1) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_row_4_cutoff(void **state)
{
    static const row_t rows[] = {
        { "nav", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, OVER)), CUT_OFF_NAV },
        { "form", ASK(SIDE_A, FORM, INSIDE, USER(SIDE_A, OVER)), CUT_OFF_FORM },
        { "other", ASK(SIDE_A, OTHER, INSIDE, USER(SIDE_A, OVER)), CUT_OFF_OTHER },
        { "outside", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, OVER)), CUT_OFF_NAV },
        { "much older", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, 1000 * OVER)), CUT_OFF_NAV },
        { "on another side", ASK(SIDE_B, NAV, INSIDE, USER(SIDE_A, OVER)), CUT_OFF_NAV },
        { "open side", ASK(SIDE_B, NAV, INSIDE, USER(SIDE_B, OVER)), CUT_OFF_NAV },
        { "bookmarks off", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, OVER), OFF), CUT_OFF_NAV },
        { "bookmarks current", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, OVER), CURRENT),
          CUT_OFF_NAV },
        { "tester", ASK(SIDE_A, NAV, INSIDE, TESTER(SIDE_A, OVER)), CUT_OFF_NAV },
        { "tester, form", ASK(SIDE_A, FORM, INSIDE, TESTER(SIDE_A, OVER)), CUT_OFF_FORM },
        { "tester, closed side", ASK(SIDE_C, OTHER, INSIDE, TESTER(SIDE_C, OVER)),
          CUT_OFF_OTHER },
        { "before row 6", ASK(SIDE_C, NAV, INSIDE, USER(SIDE_C, OVER)), CUT_OFF_NAV },
        { "before row 6, form", ASK(SIDE_C, FORM, INSIDE, USER(SIDE_C, OVER)), CUT_OFF_FORM },
        { "its side is closed", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_C, OVER)), CUT_OFF_NAV },
        { "a second to go", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, LAST)), PASSES(ABSW_PASS, 1) },
        { "a second to go, form", ASK(SIDE_A, FORM, INSIDE, USER(SIDE_A, LAST)),
          PASSES(ABSW_PASS, 1) },
        { "a second to go, tester", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, LAST)),
          PASSES(ABSW_TESTER, 1) },
        { "clock set back", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, -60)), PASSES(ABSW_PASS, 1) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_row_5_tester(void **state)
{
    static const row_t rows[] = {
        { "closed side", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)),
          PASSES(ABSW_TESTER, 1) },
        { "closed side, form", ASK(SIDE_C, FORM, OUTSIDE, TESTER(SIDE_C, FRESH)),
          PASSES(ABSW_TESTER, 1) },
        { "closed side, other", ASK(SIDE_C, OTHER, OUTSIDE, TESTER(SIDE_C, FRESH)),
          PASSES(ABSW_TESTER, 1) },
        { "closed side, inside", ASK(SIDE_C, NAV, INSIDE, TESTER(SIDE_C, FRESH)),
          PASSES(ABSW_TESTER, 1) },
        { "draining side", ASK(SIDE_A, NAV, OUTSIDE, TESTER(SIDE_A, FRESH)),
          PASSES(ABSW_TESTER, 1) },
        { "open side", ASK(SIDE_B, OTHER, OUTSIDE, TESTER(SIDE_B, FRESH)),
          PASSES(ABSW_TESTER, 1) },
        { "bookmarks current", ASK(SIDE_A, NAV, OUTSIDE, TESTER(SIDE_A, FRESH), CURRENT),
          PASSES(ABSW_TESTER, 1) },
        { "an ordinary one", ASK(SIDE_C, NAV, OUTSIDE, USER(SIDE_C, FRESH)),
          SENT_ANEW(ABSW_CLOSED, SIDE_B) },
        { "at another side, inside", ASK(SIDE_A, NAV, INSIDE, TESTER(SIDE_C, FRESH)),
          PASSES(ABSW_VISITOR, 1) },
        { "at another side, outside", ASK(SIDE_A, NAV, OUTSIDE, TESTER(SIDE_C, FRESH)),
          SENT_HOME(ABSW_BOOKMARK, SIDE_C) },
        { "at another side, other", ASK(SIDE_A, OTHER, OUTSIDE, TESTER(SIDE_C, FRESH)),
          PASSES(ABSW_PASS, 1) },
        { "at another side, off", ASK(SIDE_A, NAV, OUTSIDE, TESTER(SIDE_C, FRESH), OFF),
          PASSES(ABSW_VISITOR, 1) },
        { "at another, closed side", ASK(SIDE_C, NAV, OUTSIDE, TESTER(SIDE_A, FRESH)),
          SENT_HOME(ABSW_CLOSED, SIDE_A) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_row_6_closed(void **state)
{
    static const row_t rows[] = {
        { "nobody", ASK(SIDE_C, NAV, OUTSIDE, NOBODY), SENT_NEW(ABSW_CLOSED, SIDE_B) },
        { "nobody, inside", ASK(SIDE_C, NAV, INSIDE, NOBODY), SENT_NEW(ABSW_CLOSED, SIDE_B) },
        { "nobody, form", ASK(SIDE_C, FORM, INSIDE, NOBODY), CLOSED_FORM },
        { "nobody, other", ASK(SIDE_C, OTHER, INSIDE, NOBODY), REFUSED(ABSW_CLOSED, 403) },
        { "routed", ASK(SIDE_C, NAV, OUTSIDE, NOBODY, ROUTED), SENT_NEW(ABSW_CLOSED, SIDE_A) },
        { "bookmarks off", ASK(SIDE_C, NAV, OUTSIDE, NOBODY, OFF),
          SENT_NEW(ABSW_CLOSED, SIDE_B) },
        { "a session elsewhere", ASK(SIDE_C, NAV, OUTSIDE, USER(SIDE_A, FRESH)),
          SENT_HOME(ABSW_CLOSED, SIDE_A) },
        { "a session elsewhere, inside", ASK(SIDE_C, NAV, INSIDE, USER(SIDE_A, FRESH)),
          SENT_HOME(ABSW_CLOSED, SIDE_A) },
        { "a session elsewhere, current", ASK(SIDE_C, NAV, OUTSIDE, USER(SIDE_A, FRESH), CURRENT),
          SENT_HOME(ABSW_CLOSED, SIDE_A) },
        { "a session elsewhere, form", ASK(SIDE_C, FORM, INSIDE, USER(SIDE_A, FRESH)),
          CLOSED_FORM },
        { "a session elsewhere, other", ASK(SIDE_C, OTHER, INSIDE, USER(SIDE_A, FRESH)),
          REFUSED(ABSW_CLOSED, 403) },
        { "its own", ASK(SIDE_C, NAV, INSIDE, USER(SIDE_C, FRESH)),
          SENT_ANEW(ABSW_CLOSED, SIDE_B) },
        { "its own, form", ASK(SIDE_C, FORM, INSIDE, USER(SIDE_C, FRESH)), CLOSED_FORM },
        { "its own, other", ASK(SIDE_C, OTHER, INSIDE, USER(SIDE_C, FRESH)),
          REFUSED(ABSW_CLOSED, 403) },
        { "not closed", ASK(SIDE_A, NAV, INSIDE, NOBODY),
          PASSES_WITH(ABSW_ADOPT, SIDE_A, 0) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_row_7_not_nav(void **state)
{
    static const row_t rows[] = {
        { "nobody", ASK(SIDE_A, OTHER, OUTSIDE, NOBODY), PASSES(ABSW_PASS, 0) },
        { "nobody, form", ASK(SIDE_A, FORM, OUTSIDE, NOBODY), PASSES(ABSW_PASS, 0) },
        { "nobody, inside", ASK(SIDE_A, OTHER, INSIDE, NOBODY), PASSES(ABSW_PASS, 0) },
        { "nobody, inside, form", ASK(SIDE_A, FORM, INSIDE, NOBODY), PASSES(ABSW_PASS, 0) },
        { "nobody, open side", ASK(SIDE_B, OTHER, OUTSIDE, NOBODY), PASSES(ABSW_PASS, 0) },
        { "a session", ASK(SIDE_A, OTHER, OUTSIDE, USER(SIDE_A, FRESH)), PASSES(ABSW_PASS, 1) },
        { "a session, form", ASK(SIDE_A, FORM, OUTSIDE, USER(SIDE_A, FRESH)),
          PASSES(ABSW_PASS, 1) },
        { "a session elsewhere", ASK(SIDE_A, OTHER, OUTSIDE, USER(SIDE_B, FRESH)),
          PASSES(ABSW_PASS, 1) },
        { "a session elsewhere, current", ASK(SIDE_A, FORM, OUTSIDE, USER(SIDE_B, FRESH), CURRENT),
          PASSES(ABSW_PASS, 1) },
        { "a session that closed", ASK(SIDE_A, OTHER, OUTSIDE, USER(SIDE_C, FRESH)),
          PASSES(ABSW_PASS, 0) },
        { "nav", ASK(SIDE_A, NAV, INSIDE, NOBODY), PASSES_WITH(ABSW_ADOPT, SIDE_A, 0) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_rows_8_and_9_a_session(void **state)
{
    static const row_t rows[] = {
        { "8a draining", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH)), PASSES(ABSW_PASS, 1) },
        { "8a inside", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_A, FRESH)), PASSES(ABSW_PASS, 1) },
        { "8a open", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_B, FRESH)), PASSES(ABSW_PASS, 1) },
        { "8a current", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH), CURRENT),
          PASSES(ABSW_PASS, 1) },
        { "8a off", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_A, FRESH), OFF), PASSES(ABSW_PASS, 1) },
        { "8b", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_B, FRESH)), PASSES(ABSW_VISITOR, 1) },
        { "8b on the open side", ASK(SIDE_B, NAV, INSIDE, USER(SIDE_A, FRESH)),
          PASSES(ABSW_VISITOR, 1) },
        { "8b current", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_B, FRESH), CURRENT),
          PASSES(ABSW_VISITOR, 1) },
        { "9", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH)),
          SENT_HOME(ABSW_BOOKMARK, SIDE_B) },
        { "9 to the draining side", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, FRESH)),
          SENT_HOME(ABSW_BOOKMARK, SIDE_A) },
        { "9 to the last second", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, LAST)),
          SENT_HOME(ABSW_BOOKMARK, SIDE_A) },
        { "9 routed", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), ROUTED),
          SENT_HOME(ABSW_BOOKMARK, SIDE_B) },
        { "9 current", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), CURRENT),
          SENT(ABSW_BOOKMARK, ABSW_TO_SIDE, SIDE_B, SIDE_B, 1) },
        { "9 current, asked for", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, FRESH), CURRENT),
          PASSES_WITH(ABSW_ENTER, SIDE_B, 1) },
        { "9 current, routed, asked for", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), CURRENT,
          ROUTED), PASSES_WITH(ABSW_ENTER, SIDE_A, 1) },
        { "9 current, routed", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_A, FRESH), CURRENT, ROUTED),
          SENT(ABSW_BOOKMARK, ABSW_TO_SIDE, SIDE_A, SIDE_A, 1) },
        { "9 off", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_B, FRESH), OFF),
          PASSES(ABSW_VISITOR, 1) },
        { "its side closed, inside", ASK(SIDE_A, NAV, INSIDE, USER(SIDE_C, FRESH)),
          PASSES_WITH(ABSW_ADOPT, SIDE_A, ANY) },
        { "its side closed, outside", ASK(SIDE_A, NAV, OUTSIDE, USER(SIDE_C, FRESH)),
          SENT_ANEW(ABSW_BOOKMARK, SIDE_B) },
        { "its side closed, open side", ASK(SIDE_B, NAV, OUTSIDE, USER(SIDE_C, FRESH)),
          PASSES_WITH(ABSW_ENTER, SIDE_B, ANY) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

static void test_rows_10_to_12_no_session(void **state)
{
    static const row_t rows[] = {
        { "10 draining", ASK(SIDE_A, NAV, INSIDE, NOBODY), PASSES_WITH(ABSW_ADOPT, SIDE_A, 0) },
        { "10 open", ASK(SIDE_B, NAV, INSIDE, NOBODY), PASSES_WITH(ABSW_ADOPT, SIDE_B, 0) },
        { "10 current", ASK(SIDE_A, NAV, INSIDE, NOBODY, CURRENT),
          PASSES_WITH(ABSW_ADOPT, SIDE_A, 0) },
        { "10 off", ASK(SIDE_A, NAV, INSIDE, NOBODY, OFF), PASSES_WITH(ABSW_ADOPT, SIDE_A, 0) },
        { "11 open", ASK(SIDE_B, NAV, OUTSIDE, NOBODY), PASSES_WITH(ABSW_ENTER, SIDE_B, 0) },
        { "11 open, another is routed", ASK(SIDE_B, NAV, OUTSIDE, NOBODY, ROUTED),
          PASSES_WITH(ABSW_ENTER, SIDE_B, 0) },
        { "11 draining, but routed", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, ROUTED),
          PASSES_WITH(ABSW_ENTER, SIDE_A, 0) },
        { "11 bookmarks current", ASK(SIDE_B, NAV, OUTSIDE, NOBODY, CURRENT),
          PASSES_WITH(ABSW_ENTER, SIDE_B, 0) },
        { "12", ASK(SIDE_A, NAV, OUTSIDE, NOBODY), SENT_NEW(ABSW_BOOKMARK, SIDE_B) },
        { "12 current", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, CURRENT),
          SENT_NEW(ABSW_BOOKMARK, SIDE_B) },
        { "12 off", ASK(SIDE_A, NAV, OUTSIDE, NOBODY, OFF),
          PASSES_WITH(ABSW_ENTER, SIDE_A, 0) },
    };

    (void)state;
    check_rows(rows, COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_2_prefetch),
        cmocka_unit_test(test_row_3_logout),
        cmocka_unit_test(test_row_4_cutoff),
        cmocka_unit_test(test_row_5_tester),
        cmocka_unit_test(test_row_6_closed),
        cmocka_unit_test(test_row_7_not_nav),
        cmocka_unit_test(test_rows_8_and_9_a_session),
        cmocka_unit_test(test_rows_10_to_12_no_session),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
