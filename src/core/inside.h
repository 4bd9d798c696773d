/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_INSIDE_H
#define ABSW_INSIDE_H

#include "policy.h"

/**
 * What a request's headers say about where it comes from and what it is for. Pure; header
 * values are hostile. A header that is absent is NULL; repeated headers come joined by ", "
 * as httpd joins them, and then mean nothing.
 */

#define ABSW_HOST_MAX 255

/** An origin: scheme and host in lower case, host without a trailing dot, port or the default. */
typedef struct {
    char scheme[8];             /* "http" or "https" */
    char host[ABSW_HOST_MAX + 1];   /* an IPv6 address with its brackets */
    unsigned port;
} absw_origin_t;

/**
 * Parse "scheme://host[:port]" followed by nothing (whole = 1), or by "/...", "?..." , "#..."
 * or nothing (whole = 0), in which case *rest points at what follows (rest may be NULL).
 * Userinfo, an empty host, a scheme other than http(s), a port that is none (":" alone, 0, above
 * 65535), bytes that no host has: 0. A host is dotted labels of [A-Za-z0-9_-], as browsers send
 * it (names of other scripts come in punycode), or an IPv6 address, rewritten in one spelling.
 */
int absw_origin_parse(const char *url, int whole, absw_origin_t *origin, const char **rest);

/** The origin of a request: its scheme ("http", "https") and its Host header ("h", "h:port").
 * 0 if malformed. */
int absw_origin_of_request(const char *scheme, const char *host, absw_origin_t *origin);

int absw_origin_equal(const absw_origin_t *a, const absw_origin_t *b);

/** The headers that tell where a request comes from. */
typedef struct {
    const char *referer;
    const char *origin;         /* Origin */
    const char *fetch_site;     /* Sec-Fetch-Site */
} absw_provenance_t;

/**
 * Contract section 4, "inside": a Referer of an own origin at or below a side's path; or an
 * own-origin Referer with no more than "/", or no Referer (absent or empty), together with
 * Sec-Fetch-Site: same-origin or an own Origin. Everything else is from outside.
 * The Referer's path is decoded and its dot segments are resolved before it is compared, as
 * httpd does with a request's; one that httpd would refuse is outside: %00, %2F, bad escapes, ".."
 * above the root, raw control bytes and spaces. Raw 8-bit bytes stand for themselves, as does a
 * backslash. "No more than /" is taken as sent. Paths above 8192 bytes are outside: httpd takes
 * no such header by default, and browsers cut a Referer above 4096 to its origin (Referrer
 * Policy, section 8.3). Sec-Fetch-Site is compared exactly.
 */
int absw_inside(const absw_policy_t *policy, const absw_origin_t *own, int own_n,
                const absw_provenance_t *from);

/** The headers that tell what a request is. method is httpd's name for it, in its own case. */
typedef struct {
    const char *method;
    const char *accept;
    const char *fetch_mode;     /* Sec-Fetch-Mode */
    const char *requested_with; /* X-Requested-With */
    const char *upgrade;        /* Upgrade */
    const char *content_type;   /* Content-Type */
} absw_asking_t;

typedef enum {
    ABSW_KIND_OTHER,
    ABSW_KIND_NAV,              /* GET or HEAD that a browser navigates with */
    ABSW_KIND_FORM_POST         /* POST by the same test, with a form's Content-Type */
} absw_kind_e;

/**
 * Contract section 4, "nav" and "form POST". Method names and Sec-Fetch-Mode are compared
 * exactly, media types without their case and parameters: "text/html;q=0" names text/html, a
 * subtype of "*" does not. A header that is present counts as such though it be empty.
 */
absw_kind_e absw_inside_kind(const absw_asking_t *asking);

/** Does a Sec-Purpose header (NULL if absent) have the token "prefetch", whatever its parameters?
 * Compared exactly, as structured fields are (RFC 8941). */
int absw_inside_is_prefetch(const char *sec_purpose);

#endif
