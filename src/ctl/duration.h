/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_DURATION_H
#define CTL_DURATION_H

#include <apr_time.h>

#include "absw.h"

/**
 * Durations as the directives have them: 500ms, 30s, 30min (or 30mi), 8h, and a bare number of
 * seconds. Pure.
 */

#define CTL_DURATION_MAX (APR_INT64_C(365) * 24 * 3600 * APR_USEC_PER_SEC)

/** 1, and *time in microseconds, from 0 to CTL_DURATION_MAX; 0 if the word is none. */
int ctl_duration_parse(const char *word, apr_interval_time_t *time);

/** Its two largest units, in pool: "3 d 4 h", "7 h 59 min", "45 s". Below 0 is "0 s". */
const char *ctl_duration_text(absw_sec_t seconds, apr_pool_t *pool);

#endif
