/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_BUCKETS_H
#define ABSW_BUCKETS_H

#include "absw.h"

/**
 * When sessions stop being counted, to within a bucket: so that what a node says of a session
 * changes once a bucket and not with every click. Pure.
 *
 * Bucket b of width w holds the expiries in ((b - 1) * w, b * w], Unix seconds: rounded up, and
 * the same on every node. It is live until its end and 5 s more, by which clocks may differ, so
 * a count from buckets is too high for up to a width and 5 s, and never too low.
 */

#define ABSW_BUCKETS_SKEW       5           /* seconds that clocks may differ */
#define ABSW_BUCKETS_WIDTH_MAX  (1 << 25)   /* seconds; of an idle time-out of a year: 985500 */

/** Seconds of a bucket for an idle time-out (1 s to 365 days): a 32nd of it, at least 1. */
absw_sec_t absw_bucket_width(absw_sec_t idle);

/** The bucket of an expiry; of one that no word of 32 bits holds, the last that it holds. */
static inline apr_uint32_t absw_bucket_of(absw_sec_t width, absw_sec_t ends)
{
    apr_uint32_t of = (apr_uint32_t)width;      /* a division by more bits takes longer */

    if (ends <= 0) {
        return 0;
    }
    return ends > (absw_sec_t)APR_UINT32_MAX - width ? APR_UINT32_MAX / of
                                                     : ((apr_uint32_t)ends + of - 1) / of;
}

/** The latest expiry that a bucket holds. */
absw_sec_t absw_bucket_end(absw_sec_t width, apr_uint32_t bucket);

/** Does what ends at `ends`, the end of a bucket, count at now? */
static inline int absw_bucket_is_live(absw_sec_t ends, absw_sec_t now)
{
    return now < ends + ABSW_BUCKETS_SKEW;
}

/* --- how many end when --------------------------------------------------------------- */

/** Usually there are 34; see absw_hist_add for what happens to more. */
#define ABSW_HIST_MAX 64

typedef struct {
    apr_uint32_t bucket;
    apr_uint32_t count;         /* never 0 */
} absw_hist_bar_t;

/** By bucket, ascending, each once. */
typedef struct {
    absw_sec_t width;           /* seconds; 1 to ABSW_BUCKETS_WIDTH_MAX */
    int n;
    absw_hist_bar_t bars[ABSW_HIST_MAX];
} absw_hist_t;

void absw_hist_begin(absw_hist_t *hist, absw_sec_t width);

/**
 * Enter so many that end then. Where there is no room for another bar they go to the next later
 * one, or the latest one becomes as late as they are: no one ever ends too early.
 */
void absw_hist_add(absw_hist_t *hist, absw_sec_t ends, apr_uint32_t count);

/** How many are live at `at`; no more than APR_UINT32_MAX. */
apr_uint32_t absw_hist_left(const absw_hist_t *hist, absw_sec_t at);

/** The first second at which none is live; 0: none is there. */
absw_sec_t absw_hist_empty_at(const absw_hist_t *hist);

#endif
