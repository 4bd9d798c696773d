/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_BOARD_PARTS_H
#define ABSW_BOARD_PARTS_H

#include "board.h"
#include "cell.h"

/** How the board lies in memory: for the files of the board, nobody else. */

typedef struct {
    char text[ABSW_BOARD_TROUBLE_MAX];
} absw_board_text_t;

typedef struct {
    char name[ABSW_SIDE_NAME_MAX + 8];          /* NUL-terminated; the parent's only */
    apr_uint32_t used;                          /* the parent's only */
    _Atomic apr_uint32_t incarnation;           /* changes when another side gets the slot */
    _Atomic apr_int64_t uncounted;              /* Unix seconds; 0: never */
    ABSW_CELL(absw_board_drain_t) drain;
    ABSW_CELL(absw_board_sum_t) sum;
} absw_board_side_t;

typedef struct {
    char name[ABSW_APP_NAME_MAX + 8];
    apr_uint32_t used;
    apr_uint32_t expected;                      /* configured; the parent's only */
    _Atomic apr_uint32_t incarnation;
    apr_uint32_t unused;
    absw_board_side_t sides[ABSW_SIDES_MAX];
    ABSW_CELL(absw_switch_t) in_force;          /* by slot, not by side of a policy */
    ABSW_CELL(absw_board_text_t) trouble;
    ABSW_CELL(absw_board_cluster_t) cluster;
    ABSW_CELL(absw_board_peer_t) peers[ABSW_BOARD_PEERS_MAX];   /* by slot */
    absw_history_t history;                     /* by slot */
} absw_board_entry_t;

struct absw_board_t {
    _Atomic apr_uint64_t lease;
    apr_uint32_t apps;
    apr_uint32_t unused;
    ABSW_CELL(absw_board_node_t) node;
    ABSW_CELL(absw_board_store_t) store;
    absw_board_entry_t entries[];
};

/** The application's entry; NULL if it has none, or has lost it to another. */
absw_board_entry_t *absw_board_entry_of(const absw_board_app_t *app);

/** The same for a side's. */
absw_board_side_t *absw_board_side_of(const absw_board_app_t *app, int side);

/** One attempt: it is not for us to write if another does. */
static inline int absw_board_put(absw_cell_t *cell, apr_size_t size, const void *value,
                                 apr_uint64_t version)
{
    return absw_cell_write(cell, size, value, version) == APR_SUCCESS;
}

#define READ(cell, value)   absw_cell_read(&(cell)->head, sizeof(*(value)), value)
#define WRITE(cell, value, version) \
    absw_board_put(&(cell)->head, sizeof(*(value)), value, version)

/* Everything that is read may have been scribbled on by a process gone wild. */
#define END_TEXT(array)     ((array)[sizeof(array) - 1] = '\0')

/** Slot is to mean another side: take its weight from the switch. 1: done. */
int absw_board_forget_weight(absw_board_entry_t *entry, int slot);

#endif
