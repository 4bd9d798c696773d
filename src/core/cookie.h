/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_COOKIE_H
#define ABSW_COOKIE_H

#include "absw.h"

/**
 * Find the values of the cookie name in one Cookie header (text, NUL-terminated): the next one
 * at or after *pos. Splits at ";", and at "," since that is how several Cookie headers are joined
 * into one (no token has a comma; a cut value of another name is skipped like a whole one), trims
 * spaces and tabs; a value in double quotes is taken as it stands, quotes and all. Pieces without
 * "=" or of another name are skipped; names are compared case-sensitively. Returns 1 and sets
 * value/len and *pos (start with *pos = header), 0 at the end. A whole walk is linear.
 */
int absw_cookie_next(const char **pos, const char *name, const char **value, apr_size_t *len);

#endif
