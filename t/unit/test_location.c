/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>

#include "location.h"
#include "sample.h"

static apr_pool_t *pool;

static void test_table(void **state)
{
    static const struct {
        const char *base;
        const char *rest;
        const char *query;
        const char *extra;
        int options;
        const char *location;
    } rows[] = {
        { "/contact/A", "", NULL, NULL, 0, "/contact/A" },
        { "/contact/A", "/", NULL, NULL, 0, "/contact/A/" },
        { "/contact/A", "/x/y", NULL, NULL, 0, "/contact/A/x/y" },
        { "/contact/A", "/x/y/", "a=b", NULL, 0, "/contact/A/x/y/?a=b" },
        { "/contact/A", "//evil", NULL, NULL, 0, "/contact/A/evil" },
        { "/contact/A", "///", NULL, NULL, 0, "/contact/A/" },
        { "/contact/A", "/x//", NULL, NULL, 0, "/contact/A/x/" },
        { "/contact/A", "evil", NULL, NULL, 0, "/contact/A/evil" },
        { "", "", NULL, NULL, 0, "/" },
        { "", "/", NULL, NULL, 0, "/" },
        { "", "//evil", NULL, NULL, 0, "/evil" },
        { "", "/\\evil", NULL, NULL, 0, "/%5Cevil" },
        { "", "\\\\evil", NULL, NULL, 0, "/%5C%5Cevil" },
        { "", "/../..//evil/", NULL, NULL, 0, "/evil/" },
        { "", "http://evil/", NULL, NULL, 0, "/http:/evil/" },
        { "", "/\t/evil", NULL, NULL, 0, "/%09/evil" },
        /* Dot segments */
        { "/contact/A", "/.", NULL, NULL, 0, "/contact/A/" },
        { "/contact/A", "/..", NULL, NULL, 0, "/contact/A/" },
        { "/contact/A", "/../../x", NULL, NULL, 0, "/contact/A/x" },
        { "/contact/A", "/x/..", NULL, NULL, 0, "/contact/A/" },
        { "/contact/A", "/x/../y", NULL, NULL, 0, "/contact/A/y" },
        { "/contact/A", "/x/./y/.", NULL, NULL, 0, "/contact/A/x/y/" },
        { "/contact/A", "/x//../y", NULL, NULL, 0, "/contact/A/y" },
        { "/contact/A", "/...", NULL, NULL, 0, "/contact/A/..." },
        { "/contact/A", "/.x", NULL, NULL, 0, "/contact/A/.x" },
        { "/contact/A", "/..;x/y", NULL, NULL, 0, "/contact/A/..;x/y" },
        { "/contact/A", "/%2e%2e/x", NULL, NULL, 0, "/contact/A/%252e%252e/x" },
        /* Bytes */
        { "/contact/A", "/-._~!$&'()*+,;=:@", NULL, NULL, 0, "/contact/A/-._~!$&'()*+,;=:@" },
        { "/contact/A", "/azAZ09", NULL, NULL, 0, "/contact/A/azAZ09" },
        { "/contact/A", "/a b?c#d", NULL, NULL, 0, "/contact/A/a%20b%3Fc%23d" },
        { "/contact/A", "/\"<>[]^`{|}\\", NULL, NULL, 0,
          "/contact/A/%22%3C%3E%5B%5D%5E%60%7B%7C%7D%5C" },
        { "/contact/A", "/\r\nSet-Cookie: x", NULL, NULL, 0,
          "/contact/A/%0D%0ASet-Cookie:%20x" },
        { "/contact/A", "/\x01\x7f\x80\xff\xfe", NULL, NULL, 0, "/contact/A/%01%7F%80%FF%FE" },
        { "/a b/\xc3\xa4%", "/x", NULL, NULL, 0, "/a%20b/%C3%A4%25/x" },
        /* Encoded slashes */
        { "/contact/A", "/a%2fb%2Fc", NULL, NULL, 0, "/contact/A/a%252fb%252Fc" },
        { "/contact/A", "/a%2fb%2Fc", NULL, NULL, ABSW_LOCATION_KEEP_2F,
          "/contact/A/a%2Fb%2Fc" },
        { "/contact/A", "/%2f%2fevil", NULL, NULL, ABSW_LOCATION_KEEP_2F,
          "/contact/A/%2F%2Fevil" },
        { "/contact/A", "/%2e%2f%5c%2", NULL, NULL, ABSW_LOCATION_KEEP_2F,
          "/contact/A/%252e%2F%255c%252" },
        { "/contact/A", "/..%2f..", NULL, NULL, ABSW_LOCATION_KEEP_2F, "/contact/A/..%2F.." },
        { "/a%2fb", "/x", NULL, NULL, ABSW_LOCATION_KEEP_2F, "/a%252fb/x" },
        /* Queries */
        { "/contact/A", "/x", "", NULL, 0, "/contact/A/x" },
        { "/contact/A", "/x", "a=1&b=%20+&&c", NULL, 0, "/contact/A/x?a=1&b=%20+&&c" },
        { "/contact/A", "/x", "x=//evil/../?", NULL, 0, "/contact/A/x?x=//evil/../?" },
        { "/contact/A", "/x", "a%zz&b%", NULL, 0, "/contact/A/x?a%zz&b%" },
        { "/contact/A", "/x", "a='\\[]{}|^`", NULL, 0, "/contact/A/x?a='\\[]{}|^`" },
        { "/contact/A", "/x", "a \"<>#b", NULL, 0, "/contact/A/x?a%20%22%3C%3E%23b" },
        { "/contact/A", "/x", "\r\n\t\x7f\x80\xff", NULL, 0,
          "/contact/A/x?%0D%0A%09%7F%80%FF" },
        { "/contact/A", "/x", "x=%0d%0aSet-Cookie:a", NULL, 0,
          "/contact/A/x?x=%0d%0aSet-Cookie:a" },
        { "/contact/A", "/x", "abswitch=expired", NULL, 0, "/contact/A/x" },
        { "/contact/A", "/x", "abswitch", NULL, 0, "/contact/A/x" },
        { "/contact/A", "/x", "a=1&abswitch=x&b=2", NULL, 0, "/contact/A/x?a=1&b=2" },
        { "/contact/A", "/x", "abswitch=x&b=2", NULL, 0, "/contact/A/x?b=2" },
        { "/contact/A", "/x", "a=1&abswitch=x", NULL, 0, "/contact/A/x?a=1" },
        { "/contact/A", "/x", "abswitch&a&abswitch=&abswitch=1=2", NULL, 0, "/contact/A/x?a" },
        { "/contact/A", "/x", "%61bswit%63%68=x&a", NULL, 0, "/contact/A/x?a" },
        { "/contact/A", "/x", "abswitch%3D=x", NULL, 0, "/contact/A/x?abswitch%3D=x" },
        { "/contact/A", "/x", "abswitch%00=x", NULL, 0, "/contact/A/x?abswitch%00=x" },
        { "/contact/A", "/x", "abswitc%6", NULL, 0, "/contact/A/x?abswitc%6" },
        { "/contact/A", "/x", "abswitc%", NULL, 0, "/contact/A/x?abswitc%" },
        { "/contact/A", "/x", "abswitc&h", NULL, 0, "/contact/A/x?abswitc&h" },
        { "/contact/A", "/x", "abswitchy&xabswitch&Abswitch&x=abswitch", NULL, 0,
          "/contact/A/x?abswitchy&xabswitch&Abswitch&x=abswitch" },
        { "/contact/A", "/x", "a;abswitch=1", NULL, 0, "/contact/A/x?a;abswitch=1" },
        { "/contact", "", NULL, "abswitch=expired", 0, "/contact?abswitch=expired" },
        { "/contact", "", "a=b", "abswitch=closed", 0, "/contact?abswitch=closed" },
        { "", "", NULL, "abswitch=closed", 0, "/?abswitch=closed" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *location = absw_location_build(pool, rows[i].base, rows[i].rest,
                                                   rows[i].query, rows[i].extra,
                                                   rows[i].options);

        if (strcmp(location, rows[i].location) != 0) {
            fail_msg("\"%s\" + \"%s\" ? \"%s\": %s, not %s", rows[i].base, rows[i].rest,
                     rows[i].query ? rows[i].query : "", location, rows[i].location);
        }
    }
}

/* -- What a browser makes of it ------------------------------------------------------------ */

#define LONGEST 20000

/* The one byte that text stands for, as the URL standard reads a path for dot segments. */
static size_t dot_at(const char *text)
{
    if (*text == '.') {
        return 1;
    }
    return (strncmp(text, "%2e", 3) == 0 || strncmp(text, "%2E", 3) == 0) ? 3 : 0;
}

/* Is the segment text..end "." (1), ".." (2) or none (0), however it is spelled? */
static int dots(const char *text, const char *end)
{
    int n = 0;

    while (text < end) {
        size_t len = dot_at(text);

        if (len == 0) {
            return 0;
        }
        text += len;
        n++;
    }
    return n <= 2 ? n : 0;
}

/* The path that a browser asks its server for: "\" is "/", dot segments are resolved. NULL if it
 * would ask another server. */
static const char *browse(const char *location)
{
    static char out[3 * LONGEST + 16];
    char path[sizeof(out)];
    size_t len = strcspn(location, "?#");
    char *o = out;

    memcpy(path, location, len);
    path[len] = '\0';
    for (char *p = path; *p; p++) {
        *p = *p == '\\' ? '/' : *p;
    }
    if (path[0] != '/' || path[1] == '/') {
        return NULL;
    }
    for (const char *p = path; *p;) {
        const char *end = p + 1 + strcspn(p + 1, "/");
        int n = dots(p + 1, end);

        if (n == 0) {
            memcpy(o, p, (size_t)(end - p));
            o += end - p;
        }
        else if (n == 2 && o > out) {
            do {
                o--;
            } while (*o != '/');
        }
        if (n > 0 && !*end) {
            *o++ = '/';
        }
        p = end;
    }
    *o = '\0';
    return out;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static size_t decode(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%' && i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out[n++] = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        }
        else {
            out[n++] = text[i];
        }
    }
    return n;
}

/* The promises that hold of every Location, whatever went in. NULL, or the one that is broken. */
static const char *broken(const char *encoded_base, const char *location)
{
    const char *path_end = location + strcspn(location, "?");
    size_t base_len = strlen(encoded_base);
    const char *path;

    for (const char *p = location; *p; p++) {
        if (*p < 0x21 || *p > 0x7e || strchr("\"<>#", *p)) {
            return "a byte that must be encoded";
        }
        if (p < path_end && *p == '%' && (hex(p[1]) < 0 || hex(p[2]) < 0)) {
            return "a bad escape in the path";
        }
        if (p < path_end && p[0] == '/' && p[1] == '/') {
            return "an empty segment";
        }
        if (p < path_end && *p == '/' && dots(p + 1, p + 1 + strcspn(p + 1, "/?")) > 0) {
            return "a dot segment";
        }
        if (p < path_end && *p == '\\') {
            return "a backslash";
        }
    }
    path = browse(location);
    if (!path || strncmp(path, encoded_base, base_len) != 0
        || (path[base_len] && path[base_len] != '/')) {
        return "it leaves the side";
    }
    if (strncmp(path, location, (size_t)(path_end - location)) != 0
        || strlen(path) != (size_t)(path_end - location)) {
        return "a browser would rewrite it";
    }
    return NULL;
}

static int has_own_argument(const char *location)
{
    const char *p = strchr(location, '?');
    static char name[3 * LONGEST];

    while (p) {
        size_t len = strcspn(p + 1, "&=");
        size_t n = decode(p + 1, len, name);

        if (n == 8 && memcmp(name, "abswitch", 8) == 0) {
            return 1;
        }
        p = strchr(p + 1, '&');
    }
    return 0;
}

/* Base and rest, resolved segment by segment: what the decoded Location must say. */
static const char *expected_path(const char *base, const char *rest)
{
    static char out[LONGEST + 64];
    size_t base_len = strlen(base);
    size_t len = base_len;
    int slash = 0;

    memcpy(out, base, base_len);
    while (*rest) {
        size_t n = strcspn(rest, "/");

        slash = 1;
        if (n == 2 && memcmp(rest, "..", 2) == 0) {
            while (len > base_len && out[--len] != '/') {
                continue;
            }
        }
        else if (n > 1 || (n == 1 && *rest != '.')) {
            out[len++] = '/';
            memcpy(out + len, rest, n);
            len += n;
            slash = rest[n] == '/';
        }
        rest += n + (rest[n] == '/');
    }
    if (slash || len == 0) {
        out[len++] = '/';
    }
    out[len] = '\0';
    return out;
}

/* Marsaglia's xorshift32: the same strings in every run. */
static unsigned next_random(unsigned *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Half the bytes are of the sort that has fooled someone before. */
static void random_text(unsigned *seed, char *text, size_t max)
{
    static const char nasty[] = "//...\\%%2f2F2e5c00?#&&=;:@ \t\r\nabswitch\x7f\x80\xff";
    static const char *const words[] = {
        "abswitch", "%61bswitch", "..", "/../", "//", "%2f", "%2e", "/./", "&abswitch=", "http://"
    };
    size_t len = next_random(seed) % max;
    size_t n = 0;

    while (n < len) {
        unsigned kind = next_random(seed) % 8;

        if (kind == 0) {
            const char *word = words[next_random(seed) % COUNT_OF(words)];

            for (; *word && n < len; word++) {
                text[n++] = *word;
            }
        }
        else if (kind < 5) {
            text[n++] = nasty[next_random(seed) % (sizeof(nasty) - 1)];
        }
        else {
            text[n++] = (char)(1 + next_random(seed) % 255);
        }
    }
    text[n] = '\0';
}

static void check_one(const char *const *base, const char *rest, const char *query, int options)
{
    static char decoded[3 * LONGEST + 64];
    const char *location = absw_location_build(pool, base[0], rest, query, NULL, options);
    const char *why = broken(base[1], location);
    size_t len;

    if (why) {
        fail_msg("%s: %s", why, location);
    }
    if (has_own_argument(location)) {
        fail_msg("its own argument is kept: %s", location);
    }
    if (options == 0) {
        len = decode(location, strcspn(location, "?"), decoded);
        decoded[len] = '\0';
        assert_string_equal(decoded, expected_path(base[0], rest));
    }
}

static void test_properties(void **state)
{
    enum { TRIES = 40000 };
    static const char *const bases[][2] = {     /* decoded, encoded */
        { "/contact/A", "/contact/A" },
        { "", "" },
        { "/a b/\xc3\xa4;%2f", "/a%20b/%C3%A4;%252f" },
    };
    static char rest[LONGEST];
    static char query[LONGEST];
    unsigned seed = 20251122;

    (void)state;
    for (int i = 0; i < TRIES; i++) {
        size_t max = i % 1000 == 0 ? 9000 : 40;

        random_text(&seed, rest, max);
        random_text(&seed, query, max);
        check_one(bases[i % (int)COUNT_OF(bases)], rest, i % 4 ? query : NULL,
                  i % 2 ? ABSW_LOCATION_KEEP_2F : 0);
        if (i % 100 == 0) {
            apr_pool_clear(pool);
        }
    }
}

/* Every byte alone and between others, in the rest and in the query. */
static void test_every_byte(void **state)
{
    static const char *const base[2] = { "/contact/A", "/contact/A" };

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        const char alone[] = { '/', (char)byte, '\0' };
        const char between[] = { '/', 'a', (char)byte, (char)byte, 'b', '\0' };

        check_one(base, alone, alone, 0);
        check_one(base, between, between, 0);
        check_one(base, between + 1, between + 1, ABSW_LOCATION_KEEP_2F);
    }
}

/* The checks above can fail: each sort of bad Location is seen as one. */
static void test_the_checker(void **state)
{
    static const char *const bad[] = {
        "//evil", "/\\evil", "http://evil/", "/contact/A//x", "/contact/A/../x", "/contact/A/.",
        "/contact/A/%2e%2E/x", "/contact/A/.%2e", "/contact/A\\..\\x", "/contact/AB", "/contact",
        "/contact/A/ x", "/contact/A/\x80", "/contact/A/%zz", "/contact/A?a#b", "",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (!broken("/contact/A", bad[i])) {
            fail_msg("nothing wrong with %s", bad[i]);
        }
    }
    assert_null(broken("/contact/A", "/contact/A/x/?y=//../"));
    assert_true(has_own_argument("/x?a&%61bswitch=1"));
    assert_false(has_own_argument("/abswitch?a=abswitch"));
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
        cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_checker, set_up, tear_down),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
