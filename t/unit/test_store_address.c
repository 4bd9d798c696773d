/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>

#include "sample.h"
#include "store_address.h"

#define M "memcache:"
#define SIX "a,b,c,d,e,f"

static int set_up(void **state)
{
    apr_initialize();
    return apr_pool_create((apr_pool_t **)state, NULL) == APR_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

/* "host|path|port|name" of every server, one per line. */
static const char *describe(apr_pool_t *pool, const absw_store_address_t *address)
{
    const char *text = "";

    for (int i = 0; i < address->n; i++) {
        const absw_store_place_t *place = &address->servers[i];

        text = apr_psprintf(pool, "%s%s|%s|%d|%s\n", text, place->host ? place->host : "",
                            place->path ? place->path : "", place->port, place->name);
    }
    return text;
}

static void test_taken(void **state)
{
    static const struct {
        const char *value;
        const char *servers;
    } rows[] = {
        { "local", "" },
        { M "10.0.0.5", "10.0.0.5||11211|10.0.0.5:11211\n" },
        { M "10.0.0.5:1", "10.0.0.5||1|10.0.0.5:1\n" },
        { M "db:65535", "db||65535|db:65535\n" },
        { M "Cache-1.Example.ORG:11212", "cache-1.example.org||11212|cache-1.example.org:11212\n" },
        { M "my_cache", "my_cache||11211|my_cache:11211\n" },
        { M "a", "a||11211|a:11211\n" },
        { M "10.0.0.5,10.0.0.6:11212",
          "10.0.0.5||11211|10.0.0.5:11211\n10.0.0.6||11212|10.0.0.6:11212\n" },
        { M "a:1,a:2", "a||1|a:1\na||2|a:2\n" },
        { M "[::1]", "::1||11211|[::1]:11211\n" },
        { M "[::1]:11212,[2001:DB8:0::5]:1",
          "::1||11212|[::1]:11212\n2001:db8::5||1|[2001:db8::5]:1\n" },
        { M "/run/memcached/m.sock", "|/run/memcached/m.sock|0|/run/memcached/m.sock\n" },
        { M "/a:1,b", "|/a:1|0|/a:1\nb||11211|b:11211\n" },
        { M SIX ",g,h", "a||11211|a:11211\nb||11211|b:11211\nc||11211|c:11211\n"
          "d||11211|d:11211\ne||11211|e:11211\nf||11211|f:11211\ng||11211|g:11211\n"
          "h||11211|h:11211\n" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_store_address_t address;

        assert_null(absw_store_address_parse(*state, rows[i].value, &address));
        assert_string_equal(describe(*state, &address), rows[i].servers);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *value;
        const char *why;
    } rows[] = {
        { "", "give local" },
        { "Local", "give local" },
        { "redis:a", "give local" },
        { "memcache", "give local" },
        { "memcached:a", "give local" },
        { "10.0.0.5:11211", "give local" },
        { M, "a server is missing" },
        { M "a,", "a server is missing" },
        { M ",a", "a server is missing" },
        { M "a,,b", "a server is missing" },
        { M ":11211", "a server is missing" },
        { M "a:", "a port is a number from 1 to 65535" },
        { M "a:0", "a port is" },
        { M "a:65536", "a port is" },
        { M "a:99999", "a port is" },
        { M "a:18446744073709551617", "a port is" },
        { M "a:-1", "a port is" },
        { M "a:+1", "a port is" },
        { M "a:11x", "a port is" },
        { M "a: 1", "a port is" },
        { M "[::1]:0", "a port is" },
        { M "[::1]:", "a port is" },
        { M "::1", "needs brackets, as in [::1]:11211" },
        { M "2001:db8::5:11211", "needs brackets" },
        { M "[::1", "is written [ADDRESS]" },
        { M "[::1]11211", "is written [ADDRESS]" },
        { M "[]", "no IPv6 address" },
        { M "[10.0.0.5]", "no IPv6 address" },
        { M "[fe80::1%eth0]", "no IPv6 address" },
        { M "run/m.sock", "a socket's path begins with /" },
        { M "./m.sock", "a socket's path begins with /" },
        { M "/", "no path of a socket" },
        { M "/run/", "no path of a socket" },
        { M "/run/a\nb", "no path of a socket" },
        { M "10.0.0.256", "no IPv4 address" },
        { M "10.0.5", "no IPv4 address" },
        { M "11211", "no IPv4 address" },
        { M "a b", "no host name" },
        { M "a;b", "no host name" },
        { M "a\r\nset", "no host name" },
        { M "-a", "no host name" },
        { M ".a", "no host name" },
        { M "\xc3\xa4", "no host name" },
        { M "a/?", "a socket's path begins with /" },
        { M "a,b,a", "a:11211 is named twice" },
        { M "a:11211,A", "a:11211 is named twice" },
        { M "[::1],[0:0::1]:11211", "[::1]:11211 is named twice" },
        { M "/a,/a", "/a is named twice" },
        { M SIX ",g,h,i", "8 servers at most" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_store_address_t address;
        const char *error = absw_store_address_parse(*state, rows[i].value, &address);

        if (!error || !strstr(error, rows[i].why)) {
            fail_msg("%s: %s", rows[i].value, error ? error : "is accepted");
        }
        assert_non_null(strstr(error, "ABSwitchStore"));
        assert_non_null(strstr(error, rows[i].value));
        assert_non_null(strstr(error, "memcache:HOST[:PORT]"));
    }
}

/* A name of 253 bytes and a path of 107 are taken, one byte more is not. */
static void test_lengths(void **state)
{
    static const struct {
        char first;
        int len;
        int taken;
    } rows[] = { { 'a', 253, 1 }, { 'a', 254, 0 }, { '/', 107, 1 }, { '/', 108, 0 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_store_address_t address;
        char text[300];

        memset(text, 'a', sizeof(text));
        text[0] = rows[i].first;
        text[rows[i].len] = '\0';
        assert_int_equal(absw_store_address_parse(*state, apr_pstrcat(*state, M, text, NULL),
                                                  &address) == NULL, rows[i].taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lengths, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
