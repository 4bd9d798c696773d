/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_TABLE_SLOT_H
#define ABSW_TABLE_SLOT_H

#include <stdatomic.h>
#include <string.h>

#include "table.h"

/**
 * A slot of the session table and the moves between its kinds: for table.c, table_walk.c and
 * the tests, nobody else. Why they are safe is at the head of table.c.
 *
 *     word  8   kind (2 bits) | version (30) | BUSY: the writer's pid; then: last seen (32)
 *     id   16
 *     tag  16   the verified tag, masked with the check value of its key
 *     meta  8   login (32 bits) | place (16) | kid (8) | flags (8)
 *
 * All zero is a free slot, so a table in a new file needs no initialisation.
 */

struct absw_slot_t {
    _Atomic apr_uint64_t word;
    _Atomic apr_uint64_t id[2];
    _Atomic apr_uint64_t tag[2];
    _Atomic apr_uint64_t meta;
};

_Static_assert(sizeof(absw_slot_t) == 48, "the file's format");

typedef enum {
    ABSW_SLOT_EMPTY,
    ABSW_SLOT_BUSY,     /* a process fills it */
    ABSW_SLOT_PENDING,  /* filled, not yet known to be the only one of its key, not counted */
    ABSW_SLOT_LIVE
} absw_slot_kind_e;

#define ABSW_SLOT_TESTER    1u  /* flags */
#define ABSW_SLOT_FLAGS     0xf1u
#define ABSW_SLOT_HOME_SHIFT 4  /* flags: the side of the application that the token names */

/** A session's slots lie in two buckets; in each it begins at its own slot and goes round. */
#ifndef ABSW_BUCKET
#define ABSW_BUCKET         32u
#endif
#define ABSW_PATH           (2 * ABSW_BUCKET)
/** A first bucket with so many slots taken is spared for those who have it as their second. */
#define ABSW_BUCKET_ENOUGH  (ABSW_BUCKET - ABSW_BUCKET / 8)

/** Called before every look at shared memory: where a test lets another process go on. */
#ifndef ABSW_SLOT_STEP
#define ABSW_SLOT_STEP()    ((void)0)
#endif

/** A last seen this far ahead of the clock (seconds) is not jitter: the clock was set back. */
#define ABSW_SLOT_AHEAD     60u

struct absw_table_t {
    absw_slot_t *slots;
    apr_uint32_t buckets;
};

/** Where a session may be. Made of its id alone: all sides of a session share one path. */
typedef struct {
    apr_uint64_t id[2];
    absw_slot_t *bucket[2];
    unsigned first;             /* slot of a bucket to begin at */
} absw_path_t;

static inline apr_uint64_t absw_slot_word(absw_slot_kind_e kind, apr_uint32_t version,
                                          apr_uint32_t low)
{
    return (apr_uint64_t)kind << 62 | (apr_uint64_t)(version & 0x3fffffffu) << 32 | low;
}

static inline absw_slot_kind_e absw_slot_kind(apr_uint64_t word)
{
    return (absw_slot_kind_e)(word >> 62);
}

static inline apr_uint32_t absw_slot_version(apr_uint64_t word)
{
    return (apr_uint32_t)(word >> 32) & 0x3fffffffu;
}

/** The word with another kind, or other low bits. */
static inline apr_uint64_t absw_slot_as(apr_uint64_t word, absw_slot_kind_e kind)
{
    return absw_slot_word(kind, absw_slot_version(word), (apr_uint32_t)word);
}

static inline apr_uint64_t absw_slot_with(apr_uint64_t word, apr_uint32_t low)
{
    return (word & ~(apr_uint64_t)0xffffffffu) | low;
}

/** Has it a key: is it PENDING or LIVE? */
static inline int absw_slot_keyed(apr_uint64_t word)
{
    return word >> 63 != 0;
}

/** Do both words show the slot with the same key in it, whatever happened to last seen? */
static inline int absw_slot_same(apr_uint64_t a, apr_uint64_t b)
{
    return absw_slot_keyed(a & b) && absw_slot_version(a) == absw_slot_version(b);
}

static inline apr_uint16_t absw_meta_place(apr_uint64_t meta)
{
    return (apr_uint16_t)(meta >> 16);
}

/** The place of the side that the token names; it is place, but for a visitor. */
static inline apr_uint16_t absw_meta_home(apr_uint64_t meta)
{
    apr_uint16_t place = absw_meta_place(meta);

    return (apr_uint16_t)(place - place % ABSW_SIDES_MAX
                          + (meta >> ABSW_SLOT_HOME_SHIFT) % ABSW_SIDES_MAX);
}

