/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_CELL_H
#define ABSW_CELL_H

#include <stdatomic.h>

#include "absw.h"

/**
 * A value of several words in shared memory: readers always get one that was written whole,
 * without a lock, whatever becomes of the writers.
 *
 * Three copies, and a version that says which one is in force. A writer claims one that is not
 * in force, fills it and publishes it by a compare-and-swap of the version. So one that is
 * killed half way leaves the old value in force; one that was stopped half way, and wakes after
 * others have written, has scribbled on a copy that is his alone, and publishes nothing.
 *
 * Any thread of any process may read and write.
 */

#define ABSW_CELL_COPIES 3

/** The head; the words of the copies follow it at once. All zero: version 0, value zero. */
typedef struct {
    _Atomic apr_uint64_t version;                   /* counter (62 bits) | copy in force (2) */
    _Atomic apr_uint32_t owner[ABSW_CELL_COPIES];   /* pid of who fills the copy, or 0 */
    apr_uint32_t unused;
} absw_cell_t;

/** A cell that holds a type, for use in a struct: ABSW_CELL(absw_switch_t) in_force; */
#define ABSW_CELL_WORDS(type) ((sizeof(type) + 7) / 8)
#define ABSW_CELL(type) \
    struct { \
        absw_cell_t head; \
        _Atomic apr_uint64_t words[ABSW_CELL_COPIES][ABSW_CELL_WORDS(type)]; \
    }

/** Copy the value (size bytes) to out. Returns its version. */
apr_uint64_t absw_cell_read(absw_cell_t *cell, apr_size_t size, void *out);

/**
 * A look at single words of the value, for who needs few of them:
 *
 *     do {
 *         look = absw_cell_look(cell, size);
 *         ... absw_cell_word(&look, i) ...
 *     } while (!absw_cell_same(cell, &look));      what was read is of one version now
 */
typedef struct {
    apr_uint64_t version;
    _Atomic apr_uint64_t *words;
} absw_cell_look_t;

/** The copy that a version names; a version that a process gone wild has written names one, too. */
static inline apr_size_t absw_cell_copy(apr_uint64_t version)
{
    apr_size_t copy = version & 3;

    return copy < ABSW_CELL_COPIES ? copy : 0;
}

static inline absw_cell_look_t absw_cell_look(absw_cell_t *cell, apr_size_t size)
{
    apr_uint64_t version = atomic_load_explicit(&cell->version, memory_order_acquire);
    _Atomic apr_uint64_t *words = (_Atomic apr_uint64_t *)(cell + 1);

    return (absw_cell_look_t) {
        .version = version, .words = words + absw_cell_copy(version) * ((size + 7) / 8)
    };
}

/** Word i, that is bytes 8 * i to 8 * i + 7 of the value. */
static inline apr_uint64_t absw_cell_word(const absw_cell_look_t *look, apr_size_t i)
{
    return atomic_load_explicit(&look->words[i], memory_order_acquire);
}

static inline int absw_cell_same(absw_cell_t *cell, const absw_cell_look_t *look)
{
    return atomic_load_explicit(&cell->version, memory_order_relaxed) == look->version;
}

/**
 * Put value (size bytes) in force, if version is in force still. APR_SUCCESS; APR_EAGAIN: there
 * is another version; APR_EBUSY: other writers, which are alive, have claimed both spare copies.
 */
apr_status_t absw_cell_write(absw_cell_t *cell, apr_size_t size, const void *value,
                             apr_uint64_t version);

/** Put value in force, whatever was. 1: done; 0 where absw_cell_write says APR_EBUSY. */
int absw_cell_force(absw_cell_t *cell, apr_size_t size, const void *value);

/** Void the claims of writers that are gone for sure: at start, while no other process runs. */
void absw_cell_recover(absw_cell_t *cell);

#endif
