/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "table_slot.h"

/*
 * The session table, as requests use it. Walks over the whole of it are in table_walk.c.
 *
 * Moves of a slot. Each is one compare-and-swap (seq_cst) of its word; v is the version.
 *
 *     EMPTY v        -> BUSY v+1 pid       claim: the fields are pid's to fill
 *     BUSY v pid     -> PENDING v last     publish
 *     BUSY v pid     -> EMPTY v            recover, once pid is dead
 *     PENDING v last -> LIVE v last        promote, by anyone: see settle
 *     LIVE v last    -> LIVE v now         touch
 *     PENDING, LIVE  -> EMPTY v            end, expiry, a twin of the same key
 *
 * Between two EMPTYs a slot has one version and one key: an incarnation. Fields are written in
 * BUSY only, so whoever sees one incarnation before and after reading the fields has read one key.
 * An expiry compares the last seen that it judged by, so any touch beats it.
 *
 * One key, one LIVE slot. Nobody promotes a slot a unless
 *     (1) he knew a to be PENDING,
 *     (2) he then looked at the word of every slot of the key's path, found no LIVE one of the key,
 *         and freed every other PENDING one that he found,
 *     (3) and a is the same incarnation, PENDING still.
 * Say a and b, of one key, were both promoted, and a was published first (words are seq_cst,
 * so there is one order of all this). The promoter of b looked at a after b was published,
 * hence after a was. He saw a LIVE: he did not promote b. PENDING: he freed it, or began anew
 * because he could not, so this a was never promoted. EMPTY or another incarnation: a had
 * been LIVE and was freed. So no two are ever LIVE at one moment. It matters not who promotes, nor
 * how slow he is; and a process that dies leaves BUSY (not counted, until recover) or PENDING (not
 * counted, promoted by the next who asks for the key, or by recover: no session is lost).
 *
 * Somebody gets through: of several PENDING ones the first in the path is the one that all spare,
 * and it is freed only when the key has a LIVE slot, or ends.
 *
 * Buckets. A session has two buckets of 32 slots, chosen by its id. A new slot goes to the first
 * while that has less than 28 taken, else to the emptier one. With 4/3 slots a session the N
 * sessions promised then fit: a simulation that replaced sessions at random 30 N times in a table
 * with N of them met no full pair, whereas a single window of 64 slots turned sessions away from
 * 85 % of N on. A hit costs 1.6 probes when the table has half of N, 8 at N; a miss always costs
 * 64, for a slot before may have become free.
 *
 * The tag is kept masked with the check value of its key: when the key is dropped or replaced, the
 * memory of having verified a token is worth nothing.
 */

/** Rounds before giving up; each but the first means that others changed the key's slots. */
#define ROUNDS 100

static apr_uint32_t bucket_count(apr_uint32_t sessions)
{
    apr_uint64_t slots = (apr_uint64_t)sessions * 4 / 3;
    apr_uint32_t buckets = (apr_uint32_t)(slots / ABSW_BUCKET);

    return buckets < 2 ? 2 : buckets;   /* a path needs two */
}

apr_size_t absw_table_size(apr_uint32_t sessions)
{
    return (apr_size_t)bucket_count(sessions) * ABSW_BUCKET * sizeof(absw_slot_t);
}

absw_table_t *absw_table_attach(apr_pool_t *pool, void *mem, apr_uint32_t sessions)
{
    absw_table_t *table = apr_pcalloc(pool, sizeof(*table));

    table->slots = mem;
    table->buckets = bucket_count(sessions);
    return table;
}

/* Every request comes here, mostly to find its slot at once. */
absw_slot_t *absw_slot_find(const absw_path_t *path, apr_uint16_t place, apr_uint64_t *word)
{
    apr_uint64_t meta;

    for (unsigned i = 0; i < 2; i++) {
        absw_slot_t *slot = path->bucket[i] + path->first;

        for (unsigned left = ABSW_BUCKET; left > 0; left--) {
            if (absw_slot_match(slot, path, word, &meta) && absw_meta_place(meta) == place
                && absw_slot_kind(*word) == ABSW_SLOT_LIVE) {
                return slot;
            }
            if (++slot == path->bucket[i] + ABSW_BUCKET) {
                slot = path->bucket[i];
            }
        }
    }
    return NULL;
}

