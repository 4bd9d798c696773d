/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_SEND_H
#define ABSWITCH_SEND_H

#include "markup.h"

/** Answers of the handlers, whole, with their length, never cached; what a handler returns. */

#define ABSWITCH_TYPE_HTML "text/html; charset=utf-8"
#define ABSWITCH_TYPE_JSON "application/json"
#define ABSWITCH_TYPE_TEXT "text/plain; charset=utf-8"

/** text lives as long as the request. */
int abswitch_send_text(request_rec *r, int status, const char *type, const char *text);

/** A page that is to be written into what is returned; read only. */
abswitch_markup_t abswitch_send_begin(request_rec *r, absw_sec_t now);

/** What was written there. policy: its Content-Security-Policy. */
int abswitch_send_page(request_rec *r, int status, const char *policy, abswitch_markup_t *m);

/** Something failed that should not: 500, and a line in the error log that says what. */
int abswitch_send_failure(request_rec *r, const char *what);

#endif
