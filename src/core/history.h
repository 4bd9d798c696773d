/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_HISTORY_H
#define ABSW_HISTORY_H

#include "absw.h"

/**
 * The history of counts of one application, in shared memory: an entry every 10 s for the last
 * hour, every minute for the last 24. An entry's place in its ring follows from its time, so a
 * clock that is set leaves gaps, and entries of the future that are not shown, never a muddle.
 *
 * One process writes at a time, anyone reads. An entry torn by a kill or by two writers is dropped.
 */

#ifndef ABSW_HISTORY_FINE               /* make fuzz: a short past */
#define ABSW_HISTORY_FINE   360
#define ABSW_HISTORY_COARSE 1440
#endif
#define ABSW_HISTORY_MAX    (ABSW_HISTORY_FINE + ABSW_HISTORY_COARSE)
#define ABSW_HISTORY_UNKNOWN APR_UINT32_MAX

typedef struct {
    absw_sec_t time;
    apr_uint32_t sessions[ABSW_SIDES_MAX];
} absw_history_entry_t;

/** An entry as it is kept. The check tells a whole one from a torn one, and from zeroes. */
typedef struct {
    _Atomic apr_uint64_t time;
    _Atomic apr_uint64_t sessions[ABSW_SIDES_MAX / 2];
    _Atomic apr_uint64_t check;
} absw_history_kept_t;

/** All zero: empty. */
typedef struct {
    _Atomic apr_uint64_t last;      /* time of the last entry */
    absw_history_kept_t fine[ABSW_HISTORY_FINE];
    absw_history_kept_t coarse[ABSW_HISTORY_COARSE];
} absw_history_t;

/** Keep entry if it is due: 10 s after the last one. Returns 1 if it was. */
int absw_history_add(absw_history_t *history, const absw_history_entry_t *entry);

/**
 * Oldest first, each time once: minutes up to an hour ago, then tens of seconds, up to now.
 * entries has room for ABSW_HISTORY_MAX. Returns n.
 */
int absw_history_list(const absw_history_t *history, absw_sec_t now,
                      absw_history_entry_t *entries);

void absw_history_clear(absw_history_t *history);

/** Make number slot of all entries unknown: it means another side from now on. */
void absw_history_forget(absw_history_t *history, int slot);

#endif
