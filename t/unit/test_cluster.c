/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_time.h>

#include "cluster.h"
#include "sample.h"

/*
 * Three nodes, A draining since T0 with a deadline an hour later, B open, generation 12. Every
 * row changes one thing of a world in which A is drained, and says what becomes of the verdict.
 */
#define T0      APR_INT64_C(1763790000)
#define HOUR    3600
#define SYNC    apr_time_from_sec(1)
#define NODES   3

typedef struct {
    absw_policy_t policy;
    absw_switch_t rec;
    absw_record_t records[NODES];
    absw_cluster_node_t nodes[NODES];
    absw_cluster_union_t sides[ABSW_SIDES_MAX];
    absw_cluster_facts_t facts;
} world_t;

static void make(world_t *w)
{
    static const char *const names[NODES] = { "web1:80", "web2:80", "web3:80" };

    memset(w, 0, sizeof(*w));
    w->policy = sample_policy();
    w->policy.drain_timeout = HOUR;
    w->rec.generation = 12;
    w->rec.weight[SIDE_B] = 1;
    w->rec.since[SIDE_A] = T0;
    for (int i = 0; i < NODES; i++) {
        strcpy(w->records[i].node, names[i]);
        strcpy(w->records[i].epoch, "e1");
        w->records[i].generation = 12;
        w->nodes[i] = (absw_cluster_node_t){ .name = names[i], .record = &w->records[i] };
    }
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        w->sides[i].exact = 1;
    }
    w->facts = (absw_cluster_facts_t){
        .policy = &w->policy, .rec = &w->rec, .now = apr_time_from_sec(T0 + 60), .sync = SYNC,
        .complete = 1, .epoch = "e1", .nodes = w->nodes, .nodes_n = NODES, .sides = w->sides,
    };
}

#define THING(name) static void name(world_t *w)

THING(nothing) { (void)w; }
THING(a_session) { w->sides[SIDE_A].sessions = 1; }
THING(a_session_of_b) { w->sides[SIDE_B].sessions = 5; w->records[1].sides[SIDE_B].in_flight = 2; }
THING(a_tester) { w->sides[SIDE_A].testers = 1; }
THING(a_request) { w->records[2].sides[SIDE_A].in_flight = 1; }
THING(an_estimate) { w->sides[SIDE_A].exact = 0; }

THING(no_answer) { w->facts.complete = 0; }
THING(no_answer_why) { w->facts.complete = 0; w->facts.trouble = "10.0.0.5:11211 timed out"; }
THING(no_epoch) { w->facts.epoch = NULL; }
THING(other_epoch) { strcpy(w->records[1].epoch, "e0"); }
THING(no_record) { w->nodes[1].record = NULL; }
THING(no_nodes) { w->facts.nodes_n = 0; }
THING(three_syncs) { w->nodes[1].age = 3 * SYNC; }
THING(silent) { w->nodes[1].age = 3 * SYNC + 1; }
THING(behind) { w->records[1].generation = 11; }
THING(ahead) { w->records[1].generation = 13; }
THING(relearning) { w->records[1].relearning_until = T0 + 61; }
THING(relearned) { w->records[1].relearning_until = T0 + 60; }
THING(uncounted) { w->records[1].sides[SIDE_A].uncounted_until = T0 + 61; }
THING(counted_again) { w->records[1].sides[SIDE_A].uncounted_until = T0 + 60; }
THING(uncounted_on_b) { w->records[1].sides[SIDE_B].uncounted_until = T0 + 61; }
THING(blind) { w->records[1].blind = 1; }
THING(skewed) { w->nodes[1].skew = apr_time_from_sec(5) + 1; }
THING(skewed_back) { w->nodes[1].skew = -apr_time_from_sec(7); }
THING(hardly_skewed) { w->nodes[1].skew = apr_time_from_sec(5); }
THING(doubled) { w->nodes[1].doubled = 1; }
THING(a_session_and_silent) { a_session(w); silent(w); }

THING(left) { w->records[1].left = 1; w->nodes[1].age = 900 * SYNC; w->records[1].generation = 3; }
THING(left_with_session) { left(w); a_session(w); }
THING(left_relearning) { left(w); relearning(w); }

static void at_deadline(world_t *w, int seconds)
{
    w->facts.now = apr_time_from_sec(T0 + HOUR + seconds);
}

