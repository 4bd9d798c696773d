/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "board_parts.h"

/*
 * Who is where on the board. Only the parent reads and writes names; it may be killed at any
 * point, so what names something is written last. Children of an earlier configuration are at work
 * meanwhile, so whatever gets another meaning gets another incarnation first.
 */

apr_size_t absw_board_size(apr_uint32_t apps)
{
    return sizeof(absw_board_t) + (apr_size_t)apps * sizeof(absw_board_entry_t);
}

/* --- what a kept board says of itself ------------------------------------------------ */

static int is_name(const char *name, apr_size_t size)
{
    const char *end = memchr(name, '\0', size);

    return end && absw_policy_is_name(name, (apr_size_t)(end - name), size, "");
}

static int sides_make_sense(const absw_board_entry_t *entry)
{
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        const absw_board_side_t *side = &entry->sides[i];

        if (side->used > 1 || (side->used && !is_name(side->name, ABSW_SIDE_NAME_MAX + 1))) {
            return 0;
        }
        for (int k = 0; k < i && side->used; k++) {
            const absw_board_side_t *other = &entry->sides[k];

            if (other->used && strncmp(other->name, side->name, sizeof(side->name)) == 0) {
                return 0;
            }
        }
    }
    return 1;
}

static int makes_sense(const absw_board_t *board)
{
    for (apr_uint32_t i = 0; i < board->apps; i++) {
        const absw_board_entry_t *entry = &board->entries[i];

        if (entry->used > 1) {
            return 0;
        }
        if (!entry->used) {
            continue;
        }
        if (!is_name(entry->name, ABSW_APP_NAME_MAX + 1) || !sides_make_sense(entry)) {
            return 0;
        }
        for (apr_uint32_t k = 0; k < i; k++) {
            const absw_board_entry_t *other = &board->entries[k];

            if (other->used && strncmp(other->name, entry->name, sizeof(entry->name)) == 0) {
                return 0;
            }
        }
    }
    return 1;
}

absw_board_t *absw_board_attach(void *mem, apr_uint32_t apps)
{
    absw_board_t *board = mem;

    if (apps < 1 || apps > ABSW_BOARD_APPS_MAX) {
        return NULL;
    }
    if (board->apps == 0) {
        board->apps = apps;
    }
    return board->apps == apps && makes_sense(board) ? board : NULL;
}

void absw_board_recover(absw_board_t *board)
{
    atomic_store(&board->lease, 0);
    absw_cell_recover(&board->node.head);
    absw_cell_recover(&board->store.head);
    for (apr_uint32_t i = 0; i < board->apps; i++) {
        absw_board_entry_t *entry = &board->entries[i];

        absw_cell_recover(&entry->in_force.head);
        absw_cell_recover(&entry->trouble.head);
        absw_cell_recover(&entry->cluster.head);
        for (int k = 0; k < ABSW_BOARD_PEERS_MAX; k++) {
            absw_cell_recover(&entry->peers[k].head);
        }
        for (int k = 0; k < ABSW_SIDES_MAX; k++) {
            absw_cell_recover(&entry->sides[k].drain.head);
            absw_cell_recover(&entry->sides[k].sum.head);
        }
    }
}

apr_uint32_t absw_board_used(const absw_board_t *board)
{
    apr_uint32_t used = 0;

    for (apr_uint32_t i = 0; i < board->apps; i++) {
        if (board->entries[i].used) {
            used = i + 1;
        }
    }
    return used;
}

void absw_board_take_over(absw_board_t *board, const absw_board_t *from)
{
    apr_uint32_t apps = board->apps < from->apps ? board->apps : from->apps;
    apr_uint32_t room = board->apps;

    /* An entry is data without pointers, and nobody else looks. */
    memcpy(board, from, absw_board_size(apps));
    board->apps = room;
}

/* --- entering ------------------------------------------------------------------------ */

static absw_board_entry_t *find_app(absw_board_t *board, const char *name)
{
    for (apr_uint32_t i = 0; i < board->apps; i++) {
        if (board->entries[i].used && strcmp(board->entries[i].name, name) == 0) {
            return &board->entries[i];
        }
    }
    return NULL;
}

void absw_board_expect(absw_board_t *board, const absw_policy_t *const *policies, int n)
{
    for (apr_uint32_t i = 0; i < board->apps; i++) {
        board->entries[i].expected = 0;
    }
    for (int i = 0; i < n; i++) {
        absw_board_entry_t *entry = find_app(board, policies[i]->name);

        if (entry) {
            entry->expected = 1;
        }
    }
}

