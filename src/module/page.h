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

/** Its Content-Security-Policy: nothing from anywhere but the style it carries. NULL: libcrypto
 * failed. */
const char *abswitch_page_policy(apr_pool_t *p);

#endif
