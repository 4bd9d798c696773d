/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "history.h"

#define FINE_STEP   10      /* seconds */
#define COARSE_STEP 60

#define FINE_SPAN   (FINE_STEP * ABSW_HISTORY_FINE)
#define COARSE_SPAN (COARSE_STEP * ABSW_HISTORY_COARSE)

#define WORDS (ABSW_SIDES_MAX / 2)

/** FNV-1a by words; not zero for zeroes. */
static apr_uint64_t check_of(apr_uint64_t time, const apr_uint64_t *sessions)
{
    apr_uint64_t hash = APR_UINT64_C(0xcbf29ce484222325) ^ time;

    for (int i = 0; i < WORDS; i++) {
        hash = (hash * APR_UINT64_C(0x100000001b3)) ^ sessions[i];
    }
    return hash * APR_UINT64_C(0x100000001b3);
}

static void keep(absw_history_kept_t *kept, const absw_history_entry_t *entry)
{
    apr_uint64_t words[WORDS];

    for (int i = 0; i < WORDS; i++) {
        words[i] = (apr_uint64_t)entry->sessions[2 * i] << 32 | entry->sessions[2 * i + 1];
        atomic_store_explicit(&kept->sessions[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&kept->time, (apr_uint64_t)entry->time, memory_order_relaxed);
    atomic_store_explicit(&kept->check, check_of((apr_uint64_t)entry->time, words),
                          memory_order_relaxed);
}

/** Is there a whole entry? */
static int recall(const absw_history_kept_t *kept, absw_history_entry_t *entry)
{
    apr_uint64_t words[WORDS];
    apr_uint64_t time = atomic_load_explicit(&kept->time, memory_order_relaxed);

    for (int i = 0; i < WORDS; i++) {
        words[i] = atomic_load_explicit(&kept->sessions[i], memory_order_relaxed);
        entry->sessions[2 * i] = (apr_uint32_t)(words[i] >> 32);
        entry->sessions[2 * i + 1] = (apr_uint32_t)words[i];
    }
    entry->time = (absw_sec_t)time;
    return atomic_load_explicit(&kept->check, memory_order_relaxed) == check_of(time, words);
}

static absw_history_kept_t *fine_of(absw_history_t *history, absw_sec_t time)
{
    return &history->fine[time / FINE_STEP % ABSW_HISTORY_FINE];
}

static absw_history_kept_t *coarse_of(absw_history_t *history, absw_sec_t time)
{
    return &history->coarse[time / COARSE_STEP % ABSW_HISTORY_COARSE];
}

int absw_history_add(absw_history_t *history, const absw_history_entry_t *entry)
{
    apr_uint64_t last = atomic_load_explicit(&history->last, memory_order_relaxed);
    apr_uint64_t since = (apr_uint64_t)entry->time - last;
    absw_history_entry_t minute;

    /* Not due within a step of the last one, on either side: a clock set back by more begins
     * anew. Unsigned, since last may be anything. */
    if (entry->time <= 0 || since + (FINE_STEP - 1) <= 2 * (FINE_STEP - 1)) {
        return 0;
    }
    keep(fine_of(history, entry->time), entry);
    if (!recall(coarse_of(history, entry->time), &minute)
        || minute.time / COARSE_STEP != entry->time / COARSE_STEP) {
        keep(coarse_of(history, entry->time), entry);
    }
    atomic_store_explicit(&history->last, (apr_uint64_t)entry->time, memory_order_relaxed);
    return 1;
}

/** Entries of a ring in [from, to), a step at a time, each where its time says. */
static int list_ring(const absw_history_kept_t *ring, int size, int step, absw_sec_t from,
                     absw_sec_t to, absw_history_entry_t *entries)
{
    int n = 0;

    for (absw_sec_t at = from / step; at <= (to - 1) / step; at++) {
        absw_history_entry_t *entry = &entries[n];

        if (recall(&ring[at % size], entry) && entry->time / step == at && entry->time >= from
            && entry->time < to) {
            n++;
        }
    }
    return n;
}

int absw_history_list(const absw_history_t *history, absw_sec_t now,
                      absw_history_entry_t *entries)
{
    absw_sec_t fine_from = now + 1 > FINE_SPAN ? now + 1 - FINE_SPAN : 1;
    absw_sec_t coarse_from = now + 1 > COARSE_SPAN ? now + 1 - COARSE_SPAN : 1;
    int n = 0;

    if (now < 1) {
        return 0;
    }
    if (coarse_from < fine_from) {
        n = list_ring(history->coarse, ABSW_HISTORY_COARSE, COARSE_STEP, coarse_from, fine_from,
                      entries);
    }
    return n + list_ring(history->fine, ABSW_HISTORY_FINE, FINE_STEP, fine_from, now + 1,
                         entries + n);
}

static void forget_ring(absw_history_kept_t *ring, int size, int slot)
{
    for (int i = 0; i < size; i++) {
        absw_history_entry_t entry;

        if (recall(&ring[i], &entry)) {
            entry.sessions[slot] = ABSW_HISTORY_UNKNOWN;
            keep(&ring[i], &entry);
        }
    }
}

void absw_history_forget(absw_history_t *history, int slot)
{
    forget_ring(history->fine, ABSW_HISTORY_FINE, slot);
    forget_ring(history->coarse, ABSW_HISTORY_COARSE, slot);
}

static void clear_ring(absw_history_kept_t *ring, int size)
{
    for (int i = 0; i < size; i++) {
        atomic_store_explicit(&ring[i].check, 0, memory_order_relaxed);
        atomic_store_explicit(&ring[i].time, 0, memory_order_relaxed);
    }
}

void absw_history_clear(absw_history_t *history)
{
    clear_ring(history->fine, ABSW_HISTORY_FINE);
    clear_ring(history->coarse, ABSW_HISTORY_COARSE);
    atomic_store_explicit(&history->last, 0, memory_order_relaxed);
}
