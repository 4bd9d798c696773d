/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"
#include "sim.h"

/* Nodes with a store: each thing that a cluster does once, in order. What happens when all of it
 * happens at once is test_sim.c's. */

#define IDLE 1800

static sim_t sim;

static void begin(int n)
{
    sim_begin(&sim, 4711, n);
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

static const absw_report_side_t *side_of(int node, int side)
{
    return &sim_status(&sim, &sim.nodes[node])->sides[side];
}

static void assert_count(int side, int sessions)
{
    for (int i = 0; i < sim.n; i++) {
        if (sim.nodes[i].life) {
            assert_true(side_of(i, side)->known);
            assert_int_equal(side_of(i, side)->sessions, sessions);
        }
    }
}

static void assert_drain(int side, absw_drain_e drain)
{
    for (int i = 0; i < sim.n; i++) {
        if (sim.nodes[i].life) {
            assert_string_equal(absw_drain_name(side_of(i, side)->drain), absw_drain_name(drain));
        }
    }
}

static void assert_generation(apr_int64_t generation)
{
    for (int i = 0; i < sim.n; i++) {
        if (sim.nodes[i].life) {
            assert_int_equal(sim_in_force(&sim, &sim.nodes[i]).generation, generation);
        }
    }
}

static const char *stored(const char *key)
{
    const sim_entry_t *entry = sim_entry(&sim.servers[0], key);

    return entry->value ? entry->value : "(none)";
}

static void test_union(void **state)
{
    (void)state;
    begin(3);
    for (apr_uint32_t user = 0; user < 100; user++) {
        for (int i = 0; i < 3; i++) {
            if ((user + (apr_uint32_t)i) % 3 != 0) {
                sim_click(&sim, &sim.nodes[i], user, SIM_T0, SIDE_A);
            }
        }
    }
    sim_run(&sim, 2);
    assert_count(SIDE_A, 100);
    assert_count(SIDE_B, 0);
    assert_true(side_of(0, SIDE_A)->exact);
    assert_string_equal(stored("abswitch:contact:count:A"), "100");
    assert_string_equal(stored("abswitch:contact:count:B"), "0");

    for (apr_uint32_t user = 0; user < 10; user++) {
        sim_logout(&sim, &sim.nodes[user % 3], user);
    }
    sim_run(&sim, 2);
    assert_count(SIDE_A, 90);
    sim_run(&sim, 2);
    assert_string_equal(stored("abswitch:contact:count:A"), "90");
}

static int calls_left;

static int mine_for_a_while(void *baton)
{
    (void)baton;
    return calls_left-- > 0;
}

/* A busy machine: the first sync of a new node takes so long, at any point of it, that another
 * process takes over. It is new all the same, and has lost nothing. */
static void test_new_node_is_slow(void **state)
{
    (void)state;
    for (int calls = 0; calls < 40; calls++) {
        sim_node_t *late = &sim.nodes[2];

        sim_begin(&sim, 4711, 3);
        sim_start(&sim, &sim.nodes[0], ABSW_SHARED_FIRST);
        sim_start(&sim, &sim.nodes[1], ABSW_SHARED_FIRST);
        sim_click(&sim, &sim.nodes[0], 1, SIM_T0, SIDE_A);
        sim_run(&sim, 6);
        sim_start(&sim, late, ABSW_SHARED_FIRST);
        late->node.mine = mine_for_a_while;
        calls_left = calls;
        sim_tick(&sim, late);
        late->node.mine = NULL;
        sim_take_over(&sim, late);
        sim_run(&sim, 20);
        assert_count(SIDE_A, 1);
        assert_drain(SIDE_B, ABSW_DRAIN_DRAINED);
        sim_end(&sim);
    }
    begin(1);                   /* for tear_down() */
}

/* A node that had not heard of a logout when it last spoke does not contradict it. */
static void test_logout_told_late(void **state)
{
    (void)state;
    begin(3);
    sim_click(&sim, &sim.nodes[0], 1, SIM_T0, SIDE_A);
    sim_click(&sim, &sim.nodes[1], 1, SIM_T0, SIDE_A);
    sim_run(&sim, 3);
    assert_count(SIDE_A, 1);
    sim.nodes[1].wires.cut = 1;
    sim_logout(&sim, &sim.nodes[1], 1);
    sim_run(&sim, 5);
    assert_int_equal(side_of(2, SIDE_A)->sessions, 1);
    sim.nodes[1].wires.cut = 0;
    for (int i = 0; i < 3; i++) {       /* web3 and web2 hear of it, web1 does not yet */
        sim_tick(&sim, &sim.nodes[(i + 1) % 2 + 1]);
    }
    assert_int_equal(side_of(2, SIDE_A)->sessions, 0);
    sim_tick(&sim, &sim.nodes[0]);
    sim_tick(&sim, &sim.nodes[2]);
    assert_int_equal(side_of(2, SIDE_A)->sessions, 0);

    /* who comes back counts again, though it ended elsewhere a moment ago */
    sim_run(&sim, 2);
    sim_click(&sim, &sim.nodes[0], 1, SIM_T0, SIDE_A);
    sim_run(&sim, 4);
    assert_count(SIDE_A, 1);
}

static void test_flip_and_drain(void **state)
{
    (void)state;
    begin(3);
    sim_click(&sim, &sim.nodes[0], 1, SIM_T0, SIDE_A);
    sim_hand(&sim, "B");
    sim_run(&sim, 2);
    assert_generation(1);
    assert_non_null(strstr(stored("abswitch:contact:switch"), "gen=1 "));
    sim_run(&sim, 4);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINING);
    assert_count(SIDE_A, 1);
    sim_logout(&sim, &sim.nodes[2], 1);
    sim_run(&sim, 7);
    assert_count(SIDE_A, 0);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
    assert_string_equal(sim.drained, "A:1 ");
    sim_flush(&sim.servers[0]);
    sim_take_over(&sim, &sim.nodes[1]);
    sim_run(&sim, 7);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
    assert_string_equal(sim.drained, "A:1 ");           /* once, though the store forgot it */
}

