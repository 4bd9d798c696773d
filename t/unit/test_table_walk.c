/* SPDX-License-Identifier: Apache-2.0 */
#include "table_world.h"

/* What is done to a whole table: recovering, validating, converting, setting back. */

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

/* --- what killed processes leave ----------------------------------------------------- */

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
    assert_int_equal(absw_table_verified(w.table, &a, NULL), 0);
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
        assert_int_equal(absw_table_verified(w.table, &b, NULL), 1);
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

            absw_table_verified(w.table, &s, NULL);
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
            known += absw_table_verified(to.table, &s, NULL) && slots_of(&to, &s).last == NOW + 1;
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
        cmocka_unit_test(test_set_back),
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
