/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "cell.h"
#include "process.h"

/*
 * Why a reader never sees a mixture: copy i is written by its owner only, and the owner made sure
 * after he claimed it that i was not in force. Nobody else can put i in force while it is his,
 * for one must own a copy to publish it. So a reader that took version v (copy i) and met a word of
 * a later writer of i, read after that writer saw a version other than v; words are stored with
 * release and loaded with acquire, hence the reader's second look at the version shows it too.
 * The counter in the version makes every publication a new number.
 *
 * A copy claimed by a process that died is claimed anew. One claimed by a process that is merely
 * stopped is left alone: there is a third.
 */

static _Atomic apr_uint64_t *copy_words(absw_cell_t *cell, apr_size_t size, apr_size_t copy)
{
    return (_Atomic apr_uint64_t *)(cell + 1) + copy * ((size + 7) / 8);
}

apr_uint64_t absw_cell_read(absw_cell_t *cell, apr_size_t size, void *out)
{
    absw_cell_look_t look;

    do {
        look = absw_cell_look(cell, size);
        for (apr_size_t at = 0; at < size; at += 8) {
            apr_uint64_t word = absw_cell_word(&look, at / 8);

            memcpy((char *)out + at, &word, size - at < 8 ? size - at : 8);
        }
    } while (!absw_cell_same(cell, &look));
    return look.version;
}

static int claim(absw_cell_t *cell, unsigned copy, apr_uint32_t pid)
{
    apr_uint32_t owner = atomic_load(&cell->owner[copy]);

    if (owner != 0 && (owner == pid || absw_process_lives(owner))) {
        return 0;
    }
    return atomic_compare_exchange_strong(&cell->owner[copy], &owner, pid);
}

static void store_value(_Atomic apr_uint64_t *words, const void *value, apr_size_t size)
{
    for (apr_size_t at = 0; at < size; at += 8) {
        apr_uint64_t word = 0;

        memcpy(&word, (const char *)value + at, size - at < 8 ? size - at : 8);
        atomic_store_explicit(words++, word, memory_order_release);
    }
}

apr_status_t absw_cell_write(absw_cell_t *cell, apr_size_t size, const void *value,
                             apr_uint64_t version)
{
    apr_uint32_t pid = (apr_uint32_t)getpid();

    for (unsigned copy = 0; copy < ABSW_CELL_COPIES; copy++) {
        apr_status_t status = APR_EAGAIN;
        apr_uint64_t seen = version;

        if (copy == absw_cell_copy(version) || !claim(cell, copy, pid)) {
            continue;
        }
        /* It may have come into force between our look at the version and the claim. */
        if (atomic_load(&cell->version) == version) {
            store_value(copy_words(cell, size, copy), value, size);
            if (atomic_compare_exchange_strong(&cell->version, &seen,
                                               ((version | 3) + 1) | copy)) {
                status = APR_SUCCESS;
            }
        }
        atomic_store(&cell->owner[copy], 0);
        return status;
    }
    return atomic_load(&cell->version) == version ? APR_EBUSY : APR_EAGAIN;
}

int absw_cell_force(absw_cell_t *cell, apr_size_t size, const void *value)
{
    apr_status_t rv;

    do {
        rv = absw_cell_write(cell, size, value, atomic_load(&cell->version));
    } while (rv == APR_EAGAIN);
    return rv == APR_SUCCESS;
}

void absw_cell_recover(absw_cell_t *cell)
{
    for (unsigned copy = 0; copy < ABSW_CELL_COPIES; copy++) {
        atomic_store(&cell->owner[copy], 0);
    }
}
