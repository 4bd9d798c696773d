/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>

#include "cookie.h"
#include "dice.h"
#include "sample.h"
#include "token.h"

#define TOKEN "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urw._4w3Rzew7TNzNFX7p2detw"

static apr_pool_t *pool;

static void test_cookies(void **state)
{
    static const struct {
        const char *header;
        const char *values;         /* each in <>, in order */
    } rows[] = {
        { "", "" },
        { "n=v", "<v>" },
        { "n=", "<>" },
        { "n", "" },
        { "=n", "" },
        { "=", "" },
        { ";;;", "" },
        { ";n=v;", "<v>" },
        { "n=1; n=2;n=3", "<1><2><3>" },
        { "a=b; n=v; c=d", "<v>" },
        { "\t n \t=\t v \t;x", "<v>" },
        { "n=a=b==", "<a=b==>" },
        { "n=\"v\"", "<\"v\">" },
        { "n=\"a;n=b\"", "<\"a><b\">" },
        { "n=a b", "<a b>" },
        { "N=v", "" },
        { "nn=v; xn=v; n n=v", "" },
        { "n=1, n=2", "<1><2>" },
        { "a=1, n=2", "<2>" },
        { "a=1,2; n=v,w", "<v>" },
        { "$Version=1; n=v; $Path=/", "<v>" },
        { "n=\x80\xff", "<\x80\xff>" },
        { "n=%41", "<%41>" },
        { "n ; n = v", "<v>" },
        { "a; n=v", "<v>" },
        { "x=;=;n=v", "<v>" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_cookies_t cookies;
        const char *value;
        const char *got = "";
        apr_size_t len;

        absw_cookie_begin(&cookies, rows[i].header);
        while (absw_cookie_next(&cookies, "n", 1, &value, &len)) {
            assert_true(value >= rows[i].header);
            assert_true(value + len <= rows[i].header + strlen(rows[i].header));
            got = apr_pstrcat(pool, got, "<", apr_pstrndup(pool, value, len), ">", NULL);
        }
        if (strcmp(got, rows[i].values) != 0) {
            fail_msg("Cookie: %s: got %s, not %s", rows[i].header, got, rows[i].values);
        }
        assert_int_equal(absw_cookie_next(&cookies, "n", 1, &value, &len), 0);
    }
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    while (*text && strchr(" \t", text[strlen(text) - 1])) {
        text[strlen(text) - 1] = '\0';
    }
    return text;
}

/* The description once more, slowly: cut at the separators, then at the first "=". */
static const char *by_pieces(apr_pool_t *p, const char *header, const char *name)
{
    const char *got = "";

    while (*header) {
        apr_size_t len = strcspn(header, ";,");
        char *piece = apr_pstrndup(p, header, len);
        char *equals = strchr(piece, '=');

        if (equals) {
            *equals = '\0';
            if (strcmp(trimmed(piece), name) == 0) {
                got = apr_pstrcat(p, got, "<", trimmed(equals + 1), ">", NULL);
            }
        }
        header += len + (header[len] != '\0');
    }
    return got;
}

static void test_random_headers(void **state)
{
    static const char *const names[] = { "n", "nn", "nxn" };
    static const char bytes[] = "nnnnx= ;,\t\"";
    dice_t d = { 1 };

    (void)state;
    for (int i = 0; i < 100000; i++) {
        const char *name = names[dice_below(&d, COUNT_OF(names))];
        apr_pool_t *p;
        char header[33];
        const char *value, *got = "";
        absw_cookies_t cookies;
        apr_size_t n = dice_below(&d, sizeof(header)), len;

        apr_pool_create(&p, pool);
        for (apr_size_t k = 0; k < n; k++) {
            header[k] = bytes[dice_below(&d, sizeof(bytes) - 1)];
        }
        header[n] = '\0';
        absw_cookie_begin(&cookies, header);
        while (absw_cookie_next(&cookies, name, strlen(name), &value, &len)) {
            got = apr_pstrcat(p, got, "<", apr_pstrndup(p, value, len), ">", NULL);
        }
        if (strcmp(got, by_pieces(p, header, name)) != 0) {
            fail_msg("cookie %s of \"%s\": got %s", name, header, got);
        }
        apr_pool_destroy(p);
    }
}

static void test_many_cookies(void **state)
{
    enum { COPIES = 100 };
    char header[COPIES * (sizeof(TOKEN) + 3) + 1];
    char *p = header;
    absw_cookies_t cookies;
    const char *value;
    apr_size_t len;
    int n = 0;

    (void)state;
    for (int i = 0; i < COPIES; i++) {
        memcpy(p, "n=" TOKEN "; ", sizeof(TOKEN) + 3);
        p += sizeof(TOKEN) + 3;
    }
    *p = '\0';
    absw_cookie_begin(&cookies, header);
    while (absw_cookie_next(&cookies, "n", 1, &value, &len)) {
        assert_int_equal(len, strlen(TOKEN));
        n++;
    }
    assert_int_equal(n, COPIES);
}

static int set_up(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cookies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_cookies, set_up, tear_down),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
