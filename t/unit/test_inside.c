/* SPDX-License-Identifier: Apache-2.0 */
#include "inside.h"
#include "sample.h"

#define OWN  "https://app.example"
#define SRC  OWN "/contact/A/src"

static const char same_origin[] = "same-origin";

static absw_origin_t origin_of(const char *url)
{
    absw_origin_t origin;

    if (!absw_origin_parse(url, 1, &origin, NULL)) {
        fail_msg("%s is no origin", url);
    }
    return origin;
}

/* -- Origins ------------------------------------------------------------------------------- */

static void test_origin(void **state)
{
    static const struct {
        const char *url;
        const char *scheme;         /* NULL: not an origin */
        const char *host;
        unsigned port;
    } rows[] = {
        { "http://h", "http", "h", 80 },
        { "https://h", "https", "h", 443 },
        { "HTTPS://App.EXAMPLE.", "https", "app.example", 443 },
        { "http://app.example:8080", "http", "app.example", 8080 },
        { "http://app.example:80", "http", "app.example", 80 },
        { "http://app.example:00080", "http", "app.example", 80 },
        { "https://app.example:80", "https", "app.example", 80 },
        { "http://127.0.0.1:65535", "http", "127.0.0.1", 65535 },
        { "http://a_b-c.d", "http", "a_b-c.d", 80 },
        { "http://[::1]", "http", "[::1]", 80 },
        { "http://[::1]:8080", "http", "[::1]", 8080 },
        { "https://[0:0::0001]", "https", "[::1]", 443 },
        { "https://[2001:DB8::A]", "https", "[2001:db8::a]", 443 },
        { "https://[1111:2222:3333:4444:5555:6666:7777:8888]", "https",
          "[1111:2222:3333:4444:5555:6666:7777:8888]", 443 },
        { "", NULL, NULL, 0 },
        { "null", NULL, NULL, 0 },
        { "http:", NULL, NULL, 0 },
        { "http:/", NULL, NULL, 0 },
        { "http://", NULL, NULL, 0 },
        { "http:///", NULL, NULL, 0 },
        { "///", NULL, NULL, 0 },
        { "//h", NULL, NULL, 0 },
        { "h", NULL, NULL, 0 },
        { "ftp://h", NULL, NULL, 0 },
        { "httpss://h", NULL, NULL, 0 },
        { "wss://h", NULL, NULL, 0 },
        { " http://h", NULL, NULL, 0 },
        { "http://h ", NULL, NULL, 0 },
        { "http://h/", NULL, NULL, 0 },
        { "http://h?", NULL, NULL, 0 },
        { "http://h#", NULL, NULL, 0 },
        { "http://.", NULL, NULL, 0 },
        { "http://h..", NULL, NULL, 0 },
        { "http://.h", NULL, NULL, 0 },
        { "http://a..b", NULL, NULL, 0 },
        { "http://a b", NULL, NULL, 0 },
        { "http://a%62", NULL, NULL, 0 },
        { "http://\xc3\xa4", NULL, NULL, 0 },
        { "http://h\\", NULL, NULL, 0 },
        { "http://a,b", NULL, NULL, 0 },
        { "http://h, http://h", NULL, NULL, 0 },
        { "http://u@h", NULL, NULL, 0 },
        { "http://u:p@h", NULL, NULL, 0 },
        { "http://h@", NULL, NULL, 0 },
        { "http://:80", NULL, NULL, 0 },
        { "http://h:", NULL, NULL, 0 },
        { "http://h:0", NULL, NULL, 0 },
        { "http://h:65536", NULL, NULL, 0 },
        { "http://h:000080", NULL, NULL, 0 },
        { "http://h:4294967376", NULL, NULL, 0 },
        { "http://h:8o", NULL, NULL, 0 },
        { "http://h:+80", NULL, NULL, 0 },
        { "http://h:-1", NULL, NULL, 0 },
        { "http://h:80:80", NULL, NULL, 0 },
        { "http://[", NULL, NULL, 0 },
        { "http://[]", NULL, NULL, 0 },
        { "http://[::1", NULL, NULL, 0 },
        { "http://[::g]", NULL, NULL, 0 },
        { "http://[::1]x", NULL, NULL, 0 },
        { "http://[::1]x:80", NULL, NULL, 0 },
        { "http://[::1]:", NULL, NULL, 0 },
        { "http://[127.0.0.1]", NULL, NULL, 0 },
        { "http://[fe80::1%25eth0]", NULL, NULL, 0 },
        { "http://[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]", NULL, NULL, 0 },
        { "http://::1", NULL, NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_origin_t origin;
        int ok = absw_origin_parse(rows[i].url, 1, &origin, NULL);

        if (ok != (rows[i].scheme != NULL)) {
            fail_msg("%s: %s", rows[i].url, ok ? "taken" : "refused");
        }
        if (ok) {
            assert_string_equal(origin.scheme, rows[i].scheme);
            assert_string_equal(origin.host, rows[i].host);
            assert_int_equal(origin.port, rows[i].port);
        }
    }
}

static void test_origin_lengths(void **state)
{
    char url[7 + ABSW_HOST_MAX + 3];
    absw_origin_t origin;

    (void)state;
    memset(url, 'a', sizeof(url));
    memcpy(url, "http://", 7);
    url[7 + ABSW_HOST_MAX] = '\0';
    assert_true(absw_origin_parse(url, 1, &origin, NULL));
    assert_int_equal(strlen(origin.host), ABSW_HOST_MAX);
    url[7 + ABSW_HOST_MAX] = '.';
    url[7 + ABSW_HOST_MAX + 1] = '\0';
    assert_true(absw_origin_parse(url, 1, &origin, NULL));
    url[7 + ABSW_HOST_MAX] = 'a';
    assert_false(absw_origin_parse(url, 1, &origin, NULL));
}

static void test_origin_rest(void **state)
{
    static const struct {
        const char *url;
        const char *rest;
    } rows[] = {
        { "http://h", "" },
        { "http://h/", "/" },
        { "http://h:80/a?b#c", "/a?b#c" },
        { "http://h?b", "?b" },
        { "http://h#c", "#c" },
        { "http://[::1]/a", "/a" },
        { "http://h/@evil", "/@evil" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_origin_t origin;
        const char *rest = NULL;

        assert_true(absw_origin_parse(rows[i].url, 0, &origin, &rest));
        assert_string_equal(rest, rows[i].rest);
    }
}

static void test_origin_of_request(void **state)
{
    static const struct {
        const char *scheme;
        const char *host;
        const char *same_as;        /* NULL: malformed */
    } rows[] = {
        { "https", "app.example", OWN },
        { "https", "APP.EXAMPLE.", OWN },
        { "https", "app.example:443", OWN },
        { "http", "app.example", "http://app.example" },
        { "http", "[::1]:8080", "http://[::1]:8080" },
        { "https", "", NULL },
        { "https", "app.example, evil", NULL },
        { "https", "app.example/", NULL },
        { "https", "u@app.example", NULL },
        { "https", "app.example:x", NULL },
        { "ftp", "app.example", NULL },
        { "", "app.example", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_origin_t origin;
        int ok = absw_origin_of_request(rows[i].scheme, rows[i].host, &origin);

        if (ok != (rows[i].same_as != NULL)) {
            fail_msg("%s %s: %s", rows[i].scheme, rows[i].host, ok ? "taken" : "refused");
        }
        if (ok) {
            absw_origin_t same = origin_of(rows[i].same_as);

            assert_true(absw_origin_equal(&origin, &same));
        }
    }
}

static void test_origins_differ(void **state)
{
    static const char *const all[] = {
        "http://h", "https://h", "http://h:443", "https://h:80", "http://h.h", "http://g",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        for (size_t k = 0; k < COUNT_OF(all); k++) {
            absw_origin_t a = origin_of(all[i]);
            absw_origin_t b = origin_of(all[k]);

            assert_int_equal(absw_origin_equal(&a, &b), i == k);
        }
    }
}

/* -- Inside -------------------------------------------------------------------------------- */

static int is_inside(const char *referer, const char *origin, const char *fetch_site)
{
    const absw_policy_t policy = sample_policy();
    const absw_origin_t own[] = { origin_of(OWN), origin_of("http://[::1]:8080") };
    const absw_provenance_t from = {
        .referer = referer, .origin = origin, .fetch_site = fetch_site
    };

    return absw_inside(&policy, own, COUNT_OF(own), &from);
}

/* A Referer with something in it: Origin and Fetch Metadata cannot change what it says. */
static void test_referer(void **state)
{
    static const struct {
        const char *referer;
        int inside;
    } rows[] = {
        { SRC, 1 },
        { OWN "/contact/A", 1 },
        { OWN "/contact/A/", 1 },
        { OWN "/contact/B/x?y=z#f", 1 },
        { OWN "/contact/A?x", 1 },
        { OWN "/contact/A#x", 1 },
        { OWN "/else/where/x", 1 },
        { "https://APP.example.:443/contact/A/", 1 },
        { "http://[0::1]:8080/contact/A/", 1 },
        { OWN "/contact/%41/x", 1 },
        { OWN "/contact/A/%00x", 0 },
        { OWN "/contact/A/a%2Fb", 0 },
        { OWN "/contact%2fA/x", 0 },
        { OWN "/contact/A/%", 0 },
        { OWN "/contact/A/%4", 0 },
        { OWN "/contact/A/%zz", 0 },
        { OWN "/contact/A/%4?41", 0 },
        { OWN "/contact/A/%0d%0a%20", 1 },
        { OWN "/contact/A/%c3%a4", 1 },
        { OWN "/contact/A/\xc3\xa4", 1 },
        { OWN "/contact/A/a b", 0 },
        { OWN "/contact/A/a\tb", 0 },
        { OWN "/contact/A/\x7f", 0 },
        { OWN "/contact/%2541/x", 0 },
        { OWN "//contact///A/x", 1 },
        { OWN "/contact/./A/x", 1 },
        { OWN "/contact/B/../A/x", 1 },
        { OWN "/contact/B/%2e%2E/A", 1 },
        { OWN "/contact/A/..", 0 },
        { OWN "/contact/A/../", 0 },
        { OWN "/contact/A/x/..", 1 },
        { OWN "/contact/A/.", 1 },
        { OWN "/contact/A/../../other", 0 },
        { OWN "/contact/.../A/x", 0 },
        { OWN "/contact/.x/A", 0 },
        { OWN "/contact/.x./A", 0 },
        { OWN "/../contact/A/x", 0 },
        { OWN "/contact/A/../../..", 0 },
        { OWN "/contact/A/..;x/", 1 },
        { OWN "/contact/A;x/y", 0 },
        { OWN "/contact/A\\x", 0 },
        { OWN "/contact\\A/x", 0 },
        { OWN "\\contact/A/x", 0 },
        { OWN "/contact/AB/x", 0 },
        { OWN "/contact/a/x", 0 },
        { OWN "/contact", 0 },              /* the launchpad */
        { OWN "/contact/", 0 },
        { OWN "/contact/lists.jsp", 0 },
        { OWN "/contactus", 0 },
        { OWN "/other", 0 },
        { OWN "/?/contact/A/x", 0 },
        { OWN "/#/contact/A/x", -1 },       /* no more than "/" */
        { OWN "?x", 0 },
        { OWN "/?", 0 },
        { OWN "/.", 0 },
        { OWN "//", 0 },
        { OWN "//evil/contact/A/", 0 },
        { OWN, -1 },
        { OWN "/", -1 },
        { OWN "#x", -1 },
        { "http://app.example/contact/A/x", 0 },
        { OWN ":8443/contact/A/x", 0 },
        { OWN ".evil/contact/A/", 0 },
        { OWN "@evil/contact/A/", 0 },
        { "https://evil/contact/A/", 0 },
        { "https://evil/", 0 },
        { "https://evil@app.example/contact/A/x", 0 },
        { "https://evil\\@app.example/contact/A/x", 0 },
        { "https://sub.app.example/contact/A/x", 0 },
        { "https://evil/https://app.example/contact/A/", 0 },
        { "/contact/A/x", 0 },
        { "app.example/contact/A/x", 0 },
        { "//app.example/contact/A/x", 0 },
        { "about:blank", 0 },
        { "http:", 0 },
        { "https://", 0 },
        { "https:///contact/A/", 0 },
        { "///", 0 },
        { "-", 0 },
        { " ", 0 },
        { SRC ", " SRC, 0 },                /* two of them, joined */
        { " " SRC, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int depends = rows[i].inside == -1;
        int without = is_inside(rows[i].referer, NULL, NULL);
        int with_site = is_inside(rows[i].referer, NULL, same_origin);
        int with_origin = is_inside(rows[i].referer, OWN, NULL);
        int with_none = is_inside(rows[i].referer, "null", "none");

        if (without != (depends ? 0 : rows[i].inside)
            || with_none != (depends ? 0 : rows[i].inside)
            || with_site != (depends ? 1 : rows[i].inside)
            || with_origin != (depends ? 1 : rows[i].inside)) {
            fail_msg("Referer: %s: alone %d, same-origin %d, own Origin %d, none %d",
                     rows[i].referer, without, with_site, with_origin, with_none);
        }
    }
}

/* No Referer to speak of: what Origin and Sec-Fetch-Site say, then. */
static void test_without_referer(void **state)
{
    static const char *const bare[] = { NULL, "", OWN, OWN "/" };
    static const struct {
        const char *origin;
        const char *fetch_site;
        int inside;
    } rows[] = {
        { NULL, NULL, 0 },
        { NULL, same_origin, 1 },
        { NULL, "same-site", 0 },
        { NULL, "cross-site", 0 },
        { NULL, "none", 0 },
        { NULL, "", 0 },
        { NULL, "SAME-ORIGIN", 0 },
        { NULL, "same-origin ", 0 },
        { NULL, "same-origin, none", 0 },
        { NULL, "same-origin, same-origin", 0 },
        { OWN, NULL, 1 },
        { OWN, "cross-site", 1 },
        { "HTTPS://APP.EXAMPLE:443", NULL, 1 },
        { "http://[::1]:8080", NULL, 1 },
        { "null", NULL, 0 },
        { "null", same_origin, 1 },
        { "", NULL, 0 },
        { OWN "/", NULL, 0 },
        { OWN ":8443", NULL, 0 },
        { "http://app.example", NULL, 0 },
        { "https://evil", NULL, 0 },
        { "https://evil", same_origin, 1 },
        { OWN ".evil", NULL, 0 },
        { OWN ", " OWN, NULL, 0 },
        { OWN " https://evil", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t k = 0; k < COUNT_OF(bare); k++) {
            if (is_inside(bare[k], rows[i].origin, rows[i].fetch_site) != rows[i].inside) {
                fail_msg("Referer %s, Origin %s, Sec-Fetch-Site %s: not %d",
                         bare[k] ? bare[k] : "(none)", rows[i].origin ? rows[i].origin : "(none)",
                         rows[i].fetch_site ? rows[i].fetch_site : "(none)", rows[i].inside);
            }
        }
        assert_false(is_inside("https://evil/", rows[i].origin, rows[i].fetch_site));
    }
}

static void test_no_own_origin(void **state)
{
    const absw_policy_t policy = sample_policy();
    const absw_provenance_t from = { .referer = SRC, .origin = OWN, .fetch_site = same_origin };
    const absw_provenance_t bare = { .origin = OWN, .fetch_site = "none" };

    (void)state;
    assert_false(absw_inside(&policy, NULL, 0, &from));
    assert_false(absw_inside(&policy, NULL, 0, &bare));
}

static void test_long_referers(void **state)
{
    enum { LONG = 20000 };
    static char url[LONG + 1];
    const size_t fits = strlen(OWN) + 8192;
    const size_t last = sizeof("/contact/A") - 1;

    (void)state;
    memset(url, 'x', sizeof(url));
    memcpy(url, OWN "/contact/A/", strlen(OWN "/contact/A/"));
    for (size_t len = strlen(OWN) + last + 1; len <= fits; len += 1009) {
        char kept = url[len];

        url[len] = '\0';
        assert_true(is_inside(url, NULL, NULL));
        url[len] = kept;
    }
    url[fits] = '\0';
    assert_true(is_inside(url, NULL, NULL));
    url[fits] = '?';
    url[LONG] = '\0';
    assert_true(is_inside(url, NULL, NULL));    /* only the path is bounded */
    url[fits] = 'x';
    assert_false(is_inside(url, NULL, NULL));

    for (size_t i = strlen(OWN "/contact/A"); i + 3 <= fits; i += 3) {
        memcpy(url + i, "/..", 3);
    }
    url[fits] = '\0';
    assert_false(is_inside(url, NULL, NULL));
    memset(url + strlen(OWN), '/', fits - strlen(OWN));
    assert_false(is_inside(url, NULL, same_origin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_origin_lengths),
        cmocka_unit_test(test_origin_rest),
        cmocka_unit_test(test_origin_of_request),
        cmocka_unit_test(test_origins_differ),
        cmocka_unit_test(test_referer),
        cmocka_unit_test(test_without_referer),
        cmocka_unit_test(test_no_own_origin),
        cmocka_unit_test(test_long_referers),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
