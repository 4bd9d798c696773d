/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "cell.h"
#include "responses.h"

/*
 * The mapping:
 *
 *     head       when it was made
 *     sides      a side_t for each place: snapshots, and the other nodes
 *     used       a word for each row: 1 if a process ever had it, so that nobody reads the others
 *     rows       each a counter for every place
 *
 * Each begins at a cache line.
 */

#define CACHE_LINE 64
#define ALIGNED(size) (((size) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)

_Static_assert(sizeof(absw_counter_t) % CACHE_LINE == 0, "counters begin at cache lines");

#define WORDS (sizeof(absw_tally_t) / sizeof(apr_uint64_t))

#define SNAPSHOT_STEP 10        /* seconds */
#define SNAPSHOTS     (ABSW_RESPONSES_RECENT / SNAPSHOT_STEP + 2)

/** A snapshot. The check tells a whole one from a torn one, and from zeroes. */
typedef struct {
    _Atomic apr_uint64_t time;
    _Atomic apr_uint64_t words[WORDS];
    _Atomic apr_uint64_t check;
} snapshot_t;

typedef struct {
    _Atomic apr_uint64_t last;                  /* time of the last snapshot */
    snapshot_t snapshots[SNAPSHOTS];
    ABSW_CELL(absw_responses_others_t) others;
} side_t;

typedef struct {
    apr_uint64_t began;                         /* Unix seconds */
    char unused[CACHE_LINE - sizeof(apr_uint64_t)];
} head_t;

struct absw_responses_t {
    apr_uint32_t rows_n;
    apr_uint32_t places;
    const head_t *head;
    char *sides;
    _Atomic apr_uint32_t *used;
    char *rows;
};

/* --- the mapping ------------------------------------------------------------------------- */

static apr_size_t sides_size(apr_uint32_t places)
{
    return ALIGNED(places * sizeof(side_t));
}

static apr_size_t used_size(apr_uint32_t rows)
{
    return ALIGNED(rows * sizeof(apr_uint32_t));
}

static apr_size_t size_of(apr_uint32_t rows, apr_uint32_t places)
{
    return sizeof(head_t) + sides_size(places) + used_size(rows)
           + (apr_size_t)rows * places * sizeof(absw_counter_t);
}

static absw_responses_t handle_on(const absw_responses_kept_t *kept)
{
    absw_responses_t handle = { .rows_n = kept->rows, .places = kept->apps * ABSW_SIDES_MAX };

    handle.head = kept->mem;
    handle.sides = (char *)kept->mem + sizeof(head_t);
    handle.used = (_Atomic apr_uint32_t *)(void *)(handle.sides + sides_size(handle.places));
    handle.rows = (char *)(void *)handle.used + used_size(kept->rows);
    return handle;
}

static side_t *side_of(const absw_responses_t *responses, apr_uint16_t place)
{
    return responses && place < responses->places
           ? (side_t *)(void *)responses->sides + place : NULL;
}

static absw_counter_t *counter_of(const absw_responses_t *responses, apr_uint32_t row,
                                  apr_uint16_t place)
{
    return (absw_counter_t *)(void *)responses->rows
           + (apr_size_t)row * responses->places + place;
}

absw_counter_t *absw_responses_row(absw_responses_t *responses, apr_uint32_t row)
{
    if (!responses || row >= responses->rows_n) {
        return NULL;
    }
    atomic_store(&responses->used[row], 1);
    return counter_of(responses, row, 0);
}

static int map_new(absw_responses_kept_t *made, apr_uint32_t rows, apr_uint32_t apps,
                   apr_time_t now)
{
    void *mem;

    *made = (absw_responses_kept_t) {
        .rows = rows, .apps = apps, .size = size_of(rows, apps * ABSW_SIDES_MAX)
    };
    mem = mmap(NULL, made->size, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mem == MAP_FAILED) {
        return 0;
    }
    made->mem = mem;
    ((head_t *)mem)->began = (apr_uint64_t)apr_time_sec(now);
    return 1;
}

