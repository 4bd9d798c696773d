/* SPDX-License-Identifier: Apache-2.0 */
#include "store_breaker.h"

void absw_store_breaker_trip(absw_store_breaker_t *breaker, apr_time_t now)
{
    breaker->pause = breaker->pause ? breaker->pause * 2 : breaker->first;
    if (breaker->pause > breaker->longest) {
        breaker->pause = breaker->longest;
    }
    breaker->until = now + breaker->pause;
    breaker->hears = !breaker->is_on_trial;
    breaker->is_on_trial = 0;
}

void absw_store_breaker_reset(absw_store_breaker_t *breaker)
{
    breaker->pause = 0;
    breaker->is_on_trial = 0;
}

int absw_store_breaker_lets(const absw_store_breaker_t *breaker, apr_time_t now)
{
    return breaker->pause == 0 || breaker->is_on_trial || now >= breaker->until;
}

int absw_store_breaker_hears(const absw_store_breaker_t *breaker, apr_time_t now)
{
    return breaker->hears && !absw_store_breaker_lets(breaker, now);
}

void absw_store_breaker_hear(absw_store_breaker_t *breaker)
{
    breaker->is_on_trial = 1;
}
