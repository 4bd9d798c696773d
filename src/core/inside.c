/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_cstr.h>
#include <arpa/inet.h>

#include "hex.h"
#include "inside.h"

#define REFERER_PATH_MAX 8192

/* -- Origins ------------------------------------------------------------------------------- */

/* A dot must end a label, so "..", or a dot in front, is no host name. */
static int is_host_byte(char c, char before)
{
    if (c == '.') {
        return before != '.' && before != '\0';
    }
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || c == '-' || c == '_';
}

static int parse_name(const char *text, apr_size_t len, char *host)
{
    char before = '\0';

    if (len && text[len - 1] == '.') {
        len--;
    }
    if (len < 1 || len > ABSW_HOST_MAX) {
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!is_host_byte(c, before)) {
            return 0;
        }
        before = c;
        host[i] = (char)((c >= 'A' && c <= 'Z') ? c - 'A' + 'a' : c);
    }
    host[len] = '\0';
    return before != '.';
}

/* "[...]", rewritten in the one spelling that inet_ntop has for an address. */
static int parse_ipv6(const char *text, apr_size_t len, char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr binary;

    if (len < 3 || len - 2 >= sizeof(address)) {
        return 0;
    }
    memcpy(address, text + 1, len - 2);
    address[len - 2] = '\0';
    if (inet_pton(AF_INET6, address, &binary) != 1
        || !inet_ntop(AF_INET6, &binary, address, sizeof(address))) {
        return 0;
    }
    host[0] = '[';
    len = strlen(address);
    memcpy(host + 1, address, len);
    memcpy(host + 1 + len, "]", 2);
    return 1;
}

/* "" is the default port; a colon without digits is no port. */
static int parse_port(const char *text, apr_size_t len, absw_origin_t *origin)
{
    unsigned port = 0;

    if (len == 0) {
        origin->port = strcmp(origin->scheme, "https") == 0 ? 443 : 80;
        return 1;
    }
    if (text[0] != ':' || len < 2 || len > 6) {
        return 0;
    }
    for (apr_size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    origin->port = port;
    return port >= 1 && port <= 65535;
}

/* host[:port]; origin has its scheme. */
static int parse_authority(const char *text, apr_size_t len, absw_origin_t *origin)
{
    apr_size_t host_len;
    const char *end;
    int ok;

    if (len && text[0] == '[') {
        end = memchr(text, ']', len);
        host_len = end ? (apr_size_t)(end - text) + 1 : len;
        ok = end && parse_ipv6(text, host_len, origin->host);
    }
    else {
        end = memchr(text, ':', len);
        host_len = end ? (apr_size_t)(end - text) : len;
        ok = parse_name(text, host_len, origin->host);
    }
    return ok && parse_port(text + host_len, len - host_len, origin);
}

int absw_origin_parse(const char *url, int whole, absw_origin_t *origin, const char **rest)
{
    apr_size_t len;

    if (apr_cstr_casecmpn(url, "http://", 7) == 0) {
        memcpy(origin->scheme, "http", 5);
        url += 7;
    }
    else if (apr_cstr_casecmpn(url, "https://", 8) == 0) {
        memcpy(origin->scheme, "https", 6);
        url += 8;
    }
    else {
        return 0;
    }
    len = strcspn(url, "/?#");
    if (whole && url[len] != '\0') {
        return 0;
    }
    if (rest) {
        *rest = url + len;
    }
    return parse_authority(url, len, origin);
}

int absw_origin_of_request(const char *scheme, const char *host, absw_origin_t *origin)
{
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
        return 0;
    }
    memcpy(origin->scheme, scheme, strlen(scheme) + 1);
    return parse_authority(host, strlen(host), origin);
}

int absw_origin_equal(const absw_origin_t *a, const absw_origin_t *b)
{
    return a->port == b->port && strcmp(a->scheme, b->scheme) == 0
           && strcmp(a->host, b->host) == 0;
}

static int is_own(const absw_origin_t *origin, const absw_origin_t *own, int own_n)
{
    for (int i = 0; i < own_n; i++) {
        if (absw_origin_equal(origin, &own[i])) {
            return 1;
        }
    }
    return 0;
}

/* -- Where a request comes from ------------------------------------------------------------ */

/* The next byte of a path, decoded; *path moves on. 0 if it has no place in one: %2F and %00, an
 * escape that is none, a raw control byte or space (two headers joined have a space). */
static unsigned char next_byte(const char **path)
{
    const char *p = *path;
    int byte;

    if (*p != '%') {
        byte = (unsigned char)*p;
        *path = p + 1;
        return (unsigned char)((byte <= ' ' || byte == 0x7f) ? 0 : byte);
    }
    byte = absw_hex_byte(p + 1);
    *path = p + 3;
    return (unsigned char)((byte < 0 || byte == '/') ? 0 : byte);
}

/* Drop a segment "." or ".." (with the one before it) that begins after a "/" and ends at out.
 * NULL: up from the root. */
