/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "buckets.h"

#define PER_IDLE 32

static absw_sec_t between(absw_sec_t least, absw_sec_t n, absw_sec_t most)
{
    return n < least ? least : n > most ? most : n;
}

absw_sec_t absw_bucket_width(absw_sec_t idle)
{
    return between(1, idle / PER_IDLE + (idle % PER_IDLE > 0), ABSW_BUCKETS_WIDTH_MAX);
}

absw_sec_t absw_bucket_end(absw_sec_t width, apr_uint32_t bucket)
{
    return width * (absw_sec_t)bucket;
}

/* --- how many end when --------------------------------------------------------------- */

void absw_hist_begin(absw_hist_t *hist, absw_sec_t width)
{
    memset(hist, 0, sizeof(*hist));
    hist->width = between(1, width, ABSW_BUCKETS_WIDTH_MAX);
}

static apr_uint32_t sum_of(apr_uint32_t a, apr_uint32_t b)
{
    return a > APR_UINT32_MAX - b ? APR_UINT32_MAX : a + b;
}

/* The first bar that is not before the bucket; n if there is none. */
static int bar_from(const absw_hist_t *hist, apr_uint32_t bucket)
{
    int from = 0;
    int to = hist->n;

    while (from < to) {
        int middle = (from + to) / 2;

        if (hist->bars[middle].bucket < bucket) {
            from = middle + 1;
        }
        else {
            to = middle;
        }
    }
    return from;
}

void absw_hist_add(absw_hist_t *hist, absw_sec_t ends, apr_uint32_t count)
{
    apr_uint32_t bucket = absw_bucket_of(hist->width, ends);
    int at = bar_from(hist, bucket);
    absw_hist_bar_t *bar = &hist->bars[at];

    if (count == 0) {
        return;
    }
    if (at == ABSW_HIST_MAX) {          /* full, and it is later than all */
        bar--;
        bar->bucket = bucket;
    }
    else if (hist->n < ABSW_HIST_MAX && (at == hist->n || bar->bucket != bucket)) {
        memmove(bar + 1, bar, (apr_size_t)(hist->n - at) * sizeof(*bar));
        *bar = (absw_hist_bar_t){ .bucket = bucket };
        hist->n++;
    }
    bar->count = sum_of(bar->count, count);
}

apr_uint32_t absw_hist_left(const absw_hist_t *hist, absw_sec_t at)
{
    apr_uint32_t left = 0;

    for (int i = hist->n - 1; i >= 0; i--) {
        if (!absw_bucket_is_live(absw_bucket_end(hist->width, hist->bars[i].bucket), at)) {
            break;
        }
        left = sum_of(left, hist->bars[i].count);
    }
    return left;
}

absw_sec_t absw_hist_empty_at(const absw_hist_t *hist)
{
    return hist->n == 0 ? 0
           : absw_bucket_end(hist->width, hist->bars[hist->n - 1].bucket) + ABSW_BUCKETS_SKEW;
}
