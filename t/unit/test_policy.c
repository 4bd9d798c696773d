/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"
#include "verdict.h"

static void test_below(void **state)
{
    static const struct {
        const char *base;
        const char *path;
        const char *rest;           /* NULL: not below */
    } rows[] = {
        { "/contact/A", "/contact/A", "" },
        { "/contact/A", "/contact/A/", "/" },
        { "/contact/A", "/contact/A/x/y", "/x/y" },
        { "/contact/A", "/contact/A//x", "//x" },
        { "/contact/A", "/contact/AB", NULL },
        { "/contact/A", "/contact/A;x", NULL },
        { "/contact/A", "/contact/a/x", NULL },
        { "/contact/A", "/contact", NULL },
        { "/contact/A", "/contact/", NULL },
        { "/contact/A", "/", NULL },
        { "/contact/A", "", NULL },
        { "/contact/A", "/x/contact/A", NULL },
        { "/contact/A", "contact/A/x", NULL },
        { "/contact", "/contactus", NULL },
        { "", "", "" },
        { "", "/", "/" },
        { "", "/x", "/x" },
        { "", "x", NULL },
        { "", "*", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *rest = absw_policy_below(rows[i].base, strlen(rows[i].base), rows[i].path);

        if (rows[i].rest ? !rest || strcmp(rest, rows[i].rest) != 0 : rest != NULL) {
            fail_msg("%s below \"%s\": got %s", rows[i].path, rows[i].base, rest ? rest : "none");
        }
        if (rest) {
            assert_ptr_equal(rest, rows[i].path + strlen(rows[i].base));
        }
    }
}

static void test_side_of_path(void **state)
{
    static const struct {
        const char *path;
        int side;
        const char *rest;
    } rows[] = {
        { "/contact/A", SIDE_A, "" },
        { "/contact/A/x", SIDE_A, "/x" },
        { "/contact/B/", SIDE_B, "/" },
        { "/else/where/x", SIDE_C, "/x" },
        { "/else", ABSW_NO_SIDE, NULL },
        { "/contact", ABSW_NO_SIDE, NULL },
        { "/contact/AB/x", ABSW_NO_SIDE, NULL },
        { "/contact/b/x", ABSW_NO_SIDE, NULL },
        { "//contact/A/x", ABSW_NO_SIDE, NULL },
        { "", ABSW_NO_SIDE, NULL },
    };
    const absw_policy_t policy = sample_policy();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *rest = NULL;

        assert_int_equal(absw_policy_side_of_path(&policy, rows[i].path, &rest), rows[i].side);
        if (rows[i].rest) {
            assert_string_equal(rest, rows[i].rest);
        }
    }
}

static void test_side_of_name(void **state)
{
    static const struct {
        const char *text;
        apr_size_t len;
        int side;
    } rows[] = {
        { "A", 1, SIDE_A },
        { "Bxyz", 1, SIDE_B },
        { "C.-", 1, SIDE_C },
        { "a", 1, ABSW_NO_SIDE },
        { "AB", 2, ABSW_NO_SIDE },
        { "A\0", 2, ABSW_NO_SIDE },
        { "A", 0, ABSW_NO_SIDE },
        { "../B", 4, ABSW_NO_SIDE },
    };
    const absw_policy_t policy = sample_policy();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(absw_policy_side_of_name(&policy, rows[i].text, rows[i].len),
                         rows[i].side);
    }
}

static void test_is_name(void **state)
{
    static const struct {
        const char *text;
        apr_size_t len;
        apr_size_t max;
        const char *extra;
        int ok;
    } rows[] = {
        { "azAZ09_-", 8, 8, "", 1 },
        { "azAZ09_-", 8, 7, "", 0 },
        { "x", 0, 8, "", 0 },
        { "x", 1, 8, "", 1 },
        { "web1:80", 7, 64, "", 0 },
        { "web1:80", 7, 64, ".:", 1 },
        { "a.b", 3, 64, "", 0 },
        { "a b", 3, 64, ".:", 0 },
        { "a\0b", 3, 64, ".:", 0 },
        { "\xc3\xa4", 2, 64, ".:", 0 },
        { "a/b", 3, 64, ".:", 0 },
        { "@", 1, 64, "", 0 },
        { "[", 1, 64, "", 0 },
        { "`", 1, 64, "", 0 },
        { "{", 1, 64, "", 0 },
        { "/", 1, 64, "", 0 },
        { ":", 1, 64, "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (absw_policy_is_name(rows[i].text, rows[i].len, rows[i].max, rows[i].extra)
            != rows[i].ok) {
            fail_msg("\"%s\" (%d bytes) is a name: not %d", rows[i].text, (int)rows[i].len,
                     rows[i].ok);
        }
    }
}

/* The names are a promise to users; whoever renames one breaks a log format or a dashboard. */
static void test_verdict_names(void **state)
{
    static const char *const names[] = {
        "", "pass", "tester", "visitor", "adopt", "enter", "bookmark", "cutoff", "closed",
        "logout", "prefetch", "launchpad", "deeplink", "door"
    };

    (void)state;
    assert_int_equal(COUNT_OF(names), ABSW_VERDICT_COUNT);
    for (int i = 0; i < ABSW_VERDICT_COUNT; i++) {
        assert_string_equal(absw_verdict_name((absw_verdict_e)i), names[i]);
        assert_true(strlen(absw_verdict_text((absw_verdict_e)i)) > 0);
    }
    assert_string_equal(absw_verdict_name(ABSW_DOOR), "door");
    assert_string_equal(absw_verdict_name(ABSW_CUTOFF), "cutoff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_side_of_path),
        cmocka_unit_test(test_side_of_name),
        cmocka_unit_test(test_is_name),
        cmocka_unit_test(test_verdict_names),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
