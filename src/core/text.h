/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_TEXT_H
#define ABSW_TEXT_H

#include "absw.h"

/**
 * Text from outside that is to be kept, logged or shown. Pure.
 */

/** Is it valid UTF-8 (RFC 3629) without control characters (C0, DEL, C1)? */
int absw_text_is_clean(const char *s, apr_size_t len);

/**
 * Copy s to dst (size bytes, NUL included, the unused ones zeroed): cut between characters to
 * what fits, each byte that is not clean replaced by "?". s may be NULL.
 */
void absw_text_clean(char *dst, apr_size_t size, const char *s);

/**
 * Quote bytes for a log line: dst (size bytes, at least 8) gets them in double quotes, what
 * is not printable ASCII, and the quote itself, as "?"; "..." stands for what does not fit.
 * Returns dst.
 */
const char *absw_text_quote(char *dst, apr_size_t size, const char *s, apr_size_t len);

/** A decimal number of digits only, at most max. 1 if it is one. */
int absw_text_number(const char *s, apr_size_t len, apr_int64_t max, apr_int64_t *number);

#endif
