/* SPDX-License-Identifier: Apache-2.0 */
#include "table_slot.h"

/* Walks over the whole session table. See the head of table.c for what makes them safe. */

static apr_size_t slot_count(const absw_table_t *table)
{
    return (apr_size_t)table->buckets * ABSW_BUCKET;
}

/** Everything that a keyed slot holds, of one moment. */
typedef struct {
    apr_uint64_t word;
    apr_uint64_t id[2];
    apr_uint64_t tag[2];
    apr_uint64_t meta;
} copy_t;

/** Copy the slot if it is keyed. */
static int copy_slot(absw_slot_t *slot, copy_t *copy)
{
    for (;;) {
        apr_uint64_t before = absw_slot_load(slot);

        if (!absw_slot_keyed(before)) {
            return 0;
        }
        for (int i = 0; i < 2; i++) {
            copy->id[i] = absw_slot_field(&slot->id[i]);
            copy->tag[i] = absw_slot_field(&slot->tag[i]);
        }
        copy->meta = absw_slot_field(&slot->meta);
        copy->word = absw_slot_load(slot);
        if (absw_slot_same(before, copy->word)) {
            return 1;
        }
    }
}

static int copy_live(absw_slot_t *slot, copy_t *copy)
{
    return copy_slot(slot, copy) && absw_slot_kind(copy->word) == ABSW_SLOT_LIVE;
}

void absw_table_scan(absw_table_t *table,
                     int (*fn)(void *baton, const absw_table_seen_t *seen), void *baton)
{
    for (apr_size_t i = 0; i < slot_count(table); i++) {
        absw_slot_t *slot = table->slots + i;
        absw_table_seen_t seen;
        copy_t copy;

        if (!copy_live(slot, &copy)) {
            continue;
        }
        memcpy(seen.id, copy.id, sizeof(seen.id));
        seen.login = (absw_sec_t)(copy.meta >> 32);
        seen.last = (absw_sec_t)(apr_uint32_t)copy.word;
        seen.place = absw_meta_place(copy.meta);
        seen.home = absw_meta_home(copy.meta);
        seen.tester = (copy.meta & ABSW_SLOT_TESTER) != 0;
        if (fn(baton, &seen)) {
            absw_slot_free(slot, copy.word);
        }
    }
}

void absw_table_set_back(absw_table_t *table, absw_sec_t now_sec)
{
    apr_uint32_t now = absw_slot_seconds(now_sec);

    for (apr_size_t i = 0; i < slot_count(table); i++) {
        apr_uint64_t word = absw_slot_load(table->slots + i);
        apr_uint32_t last = (apr_uint32_t)word;

        if (absw_slot_kind(word) == ABSW_SLOT_LIVE && last > now
            && last - now > ABSW_SLOT_AHEAD) {
            /* If it fails somebody touched it, or freed it: either does. */
            absw_slot_cas(table->slots + i, &word, absw_slot_with(word, now));
        }
    }
}

apr_uint32_t absw_table_recover(absw_table_t *table, int (*alive)(apr_uint32_t pid))
{
    apr_uint32_t recovered = 0;

    for (apr_size_t i = 0; i < slot_count(table); i++) {
        absw_slot_t *slot = table->slots + i;
        apr_uint64_t word = absw_slot_load(slot);
        copy_t copy;

        if (absw_slot_kind(word) == ABSW_SLOT_BUSY
            && !(alive && alive((apr_uint32_t)word))) {
            recovered += (apr_uint32_t)absw_slot_free(slot, word);
        }
        else if (absw_slot_kind(word) == ABSW_SLOT_PENDING && copy_slot(slot, &copy)) {
            absw_path_t path = absw_path(table, copy.id);

            /* Whose it is matters not: a living process finds its work done. */
            absw_slot_settle(&path, absw_meta_place(copy.meta), NULL, 0, &word);
            recovered++;
        }
    }
    return recovered;
}

/** Is what a LIVE slot says of itself possible, and does it stand where it would be looked for? */
static int sound(const absw_table_t *table, absw_slot_t *slot, const copy_t *copy,
                 apr_uint32_t places)
{
    absw_path_t path = absw_path(table, copy->id);
    unsigned char kid = (unsigned char)(copy->meta >> 8);
    int alnum = (kid >= '0' && kid <= '9') || (kid >= 'A' && kid <= 'Z')
                || (kid >= 'a' && kid <= 'z');
    apr_uint64_t word;

    return alnum && (copy->meta & 0xff & ~ABSW_SLOT_FLAGS) == 0
           && copy->meta >> 32 != 0 && (apr_uint32_t)copy->word != 0
           && absw_meta_place(copy->meta) < places
           /* Of twins the first in the path is sound; a stray one is not in its path at all. */
           && absw_slot_find(&path, absw_meta_place(copy->meta), &word) == slot;
}

apr_uint32_t absw_table_validate(absw_table_t *table, apr_uint32_t places, int repair)
{
    apr_uint32_t faults = 0;

    for (apr_size_t i = 0; i < slot_count(table); i++) {
        absw_slot_t *slot = table->slots + i;
        apr_uint64_t word = absw_slot_load(slot);
        copy_t copy;

        if (absw_slot_kind(word) == ABSW_SLOT_EMPTY
            || (copy_live(slot, &copy) && sound(table, slot, &copy, places))) {
            continue;
        }
        faults++;
        if (repair) {
            absw_slot_free(slot, word);
        }
    }
    return faults;
}

void absw_table_take_over(absw_table_t *table, absw_table_t *from,
                          void (*lost)(void *baton, apr_uint16_t place, absw_sec_t last),
                          void *baton)
{
    for (apr_size_t i = 0; i < slot_count(from); i++) {
        apr_uint64_t word;
        absw_path_t path;
        absw_slot_t *slot;
        copy_t copy;

        if (!copy_live(from->slots + i, &copy)) {
            continue;
        }
        path = absw_path(table, copy.id);
        if (absw_slot_find(&path, absw_meta_place(copy.meta), &word)) {
            continue;
        }
        slot = absw_slot_claim(&path, 0, &word);
        if (!slot) {
            lost(baton, absw_meta_place(copy.meta), (absw_sec_t)(apr_uint32_t)copy.word);
            continue;
        }
        for (int n = 0; n < 2; n++) {
            absw_slot_set(&slot->id[n], copy.id[n]);
            absw_slot_set(&slot->tag[n], copy.tag[n]);
        }
        absw_slot_set(&slot->meta, copy.meta);
        absw_slot_cas(slot, &word, absw_slot_with(absw_slot_as(word, ABSW_SLOT_LIVE),
                                                  (apr_uint32_t)copy.word));
    }
}
