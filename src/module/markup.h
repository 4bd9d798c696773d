/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_MARKUP_H
#define ABSWITCH_MARKUP_H

#include <apr_buckets.h>

#include "module.h"

/** A page being written: HTML in UTF-8. What is not a literal goes through _text() first. */
typedef struct {
    apr_bucket_brigade *bb;
    apr_pool_t *pool;           /* the request's */
    absw_sec_t now;             /* what the page's times are compared with */
    const char *form_key;       /* for the manager's forms; NULL: the page is read only */
} abswitch_markup_t;

void abswitch_markup_put(abswitch_markup_t *m, const char *html);
void abswitch_markup_putf(abswitch_markup_t *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** s as text, or inside an attribute's double quotes: clean UTF-8, escaped. */
const char *abswitch_markup_text(abswitch_markup_t *m, const char *s);

/** A number as people read it: "1,000". */
const char *abswitch_markup_count(abswitch_markup_t *m, apr_uint64_t n);

/** A moment in this node's time zone, as strftime() writes it (at most 63 bytes). */
const char *abswitch_markup_local(abswitch_markup_t *m, const char *format, absw_sec_t t);

/** A moment as a <time>: the clock's time today, with its date on another day. */
const char *abswitch_markup_time(abswitch_markup_t *m, absw_sec_t t);

/** The same, with how long ago it was, or how long it is until then. */
const char *abswitch_markup_ago(abswitch_markup_t *m, absw_sec_t t);
const char *abswitch_markup_until(abswitch_markup_t *m, absw_sec_t t);

/** The stroke that stands for a side's number in the charts. */
void abswitch_markup_key(abswitch_markup_t *m, int side);

#endif
