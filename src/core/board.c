/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "board_parts.h"

/*
 * What is on the board of one application: the switch, the evidence, the history. Who is where
 * on it is in board_directory.c.
 *
 * A process that was stopped while it wrote, and wakes when the lease is another's, does no harm:
 * it publishes in a cell only if nobody has since it looked (cell.h), and it does not try again; a
 * switch record never gives way to an older one, whoever brings it. A handle that
 * was made for an earlier configuration compares incarnations before it reads or writes.
 */

/* --- the lease --------------------------------------------------------------------- */

/*
 * One word: pid (32 bits) | until (32). The time is in hundredths of a second, modulo 2^32 (497
 * days), and compared by its difference.
 */
#define LEASE_UNIT 10000            /* microseconds */
#define LEASE_LONG (600 * 100)      /* hundredths: longer than this nobody takes one */

static apr_uint64_t lease_word(apr_uint32_t pid, apr_time_t until)
{
    return (apr_uint64_t)pid << 32 | (apr_uint32_t)(until / LEASE_UNIT + 1);
}

static int lease_is_past(apr_uint64_t lease, apr_time_t now)
{
    apr_uint32_t left = (apr_uint32_t)lease - (apr_uint32_t)(now / LEASE_UNIT);

    return left == 0 || left > LEASE_LONG;
}

int absw_board_lease(absw_board_t *board, apr_uint32_t pid, apr_time_t now, apr_time_t until,
                     int (*alive)(apr_uint32_t pid))
{
    apr_uint64_t lease = atomic_load(&board->lease);
    apr_uint32_t holder = (apr_uint32_t)(lease >> 32);

    if (holder != 0 && holder != pid && !lease_is_past(lease, now) && alive(holder)) {
        return 0;
    }
    return atomic_compare_exchange_strong(&board->lease, &lease, lease_word(pid, until));
}

void absw_board_release(absw_board_t *board, apr_uint32_t pid)
{
    apr_uint64_t lease = atomic_load(&board->lease);

    while (lease >> 32 == pid && !atomic_compare_exchange_weak(&board->lease, &lease, 0)) {
    }
}

/* --- who may use what -------------------------------------------------------------- */

absw_board_entry_t *absw_board_entry_of(const absw_board_app_t *app)
{
    absw_board_entry_t *entry;

    if (app->app < 0) {
        return NULL;
    }
    entry = &app->board->entries[app->app];
    return atomic_load(&entry->incarnation) == app->incarnation ? entry : NULL;
}

/** The slot of a side in its application's entry; -1 if it has none any more. */
static int slot_of(const absw_board_app_t *app, absw_board_entry_t *entry, int side)
{
    int slot = app->place[side] % ABSW_SIDES_MAX;

    return atomic_load(&entry->sides[slot].incarnation) == app->side_incarnation[side] ? slot : -1;
}

/** What is kept of a side; NULL if it has nothing any more. */
absw_board_side_t *absw_board_side_of(const absw_board_app_t *app, int side)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    int slot = entry ? slot_of(app, entry, side) : -1;

    return slot >= 0 ? &entry->sides[slot] : NULL;
}

/* --- the switch -------------------------------------------------------------------- */

static int is_generation(apr_int64_t generation)
{
    return generation > 0 && generation <= ABSW_SWITCH_GEN_MAX;
}

static absw_sec_t time_of(absw_sec_t time)
{
    return time >= 0 && time <= ABSW_SWITCH_TIME_MAX ? time : 0;
}

static apr_uint32_t weight_of(apr_uint32_t weight)
{
    return weight < ABSW_SWITCH_WEIGHT_MAX ? weight : ABSW_SWITCH_WEIGHT_MAX;
}

static void sides_by_policy(const absw_board_app_t *app, absw_board_entry_t *entry,
                            const absw_switch_t *kept, absw_switch_t *rec)
{
    apr_uint32_t closed = 0;

    memset(rec->weight, 0, sizeof(rec->weight));
    memset(rec->since, 0, sizeof(rec->since));
    for (int i = 0; i < app->sides_n; i++) {
        int slot = slot_of(app, entry, i);

        if (slot >= 0) {
            rec->weight[i] = weight_of(kept->weight[slot]);
            rec->since[i] = time_of(kept->since[slot]);
            closed |= (kept->closed >> slot & 1u) << i;
        }
    }
    rec->closed = closed;
}

