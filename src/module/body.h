/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_BODY_H
#define ABSWITCH_BODY_H

#include "module.h"

/**
 * The body of a form, however it is framed. Returns 0 with *text (NUL-terminated, in the request's
 * pool) and *len, or the status to answer with: 400 it is no urlencoded form, or was cut short; 408
 * it did not come in time; 413 it has more than max bytes, and the rest is not read;
 * AP_FILTER_ERROR: there has been an answer already.
 */
int abswitch_body_read(request_rec *r, apr_size_t max, const char **text, apr_size_t *len);

#endif
