/* SPDX-License-Identifier: Apache-2.0 */
#include "inside.h"
#include "sample.h"

#define HTML "text/html,application/xhtml+xml,*/*;q=0.8"
#define FORM "application/x-www-form-urlencoded"

static void test_kind(void **state)
{
    static const struct {
        absw_asking_t asking;
        absw_kind_e kind;
    } rows[] = {
        { { .method = "GET", .fetch_mode = "navigate" }, ABSW_KIND_NAV },
        { { .method = "HEAD", .fetch_mode = "navigate" }, ABSW_KIND_NAV },
        { { .method = "GET", .fetch_mode = "navigate", .accept = "*/*" }, ABSW_KIND_NAV },
        { { .method = "GET", .accept = HTML }, ABSW_KIND_NAV },
        { { .method = "HEAD", .accept = HTML }, ABSW_KIND_NAV },
        { { .method = "GET" }, ABSW_KIND_OTHER },
        { { .method = "GET", .accept = "*/*" }, ABSW_KIND_OTHER },
        { { .method = "GET", .accept = "" }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "cors", .accept = HTML }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "no-cors", .accept = HTML }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "", .accept = HTML }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "Navigate", .accept = HTML }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "navigate, navigate" }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "navigate", .upgrade = "websocket" },
          ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "navigate", .upgrade = "" }, ABSW_KIND_OTHER },
        { { .method = "GET", .accept = HTML, .upgrade = "h2c" }, ABSW_KIND_OTHER },
        { { .method = "GET", .fetch_mode = "navigate", .requested_with = "XMLHttpRequest" },
          ABSW_KIND_OTHER },
        { { .method = "GET", .accept = HTML, .requested_with = "" }, ABSW_KIND_OTHER },
        { { .method = "GET", .accept = HTML, .content_type = FORM }, ABSW_KIND_NAV },
        { { .method = "get", .fetch_mode = "navigate" }, ABSW_KIND_OTHER },
        { { .method = "BREW", .fetch_mode = "navigate" }, ABSW_KIND_OTHER },
        { { .method = "OPTIONS", .fetch_mode = "navigate" }, ABSW_KIND_OTHER },
        { { .method = "PROPFIND", .accept = HTML }, ABSW_KIND_OTHER },
        { { .method = "", .accept = HTML }, ABSW_KIND_OTHER },
        { { .method = "PUT", .accept = HTML, .content_type = FORM }, ABSW_KIND_OTHER },
        { { .method = "POST", .fetch_mode = "navigate", .content_type = FORM },
          ABSW_KIND_FORM_POST },
        { { .method = "POST", .accept = HTML, .content_type = FORM }, ABSW_KIND_FORM_POST },
        { { .method = "post", .accept = HTML, .content_type = FORM }, ABSW_KIND_OTHER },
        { { .method = "POST", .accept = "*/*", .content_type = FORM }, ABSW_KIND_OTHER },
        { { .method = "POST", .fetch_mode = "cors", .content_type = FORM }, ABSW_KIND_OTHER },
        { { .method = "POST", .fetch_mode = "navigate", .content_type = FORM,
            .requested_with = "x" }, ABSW_KIND_OTHER },
        { { .method = "POST", .fetch_mode = "navigate", .content_type = FORM, .upgrade = "x" },
          ABSW_KIND_OTHER },
        { { .method = "POST", .fetch_mode = "navigate" }, ABSW_KIND_OTHER },
        { { .method = "POST", .fetch_mode = "navigate", .content_type = "" }, ABSW_KIND_OTHER },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (absw_inside_kind(&rows[i].asking) != rows[i].kind) {
            fail_msg("row %d (%s) is not kind %d", (int)i, rows[i].asking.method,
                     (int)rows[i].kind);
        }
    }
}

static void test_accept(void **state)
{
    static const struct {
        const char *accept;
        int nav;
    } rows[] = {
        { "text/html", 1 },
        { "TEXT/Html", 1 },
        { "text/html;level=1", 1 },
        { "text/html ; level=1", 1 },
        { "*/*, \ttext/html\t", 1 },
        { ",,text/html", 1 },
        { "application/json;q=0.1,text/html;q=0", 1 },
        { "a/b;x=\"y,z\",text/html", 1 },
        { "a/b;x=\"\\\",\",text/html", 1 },
        { "text/*", 0 },
        { "text/htm", 0 },
        { "text/html5", 0 },
        { "xtext/html", 0 },
        { "text/html/x", 0 },
        { "text /html", 0 },
        { "a/b;c=text/html", 0 },
        { "a/b;x=\",text/html,\"", 0 },
        { "a/b;x=\"\\\",text/html\"", 0 },
        { "a/b;x=\",text/html", 0 },
        { "\"text/html\"", 0 },
        { "application/xhtml+xml", 0 },
        { "\\", 0 },
        { "\"", 0 },
        { "\"\\", 0 },
        { ",", 0 },
        { ";", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const absw_asking_t asking = { .method = "GET", .accept = rows[i].accept };

        if (absw_inside_kind(&asking) != (rows[i].nav ? ABSW_KIND_NAV : ABSW_KIND_OTHER)) {
            fail_msg("Accept: %s", rows[i].accept);
        }
    }
}

static void test_content_type(void **state)
{
    static const struct {
        const char *content_type;
        int form;
    } rows[] = {
        { FORM, 1 },
        { "Application/X-WWW-Form-URLencoded; charset=UTF-8", 1 },
        { "multipart/form-data; boundary=\"a,b;c\"", 1 },
        { "\t text/plain \t", 1 },
        { "text/plain;charset=UTF-8", 1 },
        { "application/json", 0 },
        { "text/ping", 0 },
        { "text/html", 0 },
        { "text/plain2", 0 },
        { "text/plai", 0 },
        { "multipart/mixed", 0 },
        { "application/json; text/plain", 0 },
        { "text/plain, text/plain", 0 },
        { ";text/plain", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const absw_asking_t asking = {
            .method = "POST", .fetch_mode = "navigate", .content_type = rows[i].content_type
        };

        if (absw_inside_kind(&asking) != (rows[i].form ? ABSW_KIND_FORM_POST : ABSW_KIND_OTHER)) {
            fail_msg("Content-Type: %s", rows[i].content_type);
        }
    }
}

static void test_prefetch(void **state)
{
    static const struct {
        const char *sec_purpose;
        int prefetch;
    } rows[] = {
        { NULL, 0 },
        { "", 0 },
        { "prefetch", 1 },
        { " prefetch ", 1 },
        { "prefetch;prerender", 1 },
        { "prefetch ; anonymous-client-ip", 1 },
        { "prefetch, prefetch", 1 },
        { "x, prefetch;y=\"a,b\"", 1 },
        { "xprefetch", 0 },
        { "prefetchx", 0 },
        { "prerender", 0 },
        { "prerender;prefetch", 0 },
        { "PREFETCH", 0 },
        { "\"prefetch\"", 0 },
        { "x;y=\",prefetch,\"", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (absw_inside_is_prefetch(rows[i].sec_purpose) != rows[i].prefetch) {
            fail_msg("Sec-Purpose: %s", rows[i].sec_purpose ? rows[i].sec_purpose : "(none)");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_prefetch),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