absw_slot_t *absw_slot_claim(const absw_path_t *path, apr_uint32_t pid, apr_uint64_t *word)
{
    unsigned taken[2] = { 0, 0 };
    unsigned begin;

    for (unsigned at = 0; at < ABSW_PATH; at++) {
        taken[at / ABSW_BUCKET] +=
            absw_slot_kind(absw_slot_load(absw_path_slot(path, at))) != ABSW_SLOT_EMPTY;
    }
    begin = taken[0] >= ABSW_BUCKET_ENOUGH && taken[1] < taken[0] ? ABSW_BUCKET : 0;

    for (unsigned i = 0; i < ABSW_PATH; i++) {
        absw_slot_t *slot = absw_path_slot(path, (begin + i) % ABSW_PATH);
        apr_uint64_t seen = absw_slot_load(slot);

        if (absw_slot_kind(seen) == ABSW_SLOT_EMPTY) {
            *word = absw_slot_word(ABSW_SLOT_BUSY, absw_slot_version(seen) + 1, pid);
            if (absw_slot_cas(slot, &seen, *word)) {
                return slot;
            }
        }
    }
    return NULL;
}

/** The key's slots as one look at the whole path shows them. */
typedef struct {
    absw_slot_t *live;
    apr_uint64_t live_word;
    absw_slot_t *pending;       /* the first in the path; the others were freed */
    apr_uint64_t pending_word;
    int missed;                 /* one of the others changed before it could be freed */
} look_t;

static look_t look(const absw_path_t *path, apr_uint16_t place)
{
    look_t found = { 0 };
    apr_uint64_t word;
    apr_uint64_t meta;

    for (unsigned at = 0; at < ABSW_PATH; at++) {
        absw_slot_t *slot = absw_path_slot(path, at);

        if (!absw_slot_match(slot, path, &word, &meta) || absw_meta_place(meta) != place) {
            continue;
        }
        if (absw_slot_kind(word) == ABSW_SLOT_LIVE) {
            found.live = slot;
            found.live_word = word;
        }
        else if (found.pending) {
            found.missed |= !absw_slot_free(slot, word);
        }
        else {
            found.pending = slot;
            found.pending_word = word;
        }
    }
    return found;
}

absw_slot_t *absw_slot_settle(const absw_path_t *path, apr_uint16_t place, absw_slot_t *own,
                              apr_uint64_t own_word, apr_uint64_t *word)
{
    absw_slot_t *known = own;           /* what the next look may promote */
    apr_uint64_t known_word = own_word;

    for (int round = 0; round < ROUNDS; round++) {
        look_t found = look(path, place);

        if (found.live) {
            if (found.pending) {
                absw_slot_free(found.pending, found.pending_word);
            }
            *word = found.live_word;
            return found.live;
        }
        if (!found.pending) {
            return NULL;
        }
        if (found.pending == known && absw_slot_same(found.pending_word, known_word)
            && !found.missed) {
            *word = absw_slot_as(found.pending_word, ABSW_SLOT_LIVE);
            if (absw_slot_cas(known, &found.pending_word, *word)) {
                return known;
            }
        }
        known = found.pending;
        known_word = found.pending_word;
    }
    return NULL;
}

static absw_path_t path_of(const absw_table_t *table, const unsigned char *id)
{
    apr_uint64_t words[2];

    memcpy(words, id, sizeof(words));
    return absw_path(table, words);
}

static apr_uint64_t meta_of(const absw_table_session_t *session, apr_uint16_t place)
{
    return absw_meta(absw_slot_seconds(session->login), place, session->kid,
                     (session->tester ? ABSW_SLOT_TESTER : 0)
                     | (unsigned)session->home % ABSW_SIDES_MAX << ABSW_SLOT_HOME_SHIFT);
}

/** The tag as it is kept. */
static void mask_tag(const absw_table_session_t *session, apr_uint64_t *tag)
{
    memcpy(tag, session->tag, ABSW_TOKEN_TAG_LEN);
    tag[0] ^= session->key_check;
    tag[1] ^= (apr_uint64_t)session->key_check << 32;
}

int absw_table_verified(absw_table_t *table, const absw_table_session_t *session,
                        absw_table_spot_t *spot)
{
    absw_path_t path = path_of(table, session->id);
    apr_uint64_t meta = meta_of(session, session->home);
    apr_uint64_t tag[2];

    if (session->login != (absw_sec_t)(meta >> 32)) {
        return 0;
    }
    mask_tag(session, tag);

    for (;;) {
        apr_uint64_t word;
        apr_uint64_t differs;
        absw_slot_t *slot = absw_slot_find(&path, session->home, &word);

        if (!slot) {
            return 0;
        }
        differs = (absw_slot_field(&slot->tag[0]) ^ tag[0])
                  | (absw_slot_field(&slot->tag[1]) ^ tag[1])
                  | (absw_slot_field(&slot->meta) ^ meta);
        if (absw_slot_same(word, absw_slot_load(slot))) {
            if (spot) {
                *spot = (absw_table_spot_t) { .slot = slot, .word = word };
            }
            return differs == 0;
        }
    }
}

