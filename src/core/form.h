/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_FORM_H
#define ABSW_FORM_H

#include "absw.h"

/**
 * The pairs of a query string or a form: application/x-www-form-urlencoded. Pure, linear, and
 * without memory of its own. The text is hostile.
 */

typedef struct {
    const char *name;           /* encoded; points into the text */
    apr_size_t name_len;
    const char *value;          /* "" where there is no "=" */
    apr_size_t value_len;
} absw_form_pair_t;

/** The next pair at *pos (start with *pos = text, NUL-terminated), empty ones passed over. 0: no
 * more. */
int absw_form_next(const char **pos, absw_form_pair_t *pair);

/**
 * Decode len bytes of s to buf (size bytes, NUL-terminated): "+" is a space, %XX a byte. Returns
 * 1, or 0 when it does not fit, has a NUL or a "%" without two hex digits.
 */
int absw_form_decode(const char *s, apr_size_t len, char *buf, apr_size_t size);

#endif
