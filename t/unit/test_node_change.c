/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "members.h"
#include "node_change.h"
#include "sim.h"

/* Orders as a manager gives them, on nodes of a cluster: in force at once where they were given. */

static sim_t sim;
static absw_change_made_t made;

/* So many nodes run; there is room for one more. */
static void begin(int n)
{
    sim_begin(&sim, 4712, n + 1);
    for (int i = 0; i < n; i++) {
        sim_start(&sim, &sim.nodes[i], ABSW_SHARED_FIRST);
    }
    sim_run(&sim, 6);
}

static int tear_down(void **state)
{
    (void)state;
    sim_end(&sim);
    return 0;
}

static absw_switch_who_t ann(void)
{
    return (absw_switch_who_t){
        .now = apr_time_sec(sim.now), .node = "x", .by = "ann", .note = "why not"
    };
}

static absw_change_result_e order(int i, absw_change_e what, int side, apr_int64_t generation)
{
    sim_node_t *node = &sim.nodes[i];
    absw_switch_who_t who = ann();
    absw_change_t change = { .what = what, .side = side, .generation = generation };

    return absw_node_change(&node->node, &node->app, node->node.store, &change, &who, sim.now,
                            &made, sim.scratch);
}

static absw_change_result_e retire(int i, const char *name, apr_int64_t generation,
                                   apr_int64_t *present)
{
    sim_node_t *node = &sim.nodes[i];
    absw_switch_who_t who = ann();

    return absw_node_retire(&node->node, &node->app, node->node.store, name, generation, &who,
                            sim.now, present, sim.scratch);
}

static apr_int64_t generation_of(int i)
{
    return sim_in_force(&sim, &sim.nodes[i]).generation;
}

static absw_drain_e drain_of(int i, int side)
{
    return sim_status(&sim, &sim.nodes[i])->sides[side].drain;
}

static int log_lines(void)
{
    const sim_entry_t *entry = sim_entry(&sim.servers[0], "abswitch:contact:log");
    absw_log_entry_t *entries = apr_palloc(sim.scratch, ABSW_LOG_MAX * sizeof(*entries));

    return entry->value ? absw_log_parse(&sim.policy, entry->value, entry->len, entries) : 0;
}

static void test_at_once(void **state)
{
    (void)state;
    begin(3);
    assert_int_equal(order(1, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_DONE);
    assert_int_equal(made.generation, 1);
    assert_int_equal(generation_of(1), 1);
    assert_int_equal(generation_of(0), 0);
    assert_int_equal(log_lines(), 1);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_C, 0), ABSW_CHANGE_PASSED);
    assert_int_equal(made.generation, 1);
    assert_int_equal(generation_of(0), 0);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_C, 1), ABSW_CHANGE_DONE);
    assert_int_equal(order(2, ABSW_CHANGE_CLOSE, SIDE_A, 2), ABSW_CHANGE_DONE);
    assert_int_equal(log_lines(), 3);
    sim_run(&sim, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(generation_of(i), 3);
    }
    assert_int_equal(log_lines(), 3);
    /* faster than any sync, and there is no gap for a rollback to fall into */
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_A, 3), ABSW_CHANGE_DONE);
    assert_int_equal(order(1, ABSW_CHANGE_FLIP, SIDE_B, 4), ABSW_CHANGE_DONE);
    assert_int_equal(order(2, ABSW_CHANGE_ROLLBACK, ABSW_NO_SIDE, 5), ABSW_CHANGE_DONE);
    assert_int_equal(sim_in_force(&sim, &sim.nodes[2]).weight[SIDE_A], 1);
    assert_int_equal(log_lines(), 6);
}

/* What was proven before the last change proves nothing, though no sync has run since. */
static void test_no_old_proof(void **state)
{
    (void)state;
    begin(2);
    sim_hand(&sim, "B");
    sim_run(&sim, 8);
    assert_int_equal(drain_of(0, SIDE_A), ABSW_DRAIN_DRAINED);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_A, 1), ABSW_CHANGE_DONE);
    assert_int_equal(drain_of(0, SIDE_A), ABSW_DRAIN_OPEN);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_B, 2), ABSW_CHANGE_DONE);
    assert_int_equal(drain_of(0, SIDE_A), ABSW_DRAIN_DRAINING);
    sim_run(&sim, 1);
    assert_int_not_equal(drain_of(0, SIDE_A), ABSW_DRAIN_DRAINED);
    sim_run(&sim, 7);
    assert_int_equal(drain_of(0, SIDE_A), ABSW_DRAIN_DRAINED);
}

