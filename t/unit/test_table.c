/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>

#include "sample.h"
#include "table_slot.h"

#define NOW     SAMPLE_NOW
#define PLACES  64u

/* A table in memory of its own, so that valgrind and ASan see a step outside of it. */
typedef struct {
    apr_pool_t *pool;
    void *mem;
    apr_size_t size;
    absw_table_t *table;
} world_t;

static world_t make(apr_uint32_t sessions)
{
    world_t w = { .size = absw_table_size(sessions) };

    apr_pool_create(&w.pool, NULL);
    assert_int_equal(posix_memalign(&w.mem, 64, w.size), 0);
    memset(w.mem, 0, w.size);
    w.table = absw_table_attach(w.pool, w.mem, sessions);
    return w;
}

static void drop(world_t *w)
{
    free(w->mem);
    apr_pool_destroy(w->pool);
}

static absw_table_session_t session(unsigned number, unsigned place)
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

static absw_path_t path_of(const world_t *w, const absw_table_session_t *s)
{
    apr_uint64_t id[2];

    memcpy(id, s->id, sizeof(id));
    return absw_path(w->table, id);
}

/* The slots of a session as they lie in memory. */
typedef struct {
    unsigned live;
    unsigned pending;
    unsigned busy;      /* anybody's */
    apr_uint32_t last;
} slots_t;

static slots_t slots_of(const world_t *w, const absw_table_session_t *s)
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

/* Put a slot of this session by hand at a position of its path. */
static absw_slot_t *put(const world_t *w, const absw_table_session_t *s, unsigned at,
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

static int count(void *baton, const absw_table_seen_t *seen)
{
    tally_t *tally = baton;

    if (tally->n < COUNT_OF(tally->seen)) {
        tally->seen[tally->n] = *seen;
    }
    tally->n++;
    return tally->answer;
}

static unsigned live_count(const world_t *w)
{
    tally_t tally = { 0 };

    absw_table_scan(w->table, count, &tally);
    return tally.n;
}

static int nobody(apr_uint32_t pid)
{
    (void)pid;
    return 0;
}

static int everybody(apr_uint32_t pid)
{
    (void)pid;
    return 1;
}

/* --- counting ------------------------------------------------------------------------ */

static void test_size(void **state)
{
    static const apr_uint32_t SESSIONS[] = { 48, 1000, 1024, 131072, 16777216 };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(SESSIONS); i++) {
        assert_true(absw_table_size(SESSIONS[i]) <= 64 * (apr_size_t)SESSIONS[i]);
        assert_true(absw_table_size(SESSIONS[i]) >= 62 * (apr_size_t)SESSIONS[i]);
    }
    assert_int_equal(absw_table_size(1), 3072);
}