/** All of it into the first row of a new one. Nobody else uses either. */
static void take_over(absw_responses_t *responses, const absw_responses_t *from)
{
    apr_uint32_t places = responses->places < from->places ? responses->places : from->places;

    for (apr_uint32_t row = 0; row < from->rows_n; row++) {
        for (apr_uint32_t place = 0; place < places && atomic_load(&from->used[row]); place++) {
            const absw_counter_t *old = counter_of(from, row, (apr_uint16_t)place);
            absw_counter_t *sum = counter_of(responses, 0, (apr_uint16_t)place);

            for (int i = 0; i < ABSW_TALLY_CLASSES * ABSW_TALLY_BUCKETS; i++) {
                sum->n[i / ABSW_TALLY_BUCKETS][i % ABSW_TALLY_BUCKETS] +=
                    old->n[i / ABSW_TALLY_BUCKETS][i % ABSW_TALLY_BUCKETS];
            }
            sum->usec += old->usec;
        }
    }
    memcpy(responses->sides, from->sides, places * sizeof(side_t));
    absw_responses_row(responses, 0);
}

absw_responses_t *absw_responses_open(absw_responses_kept_t *kept, apr_uint32_t rows,
                                      apr_uint32_t apps, apr_time_t now, apr_pool_t *pool)
{
    absw_responses_t *handle = apr_palloc(pool, sizeof(*handle));
    absw_responses_kept_t made;

    if (!kept->mem || kept->rows != rows || kept->apps != apps
        || kept->size != size_of(rows, apps * ABSW_SIDES_MAX)) {
        if (!map_new(&made, rows, apps, now)) {
            return NULL;
        }
        *handle = handle_on(&made);
        if (kept->mem) {
            absw_responses_t old = handle_on(kept);

            ((head_t *)made.mem)->began = ((head_t *)kept->mem)->began;
            take_over(handle, &old);
            munmap(kept->mem, kept->size);
        }
        *kept = made;
    }
    *handle = handle_on(kept);
    return handle;
}

/* --- counting ---------------------------------------------------------------------------- */

void absw_responses_sum(const absw_responses_t *responses, apr_uint16_t place, absw_tally_t *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (apr_uint32_t row = 0; responses && place < responses->places && row < responses->rows_n;
         row++) {
        absw_counter_t *counter = counter_of(responses, row, place);

        if (!atomic_load_explicit(&responses->used[row], memory_order_relaxed)) {
            continue;
        }
        for (int c = 0; c < ABSW_TALLY_CLASSES; c++) {
            for (int b = 0; b < ABSW_TALLY_BUCKETS; b++) {
                apr_uint64_t n = atomic_load_explicit(&counter->n[c][b], memory_order_relaxed);

                sum->classes[c] += n;
                sum->buckets[b] += n;
            }
        }
        sum->usec += atomic_load_explicit(&counter->usec, memory_order_relaxed);
    }
}

void absw_responses_forget(absw_responses_t *responses, apr_uint16_t place)
{
    static const absw_responses_others_t nobody;
    side_t *side = side_of(responses, place);

    for (apr_uint32_t row = 0; side && row < responses->rows_n; row++) {
        if (atomic_load(&responses->used[row])) {
            memset(counter_of(responses, row, place), 0, sizeof(absw_counter_t));
        }
    }
    if (side) {
        memset(side->snapshots, 0, sizeof(side->snapshots));
        atomic_store(&side->last, 0);
        absw_cell_force(&side->others.head, sizeof(nobody), &nobody);
    }
}

/* --- the last minutes -------------------------------------------------------------------- */

/** FNV-1a by words; not zero for zeroes. */
static apr_uint64_t check_of(apr_uint64_t time, const apr_uint64_t *words)
{
    apr_uint64_t hash = APR_UINT64_C(0xcbf29ce484222325) ^ time;

    for (apr_size_t i = 0; i < WORDS; i++) {
        hash = (hash * APR_UINT64_C(0x100000001b3)) ^ words[i];
    }
    return hash * APR_UINT64_C(0x100000001b3);
}