THING(silent_4) { silent(w); at_deadline(w, 4); }
THING(silent_5) { silent(w); at_deadline(w, 5); }
THING(silent_5_leftovers)
{
    silent_5(w);
    w->records[1].sides[SIDE_A].in_flight = 3;
    w->records[1].sides[SIDE_A].sessions = 3;
    w->records[1].relearning_until = T0 + 2 * HOUR;
}
THING(silent_5_behind) { silent_5(w); behind(w); }
THING(silent_5_other_epoch) { silent_5(w); other_epoch(w); }
THING(silent_5_no_record) { no_record(w); at_deadline(w, 5); }
THING(silent_5_doubled) { silent_5(w); doubled(w); }
THING(silent_5_busy) { silent_5(w); a_request(w); }
THING(silent_no_deadline) { silent_5(w); w->policy.drain_timeout = 0; w->policy.max_login = 0; }
THING(silent_by_hand) { silent_5(w); w->rec.closed = 1u << SIDE_A; }
THING(closed_by_hand) { w->rec.closed = 1u << SIDE_A; }
THING(closed_busy) { closed_by_hand(w); a_request(w); }
THING(live_past_deadline) { at_deadline(w, 600); }

typedef struct {
    const char *name;
    void (*change)(world_t *w);
    absw_drain_e drain;
    int known;
    const char *reason;         /* what it has to name; NULL: "" */
} row_t;

#define ROW(change, drain, known, reason) { #change, change, ABSW_DRAIN_##drain, known, reason }

