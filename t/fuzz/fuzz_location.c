/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "fuzz.h"
#include "hex.h"
#include "location.h"

/*
 * Where answers send browsers. In: a line of options (a digit), the rest of the path as it is sent
 * (percent-encoded), and the query ("-": none).
 *
 * The Location is read as a browser reads it (whatwg.org's URL standard, for a base URL of https):
 * it must stay on the host and below the configured path, and have one spelling only.
 */

static const char *const bases[] = { "/contact/A", "/a b/\xc3\xa4%", "" };

/* As httpd decodes the path of a request; 0: it would refuse it. */
static int decode(char *path, int keep_2f)
{
    char *out = path;

    for (const char *in = path; *in; in++) {
        int byte = (unsigned char)*in;

        if (byte == '%') {
            byte = absw_hex_byte(in + 1);
            if (byte <= 0) {
                return 0;
            }
            if (byte == '/' && keep_2f) {
                *out++ = '%';
                continue;
            }
            in += 2;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return 1;
}

/* --- what a browser does --------------------------------------------------------------- */

static int is_dots(const char *segment, size_t len, int wanted)
{
    int dots = 0;

    for (size_t i = 0; i < len; i++) {
        if (segment[i] == '.') {
            dots++;
        }
        else if (segment[i] == '%' && len - i > 2 && segment[i + 1] == '2'
                 && (segment[i + 2] | 0x20) == 'e') {
            dots++;
            i += 2;
        }
        else {
            return 0;
        }
    }
    return dots == wanted;
}

/* Where a browser goes: the path in out, or 0 when it leaves the host. */
static int browser_path(const char *location, char *out)
{
    char *start = out;

    /* A browser throws tabs and line ends away, and takes "\" for "/". */
    if (strpbrk(location, "\t\r\n") || location[0] != '/' || location[1] == '/'
        || strcspn(location, "\\") < strcspn(location, "?#")) {
        return 0;
    }
    while (*location && *location != '?' && *location != '#') {
        size_t len = strcspn(++location, "/?#");

        if (is_dots(location, len, 2)) {
            while (out > start && *--out != '/') {
            }
        }
        else if (!is_dots(location, len, 1)) {
            *out++ = '/';
            memcpy(out, location, len);
            out += len;
        }
        location += len;
    }
    *out = '\0';
    return 1;
}

/* What the server that is asked for it makes of it. */
static void server_path(char *path)
{
    char *out = path;

    for (const char *in = path; *in; in++) {
        int byte = *in == '%' ? absw_hex_byte(in + 1) : -1;

        *out++ = byte >= 0 ? (char)byte : *in;
        in += byte >= 0 ? 2 : 0;
    }
    *out = '\0';
}

static int has_segment(const char *path, const char *segment)
{
    size_t len = strlen(segment);

    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        if (strncmp(at + 1, segment, len) == 0 && (at[1 + len] == '/' || !at[1 + len])) {
            return 1;
        }
    }
    return 0;
}

static void stays(fuzz_t *in, const char *location, const char *base)
{
    char *path = apr_palloc(in->pool, strlen(location) + 2);

    for (const char *c = location; *c; c++) {
        FUZZ_HOLDS(*c > ' ' && *c < 0x7f && !strchr("\"<>#", *c));
    }
    FUZZ_HOLDS(browser_path(location, path));
    FUZZ_HOLDS(strncmp(path, location, strlen(path)) == 0);     /* it has nothing to resolve */
    FUZZ_HOLDS(!strstr(path, "//"));
    FUZZ_HOLDS(!has_segment(path, ".") && !has_segment(path, ".."));
    server_path(path);
    FUZZ_HOLDS(strncmp(path, base, strlen(base)) == 0);
    FUZZ_HOLDS(path[strlen(base)] == '/' || path[strlen(base)] == '\0');
}

void fuzz(fuzz_t *in)
{
    int options = (int)strtol(fuzz_line(in), NULL, 10) & ABSW_LOCATION_KEEP_2F;
    char *rest = fuzz_line(in);
    const char *query = fuzz_line(in);

    if (strcmp(query, "-") == 0) {
        query = NULL;
    }
    for (unsigned i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
        const char *as_sent = absw_location_build(in->pool, bases[i], rest, query, NULL, options);

        stays(in, as_sent, bases[i]);
        as_sent = absw_location_build(in->pool, bases[i], rest, query, "abswitch=expired", 0);
        stays(in, as_sent, bases[i]);
        FUZZ_HOLDS(!strcmp(as_sent + strcspn(as_sent, "?"), "?abswitch=expired"));
    }
    if (decode(rest, options)) {
        for (unsigned i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
            const char *built = absw_location_build(in->pool, bases[i], rest, query, NULL,
                                                    options);
            const char *own = strchr(built, '?');

            stays(in, built, bases[i]);
            FUZZ_HOLDS(!own || (strncmp(own, "?abswitch=", 10) && !strstr(own, "&abswitch=")));
        }
    }
}
