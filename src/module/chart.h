/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_CHART_H
#define ABSWITCH_CHART_H

#include "markup.h"

/** The sessions of an application's sides over a time, drawn: one panel of the page. */
typedef struct {
    const char *id;                     /* of the panel's heading */
    const char *title;
    const absw_report_app_t *app;       /* its sides and its log */
    const absw_history_entry_t *points; /* oldest first */
    int points_n;
    absw_sec_t length;                  /* it ends now */
    absw_sec_t tick;                    /* between the times written below it */
    absw_sec_t gap;                     /* points that lie further apart are not joined */
} abswitch_chart_t;

void abswitch_chart_write(abswitch_markup_t *m, const abswitch_chart_t *chart);

/**
 * For a chart of many hours: the entries of history in spans of `step` seconds, each side's
 * highest number of a span with the time of its last entry. In pool; *n is how many.
 */
const absw_history_entry_t *abswitch_chart_thin(apr_pool_t *pool, const absw_report_app_t *app,
                                                absw_sec_t step, int *n);

#endif
