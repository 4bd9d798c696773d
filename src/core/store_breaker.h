/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_BREAKER_H
#define ABSW_STORE_BREAKER_H

#include <apr_time.h>

/**
 * A circuit breaker: after a failure a server is left alone for a pause, which doubles with every
 * further one up to the longest. News that it answers again ends a pause early, but not two in a
 * row: who answered a look and then failed again has overcome nothing. Pure; times are
 * microseconds, not set back.
 */

typedef struct {
    apr_interval_time_t first;
    apr_interval_time_t longest;
    apr_interval_time_t pause;  /* the present one; 0: none */
    apr_time_t until;
    int is_on_trial;            /* it is called on the strength of such news */
    int hears;                  /* news would end this pause */
} absw_store_breaker_t;

/** It failed. */
void absw_store_breaker_trip(absw_store_breaker_t *breaker, apr_time_t now);

/** It answered. */
void absw_store_breaker_reset(absw_store_breaker_t *breaker);

/** May it be called? */
int absw_store_breaker_lets(const absw_store_breaker_t *breaker, apr_time_t now);

/** It may not be called, and it is worth a look whether it answers again? */
int absw_store_breaker_hears(const absw_store_breaker_t *breaker, apr_time_t now);

/** It does: it may be called. */
void absw_store_breaker_hear(absw_store_breaker_t *breaker);

#endif
