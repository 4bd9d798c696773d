/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_WORLD_H
#define TABLE_WORLD_H

#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>

#include "sample.h"
#include "table_slot.h"

#define NOW     SAMPLE_NOW
#define PLACES  64u

/** A table in memory of its own, so that valgrind and ASan see a step outside of it. */
typedef struct {
    apr_pool_t *pool;
    void *mem;
    apr_size_t size;
    absw_table_t *table;
} world_t;

static inline world_t make(apr_uint32_t sessions)
{
    world_t w = { .size = absw_table_size(sessions) };

    apr_pool_create(&w.pool, NULL);
    assert_int_equal(posix_memalign(&w.mem, 64, w.size), 0);
    memset(w.mem, 0, w.size);
    w.table = absw_table_attach(w.pool, w.mem, sessions);
    return w;
}

static inline void drop(world_t *w)
{
    free(w->mem);
    apr_pool_destroy(w->pool);
}

static inline absw_table_session_t session(unsigned number, unsigned place)
{
    absw_table_session_t s = {
        .login = NOW - 100, .place = (apr_uint16_t)place, .home = (apr_uint16_t)place,
        .kid = 'k', .key_check = 0x12345678u
    };

    memset(s.id, 0xa5, sizeof(s.id));
    memcpy(s.id, &number, sizeof(number));
    memset(s.tag, 0x5a, sizeof(s.tag));
    memcpy(s.tag, &number, sizeof(number));
    return s;
}

static inline absw_path_t path_of(const world_t *w, const absw_table_session_t *s)
{
    apr_uint64_t id[2];

    memcpy(id, s->id, sizeof(id));
    return absw_path(w->table, id);
}

/** The slots of a session as they lie in memory. */
typedef struct {
    unsigned live;
    unsigned pending;
    unsigned busy;      /* anybody's */
    apr_uint32_t last;
} slots_t;

static inline slots_t slots_of(const world_t *w, const absw_table_session_t *s)
{
    slots_t found = { 0 };
    apr_uint64_t id[2];

    memcpy(id, s->id, sizeof(id));
    for (apr_size_t i = 0; i < (apr_size_t)w->table->buckets * ABSW_BUCKET; i++) {
        absw_slot_t *slot = &w->table->slots[i];
        apr_uint64_t word = absw_slot_load(slot);

        found.busy += absw_slot_kind(word) == ABSW_SLOT_BUSY;
        if (absw_slot_keyed(word) && slot->id[0] == id[0] && slot->id[1] == id[1]
            && absw_meta_place(slot->meta) == s->place) {
            found.live += absw_slot_kind(word) == ABSW_SLOT_LIVE;
            found.pending += absw_slot_kind(word) == ABSW_SLOT_PENDING;
            found.last = (apr_uint32_t)word;
        }
    }
    return found;
}

/** Put a slot of this session by hand at a position of its path. */
static inline absw_slot_t *put(const world_t *w, const absw_table_session_t *s, unsigned at,
                        absw_slot_kind_e kind, apr_uint32_t low)
{
    absw_path_t path = path_of(w, s);
    absw_slot_t *slot = absw_path_slot(&path, at);

    slot->id[0] = path.id[0];
    slot->id[1] = path.id[1];
    slot->meta = absw_meta((apr_uint32_t)s->login, s->place, s->kid, 0);
    slot->word = absw_slot_word(kind, 7, low);
    return slot;
}

typedef struct {
    unsigned n;
    absw_table_seen_t seen[8];
    int answer;
} tally_t;

static inline int count(void *baton, const absw_table_seen_t *seen)
{
    tally_t *tally = baton;

    if (tally->n < COUNT_OF(tally->seen)) {
        tally->seen[tally->n] = *seen;
    }
    tally->n++;
    return tally->answer;
}

static inline unsigned live_count(const world_t *w)
{
    tally_t tally = { 0 };

    absw_table_scan(w->table, count, &tally);
    return tally.n;
}

/** Numbers without rule, the same in every run. */
static inline unsigned noise(void)
{
    static apr_uint64_t seed = 88172645463325252u;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed * APR_UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static inline absw_table_session_t stranger(unsigned place)
{
    absw_table_session_t s = session(0, place);

    for (unsigned i = 0; i < sizeof(s.id); i += 4) {
        unsigned word = noise();
        memcpy(s.id + i, &word, 4);
    }
    return s;
}

#endif
