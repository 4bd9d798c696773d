/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_HEADERS_H
#define ABSWITCH_HEADERS_H

#include "inside.h"
#include "module.h"

/** The request headers that matter here; NULL where absent. Values belong to the request. */
typedef struct {
    const char *accept;
    const char *content_type;
    const char *fetch_mode;
    const char *fetch_site;
    const char *host;
    const char *origin;
    const char *purpose;        /* Sec-Purpose */
    const char *referer;
    const char *requested_with;
    const char *upgrade;
} abswitch_headers_t;

/** Read them in one walk. */
void abswitch_headers_read(request_rec *r, abswitch_headers_t *headers);

/**
 * The request's own origin: its scheme, and its authority or host (of its Host header). 0: there is
 * none.
 */
int abswitch_headers_origin(const request_rec *r, const char *host, absw_origin_t *origin);

/**
 * One walk before anybody else looks: removes the request headers that pretend to come from this
 * module (ABSWITCH followed by "-" or "_", in any case) and returns the Cookie header, or NULL.
 */
const char *abswitch_headers_screen(request_rec *r);

#endif