static void test_silent(void **state)
{
    (void)state;
    begin(3);
    sim_click(&sim, &sim.nodes[1], 1, SIM_T0, SIDE_A);
    sim_run(&sim, 2);
    sim_hand(&sim, "B");
    sim_run(&sim, 2);
    sim_kill(&sim.nodes[1]);
    sim_run(&sim, 5);
    assert_count(SIDE_A, 1);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_non_null(strstr(side_of(0, SIDE_A)->reason, "web2:80 is silent since"));
    assert_int_equal(sim_status(&sim, &sim.nodes[0])->nodes[1].state, ABSW_NODE_SILENT);
    sim_start(&sim, &sim.nodes[1], ABSW_SHARED_KEPT);
    sim_run(&sim, 5);
    assert_count(SIDE_A, 1);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINING);
}

static void test_clean_stop(void **state)
{
    (void)state;
    begin(3);
    sim_click(&sim, &sim.nodes[1], 1, SIM_T0, SIDE_A);
    sim_hand(&sim, "B");
    sim_run(&sim, 3);
    sim_stop(&sim, &sim.nodes[1]);
    sim_run(&sim, 5);
    assert_int_equal(sim_status(&sim, &sim.nodes[0])->nodes[1].state, ABSW_NODE_LEFT);
    assert_count(SIDE_A, 1);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINING);
    for (int i = 0; i < 3; i++) {
        sim_flush(&sim.servers[0]);          /* it is remembered */
        sim_run(&sim, 5);
        assert_count(SIDE_A, 1);
        assert_drain(SIDE_A, ABSW_DRAIN_DRAINING);
    }
    sim_run(&sim, IDLE + 90);
    assert_count(SIDE_A, 0);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
    assert_int_equal(sim_status(&sim, &sim.nodes[0])->nodes_n, 2);
}

static void test_flush(void **state)
{
    (void)state;
    begin(3);
    sim_click(&sim, &sim.nodes[1], 1, SIM_T0, SIDE_A);
    sim_hand(&sim, "B");
    sim_run(&sim, 4);
    sim_flush(&sim.servers[0]);
    sim_run(&sim, 1);
    for (int i = 0; i < 3; i++) {           /* whoever finds it out last says so, too */
        assert_int_equal(side_of(i, SIDE_A)->drain, ABSW_DRAIN_UNKNOWN);
        assert_false(side_of(i, SIDE_A)->known);
        assert_true(side_of(i, SIDE_A)->reason[0] != '\0');
    }
    sim_run(&sim, 2);
    assert_count(SIDE_A, 1);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINING);
    assert_generation(1);
    assert_non_null(strstr(stored("abswitch:contact:switch"), "gen=1 "));
}

static void test_down(void **state)
{
    (void)state;
    begin(2);
    sim_hand(&sim, "B");
    sim_run(&sim, 6);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
    sim.servers[0].down = 1;
    sim_run(&sim, 2);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_false(side_of(0, SIDE_A)->known);
    assert_string_equal(side_of(0, SIDE_A)->reason, "the server timed out");
    assert_generation(1);
    sim.servers[0].down = 0;
    sim.servers[0].full = 1;
    sim_run(&sim, 2);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_non_null(strstr(side_of(0, SIDE_A)->reason, "out of memory"));
}

