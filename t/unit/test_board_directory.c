/* SPDX-License-Identifier: Apache-2.0 */
#include "board_world.h"

static void test_places_are_lasting(void **state)
{
    static const struct {
        const char *app, *sides;
        apr_uint16_t place[4];
    } ROWS[] = {
        { "one", "AB", { 0, 1 } },
        { "two", "AB", { 16, 17 } },
        { "one", "BA", { 1, 0 } },          /* another order */
        { "one", "B", { 1 } },              /* A is gone */
        { "one", "BCA", { 1, 2, 0 } },      /* and back */
        { "two", "D", { 18 } },
        { "three", "A", { 32 } },
    };
    world_t w = make();

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        absw_board_app_t app = enter(&w, ROWS[i].app, ROWS[i].sides);

        assert_int_equal(app.sides_n, strlen(ROWS[i].sides));
        assert_int_equal(app.reused, 0);
        assert_int_equal(app.app, ROWS[i].place[0] / 16);
        assert_memory_equal(app.place, ROWS[i].place, 2 * strlen(ROWS[i].sides));
    }
    assert_int_equal(absw_board_used(w.board), 3);
    assert_ptr_equal(absw_board_attach(w.mem, APPS), w.board);
    drop(&w);
}

static void test_no_room(void **state)
{
    absw_policy_t policy = policy_of("four", "AB");
    absw_board_app_t app;
    world_t w = make();

    (void)state;
    enter(&w, "one", "AB");
    enter(&w, "two", "AB");
    enter(&w, "three", "AB");
    assert_int_equal(absw_board_enter(w.board, &policy, &app), 0);
    assert_int_equal(app.app, -1);
    assert_int_equal(absw_board_get_switch(&app, &(absw_switch_t){ 0 }), 0);
    assert_int_equal(absw_board_set_switch(&app, &(absw_switch_t){ .generation = 1 }), 0);
    drop(&w);
}

/* Everything that can be set of an application with sides A and B. */
static void set_all(const absw_board_app_t *app)
{
    absw_switch_t rec = record(5);
    absw_board_drain_t drain = { .proven = 1, .streak = 3, .reason = "because" };
    absw_history_entry_t entry = { .time = NOW, .sessions = { 10, 11 } };

    rec.weight[0] = 3;
    rec.weight[1] = 4;
    rec.closed = 2;
    rec.since[1] = NOW;
    assert_int_equal(absw_board_set_switch(app, &rec), 1);
    assert_int_equal(absw_board_set_drain(app, 0, &drain), 1);
    assert_int_equal(absw_board_set_drain(app, 1, &drain), 1);
    assert_int_equal(absw_board_set_trouble(app, "trouble"), 1);
    absw_board_uncounted(app, 0, NOW);
    absw_board_uncounted(app, 1, NOW);
    absw_board_history_add(app, &entry);
}

static void assert_side_is_blank(const absw_board_app_t *app, int side)
{
    absw_history_entry_t entries[ABSW_HISTORY_MAX];
    absw_board_drain_t drain;
    absw_switch_t rec;
    int n = absw_board_history(app, NOW, entries);

    absw_board_get_drain(app, side, &drain);
    assert_int_equal(drain.proven, 0);
    assert_int_equal(drain.streak, 0);
    assert_string_equal(drain.reason, "");
    assert_int_equal(absw_board_uncounted_at(app, side), 0);
    if (absw_board_get_switch(app, &rec)) {
        assert_int_equal(rec.weight[side], 0);
        assert_int_equal(rec.since[side], 0);
        assert_int_equal(rec.closed >> side & 1, 0);
    }
    for (int i = 0; i < n; i++) {
        assert_int_equal(entries[i].sessions[side], ABSW_HISTORY_UNKNOWN);
    }
}

/* A handle of before the room was given away: it reads nothing and changes nothing. */
static void assert_side_is_stale(const absw_board_app_t *old, int side)
{
    absw_board_drain_t drain = { .proven = 1 };

    assert_int_equal(absw_board_set_drain(old, side, &drain), 0);
    absw_board_uncounted(old, side, NOW + 9);
    assert_side_is_blank(old, side);
}

static void test_room_of_a_side_is_given_away(void **state)
{
    world_t w = make();
    absw_board_app_t old = enter(&w, "one", "AB");
    absw_switch_t rec = record(9);
    absw_switch_t now;
    absw_board_app_t app;

    (void)state;
    set_all(&old);
    enter(&w, "one", "CDEFGHIJKLMNOP");
    app = enter(&w, "one", "QB");           /* 17 names by now; A, C … P are not configured */
    assert_int_equal(app.reused, 1);
    assert_int_equal(app.place[0], 0);
    assert_int_equal(app.place[1], 1);
    assert_side_is_blank(&app, 0);

    /* B is as it was */
    assert_int_equal(absw_board_get_switch(&app, &now), 1);
    assert_int_equal(now.weight[1], 4);
    assert_int_equal(now.closed, 2);
    assert_int_equal(absw_board_uncounted_at(&app, 1), NOW);

    assert_side_is_stale(&old, 0);
    assert_side_is_blank(&app, 0);
    rec.weight[0] = 7;
    assert_int_equal(absw_board_set_switch(&old, &rec), 0);
    assert_int_equal(absw_board_get_switch(&app, &now), 1);
    assert_int_equal(now.generation, 5);
    assert_int_equal(absw_board_uncounted_at(&old, 1), NOW);
    assert_int_equal(enter(&w, "one", "QB").reused, 0);
    drop(&w);
}

