/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_COOKIE_H
#define ABSW_COOKIE_H

#include "absw.h"

/** The cookies of one Cookie header, one after the other. The header must outlive it. */
typedef struct {
    const char *next;           /* the piece that comes next begins here */
    const char *end;
    const char *comma;          /* the next one, or the end */
} absw_cookies_t;

/** header is NUL-terminated. */
void absw_cookie_begin(absw_cookies_t *cookies, const char *header);

/**
 * The next value of the cookie name (name_len bytes, at least one, none of them a blank, "=", ";"
 * or ","). Splits at ";", and at "," since that is how several Cookie headers are joined into one
 * (no token has a comma; a cut value of another name is skipped like a whole one), trims spaces and
 * tabs; a value in double quotes is taken as it stands, quotes and all. Pieces without "=" or of
 * another name are skipped; names are compared case-sensitively. Returns 1 and sets value and len,
 * 0 at the end. A whole walk is linear.
 */
int absw_cookie_next(absw_cookies_t *cookies, const char *name, apr_size_t name_len,
                     const char **value, apr_size_t *len);

/** Is there another piece? If not, there is no other value. */
static inline int absw_cookie_more(const absw_cookies_t *cookies)
{
    return cookies->next < cookies->end;
}

#endif