static void test_inherits(void **state)
{
    (void)state;
    begin(2);
    for (apr_uint32_t user = 0; user < 20; user++) {
        sim_click(&sim, &sim.nodes[1], user, SIM_T0, SIDE_A);
    }
    sim_hand(&sim, "B");
    sim_run(&sim, 3);
    sim_stop(&sim, &sim.nodes[1]);
    sim_run(&sim, 1);
    sim_start(&sim, &sim.nodes[1], ABSW_SHARED_FIRST);      /* a container, made anew */
    sim_run(&sim, 6);
    assert_count(SIDE_A, 20);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINING);
    sim_logout(&sim, &sim.nodes[0], 3);
    sim_take_over(&sim, &sim.nodes[1]);
    sim_run(&sim, 3);
    assert_count(SIDE_A, 19);
    sim_kill(&sim.nodes[1]);
    sim_start(&sim, &sim.nodes[1], ABSW_SHARED_LOST);
    sim_run(&sim, 6);
    assert_int_equal(side_of(0, SIDE_A)->sessions, 19);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_non_null(strstr(side_of(0, SIDE_A)->reason, "web2:80 learns its sessions anew"));
    sim_run(&sim, IDLE + 90);
    assert_count(SIDE_A, 0);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
}

/* Two nodes of one name overwrite each other's record. */
static void test_doubled(void **state)
{
    (void)state;
    sim_begin(&sim, 4711, 3);
    strcpy(sim.nodes[1].name, "web1:80");
    for (int i = 0; i < 3; i++) {
        sim_start(&sim, &sim.nodes[i], ABSW_SHARED_FIRST);
    }
    sim_hand(&sim, "B");
    sim_run(&sim, 5);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    for (int i = 0; i < 3; i++) {
        assert_non_null(strstr(side_of(i, SIDE_A)->reason, "two nodes are called web1:80"));
        assert_true(sim_status(&sim, &sim.nodes[i])->nodes[0].doubled);
    }
    sim_click(&sim, &sim.nodes[1], 1, SIM_T0, SIDE_A);
    sim_run(&sim, 2);
    sim_kill(&sim.nodes[1]);            /* who was there is on nobody's list */
    sim_run(&sim, 25);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_non_null(strstr(side_of(2, SIDE_A)->reason, "web1:80 learns its sessions anew until"));
    sim_run(&sim, IDLE);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
}

/* A bad value in the switch's place keeps no node behind. */
static void test_catches_up(void **state)
{
    (void)state;
    begin(3);
    sim.nodes[2].wires.cut = 1;
    sim_hand(&sim, "B");
    sim_run(&sim, 3);
    sim_hand(&sim, "rubbish");
    sim.nodes[2].wires.cut = 0;
    sim_run(&sim, 3);
    assert_generation(1);
    assert_string_equal(stored("abswitch:contact:switch"), "rubbish");
}

static void test_retires(void **state)
{
    (void)state;
    sim_begin(&sim, 4711, 3);
    sim.retire_after = apr_time_from_sec(20);
    for (int i = 0; i < 3; i++) {
        sim_start(&sim, &sim.nodes[i], ABSW_SHARED_FIRST);
    }
    sim_run(&sim, 6);
    sim_hand(&sim, "B");
    sim_kill(&sim.nodes[2]);
    sim_run(&sim, 15);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    sim.servers[0].down = 1;                                 /* then nobody is heard of */
    sim_run(&sim, 30);
    sim.servers[0].down = 0;
    sim_run(&sim, 10);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_int_equal(sim_status(&sim, &sim.nodes[0])->nodes_n, 3);
    sim_run(&sim, 15);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
    assert_int_equal(sim_status(&sim, &sim.nodes[0])->nodes_n, 2);
    sim_start(&sim, &sim.nodes[2], ABSW_SHARED_KEPT);
    sim_run(&sim, 5);
    assert_int_equal(sim_status(&sim, &sim.nodes[0])->nodes_n, 3);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);
}

