/* SPDX-License-Identifier: Apache-2.0 */
#include "table_world.h"

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
    assert_int_equal(absw_table_verified(w.table, &a, NULL), 0);
    assert_int_equal(absw_table_touch(w.table, &a, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_table_verified(w.table, &a, NULL), 1);
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
        assert_int_equal(absw_table_verified(w.table, &bad, NULL), 0);
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        absw_table_session_t bad = good;

        bad.key_check ^= 1u << bit;
        assert_int_equal(absw_table_verified(w.table, &bad, NULL), 0);
    }
    for (int what = 0; what < 6; what++) {
        absw_table_session_t bad = good;

        bad.login += what == 0 ? 1 : what == 1 ? APR_INT64_C(1) << 32 : 0;
        bad.kid = what == 2 ? 'j' : bad.kid;
        bad.tester = what == 3;
        bad.home = what == 4 ? 6 : bad.home;
        bad.login = what == 5 ? -bad.login : bad.login;
        assert_int_equal(absw_table_verified(w.table, &bad, NULL), 0);
    }
    good.place = 9;     /* of no account */
    assert_int_equal(absw_table_verified(w.table, &good, NULL), 1);
    drop(&w);
}

/* Activity on another side counts there; but only the token's own side vouches for it. */
/* A session is touched where it was found, as long as it is there. */
static void test_touch_at(void **state)
{
    static const struct {
        const char *meanwhile;
        int ends;
        int comes_back;
        int taken;                  /* the slot has become another's */
        int there;
    } rows[] = {
        { "nothing", 0, 0, 0, 1 },
        { "its end", 1, 0, 0, 0 },
        { "its end, and it came back", 1, 1, 0, 0 },
        { "its end, and the slot is another's", 1, 0, 1, 0 },
    };
    static const apr_uint16_t places[] = { 5 };
    static const absw_table_spot_t nowhere;

    (void)state;
    assert_int_equal(absw_table_is_at(&nowhere), 0);
    assert_int_equal(absw_table_touch_at(&nowhere, NOW), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        world_t w = make(1024);
        absw_table_session_t a = session(7, 5), other = session(8, 5);
        absw_table_spot_t spot;

        absw_table_touch(w.table, &a, NOW);
        assert_int_equal(absw_table_verified(w.table, &a, &spot), 1);
        if (rows[i].ends) {
            absw_table_end(w.table, a.id, places, 1);
        }
        if (rows[i].comes_back) {
            absw_table_touch(w.table, &a, NOW + 1);
        }
        if (rows[i].taken) {
            memcpy(&spot.slot->id, other.id, sizeof(spot.slot->id));
            spot.slot->word = absw_slot_word(ABSW_SLOT_LIVE, absw_slot_version(spot.word) + 1, NOW);
        }
        if (absw_table_is_at(&spot) != rows[i].there
            || absw_table_touch_at(&spot, NOW + 9) != rows[i].there) {
            fail_msg("after %s", rows[i].meanwhile);
        }
        assert_int_equal(slots_of(&w, &a).live, rows[i].there || rows[i].comes_back);
        if (rows[i].there) {
            assert_int_equal(slots_of(&w, &a).last, NOW + 9);
        }
        else {
            assert_true((apr_uint32_t)spot.slot->word < NOW + 9);
        }
        drop(&w);
    }
}

static void test_visitor(void **state)
{
    world_t w = make(1024);
    absw_table_session_t home = session(7, 5);
    absw_table_session_t visit = home;

    (void)state;
    visit.place = 6;
    assert_int_equal(absw_table_touch(w.table, &visit, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_table_verified(w.table, &visit, NULL), 0);
    assert_int_equal(absw_table_touch(w.table, &home, NOW), ABSW_TABLE_NEW);
    assert_int_equal(absw_table_verified(w.table, &visit, NULL), 1);
    assert_int_equal(live_count(&w), 2);

    /* a token of the same id that calls the visited side its own */
    visit.home = 6;
    assert_int_equal(absw_table_verified(w.table, &visit, NULL), 0);
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
    assert_int_equal(absw_table_verified(w.table, &a, NULL), 0);
    assert_int_equal(absw_table_verified(w.table, &b, NULL), 1);
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
    assert_int_equal(absw_table_verified(w.table, &first, NULL), 1);
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
    assert_int_equal(absw_table_verified(w.table, &a, NULL), 1);
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_activity),
        cmocka_unit_test(test_same_second_writes_nothing),
        cmocka_unit_test(test_verified),
        cmocka_unit_test(test_touch_at),
        cmocka_unit_test(test_visitor),
        cmocka_unit_test(test_last_seen),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_touch_beats_expiry),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_version_goes_round),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
