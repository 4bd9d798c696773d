/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hex.h"
#include "location.h"

static char *put_escaped(char *out, unsigned char byte)
{
    static const char hex[] = "0123456789ABCDEF";

    *out++ = '%';
    *out++ = hex[byte >> 4];
    *out++ = hex[byte & 15];
    return out;
}

static int is_alnum(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 3986 section 3.3, less pct-encoded. */
static int is_pchar(unsigned char c)
{
    return is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@", c));
}

/* -- Path ---------------------------------------------------------------------------------- */

static int is_encoded_slash(const char *p, apr_size_t len)
{
    return len >= 3 && p[0] == '%' && p[1] == '2' && (p[2] == 'F' || p[2] == 'f');
}

static char *put_segment(char *out, const char *segment, apr_size_t len, int options)
{
    while (len) {
        apr_size_t taken = 1;

        if ((options & ABSW_LOCATION_KEEP_2F) && is_encoded_slash(segment, len)) {
            out = put_escaped(out, '/');
            taken = 3;
        }
        else if (is_pchar((unsigned char)*segment)) {
            *out++ = *segment;
        }
        else {
            out = put_escaped(out, (unsigned char)*segment);
        }
        segment += taken;
        len -= taken;
    }
    return out;
}

/* Append path after floor, each segment with the "/" before it; ".." never goes above floor.
 * *slash says whether path ends in a directory. */
static char *put_path(char *floor, const char *path, int options, int *slash)
{
    char *out = floor;

    *slash = 0;
    while (*path) {
        apr_size_t len = strcspn(path, "/");
        int dots = 0;

        if (len == 1 && path[0] == '.') {
            dots = 1;
        }
        else if (len == 2 && path[0] == '.' && path[1] == '.') {
            dots = 2;
        }
        if (dots == 2 && out > floor) {
            do {
                out--;
            } while (*out != '/');
        }
        else if (dots == 0 && len) {
            *out++ = '/';
            out = put_segment(out, path, len, options);
        }
        path += len;
        *slash = dots > 0 || *path == '/';
        if (*path == '/') {
            path++;
        }
    }
    return out;
}

/* -- Query --------------------------------------------------------------------------------- */

/* Is arg (up to "=", "&" or its end) the name "abswitch", spelled with escapes or without? */
static int is_own_argument(const char *arg)
{
    static const char name[] = "abswitch";
    const char *p = arg;

    for (const char *n = name; *n; n++) {
        char c = *p++;

        if (c == '%' && absw_hex_byte(p) >= 0) {
            c = (char)absw_hex_byte(p);
            p += 2;
        }
        if (c != *n) {
            return 0;
        }
    }
    return *p == '\0' || *p == '&' || *p == '=';
}

static char *put_query_bytes(char *out, const char *text, apr_size_t len)
{
    for (; len; text++, len--) {
        unsigned char c = (unsigned char)*text;

        if (c > ' ' && c < 0x7f && !strchr("\"<>#", c)) {
            *out++ = *text;
        }
        else {
            out = put_escaped(out, c);
        }
    }
    return out;
}

/* "?" and the arguments that are not the module's; nothing if nothing is left. */
static char *put_query(char *out, const char *query)
{
    char *start = out;
    char *first = out + 1;
    int any = 0;

    *out++ = '?';
    for (;;) {
        apr_size_t len = strcspn(query, "&");

        if (!is_own_argument(query)) {
            if (any) {
                *out++ = '&';
            }
            out = put_query_bytes(out, query, len);
            any = 1;
        }
        query += len;
        if (*query == '\0') {
            return out == first ? start : out;
        }
        query++;
    }
}

const char *absw_location_build(apr_pool_t *pool, const char *base, const char *rest,
                                const char *query, const char *extra, int options)
{
    apr_size_t len = strlen(base) + strlen(rest) + (query ? strlen(query) : 0)
                     + (extra ? strlen(extra) : 0);
    char *location = apr_palloc(pool, 3 * len + sizeof("///?"));
    char *out;
    int slash;

    out = put_path(location, base, 0, &slash);
    out = put_path(out, rest, options, &slash);
    if (slash || out == location) {
        *out++ = '/';
    }
    if (extra) {
        *out++ = '?';
        out = put_query_bytes(out, extra, strlen(extra));
    }
    else if (query) {
        out = put_query(out, query);
    }
    *out = '\0';
    return location;
}
