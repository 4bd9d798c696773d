/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"
#include "responses.h"
#include "sim.h"

/* What the nodes of a cluster say of their responses, and what each makes of it. */

#define NODES 3

static sim_t sim;
static absw_responses_kept_t kept[NODES];
static absw_counter_t *row[NODES];

/** The node counts from zero, as after a start. */
static void count_anew(int node)
{
    sim_node_t *one = &sim.nodes[node];

    memset(&kept[node], 0, sizeof(kept[node]));
    one->node.responses = absw_responses_open(&kept[node], 2, 1, sim_clock(&sim, one), sim.pool);
    assert_non_null(one->node.responses);
    row[node] = absw_responses_row(one->node.responses, 0);
}

static void begin(void)
{
    sim_begin(&sim, 4711, NODES);
    for (int i = 0; i < NODES; i++) {
        sim_start(&sim, &sim.nodes[i], ABSW_SHARED_FIRST);
        count_anew(i);
    }
    sim_run(&sim, 6);
}

static int tear_down(void **state)
{
    (void)state;
    sim_end(&sim);
    return 0;
}

static void answer(int node, int side, int status, int n)
{
    for (int i = 0; i < n; i++) {
        absw_responses_count(&row[node][sim.nodes[node].app.place.place[side]], status, 30000);
    }
}

static void assert_says(int node, int side, int all, int recent, int own)
{
    const absw_report_side_t *said = &sim_status(&sim, &sim.nodes[node])->sides[side];

    assert_int_equal(absw_tally_count(&said->responses), all);
    assert_int_equal(absw_tally_count(&said->recent), recent);
    assert_int_equal(absw_tally_count(&said->own), own);
}

static void test_all_nodes_know(void **state)
{
    const absw_report_side_t *said;

    (void)state;
    begin();
    answer(0, SIDE_A, 200, 7);
    answer(1, SIDE_A, 503, 3);
    answer(1, SIDE_B, 302, 1);
    assert_says(0, SIDE_A, 7, 7, 7);            /* its own at once */
    assert_says(1, SIDE_A, 3, 3, 3);
    sim_run(&sim, 3);
    assert_says(0, SIDE_A, 10, 10, 7);
    assert_says(1, SIDE_A, 10, 10, 3);
    assert_says(2, SIDE_A, 10, 10, 0);
    assert_says(2, SIDE_B, 1, 1, 0);
    assert_says(2, SIDE_C, 0, 0, 0);
    said = &sim_status(&sim, &sim.nodes[2])->sides[SIDE_A];
    assert_int_equal(said->responses.classes[0], 7);
    assert_int_equal(said->responses.classes[3], 3);
    assert_int_equal(said->responses.buckets[3], 10);
    assert_int_equal(said->responses.usec, 300000);
    sim_take_over(&sim, &sim.nodes[2]);
    sim_run(&sim, 3);
    assert_says(2, SIDE_A, 10, 10, 0);
}

static void test_what_is_recent_passes(void **state)
{
    (void)state;
    begin();
    answer(0, SIDE_A, 200, 7);
    sim_run(&sim, 150);
    answer(1, SIDE_A, 200, 2);
    sim_run(&sim, 100);
    assert_says(2, SIDE_A, 9, 9, 0);
    sim_run(&sim, 80);
    assert_says(2, SIDE_A, 9, 2, 0);
    sim_run(&sim, 150);
    assert_says(2, SIDE_A, 9, 0, 0);
}

/* It may be back: what it has done is not undone, but it is nothing of late. */
static void test_a_silent_node(void **state)
{
    (void)state;
    begin();
    answer(0, SIDE_A, 200, 7);
    answer(1, SIDE_A, 500, 5);
    sim_run(&sim, 3);
    sim_kill(&sim.nodes[1]);
    sim_run(&sim, 10);
    assert_says(2, SIDE_A, 12, 7, 0);
    sim_start(&sim, &sim.nodes[1], ABSW_SHARED_KEPT);
    count_anew(1);
    sim_run(&sim, 10);
    assert_says(2, SIDE_A, 7, 7, 0);
}

static void test_without_the_store(void **state)
{
    (void)state;
    begin();
    answer(0, SIDE_A, 200, 7);
    answer(1, SIDE_A, 200, 5);
    sim_run(&sim, 3);
    for (int i = 0; i < NODES; i++) {
        sim.nodes[i].wires.cut = 1;
    }
    sim_run(&sim, 30);
    assert_says(0, SIDE_A, 12, 12, 7);
    sim_run(&sim, 40);
    assert_says(0, SIDE_A, 12, 7, 7);           /* what the others said is old */
    for (int i = 0; i < NODES; i++) {
        sim.nodes[i].wires.cut = 0;
    }
    sim_run(&sim, 10);
    assert_says(0, SIDE_A, 12, 12, 7);
}

/* A node without memory for them, among others. */
static void test_a_node_that_cannot_count(void **state)
{
    (void)state;
    begin();
    sim.nodes[2].node.responses = NULL;
    answer(0, SIDE_A, 200, 7);
    sim_run(&sim, 3);
    assert_says(1, SIDE_A, 7, 7, 0);
    assert_says(2, SIDE_A, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_all_nodes_know, tear_down),
        cmocka_unit_test_teardown(test_what_is_recent_passes, tear_down),
        cmocka_unit_test_teardown(test_a_silent_node, tear_down),
        cmocka_unit_test_teardown(test_without_the_store, tear_down),
        cmocka_unit_test_teardown(test_a_node_that_cannot_count, tear_down),
    };
    int failed;

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
