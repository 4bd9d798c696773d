/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#define LAST (ABSW_TALLY_BUCKETS - 1)

static const apr_interval_time_t BOUNDS[] = { ABSW_TALLY_BOUNDS };

_Static_assert(sizeof(BOUNDS) / sizeof(BOUNDS[0]) == LAST, "a bound for each bucket but the last");

const char *absw_tally_class_name(int class_of)
{
    static const char *const NAMES[ABSW_TALLY_CLASSES] = { "2xx", "3xx", "4xx", "5xx" };

    return NAMES[class_of];
}

const char *absw_tally_bound_name(int bucket)
{
    static const char *const NAMES[ABSW_TALLY_BUCKETS] = {
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"
    };
    return NAMES[bucket];
}

apr_uint64_t absw_tally_count(const absw_tally_t *tally)
{
    apr_uint64_t sum = 0;

    for (int i = 0; i < ABSW_TALLY_CLASSES; i++) {
        sum += tally->classes[i];
    }
    return sum;
}

/* --- sums -------------------------------------------------------------------------------- */

static void add(apr_uint64_t *number, apr_uint64_t more)
{
    *number = more > APR_UINT64_MAX - *number ? APR_UINT64_MAX : *number + more;
}

static void subtract(apr_uint64_t *number, apr_uint64_t before)
{
    *number = *number > before ? *number - before : 0;
}

static void each(absw_tally_t *tally, const absw_tally_t *other,
                 void (*change)(apr_uint64_t *number, apr_uint64_t by))
{
    for (int i = 0; i < ABSW_TALLY_CLASSES; i++) {
        change(&tally->classes[i], other->classes[i]);
    }
    change(&tally->usec, other->usec);
    for (int i = 0; i < ABSW_TALLY_BUCKETS; i++) {
        change(&tally->buckets[i], other->buckets[i]);
    }
}

void absw_tally_add(absw_tally_t *tally, const absw_tally_t *more)
{
    each(tally, more, add);
}

void absw_tally_subtract(absw_tally_t *tally, const absw_tally_t *before)
{
    each(tally, before, subtract);
}

/* --- what they say ----------------------------------------------------------------------- */

apr_interval_time_t absw_tally_within(const absw_tally_t *tally, double part)
{
    double all = 0, below = 0, wanted;

    for (int i = 0; i < ABSW_TALLY_BUCKETS; i++) {
        all += (double)tally->buckets[i];
    }
    if (all <= 0) {
        return -1;
    }
    wanted = part * all;
    for (int i = 0; i < LAST; i++) {
        double here = (double)tally->buckets[i];

        if (here > 0 && below + here >= wanted) {
            double from = i > 0 ? (double)BOUNDS[i - 1] : 0;

            return (apr_interval_time_t)(from + ((double)BOUNDS[i] - from)
                                                * (wanted - below) / here);
        }
        below += here;
    }
    return BOUNDS[LAST - 1];
}

double absw_tally_failed(const absw_tally_t *tally)
{
    double all = (double)absw_tally_count(tally);

    return all > 0 ? (double)tally->classes[ABSW_TALLY_CLASSES - 1] / all : 0;
}

int absw_tally_is_worse(const absw_tally_t *a, const absw_tally_t *b)
{
    double all_a = (double)absw_tally_count(a);
    double all_b = (double)absw_tally_count(b);
    double failed = (double)a->classes[ABSW_TALLY_CLASSES - 1]
                    + (double)b->classes[ABSW_TALLY_CLASSES - 1];
    double more = absw_tally_failed(a) - absw_tally_failed(b);
    double both, variance;

    if (a->classes[ABSW_TALLY_CLASSES - 1] < 5 || all_b < 1) {
        return 0;
    }
    /* the two-proportion z-test */
    both = failed / (all_a + all_b);
    variance = both * (1 - both) * (1 / all_a + 1 / all_b);
    return more > 0 && more * more > 3 * 3 * variance;
}
