/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_DESCRIBE_H
#define CTL_DESCRIBE_H

#include "reading.h"

/**
 * Reports in words: parts of sentences, in pool. Times are local ones; how far away they are is
 * told by the server's clock.
 */

/** "18:00:00", with its date if that is not today's. */
const char *ctl_describe_time(const ctl_report_t *report, absw_sec_t time, apr_pool_t *pool);

/** "1000 sessions", "about 9000 sessions", "an unknown number of sessions". */
const char *ctl_describe_sessions(const ctl_side_t *side, apr_pool_t *pool);

/** "new sessions land on A (75 %) and B (25 %)". */
const char *ctl_describe_landing(const ctl_app_t *app, apr_pool_t *pool);

/** "generation 13 by alice at 15:00:00: new sessions land on B (upgrade)". */
const char *ctl_describe_change(const ctl_report_t *report, const ctl_app_t *app,
                                apr_pool_t *pool);

/** "generation 13; new sessions land on B; 12 sessions stay on A until 18:00:00 at the latest". */
const char *ctl_describe_switch(const ctl_report_t *report, const ctl_app_t *app,
                                apr_pool_t *pool);

/** How far a drain is: "12 sessions, 3 in flight; ends at 18:00:00 at the latest", or "drained". */
const char *ctl_describe_drain(const ctl_report_t *report, const ctl_side_t *side,
                               apr_pool_t *pool);

#endif