/** Four bytes of the value, which begin at a multiple of four. */
static apr_uint32_t half_word(const absw_cell_look_t *look, apr_size_t at)
{
    apr_uint64_t word = absw_cell_word(look, at / 8);
    apr_uint32_t half;

    memcpy(&half, (const char *)&word + at % 8, sizeof(half));
    return half;
}

/** Inline, since a loop over one side is none. */
static inline int view(const absw_board_app_t *app, int side, int n, absw_switch_t *rec)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_cell_look_t look;

    if (!entry) {
        return 0;
    }
    do {
        apr_uint32_t closed;

        look = absw_cell_look(&entry->in_force.head, sizeof(*rec));
        closed = half_word(&look, offsetof(absw_switch_t, closed));
        rec->generation = (apr_int64_t)absw_cell_word(&look,
                                                      offsetof(absw_switch_t, generation) / 8);
        rec->closed = 0;
        for (int i = side; i < side + n; i++) {
            int slot = slot_of(app, entry, i);

            rec->weight[i] = 0;
            rec->since[i] = 0;
            if (slot >= 0) {
                rec->weight[i] = weight_of(half_word(&look, offsetof(absw_switch_t, weight[slot])));
                rec->since[i] = time_of((apr_int64_t)absw_cell_word(
                    &look, offsetof(absw_switch_t, since[slot]) / 8));
                rec->closed |= (closed >> slot & 1u) << i;
            }
        }
    } while (!absw_cell_same(&entry->in_force.head, &look));
    return is_generation(rec->generation);
}

int absw_board_view(const absw_board_app_t *app, absw_switch_t *rec)
{
    return view(app, 0, app->sides_n, rec);
}

int absw_board_view_side(const absw_board_app_t *app, int side, absw_switch_t *rec)
{
    return view(app, side, 1, rec);
}

/** The record by slot, and its version. generation 0: there is none. */
static apr_uint64_t read_switch(absw_board_entry_t *entry, absw_switch_t *kept)
{
    apr_uint64_t version = READ(&entry->in_force, kept);

    END_TEXT(kept->by);
    END_TEXT(kept->node);
    END_TEXT(kept->note);
    END_TEXT(kept->other);
    kept->at = time_of(kept->at);
    if (!is_generation(kept->generation)) {
        kept->generation = 0;
    }
    return version;
}

int absw_board_get_switch(const absw_board_app_t *app, absw_switch_t *rec)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_switch_t kept;

    if (!entry) {
        return 0;
    }
    read_switch(entry, &kept);
    *rec = kept;
    sides_by_policy(app, entry, &kept, rec);
    return kept.generation > 0;
}

int absw_board_set_switch(const absw_board_app_t *app, const absw_switch_t *rec)
{
    absw_switch_t next = *rec;
    absw_switch_t kept;
    apr_uint64_t version;
    absw_board_entry_t *entry;
    apr_status_t rv;

    next.closed = 0;
    memset(next.weight, 0, sizeof(next.weight));
    memset(next.since, 0, sizeof(next.since));
    for (int i = 0; i < app->sides_n; i++) {
        int slot = app->place[i] % ABSW_SIDES_MAX;

        next.weight[slot] = rec->weight[i];
        next.since[slot] = rec->since[i];
        next.closed |= (rec->closed >> i & 1u) << slot;
    }
    do {
        entry = absw_board_entry_of(app);
        for (int i = 0; i < app->sides_n && entry; i++) {
            entry = slot_of(app, entry, i) >= 0 ? entry : NULL;
        }
        if (!entry) {
            return 0;
        }
        version = read_switch(entry, &kept);
        if (kept.generation > 0 && absw_switch_newer(&kept, rec)) {
            return 0;
        }
        rv = absw_cell_write(&entry->in_force.head, sizeof(next), &next, version);
    } while (rv == APR_EAGAIN);     /* somebody else's is in force now: is that a newer one? */
    return rv == APR_SUCCESS;
}

int absw_board_forget_weight(absw_board_entry_t *entry, int slot)
{
    absw_switch_t kept;
    apr_uint64_t version;
    apr_status_t rv;

    do {
        version = READ(&entry->in_force, &kept);
        kept.weight[slot] = 0;
        kept.since[slot] = 0;
        kept.closed &= ~(1u << slot);
        rv = absw_cell_write(&entry->in_force.head, sizeof(kept), &kept, version);
    } while (rv == APR_EAGAIN);
    return rv == APR_SUCCESS;
}