/** Seen now. 0: the slot is LIVE with this key no more. */
static int stamp(absw_slot_t *slot, apr_uint64_t word, apr_uint32_t now)
{
    apr_uint64_t seen = word;

    do {
        apr_uint32_t last = (apr_uint32_t)seen;

        /* Threads read the clock in one order and get here in another, so a little later than now
         * is later. Much later means that the clock was set back: nobody may live on that. */
        if (last == now || (last > now && last - now <= ABSW_SLOT_AHEAD)) {
            return 1;
        }
        if (absw_slot_cas(slot, &seen, absw_slot_with(seen, now))) {
            return 1;
        }
    } while (absw_slot_same(word, seen));
    return 0;
}

/** A slot with the session in it, PENDING; NULL: no room. */
static absw_slot_t *publish(const absw_path_t *path, const absw_table_session_t *session,
                            apr_uint32_t now, apr_uint64_t *word)
{
    apr_uint64_t tag[2];
    apr_uint64_t busy;
    absw_slot_t *slot = absw_slot_claim(path, (apr_uint32_t)getpid(), &busy);

    if (!slot) {
        return NULL;
    }
    mask_tag(session, tag);
    absw_slot_set(&slot->id[0], path->id[0]);
    absw_slot_set(&slot->id[1], path->id[1]);
    absw_slot_set(&slot->tag[0], tag[0]);
    absw_slot_set(&slot->tag[1], tag[1]);
    absw_slot_set(&slot->meta, meta_of(session, session->place));
    *word = absw_slot_with(absw_slot_as(busy, ABSW_SLOT_PENDING), now);
    return absw_slot_cas(slot, &busy, *word) ? slot : NULL;
}

absw_table_touch_e absw_table_touch(absw_table_t *table, const absw_table_session_t *session,
                                    absw_sec_t now_sec)
{
    apr_uint32_t now = absw_slot_seconds(now_sec);
    absw_path_t path = path_of(table, session->id);
    apr_uint64_t word;
    absw_slot_t *slot = absw_slot_find(&path, session->place, &word);

    if (slot && stamp(slot, word, now)) {
        return ABSW_TABLE_KNOWN;
    }
    for (int round = 0; round < ROUNDS; round++) {
        absw_slot_t *own = NULL;
        apr_uint64_t own_word = 0;

        slot = absw_slot_settle(&path, session->place, NULL, 0, &word);
        if (!slot) {
            own = publish(&path, session, now, &own_word);
            if (!own) {
                return ABSW_TABLE_FULL;
            }
            slot = absw_slot_settle(&path, session->place, own, own_word, &word);
        }
        if (slot && stamp(slot, word, now)) {
            return slot == own && absw_slot_same(word, own_word) ? ABSW_TABLE_NEW
                                                                 : ABSW_TABLE_KNOWN;
        }
    }
    return ABSW_TABLE_FULL;     /* not counted, and said so: the safe side */
}

int absw_table_is_at(const absw_table_spot_t *spot)
{
    apr_uint64_t word = spot->slot ? absw_slot_load(spot->slot) : 0;

    return absw_slot_same(word, spot->word) && absw_slot_kind(word) == ABSW_SLOT_LIVE;
}

int absw_table_touch_at(const absw_table_spot_t *spot, absw_sec_t now)
{
    apr_uint64_t word = spot->slot ? absw_slot_load(spot->slot) : 0;

    return absw_slot_same(word, spot->word) && absw_slot_kind(word) == ABSW_SLOT_LIVE
           && stamp(spot->slot, word, absw_slot_seconds(now));
}

void absw_table_end(absw_table_t *table, const unsigned char *id, const apr_uint16_t *places,
                    int n)
{
    absw_path_t path = path_of(table, id);
    apr_uint64_t word;
    apr_uint64_t meta;

    for (unsigned at = 0; at < ABSW_PATH; at++) {
        absw_slot_t *slot = absw_path_slot(&path, at);

        for (int i = 0; i < n && absw_slot_match(slot, &path, &word, &meta); i++) {
            if (absw_meta_place(meta) == places[i]) {
                while (!absw_slot_free(slot, word) && absw_slot_match(slot, &path, &word, &meta)
                       && absw_meta_place(meta) == places[i]) {
                }
                break;
            }
        }
    }
}