static void test_room_of_an_application_is_given_away(void **state)
{
    absw_policy_t policies[] = { policy_of("four", "AB"), policy_of("two", "AB"),
                                 policy_of("three", "AB") };
    const absw_policy_t *expected[] = { &policies[0], &policies[1], &policies[2] };
    world_t w = make();
    absw_board_app_t old = enter(&w, "one", "AB");
    absw_board_app_t app;
    absw_switch_t rec = record(9);
    char trouble[ABSW_BOARD_TROUBLE_MAX];

    (void)state;
    set_all(&old);
    enter(&w, "two", "AB");
    enter(&w, "three", "AB");
    absw_board_expect(w.board, expected, COUNT_OF(expected));
    app = enter(&w, "four", "AB");
    assert_int_equal(app.app, old.app);
    assert_int_equal(app.reused, 0xffff);
    assert_int_equal(absw_board_get_switch(&app, &rec), 0);
    absw_board_get_trouble(&app, trouble);
    assert_string_equal(trouble, "");
    assert_side_is_blank(&app, 0);
    assert_side_is_blank(&app, 1);

    rec = record(9);
    assert_int_equal(absw_board_set_switch(&old, &rec), 0);
    assert_int_equal(absw_board_set_trouble(&old, "trouble"), 0);
    assert_side_is_stale(&old, 0);
    assert_int_equal(absw_board_get_switch(&app, &rec), 0);
    absw_board_get_trouble(&app, trouble);
    assert_string_equal(trouble, "");

    /* the others have stayed, and now nobody goes */
    assert_int_equal(enter(&w, "two", "AB").app, 1);
    assert_int_equal(enter(&w, "three", "AB").app, 2);
    policies[0] = policy_of("one", "AB");
    assert_int_equal(absw_board_enter(w.board, &policies[0], &app), 0);
    drop(&w);
}

static void test_attach_refuses_nonsense(void **state)
{
    static const struct {
        const char *what;
        apr_size_t at;
        unsigned char byte;
    } ROWS[] = {
#define IN_APP(field)   offsetof(absw_board_t, entries) + offsetof(absw_board_entry_t, field)
        { "another size", offsetof(absw_board_t, apps), APPS + 1 },
        { "a name of no name's letters", IN_APP(name[1]), '/' },
        { "an empty name", IN_APP(name[0]), 0 },
        { "the name of another", IN_APP(name[0]), 't' },
        { "a flag that is none", IN_APP(used), 2 },
        { "a side's name", IN_APP(sides[1].name[0]), ' ' },
        { "a side's name twice", IN_APP(sides[1].name[0]), 'A' },
        { "a side's flag", IN_APP(sides[5].used), 0xff },
    };
    char *name;

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        world_t w = make();
        unsigned char *byte = (unsigned char *)w.mem + ROWS[i].at;
        unsigned char was = *byte;

        enter(&w, "one", "AB");
        enter(&w, "tne", "AB");
        was = *byte;
        *byte = ROWS[i].byte;
        assert_null(absw_board_attach(w.mem, APPS));
        *byte = was;
        assert_non_null(absw_board_attach(w.mem, APPS));
        name = w.board->entries[1].name;
        memset(name, 'x', sizeof(w.board->entries[1].name));
        assert_null(absw_board_attach(w.mem, APPS));
        drop(&w);
    }
    assert_null(absw_board_attach(&name, 0));
    assert_null(absw_board_attach(&name, ABSW_BOARD_APPS_MAX + 1));
}

static void test_take_over(void **state)
{
    world_t from = make();
    world_t to = make_of(5);
    absw_board_app_t app = enter(&from, "one", "AB");
    absw_switch_t rec;

    (void)state;
    set_all(&app);
    absw_board_take_over(to.board, from.board);
    assert_ptr_equal(absw_board_attach(to.mem, 5), to.board);
    app = enter(&to, "one", "BA");
    assert_int_equal(app.place[1], 0);
    assert_int_equal(absw_board_get_switch(&app, &rec), 1);
    assert_int_equal(rec.generation, 5);
    assert_int_equal(rec.weight[0], 4);
    assert_int_equal(absw_board_uncounted_at(&app, 0), NOW);
    enter(&to, "two", "AB");
    enter(&to, "three", "AB");
    enter(&to, "four", "AB");
    absw_board_uncounted_place(to.board, 1, NOW + 5);
    absw_board_uncounted_place(to.board, 5 * 16, NOW + 5);      /* no such place */
    assert_int_equal(absw_board_uncounted_at(&app, 0), NOW + 5);
    drop(&from);
    drop(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_lasting),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_room_of_a_side_is_given_away),
        cmocka_unit_test(test_room_of_an_application_is_given_away),
        cmocka_unit_test(test_attach_refuses_nonsense),
        cmocka_unit_test(test_take_over),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