/* --- sides ------------------------------------------------------------------------- */

static void raise_time(_Atomic apr_int64_t *time, absw_sec_t now)
{
    apr_int64_t seen = atomic_load(time);

    while (seen < now && !atomic_compare_exchange_weak(time, &seen, now)) {
    }
}

void absw_board_uncounted(const absw_board_app_t *app, int side, absw_sec_t now)
{
    absw_board_side_t *found = absw_board_side_of(app, side);

    if (found) {
        raise_time(&found->uncounted, now);
    }
}

void absw_board_uncounted_place(absw_board_t *board, apr_uint16_t place, absw_sec_t now)
{
    if (place / ABSW_SIDES_MAX < board->apps) {
        raise_time(&board->entries[place / ABSW_SIDES_MAX].sides[place % ABSW_SIDES_MAX].uncounted,
                   now);
    }
}

absw_sec_t absw_board_uncounted_at(const absw_board_app_t *app, int side)
{
    absw_board_side_t *found = absw_board_side_of(app, side);

    return found ? atomic_load(&found->uncounted) : 0;
}

void absw_board_get_drain(const absw_board_app_t *app, int side, absw_board_drain_t *drain)
{
    absw_board_side_t *found = absw_board_side_of(app, side);

    if (!found) {
        memset(drain, 0, sizeof(*drain));
        return;
    }
    READ(&found->drain, drain);
    END_TEXT(drain->reason);
}

int absw_board_set_drain(const absw_board_app_t *app, int side, const absw_board_drain_t *drain)
{
    absw_board_side_t *found = absw_board_side_of(app, side);
    absw_board_drain_t before;

    return found && WRITE(&found->drain, drain, READ(&found->drain, &before));
}

/* --- words ------------------------------------------------------------------------- */

void absw_board_get_trouble(const absw_board_app_t *app, char *text)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_board_text_t kept = { "" };

    if (entry) {
        READ(&entry->trouble, &kept);
        END_TEXT(kept.text);
    }
    memcpy(text, kept.text, sizeof(kept.text));
}

int absw_board_set_trouble(const absw_board_app_t *app, const char *text)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_board_text_t before;
    absw_board_text_t next = { "" };

    if (!entry) {
        return 0;
    }
    strncpy(next.text, text, sizeof(next.text) - 1);
    return WRITE(&entry->trouble, &next, READ(&entry->trouble, &before));
}

void absw_board_get_node(const absw_board_t *board, absw_board_node_t *node)
{
    READ(&((absw_board_t *)board)->node, node);
    END_TEXT(node->epoch);
}

int absw_board_set_node(absw_board_t *board, const absw_board_node_t *node)
{
    absw_board_node_t before;

    return WRITE(&board->node, node, READ(&board->node, &before));
}

/* --- history ----------------------------------------------------------------------- */

int absw_board_history_add(const absw_board_app_t *app, const absw_history_entry_t *entry)
{
    absw_board_entry_t *found = absw_board_entry_of(app);
    absw_history_entry_t by_slot = { .time = entry->time };

    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        by_slot.sessions[i] = ABSW_HISTORY_UNKNOWN;
    }
    for (int i = 0; i < app->sides_n && found; i++) {
        int slot = slot_of(app, found, i);

        if (slot >= 0) {
            by_slot.sessions[slot] = entry->sessions[i];
        }
    }
    return found && absw_history_add(&found->history, &by_slot);
}

int absw_board_history(const absw_board_app_t *app, absw_sec_t now, absw_history_entry_t *entries)
{
    absw_board_entry_t *found = absw_board_entry_of(app);
    int n = found ? absw_history_list(&found->history, now, entries) : 0;
    int slot[ABSW_SIDES_MAX];

    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        slot[i] = found && i < app->sides_n ? slot_of(app, found, i) : -1;
    }
    for (int k = 0; k < n; k++) {
        absw_history_entry_t by_slot = entries[k];

        for (int i = 0; i < ABSW_SIDES_MAX; i++) {
            entries[k].sessions[i] = slot[i] >= 0 ? by_slot.sessions[slot[i]]
                                                  : ABSW_HISTORY_UNKNOWN;
        }
    }
    return n;
}
