/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "table.h"

/*
 * The session table. In: how many bytes of it are noise (2 bytes), the noise, of which the table
 * is made at first, and then what happens to it, a byte or two each.
 *
 * Noise is never read or written outside of the table, and repaired for good. From then on the
 * table knows exactly who came and has not gone: it is compared with a list.
 */

#define SESSIONS    40
#define PLACES      4
#define IDS         8
#define KEYS        (IDS * PLACES)

typedef struct {
    absw_table_t *table;
    absw_sec_t last[KEYS];      /* 0: not there */
    int seen[KEYS];
    int strangers;              /* what the noise was; they never match */
} world_t;

static absw_table_session_t session(unsigned key)
{
    absw_table_session_t s = {
        .login = FUZZ_NOW - 5, .place = (apr_uint16_t)(key % PLACES), .home = 0, .kid = 'k',
        .key_check = 7
    };

    memset(s.id, (int)(key / PLACES) + 1, sizeof(s.id));
    memset(s.tag, 0x5a, sizeof(s.tag));
    return s;
}

static int look(void *baton, const absw_table_seen_t *seen)
{
    world_t *w = baton;
    unsigned key = (seen->id[0] - 1u) * PLACES + seen->place;
    absw_table_session_t s = session(key % KEYS);

    FUZZ_HOLDS(seen->place < PLACES);
    if (seen->id[0] == 0 || seen->id[0] > IDS || memcmp(s.id, seen->id, sizeof(s.id)) != 0) {
        w->strangers++;
        return 0;
    }
    w->seen[key]++;
    FUZZ_HOLDS(seen->last == w->last[key]);
    return 0;
}

static void compare(world_t *w)
{
    memset(w->seen, 0, sizeof(w->seen));
    w->strangers = 0;
    absw_table_scan(w->table, look, w);
    for (unsigned key = 0; key < KEYS; key++) {
        FUZZ_HOLDS(w->seen[key] == (w->last[key] != 0));
    }
    FUZZ_HOLDS(absw_table_validate(w->table, PLACES, 0) == 0);
}

static int drop_all(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    return *(const int *)baton;
}

static void act(world_t *w, fuzz_t *in)
{
    static const apr_uint16_t all[PLACES] = { 0, 1, 2, 3 };
    unsigned what = (unsigned)fuzz_number(in, 1);
    unsigned key = what % KEYS;
    absw_table_session_t s = session(key);
    absw_sec_t now = FUZZ_NOW + (absw_sec_t)fuzz_number(in, 1);

    switch (what / KEYS) {
    case 0:
    case 1:
    case 2:
    case 3: {
        absw_table_touch_e was = absw_table_touch(w->table, &s, now);

        FUZZ_HOLDS(was == ABSW_TABLE_FULL || (was == ABSW_TABLE_KNOWN) == (w->last[key] != 0));
        if (was == ABSW_TABLE_NEW || (was == ABSW_TABLE_KNOWN && (now > w->last[key]
                                                                 || now < w->last[key] - 60))) {
            w->last[key] = now;
        }
        break;
    }
    case 4:
        absw_table_end(w->table, s.id, all, PLACES);
        memset(w->last + key / PLACES * PLACES, 0, PLACES * sizeof(*w->last));
        break;
    case 5:
        FUZZ_HOLDS(absw_table_recover(w->table, NULL) == 0);
        break;
    case 6:
        s.place = 0;
        FUZZ_HOLDS(absw_table_verified(w->table, &s, NULL) == (w->last[key / PLACES * PLACES] != 0));
        s.tag[now % 16] ^= 1;
        FUZZ_HOLDS(!absw_table_verified(w->table, &s, NULL));
        break;
    default:
        compare(w);
        break;
    }
}

void fuzz(fuzz_t *in)
{
    static const int yes = 1;
    apr_size_t size = absw_table_size(SESSIONS);
    apr_size_t noise = fuzz_number(in, 2);
    world_t w = { 0 };
    char *mem = aligned_alloc(64, (size + 63) / 64 * 64);

    if (!mem) {
        abort();
    }
    memset(mem, 0, size);
    noise = noise < in->len ? noise : in->len;
    for (apr_size_t i = 0; noise > 0 && i < size; i++) {
        mem[i] = in->at[i % noise];
    }
    in->at += noise;
    in->len -= noise;
    w.table = absw_table_attach(in->pool, mem, SESSIONS);

    absw_table_recover(w.table, NULL);
    absw_table_validate(w.table, PLACES, 1);
    FUZZ_HOLDS(absw_table_validate(w.table, PLACES, 0) == 0);
    absw_table_scan(w.table, drop_all, (void *)(uintptr_t)&yes);
    compare(&w);
    FUZZ_HOLDS(w.strangers == 0);
    while (in->len > 0) {
        act(&w, in);
    }
    compare(&w);
    free(mem);
}