static void test_verdicts(void **state)
{
    static const row_t rows[] = {
        ROW(nothing, DRAINED, 1, NULL),
        ROW(a_session, DRAINING, 1, NULL),
        ROW(a_session_of_b, DRAINED, 1, NULL),
        ROW(a_tester, DRAINED, 1, NULL),
        ROW(a_request, DRAINING, 1, NULL),
        ROW(an_estimate, DRAINED, 1, NULL),
        ROW(no_answer, UNKNOWN, 0, "store did not answer"),
        ROW(no_answer_why, UNKNOWN, 0, "10.0.0.5:11211"),
        ROW(no_epoch, UNKNOWN, 0, "settled"),
        ROW(other_epoch, UNKNOWN, 0, "web2:80"),
        ROW(no_record, UNKNOWN, 0, "web2:80 has not reported"),
        ROW(no_nodes, UNKNOWN, 1, "no node"),
        ROW(three_syncs, DRAINED, 1, NULL),
        ROW(silent, UNKNOWN, 1, "web2:80 is silent since 2025-11-22 05:40:56 UTC"),
        ROW(behind, UNKNOWN, 1, "web2:80 is at generation 11 of the switch, not 12"),
        ROW(ahead, UNKNOWN, 1, "generation 13"),
        ROW(relearning, UNKNOWN, 1, "until 2025-11-22 05:41:01 UTC"),
        ROW(relearned, DRAINED, 1, NULL),
        ROW(uncounted, UNKNOWN, 1, "ABSwitchSessions"),
        ROW(counted_again, DRAINED, 1, NULL),
        ROW(uncounted_on_b, DRAINED, 1, NULL),
        ROW(blind, UNKNOWN, 1, "web2:80"),
        ROW(skewed, UNKNOWN, 1, "the clock of web2:80 is 5 s ahead"),
        ROW(skewed_back, UNKNOWN, 1, "7 s behind"),
        ROW(hardly_skewed, DRAINED, 1, NULL),
        ROW(doubled, UNKNOWN, 1, "two nodes are called web2:80"),
        ROW(a_session_and_silent, UNKNOWN, 1, "silent"),

        ROW(left, DRAINED, 1, NULL),
        ROW(left_with_session, DRAINING, 1, NULL),
        ROW(left_relearning, UNKNOWN, 1, "web2:80"),

        ROW(silent_4, UNKNOWN, 1, "silent"),
        ROW(silent_5, DRAINED, 1, NULL),
        ROW(silent_5_leftovers, DRAINED, 1, NULL),
        ROW(silent_5_behind, UNKNOWN, 1, "silent"),
        ROW(silent_5_other_epoch, UNKNOWN, 0, "web2:80"),
        ROW(silent_5_no_record, UNKNOWN, 0, "web2:80"),
        ROW(silent_5_doubled, UNKNOWN, 1, "two nodes"),
        ROW(silent_5_busy, DRAINING, 1, NULL),
        ROW(silent_no_deadline, UNKNOWN, 1, "silent"),
        ROW(silent_by_hand, UNKNOWN, 1, "silent"),
        ROW(closed_by_hand, DRAINED, 1, NULL),
        ROW(closed_busy, DRAINING, 1, NULL),
        ROW(live_past_deadline, DRAINED, 1, NULL),
    };
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        world_t w;
        absw_cluster_side_t a;
        absw_cluster_side_t b;
        int ok;

        make(&w);
        rows[i].change(&w);
        absw_cluster_judge(&w.facts, SIDE_A, &a);
        absw_cluster_judge(&w.facts, SIDE_B, &b);
        ok = a.drain == rows[i].drain && a.known == rows[i].known
             && (rows[i].reason ? strstr(a.reason, rows[i].reason) != NULL : !a.reason[0])
             && b.drain == ABSW_DRAIN_OPEN && !b.reason[0];
        if (!ok) {
            print_error("%s: %s, known %d, %s\n", rows[i].name, absw_drain_name(a.drain),
                        a.known, a.reason);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_sums(void **state)
{
    world_t w;
    absw_cluster_side_t a;

    (void)state;
    make(&w);
    w.sides[SIDE_A] = (absw_cluster_union_t){ .sessions = 7, .testers = 2, .exact = 1 };
    for (int i = 0; i < NODES; i++) {
        w.records[i].sides[SIDE_A].in_flight = 1u << i;
        w.records[i].sides[SIDE_A].empty_at = T0 + 100 - i;
    }
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_int_equal(a.sessions, 7);
    assert_int_equal(a.testers, 2);
    assert_int_equal(a.in_flight, 7);
    assert_int_equal(a.empty_at, T0 + 100);
    assert_true(a.exact);

    uncounted(&w);
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_false(a.exact);
    counted_again(&w);
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_true(a.exact);
    relearning(&w);
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_false(a.exact);

    /* what a silent node said last still counts, until it has closed the side by itself */
    make(&w);
    silent(&w);
    w.records[1].sides[SIDE_A].in_flight = 3;
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_int_equal(a.in_flight, 3);
    assert_true(absw_cluster_counts(&w.facts, &w.nodes[1], SIDE_A));
    at_deadline(&w, 5);
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_int_equal(a.in_flight, 0);
    assert_false(absw_cluster_counts(&w.facts, &w.nodes[1], SIDE_A));
    assert_true(absw_cluster_counts(&w.facts, &w.nodes[0], SIDE_A));
    assert_true(absw_cluster_counts(&w.facts, &w.nodes[1], SIDE_B));
    no_record(&w);
    assert_false(absw_cluster_counts(&w.facts, &w.nodes[1], SIDE_B));
}

static void test_states(void **state)
{
    world_t w;

    (void)state;
    make(&w);
    assert_int_equal(absw_cluster_state(&w.nodes[1], SYNC), ABSW_NODE_LIVE);
    silent(&w);
    assert_int_equal(absw_cluster_state(&w.nodes[1], SYNC), ABSW_NODE_SILENT);
    assert_int_equal(absw_cluster_state(&w.nodes[1], 2 * SYNC), ABSW_NODE_LIVE);
    w.records[1].left = 1;
    assert_int_equal(absw_cluster_state(&w.nodes[1], SYNC), ABSW_NODE_LEFT);
    no_record(&w);
    assert_int_equal(absw_cluster_state(&w.nodes[1], SYNC), ABSW_NODE_SILENT);
    assert_string_equal(absw_node_state_name(ABSW_NODE_SILENT), "silent");
    assert_string_equal(absw_drain_name(ABSW_DRAIN_UNKNOWN), "unknown");
}

/* The longest names do not run over a reason. */
static void test_long_names(void **state)
{
    world_t w;
    absw_cluster_side_t a;
    char name[ABSW_NODE_NAME_MAX + 1];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    make(&w);
    relearning(&w);
    w.nodes[1].name = name;
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_int_equal(a.drain, ABSW_DRAIN_UNKNOWN);
    assert_in_range(strlen(a.reason), ABSW_NODE_NAME_MAX, ABSW_CLUSTER_REASON - 1);
    make(&w);
    uncounted(&w);
    w.nodes[1].name = name;
    absw_cluster_judge(&w.facts, SIDE_A, &a);
    assert_int_equal(strlen(a.reason), ABSW_CLUSTER_REASON - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_long_names),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