void absw_responses_keep(absw_responses_t *responses, apr_uint16_t place, absw_sec_t now)
{
    side_t *side = side_of(responses, place);
    apr_uint64_t since = side ? (apr_uint64_t)now - atomic_load(&side->last) : 0;
    snapshot_t *snapshot;
    apr_uint64_t words[WORDS];
    absw_tally_t sum;

    /* Not within a step of the last one, on either side: a clock set back by more begins anew. */
    if (!side || now <= 0 || since + (SNAPSHOT_STEP - 1) <= 2 * (SNAPSHOT_STEP - 1)) {
        return;
    }
    absw_responses_sum(responses, place, &sum);
    memcpy(words, &sum, sizeof(words));
    snapshot = &side->snapshots[now / SNAPSHOT_STEP % SNAPSHOTS];
    atomic_store_explicit(&snapshot->time, (apr_uint64_t)now, memory_order_relaxed);
    for (apr_size_t i = 0; i < WORDS; i++) {
        atomic_store_explicit(&snapshot->words[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&snapshot->check, check_of((apr_uint64_t)now, words),
                          memory_order_relaxed);
    atomic_store(&side->last, (apr_uint64_t)now);
}

/** Is there a whole one? */
static int recall(const snapshot_t *snapshot, absw_sec_t *time, absw_tally_t *tally)
{
    apr_uint64_t words[WORDS];
    apr_uint64_t at = atomic_load_explicit(&snapshot->time, memory_order_relaxed);

    for (apr_size_t i = 0; i < WORDS; i++) {
        words[i] = atomic_load_explicit(&snapshot->words[i], memory_order_relaxed);
    }
    if (at == 0 || atomic_load_explicit(&snapshot->check, memory_order_relaxed)
                       != check_of(at, words)) {
        return 0;
    }
    *time = (absw_sec_t)at;
    memcpy(tally, words, sizeof(*tally));
    return 1;
}

void absw_responses_recent(const absw_responses_t *responses, apr_uint16_t place, absw_sec_t now,
                           const absw_tally_t *sum, absw_tally_t *recent)
{
    const side_t *side = side_of(responses, place);
    absw_sec_t from = now - ABSW_RESPONSES_RECENT;
    absw_sec_t best = 0;
    absw_tally_t last = { 0 };                          /* before that time */
    absw_tally_t least = *sum;                          /* of any */
    int any = 0;

    for (int i = 0; side && i < SNAPSHOTS; i++) {
        absw_tally_t tally;
        absw_sec_t time;

        if (!recall(&side->snapshots[i], &time, &tally)) {
            continue;
        }
        any = 1;
        if (absw_tally_count(&tally) < absw_tally_count(&least)) {
            least = tally;
        }
        if (time <= from && time > best) {
            best = time;
            last = tally;
        }
    }
    *recent = *sum;
    if (best > 0) {
        absw_tally_subtract(recent, &last);
    }
    else if (any && (absw_sec_t)responses->head->began <= from) {
        absw_tally_subtract(recent, &least);            /* the clock was set */
    }
}

/* --- the other nodes --------------------------------------------------------------------- */

void absw_responses_get_others(const absw_responses_t *responses, apr_uint16_t place,
                               absw_responses_others_t *others)
{
    side_t *side = side_of(responses, place);

    memset(others, 0, sizeof(*others));
    if (side) {
        absw_cell_read(&side->others.head, sizeof(*others), others);
    }
}

void absw_responses_set_others(absw_responses_t *responses, apr_uint16_t place,
                               const absw_responses_others_t *others)
{
    side_t *side = side_of(responses, place);

    if (side) {
        absw_cell_force(&side->others.head, sizeof(*others), others);
    }
}