static char *drop_dots(char *start, char *segment, char *out)
{
    apr_size_t len = (apr_size_t)(out - segment);

    if (len < 1 || len > 2 || segment[0] != '.' || segment[len - 1] != '.') {
        return out;
    }
    out = segment - 1;
    if (len == 2) {
        if (out == start) {
            return NULL;
        }
        do {
            out--;
        } while (*out != '/');
    }
    return out;
}

/* As httpd makes r->uri of a path: escapes decoded, runs of "/" merged, dot segments resolved
 * (but "/x/.." becomes "", which lies below the same sides as "/"). path begins with "/" and ends
 * where a query or a fragment begins. */
static int resolve_path(const char *path, const char *end, char *start)
{
    char *out = start;

    while (path < end) {
        char *segment;

        while (path < end && *path == '/') {
            path++;
        }
        *out++ = '/';
        segment = out;
        while (path < end && *path != '/') {
            unsigned char byte = next_byte(&path);

            if (byte == 0) {
                return 0;
            }
            *out++ = (char)byte;
        }
        out = drop_dots(start, segment, out);
        if (!out) {
            return 0;
        }
    }
    *out = '\0';
    return 1;
}

static int is_below_a_side(const absw_policy_t *policy, const char *path)
{
    char resolved[REFERER_PATH_MAX + 1];
    apr_size_t len = strcspn(path, "?#");
    const char *rest;

    return path[0] == '/' && len <= REFERER_PATH_MAX
           && resolve_path(path, path + len, resolved)
           && absw_policy_side_of_path(policy, resolved, &rest) != ABSW_NO_SIDE;
}

/* "" or "/": all that Referrer-Policy: origin leaves of a Referer. */
static int is_bare(const char *path)
{
    if (*path == '/') {
        path++;
    }
    return *path == '\0' || *path == '#';
}

int absw_inside(const absw_policy_t *policy, const absw_origin_t *own, int own_n,
                const absw_provenance_t *from)
{
    absw_origin_t origin;
    const char *path;

    if (from->referer && *from->referer) {
        if (!absw_origin_parse(from->referer, 0, &origin, &path)
            || !is_own(&origin, own, own_n)) {
            return 0;
        }
        if (!is_bare(path)) {
            return is_below_a_side(policy, path);
        }
    }
    if (from->fetch_site && strcmp(from->fetch_site, "same-origin") == 0) {
        return 1;
    }
    return from->origin && absw_origin_parse(from->origin, 1, &origin, NULL)
           && is_own(&origin, own, own_n);
}

/* -- What a request is for ----------------------------------------------------------------- */

/* Where the list element that begins at p ends: a comma outside quotes, or the end. */
static const char *element_end(const char *p)
{
    int quoted = 0;

    for (; *p && (quoted || *p != ','); p++) {
        if (*p == '"') {
            quoted = !quoted;
        }
        else if (quoted && *p == '\\' && p[1]) {
            p++;
        }
    }
    return p;
}

/* Is the element p..end, without its parameters and the blanks around it, text? */
static int element_is(const char *p, const char *end, const char *text, int fold_case)
{
    const char *params = memchr(p, ';', (apr_size_t)(end - p));
    apr_size_t len = strlen(text);

    if (params) {
        end = params;
    }
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return (apr_size_t)(end - p) == len
           && (fold_case ? apr_cstr_casecmpn(p, text, len) : memcmp(p, text, len)) == 0;
}

static int list_has(const char *list, const char *text, int fold_case)
{
    for (;;) {
        const char *end = element_end(list);

        if (element_is(list, end, text, fold_case)) {
            return 1;
        }
        if (*end == '\0') {
            return 0;
        }
        list = end + 1;
    }
}

static int is_navigation(const absw_asking_t *asking)
{
    if (asking->requested_with || asking->upgrade) {
        return 0;
    }
    if (asking->fetch_mode) {
        return strcmp(asking->fetch_mode, "navigate") == 0;
    }
    return asking->accept && list_has(asking->accept, "text/html", 1);
}

static int is_form(const char *content_type)
{
    static const char *const forms[] = {
        "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"
    };
    const char *end = content_type + strlen(content_type);

    for (apr_size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (element_is(content_type, end, forms[i], 1)) {
            return 1;
        }
    }
    return 0;
}

absw_kind_e absw_inside_kind(const absw_asking_t *asking)
{
    if (strcmp(asking->method, "GET") == 0 || strcmp(asking->method, "HEAD") == 0) {
        return is_navigation(asking) ? ABSW_KIND_NAV : ABSW_KIND_OTHER;
    }
    if (strcmp(asking->method, "POST") == 0 && asking->content_type
        && is_form(asking->content_type) && is_navigation(asking)) {
        return ABSW_KIND_FORM_POST;
    }
    return ABSW_KIND_OTHER;
}

int absw_inside_is_prefetch(const char *sec_purpose)
{
    return sec_purpose && list_has(sec_purpose, "prefetch", 0);
}
