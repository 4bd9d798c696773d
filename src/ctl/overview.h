/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_OVERVIEW_H
#define CTL_OVERVIEW_H

#include "reading.h"

/**
 * A report as people look at it: a table of the sides of every application, and whatever is not
 * as it should be in words. Lines with marks (say.h), in pool. It changes only when something
 * has changed that a reader wants to know.
 */
const char *ctl_overview(const ctl_report_t *report, apr_pool_t *pool);

#endif
