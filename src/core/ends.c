/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdint.h>

#include "buckets.h"
#include "ends.h"

/** Odd constants: of FNV and of the golden ratio. */
#define BASIS  APR_UINT64_C(0xcbf29ce484222325)
#define PRIME  APR_UINT64_C(0x100000001b3)
#define GOLDEN APR_UINT64_C(0x9e3779b97f4a7c15)

/* --- the ring ---------------------------------------------------------------------------- */

/** The check tells a whole entry from one that two wrote, or one did in part; and from zeroes. */
typedef struct {
    _Atomic apr_uint64_t hash;
    _Atomic apr_uint64_t meta;      /* app (32 bits) | at (32): until the year 2106 */
    _Atomic apr_uint64_t check;
} entry_t;

struct absw_ends_t {
    _Atomic apr_uint64_t next;      /* entries ever claimed */
    entry_t ring[ABSW_ENDS_RING];
};

static apr_uint64_t check_of(apr_uint64_t hash, apr_uint64_t meta)
{
    apr_uint64_t check = ((BASIS ^ hash) * PRIME ^ meta) * GOLDEN;

    return check ^ check >> 32;
}

static apr_uint64_t meta_of(int app, absw_sec_t at)
{
    return (apr_uint64_t)(apr_uint32_t)app << 32 | (apr_uint32_t)at;
}

apr_size_t absw_ends_size(void)
{
    return sizeof(absw_ends_t);
}

absw_ends_t *absw_ends_attach(void *mem)
{
    return mem;
}

void absw_ends_add(absw_ends_t *ends, int app, apr_uint64_t hash, absw_sec_t at)
{
    apr_uint64_t number = atomic_fetch_add_explicit(&ends->next, 1, memory_order_relaxed);
    entry_t *entry = &ends->ring[number % ABSW_ENDS_RING];
    apr_uint64_t meta = meta_of(app, at);

    if (at <= 0 || at > (absw_sec_t)APR_UINT32_MAX) {
        return;
    }
    atomic_store_explicit(&entry->hash, hash, memory_order_relaxed);
    atomic_store_explicit(&entry->meta, meta, memory_order_relaxed);
    atomic_store_explicit(&entry->check, check_of(hash, meta), memory_order_relaxed);
}

/* 0: it is torn, or was never written. */
static int recall(const entry_t *entry, apr_uint64_t *hash, apr_uint64_t *meta)
{
    *hash = atomic_load_explicit(&entry->hash, memory_order_relaxed);
    *meta = atomic_load_explicit(&entry->meta, memory_order_relaxed);
    return atomic_load_explicit(&entry->check, memory_order_relaxed) == check_of(*hash, *meta);
}

/* The one of the list that has the hash; n if there is none. */
static int index_of(const absw_end_t *list, int n, apr_uint64_t hash)
{
    int i = 0;

    while (i < n && list[i].hash != hash) {
        i++;
    }
    return i;
}

int absw_ends_recent(const absw_ends_t *ends, int app, absw_sec_t since, absw_sec_t now,
                     absw_end_t *list, int max, int *lost)
{
    apr_uint64_t next = atomic_load_explicit(&ends->next, memory_order_relaxed);
    int dropped = 0;
    int n = 0;

    for (apr_uint64_t back = 1; back <= ABSW_ENDS_RING; back++) {
        apr_uint64_t hash;
        apr_uint64_t meta;
        absw_sec_t at;
        int i;

        if (!recall(&ends->ring[(next - back) % ABSW_ENDS_RING], &hash, &meta)) {
            continue;
        }
        at = (absw_sec_t)(meta & 0xffffffffu);
        if (at < since || at > now) {
            continue;
        }
        dropped |= back == ABSW_ENDS_RING;  /* what was before it may have been recent, too */
        if (meta >> 32 != (apr_uint32_t)app) {
            continue;
        }
        i = index_of(list, n, hash);
        if (i == max) {
            dropped = 1;
        }
        else if (i == n) {
            list[n++] = (absw_end_t){ .hash = hash, .at = at };
        }
        else if (at > list[i].at) {
            list[i].at = at;
        }
    }
    if (lost) {
        *lost = dropped;
    }
    return n;
}

/* --- a set to look up in ------------------------------------------------------------------- */

typedef struct {
    apr_uint64_t hash;
    apr_uint32_t app;
    apr_uint32_t at;            /* 0: the slot is free */
} slot_t;

struct absw_ended_t {
    apr_uint32_t room;
    apr_uint32_t n;
    unsigned bits;              /* there are 2^bits slots, at least twice the room */
    apr_uint64_t factor;        /* odd: spreads the hashes over the slots */
    slot_t *slots;
};

absw_ended_t *absw_ended_make(apr_pool_t *pool, apr_uint32_t room)
{
    absw_ended_t *ended = apr_pcalloc(pool, sizeof(*ended));

    ended->room = room;
    ended->bits = 1;
    while (((apr_uint64_t)1 << ended->bits) < (apr_uint64_t)room * 2) {
        ended->bits++;
    }
    /* Not known to whoever writes hashes into the store. */
    ended->factor = ((apr_uint64_t)(uintptr_t)ended * GOLDEN ^ (apr_uint64_t)(uintptr_t)&recall)
                    * BASIS | 1;
    ended->slots = apr_pcalloc(pool, ((apr_size_t)1 << ended->bits) * sizeof(slot_t));
    return ended;
}

/* The slot that has it, or the free one where it belongs. */
static slot_t *slot_of(const absw_ended_t *ended, int app, apr_uint64_t hash)
{
    apr_size_t mask = ((apr_size_t)1 << ended->bits) - 1;
    apr_size_t at = (apr_size_t)(hash * ended->factor >> (64 - ended->bits));
    slot_t *slot = &ended->slots[at];

    while (slot->at != 0 && (slot->hash != hash || slot->app != (apr_uint32_t)app)) {
        at = (at + 1) & mask;
        slot = &ended->slots[at];
    }
    return slot;
}

int absw_ended_add(absw_ended_t *ended, int app, const absw_end_t *end, absw_sec_t now)
{
    slot_t *slot;

    if (end->at <= 0 || end->at > (absw_sec_t)APR_UINT32_MAX
        || end->at > now + ABSW_BUCKETS_SKEW) {
        return 1;
    }
    slot = slot_of(ended, app, end->hash);
    if (slot->at == 0) {
        if (ended->n == ended->room) {
            return 0;
        }
        ended->n++;
        *slot = (slot_t){ .hash = end->hash, .app = (apr_uint32_t)app };
    }
    if ((apr_uint32_t)end->at > slot->at) {
        slot->at = (apr_uint32_t)end->at;
    }
    return 1;
}

absw_sec_t absw_ended_at(const absw_ended_t *ended, int app, apr_uint64_t hash)
{
    return ended ? (absw_sec_t)slot_of(ended, app, hash)->at : 0;
}