/** Empty the side's slot, but for its number; readers of before find another incarnation. */
static int clear_side(absw_board_side_t *side)
{
    static const absw_board_drain_t no_drain;
    static const absw_board_sum_t no_sum;

    side->used = 0;
    atomic_fetch_add(&side->incarnation, 1);
    atomic_store(&side->uncounted, 0);
    return absw_cell_force(&side->drain.head, sizeof(no_drain), &no_drain)
           && absw_cell_force(&side->sum.head, sizeof(no_sum), &no_sum);
}

static int clear_app(absw_board_entry_t *entry)
{
    static const absw_switch_t no_switch;
    static const absw_board_text_t no_text;
    static const absw_board_cluster_t no_cluster;       /* nor any peers, then */
    int done;

    entry->used = 0;
    atomic_fetch_add(&entry->incarnation, 1);
    done = absw_cell_force(&entry->in_force.head, sizeof(no_switch), &no_switch)
           && absw_cell_force(&entry->trouble.head, sizeof(no_text), &no_text)
           && absw_cell_force(&entry->cluster.head, sizeof(no_cluster), &no_cluster);
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        done = clear_side(&entry->sides[i]) && done;
    }
    absw_history_clear(&entry->history);
    return done;
}

/** The application's entry, or a free one, or one whose application is gone. NULL: no room. */
static absw_board_entry_t *take_entry(absw_board_t *board, const char *name,
                                      apr_uint32_t *reused)
{
    absw_board_entry_t *entry = find_app(board, name);

    for (apr_uint32_t i = 0; i < board->apps && !entry; i++) {
        if (!board->entries[i].used) {
            entry = &board->entries[i];
        }
    }
    for (apr_uint32_t i = 0; i < board->apps && !entry; i++) {
        if (!board->entries[i].expected) {
            entry = &board->entries[i];
            *reused = (1u << ABSW_SIDES_MAX) - 1;
            if (!clear_app(entry)) {
                return NULL;
            }
        }
    }
    if (entry && !entry->used) {
        apr_cpystrn(entry->name, name, sizeof(entry->name));
        entry->used = 1;
    }
    return entry;
}

static int find_side(const absw_board_entry_t *entry, const char *name)
{
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        if (entry->sides[i].used && strcmp(entry->sides[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/** The side's slot, or a free one, or one whose side is gone: 16 sides always find room. */
static int take_slot(absw_board_entry_t *entry, const absw_policy_t *policy, const char *name,
                     apr_uint32_t *reused)
{
    int slot = find_side(entry, name);

    for (int i = 0; i < ABSW_SIDES_MAX && slot < 0; i++) {
        slot = entry->sides[i].used ? -1 : i;
    }
    for (int i = 0; i < ABSW_SIDES_MAX && slot < 0; i++) {
        const char *old = entry->sides[i].name;

        if (absw_policy_side_of_name(policy, old, strnlen(old, sizeof(entry->sides[i].name)))
            == ABSW_NO_SIDE) {
            slot = i;
            *reused |= 1u << i;
            if (!clear_side(&entry->sides[i]) || !absw_board_forget_weight(entry, i)) {
                return -1;
            }
            absw_history_forget(&entry->history, i);
        }
    }
    if (slot >= 0 && !entry->sides[slot].used) {
        apr_cpystrn(entry->sides[slot].name, name, sizeof(entry->sides[slot].name));
        entry->sides[slot].used = 1;
    }
    return slot;
}

int absw_board_enter(absw_board_t *board, const absw_policy_t *policy, absw_board_app_t *app)
{
    absw_board_entry_t *entry;

    memset(app, 0, sizeof(*app));
    app->board = board;
    app->app = -1;
    app->sides_n = policy->sides_n;
    entry = take_entry(board, policy->name, &app->reused);
    if (!entry) {
        return 0;
    }
    entry->expected = 1;
    app->incarnation = atomic_load(&entry->incarnation);
    for (int i = 0; i < policy->sides_n; i++) {
        int slot = take_slot(entry, policy, policy->sides[i].name, &app->reused);

        if (slot < 0) {
            return 0;
        }
        app->place[i] = ABSW_PLACE(entry - board->entries, slot);
        app->side_incarnation[i] = atomic_load(&entry->sides[slot].incarnation);
    }
    app->app = (int)(entry - board->entries);
    return 1;
}
