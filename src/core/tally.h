/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_TALLY_H
#define ABSW_TALLY_H

#include <apr_time.h>

#include "absw.h"

/**
 * How many responses there were, by class, and how long they took: plain numbers that can be
 * added, taken from each other, and put into words. Pure.
 */

/** "2xx" to "5xx". What is neither (101, a WebSocket) is no response here: it has no end to time. */
#define ABSW_TALLY_CLASSES 4

/** Times to serve: eleven upper bounds, and what took longer than the last of them. */
#define ABSW_TALLY_BUCKETS 12

/** The upper bounds in microseconds, each inclusive; ABSW_TALLY_BUCKETS - 1 of them. */
#define ABSW_TALLY_BOUNDS \
    5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000

/** No number of a tally that is read is greater, nor one that is written. */
#define ABSW_TALLY_MAX APR_UINT64_C(100000000000000000)

typedef struct {
    apr_uint64_t classes[ABSW_TALLY_CLASSES];
    apr_uint64_t usec;                          /* of all together */
    apr_uint64_t buckets[ABSW_TALLY_BUCKETS];   /* each without those below it */
} absw_tally_t;

/** Of an HTTP status; ABSW_TALLY_CLASSES or more: none. */
static inline unsigned absw_tally_class(int status)
{
    return (unsigned)status / 100u - 2u;
}

/** Of a time to serve. */
static inline unsigned absw_tally_bucket(apr_interval_time_t took)
{
    static const apr_int32_t bounds[] = { ABSW_TALLY_BOUNDS };
    unsigned i = 0;

    while (i < ABSW_TALLY_BUCKETS - 1 && took > bounds[i]) {
        i++;
    }
    return i;
}

/** "2xx". Static. */
const char *absw_tally_class_name(int class_of);

/** The upper bound in seconds as Prometheus writes it: "0.005" to "10", "+Inf". Static. */
const char *absw_tally_bound_name(int bucket);

/** All responses: the sum of the classes. */
apr_uint64_t absw_tally_count(const absw_tally_t *tally);

/** A sum that would not fit is the largest number. */
void absw_tally_add(absw_tally_t *tally, const absw_tally_t *more);

/** What has come since `before`; a number that went back counts as none. */
void absw_tally_subtract(absw_tally_t *tally, const absw_tally_t *before);

/**
 * The time within which that part (0 to 1) of the responses was served, spread evenly over its
 * bucket as Prometheus' histogram_quantile() does; the last bound where it was longer. -1: there
 * was no response.
 */
apr_interval_time_t absw_tally_within(const absw_tally_t *tally, double part);

/** Part of the responses that were 5xx, 0 to 1; 0 if there was none. */
double absw_tally_failed(const absw_tally_t *tally);

/**
 * Did a fail more often than b, by more than chance explains: five failures at least, and three
 * standard errors between the two parts?
 */
int absw_tally_is_worse(const absw_tally_t *a, const absw_tally_t *b);

/**
 * As text (tally_text.c): classes, microseconds, buckets, to the base 36 with dots between them.
 * A zero is written as nothing, and zeros at the end with their dots are left out: "rs.k.3".
 * Writes no more than ABSW_TALLY_TEXT_MAX bytes with the NUL; returns the length.
 */
#define ABSW_TALLY_TEXT_MAX 256
apr_size_t absw_tally_format(const absw_tally_t *tally, char *buf);

/** 1: any bytes were a tally, its classes are as many as its buckets. 0: tally is all zero. */
int absw_tally_parse(const char *text, apr_size_t len, absw_tally_t *tally);

#endif