static void test_closing_ends_sessions(void **state)
{
    (void)state;
    begin(2);
    sim_click(&sim, &sim.nodes[0], 1, SIM_T0, SIDE_A);
    sim_click(&sim, &sim.nodes[1], 2, SIM_T0, SIDE_A);
    sim_run(&sim, 2);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_DONE);
    assert_int_equal(order(0, ABSW_CHANGE_CLOSE, SIDE_A, 1), ABSW_CHANGE_DONE);
    sim_run(&sim, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sim_status(&sim, &sim.nodes[i])->sides[SIDE_A].sessions, 0);
        assert_int_equal(sim_status(&sim, &sim.nodes[i])->sides[SIDE_A].state, ABSW_SIDE_CLOSED);
    }
}

/* A node that is behind the others, and a store that has lost the record, make no second one. */
static void test_behind(void **state)
{
    (void)state;
    begin(2);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_DONE);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_C, 1), ABSW_CHANGE_DONE);
    sim_run(&sim, 2);
    sim_evict(sim_entry(&sim.servers[0], "abswitch:contact:switch"));
    assert_int_equal(order(1, ABSW_CHANGE_FLIP, SIDE_A, 1), ABSW_CHANGE_PASSED);
    assert_int_equal(made.generation, 2);

    sim_start(&sim, &sim.nodes[2], ABSW_SHARED_FIRST);      /* it knows nothing, and nor does it */
    sim_flush(&sim.servers[0]);
    assert_int_equal(order(2, ABSW_CHANGE_FLIP, SIDE_A, 0), ABSW_CHANGE_PENDING);
    sim_run(&sim, 6);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(generation_of(i), 2);
    }
}

static void test_no_store(void **state)
{
    (void)state;
    begin(2);
    sim.servers[0].down = 1;
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_UNREACHABLE);
    assert_int_equal(generation_of(0), 0);
    sim.servers[0].down = 0;
    sim_run(&sim, 3);
    assert_int_equal(order(0, ABSW_CHANGE_FLIP, SIDE_B, 0), ABSW_CHANGE_DONE);
}

static void test_retire(void **state)
{
    apr_int64_t present = -1;

    (void)state;
    begin(3);
    assert_int_equal(retire(0, sim.nodes[1].name, 0, &present), ABSW_CHANGE_NODE_LIVE);
    assert_int_equal(retire(0, sim.nodes[0].name, 0, &present), ABSW_CHANGE_NODE_LIVE);
    assert_int_equal(retire(0, "web9", 0, &present), ABSW_CHANGE_NODE_UNKNOWN);
    assert_int_equal(retire(0, "web9", 1, &present), ABSW_CHANGE_PASSED);
    assert_int_equal(present, 0);
    sim_hand(&sim, "B");
    sim_run(&sim, 2);
    sim_click(&sim, &sim.nodes[1], 1, SIM_T0, SIDE_A);
    sim_run(&sim, 2);
    sim_kill(&sim.nodes[1]);
    sim_run(&sim, 8);
    assert_int_equal(drain_of(0, SIDE_A), ABSW_DRAIN_UNKNOWN);
    sim.servers[0].down = 1;
    assert_int_equal(retire(0, sim.nodes[1].name, 1, &present), ABSW_CHANGE_UNREACHABLE);
    sim.servers[0].down = 0;
    sim_run(&sim, 6);
    assert_true(absw_node_has_peer(&sim.nodes[0].app, sim.nodes[1].name));
    assert_int_equal(retire(0, sim.nodes[1].name, 1, &present), ABSW_CHANGE_DONE);
    assert_int_equal(retire(0, sim.nodes[1].name, 1, &present), ABSW_CHANGE_NODE_UNKNOWN);
    sim_run(&sim, 8);
    assert_false(absw_node_has_peer(&sim.nodes[0].app, sim.nodes[1].name));
    assert_int_equal(drain_of(0, SIDE_A), ABSW_DRAIN_DRAINED);
    assert_int_equal(drain_of(2, SIDE_A), ABSW_DRAIN_DRAINED);
}

/* A node that was silent and has just reported is not struck, though no sync here has seen it. */
static void test_retire_of_the_returned(void **state)
{
    apr_int64_t present;

    (void)state;
    begin(2);
    sim_kill(&sim.nodes[1]);
    sim_run(&sim, 8);
    sim_start(&sim, &sim.nodes[1], ABSW_SHARED_KEPT);
    sim_tick(&sim, &sim.nodes[1]);
    assert_int_equal(retire(0, sim.nodes[1].name, 0, &present), ABSW_CHANGE_NODE_LIVE);
}

#define SIM_TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIM_TEST(test_at_once),
        SIM_TEST(test_no_old_proof),
        SIM_TEST(test_closing_ends_sessions),
        SIM_TEST(test_behind),
        SIM_TEST(test_no_store),
        SIM_TEST(test_retire),
        SIM_TEST(test_retire_of_the_returned),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
