/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_PAGE_H
#define ABSWITCH_PAGE_H

#include "markup.h"

/** The status page: HTML that works without JavaScript and refreshes itself. */
typedef struct {
    const absw_report_t *report;
    const char *app;            /* the one application it was narrowed to, or NULL */
    int refresh;                /* 0: the reader has asked it to stand still */
} abswitch_page_t;

void abswitch_page_write(abswitch_markup_t *m, const abswitch_page_t *page);

/**
 * Its Content-Security-Policy: nothing from anywhere but the style it carries, and forms to its own
 * origin where it has any. NULL: libcrypto failed.
 */
const char *abswitch_page_policy(apr_pool_t *p, const abswitch_page_t *page);

/** A page that says that something was refused, why, and how to go on. */
typedef struct {
    const char *title;          /* what was refused, in a few words */
    const char *sentence;       /* why; without its full stop */
    const char *advice;         /* what to do; whole sentences */
    const char *query;          /* of the page to go back to; "" */
} abswitch_refusal_t;

void abswitch_page_refuse(abswitch_markup_t *m, const abswitch_refusal_t *refusal);
const char *abswitch_page_refusal_policy(apr_pool_t *p);

#endif
