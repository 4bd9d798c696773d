/* SPDX-License-Identifier: Apache-2.0 */
#include "node_world.h"

/* Changes made in the store, as the manager makes them, and taken up by the next sync. */

static absw_change_result_e change(world_t *w, absw_change_t change)
{
    absw_switch_who_t who = {
        .now = apr_time_sec(w->now), .node = "web1:80", .by = "ann", .note = "a note"
    };
    absw_change_made_t made;
    absw_change_result_e result = absw_change_make(&w->fake.store, &w->policy, &w->app.place,
                                                   &change, &who, &made, w->pool);

    if (result == ABSW_CHANGE_DONE) {
        assert_int_equal(made.rec.generation, change.generation + 1);
        world_tick(w, 1);
        assert_int_equal(world_in_force(w).generation, made.rec.generation);
        assert_string_equal(world_in_force(w).by, "ann");
    }
    return result;
}

static absw_change_result_e do_change(world_t *w, absw_change_e what, int side,
                                      apr_int64_t generation)
{
    return change(w, (absw_change_t){ .what = what, .side = side, .generation = generation });
}

static void test_changes(void **state)
{
    world_t *w = *state;
    absw_change_t weights = {
        .what = ABSW_CHANGE_WEIGHTS, .weight = { 1, 0, 3 }, .generation = 4
    };

    assert_int_equal(do_change(w, ABSW_CHANGE_ROLLBACK, 0, 0), ABSW_CHANGE_NO_TARGET);
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 1), ABSW_CHANGE_PASSED);
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_DONE);
    world_assert(w, 1, SIDE_B);
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 1), ABSW_CHANGE_SAME);
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_A, 0), ABSW_CHANGE_PASSED);
    assert_int_equal(do_change(w, ABSW_CHANGE_CLOSE, SIDE_B, 1), ABSW_CHANGE_NONE_OPEN);
    assert_int_equal(do_change(w, ABSW_CHANGE_REOPEN, SIDE_A, 1), ABSW_CHANGE_NOT_CLOSED);
    assert_int_equal(do_change(w, ABSW_CHANGE_CLOSE, SIDE_A, 1), ABSW_CHANGE_DONE);
    assert_int_equal(world_in_force(w).closed, 1u << SIDE_A);
    assert_int_equal(do_change(w, ABSW_CHANGE_REOPEN, SIDE_A, 2), ABSW_CHANGE_DONE);
    assert_int_equal(world_in_force(w).closed, 0);
    assert_int_equal(do_change(w, ABSW_CHANGE_ROLLBACK, 0, 3), ABSW_CHANGE_DONE);
    assert_int_equal(world_in_force(w).closed, 1u << SIDE_A);
    assert_int_equal(change(w, weights), ABSW_CHANGE_DONE);
    assert_int_equal(world_in_force(w).weight[SIDE_C], 3);
    assert_int_equal(world_in_force(w).closed, 0);
    assert_int_equal(do_change(w, ABSW_CHANGE_ROLLBACK, 0, 5), ABSW_CHANGE_DONE);
    world_assert(w, 6, SIDE_B);
    assert_int_equal(do_change(w, ABSW_CHANGE_ROLLBACK, 0, 6), ABSW_CHANGE_DONE);
    assert_int_equal(world_in_force(w).weight[SIDE_C], 3);    /* and forth again */
    assert_int_equal(world_log_lines(w), 7);
}

static void test_changes_that_meet_others(void **state)
{
    world_t *w = *state;

    world_hand(w, "C");                                 /* a hand was first */
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_PENDING);
    world_tick(w, 1);
    world_assert(w, 1, SIDE_C);
    world_hand(w, "B gen=7");                           /* not taken up yet */
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_A, 1), ABSW_CHANGE_PASSED);
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_A, 7), ABSW_CHANGE_DONE);
    w->fake.conflicts = 9;
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 8), ABSW_CHANGE_PENDING);
    w->fake.conflicts = 0;
    w->fake.busy = 1;
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 8), ABSW_CHANGE_PENDING);
    w->fake.busy = 0;
    w->fake.fail_writes = 1;
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 8), ABSW_CHANGE_UNREACHABLE);
    w->fake.fail_writes = 0;
    w->fake.down = 1;
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 8), ABSW_CHANGE_UNREACHABLE);
    w->fake.down = 0;
    world_hand(w, "rubbish");                           /* a good flip repairs it */
    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 8), ABSW_CHANGE_DONE);
    world_assert(w, 9, SIDE_B);
    for (int i = 0; i < ABSW_CHANGE_RESULT_COUNT; i++) {
        assert_true(strlen(absw_change_result_text((absw_change_result_e)i)) > 3);
    }
}

/* Rolling back the first record ever leads to the default. */
static void test_rollback_to_the_default(void **state)
{
    world_t *w = *state;

    assert_int_equal(do_change(w, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_DONE);
    assert_int_equal(do_change(w, ABSW_CHANGE_ROLLBACK, 0, 1), ABSW_CHANGE_DONE);
    world_assert(w, 2, SIDE_A);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_changes),
        WORLD_TEST(test_changes_that_meet_others),
        WORLD_TEST(test_rollback_to_the_default),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