static inline apr_uint64_t absw_meta(apr_uint32_t login, apr_uint16_t place, char kid,
                                     unsigned flags)
{
    return (apr_uint64_t)login << 32 | (apr_uint64_t)place << 16
           | (apr_uint64_t)(unsigned char)kid << 8 | flags;
}

/** Seconds as a slot holds them: until the year 2106. */
static inline apr_uint32_t absw_slot_seconds(absw_sec_t t)
{
    return t < 0 ? 0 : t > (absw_sec_t)APR_UINT32_MAX ? APR_UINT32_MAX : (apr_uint32_t)t;
}

static inline apr_uint64_t absw_slot_load(absw_slot_t *slot)
{
    ABSW_SLOT_STEP();
    return atomic_load(&slot->word);
}

/** The one way in which a slot changes. On failure *word is what it is now. */
static inline int absw_slot_cas(absw_slot_t *slot, apr_uint64_t *word, apr_uint64_t next)
{
    ABSW_SLOT_STEP();
    return atomic_compare_exchange_strong(&slot->word, word, next);
}

/** Free it, if it is still what word says. */
static inline int absw_slot_free(absw_slot_t *slot, apr_uint64_t word)
{
    return absw_slot_cas(slot, &word, absw_slot_word(ABSW_SLOT_EMPTY, absw_slot_version(word), 0));
}

/* Acquire, so that the look at the word that follows is a later one. */
static inline apr_uint64_t absw_slot_field(_Atomic apr_uint64_t *field)
{
    ABSW_SLOT_STEP();
    return atomic_load_explicit(field, memory_order_acquire);
}

/* Release, so that whoever reads the field sees that the slot is BUSY, or what came after. */
static inline void absw_slot_set(_Atomic apr_uint64_t *field, apr_uint64_t value)
{
    ABSW_SLOT_STEP();
    atomic_store_explicit(field, value, memory_order_release);
}

static inline absw_path_t absw_path(const absw_table_t *table, const apr_uint64_t *id)
{
    /* Ids are random already; the products (by odd constants) are for those of tests. */
    apr_uint64_t mix = (id[0] ^ id[1] * APR_UINT64_C(0x9e3779b97f4a7c15))
                       * APR_UINT64_C(0xd1342543de82ef95);
    apr_uint32_t one = (apr_uint32_t)((mix >> 32) * table->buckets >> 32);
    apr_uint32_t step = (apr_uint32_t)((mix & 0xffffffffu) * (table->buckets - 1) >> 32) + 1;
    apr_uint32_t two = one + step < table->buckets ? one + step : one + step - table->buckets;
    absw_path_t path = {
        .id = { id[0], id[1] },
        .bucket = { table->slots + (apr_size_t)one * ABSW_BUCKET,
                    table->slots + (apr_size_t)two * ABSW_BUCKET },
        .first = (unsigned)(mix >> 32) & (ABSW_BUCKET - 1)
    };
    return path;
}

/** The path's slot at position 0 <= at < ABSW_PATH. */
static inline absw_slot_t *absw_path_slot(const absw_path_t *path, unsigned at)
{
    return path->bucket[at / ABSW_BUCKET] + ((path->first + at) & (ABSW_BUCKET - 1));
}

/** Has the slot this id? Then *word and *meta are of one moment. */
static inline int absw_slot_match(absw_slot_t *slot, const absw_path_t *path, apr_uint64_t *word,
                                  apr_uint64_t *meta)
{
    for (;;) {
        apr_uint64_t before = absw_slot_load(slot);

        if (!absw_slot_keyed(before) || absw_slot_field(&slot->id[0]) != path->id[0]
            || absw_slot_field(&slot->id[1]) != path->id[1]) {
            return 0;
        }
        *meta = absw_slot_field(&slot->meta);
        *word = absw_slot_load(slot);
        if (absw_slot_same(before, *word)) {
            return 1;
        }
    }
}

/** The first LIVE slot of the key, or NULL. */
absw_slot_t *absw_slot_find(const absw_path_t *path, apr_uint16_t place, apr_uint64_t *word);

/**
 * See to it that the key has one slot and that it is LIVE, if it has any; own, which is
 * PENDING as ownword says, or NULL, is one of the caller's. Returns that slot, or NULL.
 */
absw_slot_t *absw_slot_settle(const absw_path_t *path, apr_uint16_t place, absw_slot_t *own,
                              apr_uint64_t own_word, apr_uint64_t *word);

/** Claim a free slot for pid, BUSY then as *word says; NULL: there is none. */
absw_slot_t *absw_slot_claim(const absw_path_t *path, apr_uint32_t pid, apr_uint64_t *word);

#endif