static void test_activity(void **state)
{
    world_t w = make(1024);
    absw_table_session_t a = session(1, 5);
    tally_t tally = { 0 };

    (void)state;
    a.tester = 1;
    assert_int_equal(absw_table_verified(w.table, &a), 0);
    assert_int_equal(absw_table_touch(w.table, &a, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_table_verified(w.table, &a), 1);
    assert_int_equal(absw_table_touch(w.table, &a, NOW), ABSW_TABLE_KNOWN);
    assert_int_equal(absw_table_touch(w.table, &a, NOW + 3), ABSW_TABLE_KNOWN);

    absw_table_scan(w.table, count, &tally);
    assert_int_equal(tally.n, 1);
    assert_memory_equal(tally.seen[0].id, a.id, sizeof(a.id));
    assert_int_equal(tally.seen[0].login, a.login);
    assert_int_equal(tally.seen[0].last, NOW + 3);
    assert_int_equal(tally.seen[0].place, 5);
    assert_int_equal(tally.seen[0].tester, 1);
    assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
    drop(&w);
}

/* In the second that is in the slot already nothing is written. */
static void test_same_second_writes_nothing(void **state)
{
    world_t w = make(64);
    absw_table_session_t a = session(1, 5);
    void *before;

    (void)state;
    absw_table_touch(w.table, &a, NOW);
    before = malloc(w.size);
    memcpy(before, w.mem, w.size);
    absw_table_touch(w.table, &a, NOW);
    assert_memory_equal(before, w.mem, w.size);
    free(before);
    drop(&w);
}

/* A slot remembers a token; whatever differs from it is not verified. */
static void test_verified(void **state)
{
    world_t w = make(1024);
    absw_table_session_t good = session(7, 5);

    (void)state;
    absw_table_touch(w.table, &good, NOW);
    for (unsigned bit = 0; bit < 8 * (sizeof(good.id) + sizeof(good.tag)); bit++) {
        absw_table_session_t bad = good;

        if (bit < 8 * sizeof(bad.id)) {
            bad.id[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        else {
            bad.tag[bit / 8 - sizeof(bad.id)] ^= (unsigned char)(1u << bit % 8);
        }
        assert_int_equal(absw_table_verified(w.table, &bad), 0);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        absw_table_session_t bad = good;

        bad.key_check ^= 1u << bit;
        assert_int_equal(absw_table_verified(w.table, &bad), 0);
    }
    for (int what = 0; what < 6; what++) {
        absw_table_session_t bad = good;

        bad.login += what == 0 ? 1 : what == 1 ? APR_INT64_C(1) << 32 : 0;
        bad.kid = what == 2 ? 'j' : bad.kid;
        bad.tester = what == 3;
        bad.home = what == 4 ? 6 : bad.home;
        bad.login = what == 5 ? -bad.login : bad.login;
        assert_int_equal(absw_table_verified(w.table, &bad), 0);
    }
    good.place = 9;     /* of no account */
    assert_int_equal(absw_table_verified(w.table, &good), 1);
    drop(&w);
}

/* Activity on another side counts there; but only the token's own side vouches for it. */
static void test_visitor(void **state)
{
    world_t w = make(1024);
    absw_table_session_t home = session(7, 5);
    absw_table_session_t visit = home;

    (void)state;
    visit.place = 6;
    assert_int_equal(absw_table_touch(w.table, &visit, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_table_verified(w.table, &visit), 0);
    assert_int_equal(absw_table_touch(w.table, &home, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_table_verified(w.table, &visit), 1);
    assert_int_equal(live_count(&w), 2);

    /* a token of the same id that calls the visited side its own */
    visit.home = 6;
    assert_int_equal(absw_table_verified(w.table, &visit), 0);
    assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
    drop(&w);
}

static void test_last_seen(void **state)
{
    static const struct {
        absw_sec_t first, then, last;
    } ROWS[] = {
        { NOW, NOW + 1, NOW + 1 },
        { NOW, NOW + 100000, NOW + 100000 },
        { NOW, NOW - 1, NOW },              /* a thread that comes late */
        { NOW, NOW - 60, NOW },
        { NOW, NOW - 61, NOW - 61 },        /* the clock was set back */
        { NOW, 0, 0 },
        { NOW, APR_INT64_MAX, APR_UINT32_MAX },
        { APR_INT64_MAX, NOW, NOW },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        world_t w = make(64);
        absw_table_session_t a = session(1, 5);

        assert_int_equal(absw_table_touch(w.table, &a, ROWS[i].first), ABSW_TABLE_NEW);
        assert_int_equal(absw_table_touch(w.table, &a, ROWS[i].then), ABSW_TABLE_KNOWN);
        assert_int_equal(slots_of(&w, &a).last, ROWS[i].last);
        drop(&w);
    }
}

static void test_set_back(void **state)
{
    static const absw_sec_t LAST[] = { NOW - 5, NOW, NOW + 60, NOW + 61, NOW + 1000000 };
    static const absw_sec_t THEN[] = { NOW - 5, NOW, NOW + 60, NOW, NOW };
    world_t w = make(64);

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(LAST); i++) {
        absw_table_session_t a = session(i, 5);
        absw_table_touch(w.table, &a, LAST[i]);
    }
    absw_table_set_back(w.table, NOW);
    for (unsigned i = 0; i < COUNT_OF(LAST); i++) {
        absw_table_session_t a = session(i, 5);
        assert_int_equal(slots_of(&w, &a).last, THEN[i]);
    }
    drop(&w);
}

/* --- ending -------------------------------------------------------------------------- */

static void test_end(void **state)
{
    static const apr_uint16_t OURS[] = { 4, 5, 6 };
    world_t w = make(1024);
    absw_table_session_t a = session(1, 5);
    absw_table_session_t b = session(2, 5);

    (void)state;
    for (apr_uint16_t place = 4; place <= 7; place++) {
        a.place = place;
        absw_table_touch(w.table, &a, NOW);
    }
    absw_table_touch(w.table, &b, NOW);
    a.place = 6;
    put(&w, &a, 40, ABSW_SLOT_PENDING, (apr_uint32_t)NOW);

    absw_table_end(w.table, a.id, OURS, COUNT_OF(OURS));
    for (apr_uint16_t place = 4; place <= 7; place++) {
        a.place = place;
        assert_int_equal(slots_of(&w, &a).live, place == 7);
        assert_int_equal(slots_of(&w, &a).pending, 0);
    }
    a.place = 5;
    assert_int_equal(absw_table_verified(w.table, &a), 0);
    assert_int_equal(absw_table_verified(w.table, &b), 1);
    assert_int_equal(absw_table_touch(w.table, &a, NOW), ABSW_TABLE_NEW);
    drop(&w);
}

static world_t *touched_world;

static int touch_and_free(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    if (baton) {
        absw_table_touch(touched_world->table, baton, NOW + 2000);
    }
    return 1;
}

/* The walk judges by a last seen; who is seen in that very moment stays. */
static void test_touch_beats_expiry(void **state)
{
    world_t w = make(64);
    absw_table_session_t a = session(1, 5);

    (void)state;
    touched_world = &w;
    absw_table_touch(w.table, &a, NOW);
    absw_table_scan(w.table, touch_and_free, &a);
    assert_int_equal(slots_of(&w, &a).live, 1);
    assert_int_equal(slots_of(&w, &a).last, NOW + 2000);
    absw_table_scan(w.table, touch_and_free, NULL);
    assert_int_equal(live_count(&w), 0);
    drop(&w);
}

/* --- room ---------------------------------------------------------------------------- */

static unsigned noise(void)
{
    static apr_uint64_t seed = 88172645463325252u;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed * APR_UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static absw_table_session_t stranger(unsigned place)
{
    absw_table_session_t s = session(0, place);

    for (unsigned i = 0; i < sizeof(s.id); i += 4) {
        unsigned word = noise();
        memcpy(s.id + i, &word, 4);
    }
    return s;
}

/* The promised number fits, from empty and in a table where sessions come and go. */
static void test_room(void **state)
{
    static const unsigned SESSIONS[] = { 1024, 5000, 131072 };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(SESSIONS); i++) {
        unsigned n = SESSIONS[i];
        world_t w = make(n);
        absw_table_session_t *all = calloc(n, sizeof(*all));
        static const apr_uint16_t PLACE[] = { 5 };

        for (unsigned k = 0; k < n; k++) {
            all[k] = stranger(5);
            assert_int_equal(absw_table_touch(w.table, &all[k], NOW), ABSW_TABLE_NEW);
        }
        for (unsigned k = 0; k < n; k++) {
            unsigned goes = noise() % n;

            absw_table_end(w.table, all[goes].id, PLACE, 1);
            all[goes] = stranger(5);
            assert_int_equal(absw_table_touch(w.table, &all[goes], NOW), ABSW_TABLE_NEW);
        }
        assert_int_equal(live_count(&w), n);
        assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
        free(all);
        drop(&w);
    }
}

static void test_full(void **state)
{
    world_t w = make(1024);
    unsigned slots = w.table->buckets * ABSW_BUCKET;
    absw_table_session_t first = stranger(5);
    unsigned full = 0;
    unsigned n = 1;

    (void)state;
    absw_table_touch(w.table, &first, NOW);
    for (unsigned tries = 0; tries < 20 * slots; tries++) {
        absw_table_session_t s = stranger(5);
        absw_table_touch_e rv = absw_table_touch(w.table, &s, NOW);

        n += rv == ABSW_TABLE_NEW;
        full += rv == ABSW_TABLE_FULL;
    }
    assert_true(full > 0);
    assert_int_equal(n, slots);     /* every slot can be used */
    assert_int_equal(live_count(&w), n);
    assert_int_equal(absw_table_touch(w.table, &first, NOW + 1), ABSW_TABLE_KNOWN);
    assert_int_equal(absw_table_verified(w.table, &first), 1);
    assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
    drop(&w);
}

static void test_version_goes_round(void **state)
{
    world_t w = make(48);
    absw_table_session_t a = session(1, 5);
    absw_path_t path = path_of(&w, &a);

    (void)state;
    absw_path_slot(&path, 0)->word = absw_slot_word(ABSW_SLOT_EMPTY, 0x3fffffffu, 0);
    assert_int_equal(absw_table_touch(w.table, &a, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_slot_version(absw_path_slot(&path, 0)->word), 0);
    assert_int_equal(absw_table_verified(w.table, &a), 1);
    drop(&w);
}

/* --- what killed processes leave ------------------------------------------------------- */

/* Slots of one key by position in its path, and what is to be left of them. */
static const struct {
    const char *name;
    struct {
        unsigned at;
        absw_slot_kind_e kind;
    } slot[3];
    unsigned slots;
    unsigned left;
} LEFT_BEHIND[] = {
    { "written", { { 3, ABSW_SLOT_PENDING } }, 1, 1 },
    { "twins", { { 3, ABSW_SLOT_PENDING }, { 9, ABSW_SLOT_PENDING } }, 2, 1 },
    { "twins in two buckets", { { 3, ABSW_SLOT_PENDING }, { 60, ABSW_SLOT_PENDING } }, 2, 1 },
    { "triplets", { { 0, ABSW_SLOT_PENDING }, { 31, ABSW_SLOT_PENDING },
                    { 63, ABSW_SLOT_PENDING } }, 3, 1 },
    { "twin of a live one", { { 3, ABSW_SLOT_PENDING }, { 9, ABSW_SLOT_LIVE } }, 2, 1 },
    { "twin behind a live one", { { 3, ABSW_SLOT_LIVE }, { 9, ABSW_SLOT_PENDING } }, 2, 1 },
    { "two twins of a live one", { { 3, ABSW_SLOT_PENDING }, { 9, ABSW_SLOT_LIVE },
                                   { 40, ABSW_SLOT_PENDING } }, 3, 1 },
    { "unwritten", { { 3, ABSW_SLOT_BUSY } }, 1, 0 },
};

static world_t make_left_behind(unsigned row, const absw_table_session_t *s)
{
    world_t w = make(1024);

    for (unsigned k = 0; k < LEFT_BEHIND[row].slots; k++) {
        int busy = LEFT_BEHIND[row].slot[k].kind == ABSW_SLOT_BUSY;

        put(&w, s, LEFT_BEHIND[row].slot[k].at, LEFT_BEHIND[row].slot[k].kind,
            busy ? 4711 : (apr_uint32_t)NOW);
    }
    return w;
}

static void test_recover(void **state)
{
    absw_table_session_t a = session(1, 5);

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(LEFT_BEHIND); i++) {
        for (int with_alive = 0; with_alive < 2; with_alive++) {
            world_t w = make_left_behind(i, &a);

            assert_true(absw_table_recover(w.table, with_alive ? nobody : NULL) > 0);
            assert_int_equal(live_count(&w), LEFT_BEHIND[i].left);
            assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
            if (LEFT_BEHIND[i].left) {
                assert_int_equal(slots_of(&w, &a).last, NOW);
            }
            assert_int_equal(absw_table_recover(w.table, NULL), 0);
            drop(&w);
        }
    }
}

/* A living process's slot is its own while it writes. */
static void test_recover_spares_the_living(void **state)
{
    world_t w = make(1024);
    absw_table_session_t a = session(1, 5);

    (void)state;
    put(&w, &a, 0, ABSW_SLOT_BUSY, 4711);
    assert_int_equal(absw_table_recover(w.table, everybody), 0);
    assert_int_equal(slots_of(&w, &a).busy, 1);
    assert_int_equal(absw_table_touch(w.table, &a, NOW), ABSW_TABLE_NEW);
    assert_int_equal(slots_of(&w, &a).live, 1);
    drop(&w);
}

/* The next request of the session completes what the killed one began. */
static void test_touch_settles(void **state)
{
    absw_table_session_t a = session(1, 5);

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(LEFT_BEHIND); i++) {
        world_t w = make_left_behind(i, &a);

        assert_int_equal(absw_table_touch(w.table, &a, NOW + 5),
                         LEFT_BEHIND[i].left ? ABSW_TABLE_KNOWN : ABSW_TABLE_NEW);
        assert_int_equal(slots_of(&w, &a).live, 1);
        absw_table_recover(w.table, nobody);
        assert_int_equal(live_count(&w), 1);
        assert_int_equal(slots_of(&w, &a).last, NOW + 5);
        drop(&w);
    }
}

static void test_pending_is_not_counted(void **state)
{
    world_t w = make(1024);
    absw_table_session_t a = session(1, 5);

    (void)state;
    put(&w, &a, 0, ABSW_SLOT_PENDING, (apr_uint32_t)NOW);
    assert_int_equal(live_count(&w), 0);
    assert_int_equal(absw_table_verified(w.table, &a), 0);
    drop(&w);
}

/* --- validate ------------------------------------------------------------------------ */

typedef void (*damage_fn)(world_t *w, absw_slot_t *slot);

static void damage_kid(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->meta &= ~(apr_uint64_t)0xff00;
}

static void damage_flags(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->meta |= 4;
}

static void damage_login(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->meta &= 0xffffffffu;
}

static void damage_last(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->word = absw_slot_with(slot->word, 0);
}

static void damage_place(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->meta = absw_meta((apr_uint32_t)NOW, PLACES, 'k', 0);
}

static void damage_id(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->id[0] ^= 1;       /* of another path */
}

static void damage_kind(world_t *w, absw_slot_t *slot)
{
    (void)w;
    slot->word = absw_slot_as(slot->word, ABSW_SLOT_PENDING);
}

static void damage_twin(world_t *w, absw_slot_t *slot)
{
    absw_table_session_t a = session(1, 5);

    (void)slot;
    put(w, &a, 33, ABSW_SLOT_LIVE, (apr_uint32_t)NOW);
}

static void damage_stray(world_t *w, absw_slot_t *slot)
{
    absw_table_session_t a = session(1, 5);
    absw_path_t path = path_of(w, &a);
    absw_slot_t *other = w->table->slots;

    while (other->word != 0
           || (other >= path.bucket[0] && other < path.bucket[0] + ABSW_BUCKET)
           || (other >= path.bucket[1] && other < path.bucket[1] + ABSW_BUCKET)) {
        other++;
    }
    memcpy(other, slot, sizeof(*slot));
}

static void test_validate(void **state)
{
    static const struct {
        damage_fn damage;
        unsigned left;      /* after the repair */
    } ROWS[] = {
        { damage_kid, 1 }, { damage_flags, 1 }, { damage_login, 1 }, { damage_last, 1 },
        { damage_place, 1 }, { damage_id, 1 }, { damage_kind, 1 }, { damage_twin, 2 },
        { damage_stray, 2 },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        world_t w = make(1024);
        absw_table_session_t a = session(1, 5);
        absw_table_session_t b = session(2, 6);
        absw_path_t path = path_of(&w, &a);
        apr_uint64_t word;

        absw_table_touch(w.table, &a, NOW);
        absw_table_touch(w.table, &b, NOW);
        ROWS[i].damage(&w, absw_slot_find(&path, 5, &word));
        assert_int_equal(absw_table_validate(w.table, PLACES, 0), 1);
        assert_int_equal(absw_table_validate(w.table, PLACES, 1), 1);
        assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
        assert_int_equal(live_count(&w), ROWS[i].left);
        assert_int_equal(absw_table_verified(w.table, &b), 1);
        drop(&w);
    }
}

/* Whatever is in the memory: nothing outside of it is touched, and everything returns. */
static void test_rubbish(void **state)
{
    static const apr_uint16_t PLACE[] = { 5 };
    world_t w = make(1024);

    (void)state;
    for (int round = 0; round < 20; round++) {
        tally_t tally = { .answer = round & 1 };

        for (apr_size_t i = 0; i < w.size; i++) {
            ((unsigned char *)w.mem)[i] = (unsigned char)noise();
        }
        for (unsigned k = 0; k < 100; k++) {
            absw_table_session_t s = stranger(5);

            absw_table_verified(w.table, &s);
            absw_table_touch(w.table, &s, NOW);
            absw_table_end(w.table, s.id, PLACE, 1);
        }
        absw_table_scan(w.table, count, &tally);
        absw_table_set_back(w.table, NOW);
        absw_table_recover(w.table, everybody);
        absw_table_recover(w.table, NULL);
        absw_table_validate(w.table, PLACES, 1);
        assert_int_equal(absw_table_validate(w.table, PLACES, 0), 0);
    }
    drop(&w);
}

/* --- converting ---------------------------------------------------------------------- */

typedef struct {
    unsigned n;
    apr_uint16_t place;
    absw_sec_t last;
} losses_t;

static void lose(void *baton, apr_uint16_t place, absw_sec_t last)
{
    losses_t *losses = baton;

    losses->n++;
    losses->place = place;
    losses->last = last;
}

static void test_take_over(void **state)
{
    static const struct {
        unsigned from, to, sessions;
        int fits;
    } ROWS[] = {
        { 1024, 4096, 1000, 1 }, { 4096, 1024, 1000, 1 }, { 1024, 1024, 1024, 1 },
        { 4096, 1024, 4000, 0 },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        world_t from = make(ROWS[i].from);
        world_t to = make(ROWS[i].to);
        losses_t losses = { 0 };
        unsigned known = 0;

        for (unsigned k = 0; k < ROWS[i].sessions; k++) {
            absw_table_session_t s = session(k, 7);
            absw_table_touch(from.table, &s, NOW + 1);
        }
        absw_table_take_over(to.table, from.table, lose, &losses);
        for (unsigned k = 0; k < ROWS[i].sessions; k++) {
            absw_table_session_t s = session(k, 7);
            known += absw_table_verified(to.table, &s) && slots_of(&to, &s).last == NOW + 1;
        }
        assert_int_equal(known, ROWS[i].sessions - losses.n);
        assert_int_equal(losses.n == 0, ROWS[i].fits);
        assert_int_equal(losses.place, ROWS[i].fits ? 0 : 7);
        assert_int_equal(losses.last, ROWS[i].fits ? 0 : NOW + 1);
        assert_int_equal(absw_table_validate(to.table, PLACES, 0), 0);
        drop(&from);
        drop(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_activity),
        cmocka_unit_test(test_same_second_writes_nothing),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_visitor),
        cmocka_unit_test(test_last_seen),
        cmocka_unit_test(test_set_back),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_touch_beats_expiry),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_version_goes_round),
        cmocka_unit_test(test_recover),
        cmocka_unit_test(test_recover_spares_the_living),
        cmocka_unit_test(test_touch_settles),
        cmocka_unit_test(test_pending_is_not_counted),
        cmocka_unit_test(test_validate),
        cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_take_over),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
