/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_DURATION_H
#define ABSW_DURATION_H

#include <apr_time.h>

#include "absw.h"

/**
 * Durations as httpd's directives spell them: digits and a unit, "500ms", "30s", "30min" (or
 * "30mi"), "8h"; a bare number is seconds. Pure.
 */

#define ABSW_DURATION_TEXT_MAX 24   /* bytes of a duration's text, with its NUL */

/** Read word, all of it. 1, or 0: it is none, or longer than an apr_interval_time_t holds. */
int absw_duration_parse(const char *word, apr_interval_time_t *duration);

/**
 * Write it to buf (ABSW_DURATION_TEXT_MAX bytes) in the largest of h, s and ms that loses nothing;
 * what is no whole millisecond is cut off. Not for a negative one. Returns buf.
 */
const char *absw_duration_text(apr_interval_time_t duration, char *buf);

/** For people: its two largest units, in pool: "3 d 4 h", "7 h 59 min", "45 s". Below 0 is "0 s". */
const char *absw_duration_words(absw_sec_t seconds, apr_pool_t *pool);

#endif