static void test_skewed(void **state)
{
    (void)state;
    begin(2);
    sim_hand(&sim, "B");
    sim_run(&sim, 6);
    sim.nodes[1].skew = apr_time_from_sec(10);
    sim_run(&sim, 4);
    assert_drain(SIDE_A, ABSW_DRAIN_UNKNOWN);
    assert_non_null(strstr(side_of(0, SIDE_A)->reason, "the clock of web2:80 is"));
    assert_non_null(strstr(side_of(1, SIDE_A)->reason, "the clock of web1:80 is"));
    sim.nodes[1].skew = 0;
    sim_run(&sim, 6);
    assert_drain(SIDE_A, ABSW_DRAIN_DRAINED);

    /* A clock that is set back by more than the store's age, or while another node dies. */
    sim.nodes[1].skew = -apr_time_from_sec(60);
    sim_run(&sim, 2);
    assert_true(side_of(1, SIDE_A)->known);
    assert_non_null(strstr(side_of(1, SIDE_A)->reason, "s ahead; set it right"));
    sim_kill(&sim.nodes[0]);
    sim.nodes[1].skew = -apr_time_from_sec(120);
    sim_run(&sim, 6);
    assert_non_null(strstr(side_of(1, SIDE_A)->reason, "web1:80 is silent since"));
}

/* Does any node's page name the key of a value that could not be taken? */
static int marks(const char *key)
{
    int n = 0;

    for (int i = 0; i < sim.n; i++) {
        n |= strstr(sim_status(&sim, &sim.nodes[i])->ignored, key) != NULL;
    }
    return n;
}

static void test_rubbish(void **state)
{
    static const char *const keys[] = {
        "epoch", "nodes", "node:web1:80", "node:web2:80", "members:A:web1:80", "count:A",
    };

    (void)state;
    begin(3);
    for (int i = 0; i < 3; i++) {
        sim_click(&sim, &sim.nodes[i], (apr_uint32_t)i, SIM_T0, SIDE_A);
        sim_click(&sim, &sim.nodes[i], 5, SIM_T0, SIDE_A);
    }
    sim_run(&sim, 3);
    for (unsigned i = 0; i < COUNT_OF(keys); i++) {
        char key[80];

        snprintf(key, sizeof(key), "abswitch:contact:%s", keys[i]);
        sim_put(&sim.servers[0], key, "\0\xff=rubbish", 10, 0);
        sim_take_over(&sim, &sim.nodes[2]);     /* or it would not look at all of them */
        sim_run(&sim, 4);
        assert_count(SIDE_A, 4);
        assert_drain(SIDE_B, ABSW_DRAIN_DRAINED);
        if (strcmp(keys[i], "count:A") != 0) {  /* nobody needs that one here */
            assert_int_equal(marks(key), 1);
        }
    }
    sim_run(&sim, 660);
    assert_int_equal(marks("abswitch"), 0);     /* they are not shown for ever */
}

/* The log is not read with every sync, for nobody needs it then. */
static void test_spoilt_log(void **state)
{
    (void)state;
    begin(2);
    sim_hand(&sim, "B");
    sim_run(&sim, 3);
    for (int i = 0; i < 3; i++) {
        static const char *const values[] = { "rubbish", "A=0 B=1 C=0 gen=1 x\n", "" };

        sim_put(&sim.servers[0], "abswitch:contact:log", values[i], strlen(values[i]), 0);
        sim_run(&sim, 62);
        assert_non_null(strstr(stored("abswitch:contact:log"), "gen=1 at="));
        assert_int_equal(marks("abswitch:contact:log is not taken"), 1);
    }
    sim_evict(sim_entry(&sim.servers[0], "abswitch:contact:log"));
    sim_run(&sim, 62);
    assert_non_null(strstr(stored("abswitch:contact:log"), "gen=1 at="));
    sim_flush(&sim.servers[0]);
    sim_run(&sim, 3);
    assert_non_null(strstr(stored("abswitch:contact:log"), "gen=1 at="));
}

static void test_many(void **state)
{
    (void)state;
    begin(37);
    for (apr_uint32_t user = 0; user < 900; user++) {
        for (int i = 0; i < 5; i++) {
            sim_click(&sim, &sim.nodes[sim_draw(&sim.chance, 37)], user, SIM_T0, SIDE_A);
        }
    }
    sim_run(&sim, 3);
    assert_count(SIDE_A, 900);
    sim_hand(&sim, "B");
    sim_run(&sim, 2);
    assert_generation(1);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_union),
        TEST(test_new_node_is_slow),
        TEST(test_logout_told_late),
        TEST(test_flip_and_drain),
        TEST(test_silent),
        TEST(test_clean_stop),
        TEST(test_flush),
        TEST(test_down),
        TEST(test_inherits),
        TEST(test_doubled),
        TEST(test_catches_up),
        TEST(test_retires),
        TEST(test_skewed),
        TEST(test_rubbish),
        TEST(test_spoilt_log),
        TEST(test_many),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
