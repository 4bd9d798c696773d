/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"
#include "node_world.h"

/* How the node counts, proves drains and tells of them; what its status says. */

#define IDLE 1800       /* the sample's */

static const absw_report_side_t *side_now(world_t *w, int side)
{
    return &world_status(w)->sides[side];
}

static void let_pass(world_t *w, int seconds)
{
    w->now += apr_time_from_sec(seconds);
}

/* B is open, A drains since T0 + 1, and nobody was ever there. */
static void flip(world_t *w)
{
    world_hand(w, "B");
    world_tick(w, 1);
    world_hush(w);
}

static void test_epoch_and_identity(void **state)
{
    world_t *w = *state;
    absw_report_t *report = absw_node_status(&w->node, NULL, w->now, w->pool);
    char epoch[ABSW_EPOCH_MAX + 1];

    strcpy(epoch, report->store.epoch);
    assert_int_equal(strlen(epoch), 32);
    assert_int_equal(strspn(epoch, "0123456789abcdef"), 32);
    assert_string_equal(report->node, "web1:80");
    assert_string_equal(report->store.type, "fake");
    assert_int_equal(report->time, w->now);
    world_start(w, ABSW_SHARED_KEPT);
    report = absw_node_status(&w->node, NULL, w->now, w->pool);
    assert_string_equal(report->store.epoch, epoch);
}

static void test_counts(void **state)
{
    world_t *w = *state;
    absw_table_session_t tester = world_session(w, 100, SIDE_A);
    const absw_report_app_t *app;

    for (int i = 0; i < 5; i++) {
        world_click(w, i, SIDE_A);
    }
    world_click(w, 0, SIDE_B);
    tester.tester = 1;
    absw_table_touch(w->node.table, &tester, T0);
    absw_child_in_flight(w->child, w->app.place.place[SIDE_A], 1);
    world_tick(w, 1);
    app = world_status(w);
    assert_int_equal(app->sides[SIDE_A].sessions, 5);
    assert_int_equal(app->sides[SIDE_A].testers, 1);
    assert_int_equal(app->sides[SIDE_A].in_flight, 1);
    assert_int_equal(app->sides[SIDE_A].empty_if_idle, T0 + IDLE);
    assert_int_equal(app->sides[SIDE_A].state, ABSW_SIDE_OPEN);
    assert_int_equal(app->sides[SIDE_A].drain, ABSW_DRAIN_OPEN);
    assert_true(app->sides[SIDE_A].known && app->sides[SIDE_A].exact);
    assert_int_equal(app->sides[SIDE_B].sessions, 1);
    assert_int_equal(app->sides[SIDE_C].sessions, 0);
    assert_int_equal(app->sides[SIDE_C].empty_if_idle, 0);
    assert_string_equal(app->sides[SIDE_C].path, "/else/where");
    assert_int_equal(app->nodes_n, 1);
    assert_int_equal(app->nodes[0].sessions[SIDE_A], 5);
    assert_int_equal(app->nodes[0].in_flight[SIDE_A], 1);
    assert_int_equal(app->nodes[0].generation, 0);
    assert_int_equal(app->nodes[0].state, ABSW_NODE_LIVE);

    let_pass(w, IDLE - 2);                                  /* the last second, and the next */
    assert_int_equal(side_now(w, SIDE_A)->sessions, 5);
    let_pass(w, 1);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 0);
    assert_int_equal(side_now(w, SIDE_A)->testers, 0);
}

static void test_drain(void **state)
{
    world_t *w = *state;

    world_click(w, 1, SIDE_A);
    world_tick(w, 1);
    flip(w);
    assert_int_equal(side_now(w, SIDE_A)->state, ABSW_SIDE_DRAINING);
    assert_int_equal(side_now(w, SIDE_A)->draining_since, T0 + 2);
    assert_int_equal(side_now(w, SIDE_A)->deadline, T0 + 2 + SAMPLE_MAX_LOGIN);
    world_tick(w, 5);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    assert_int_equal(world_drain(w, SIDE_B), ABSW_DRAIN_OPEN);
    world_tick(w, IDLE - 8);                            /* it is T0 + IDLE - 1 */
    assert_int_equal(side_now(w, SIDE_A)->sessions, 1);

    world_tick(w, 1);                                   /* three syncs in a row */
    assert_int_equal(side_now(w, SIDE_A)->sessions, 0);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    assert_string_equal(w->drained, "");
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
    assert_string_equal(w->drained, "A:1 ");
    assert_non_null(strstr(w->said, "N side A of contact is drained"));

    /* what happens now counts now, though no sync has seen it */
    world_click(w, 1, SIDE_A);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    world_tick(w, 1);
    absw_table_end(w->node.table, world_session(w, 1, SIDE_A).id, w->app.place.place, 3);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 0);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);      /* the row is broken */
    absw_child_in_flight(w->child, w->app.place.place[SIDE_A], 1);
    world_tick(w, 5);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    absw_child_in_flight(w->child, w->app.place.place[SIDE_A], -1);
    world_tick(w, 3);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
}

/* Once per drain, whoever syncs, over restarts and whatever else changes. */
static void test_told_once(void **state)
{
    world_t *w = *state;

    world_tick(w, 10);
    assert_string_equal(w->drained, "");                /* no side ever lost its weight */
    flip(w);
    world_tick(w, 3);
    assert_string_equal(w->drained, "A:1 ");
    world_tick(w, 3);
    world_take_over(w);
    world_tick(w, 3);
    world_start(w, ABSW_SHARED_KEPT);
    world_tick(w, 5);
    world_hand(w, "A=0 B=2 C=1");                       /* a change of something else */
    world_tick(w, 5);
    world_hand(w, "B=1 gen=10 closed=A since=A:1763790011");
    world_tick(w, 5);
    assert_string_equal(w->drained, "A:1 C:10 ");
    world_hand(w, "A");                                 /* another drain of A */
    world_tick(w, 5);
    world_hand(w, "B");
    world_tick(w, 5);
    assert_string_equal(w->drained, "A:1 C:10 B:11 A:12 ");
}

static void test_told_without_a_store(void **state)
{
    world_t *w = *state;

    flip(w);
    w->fake.fail_writes = 1;
    world_tick(w, 10);
    assert_string_equal(w->drained, "A:1 ");
    w->fake.fail_writes = 0;
    world_tick(w, 10);
    assert_string_equal(w->drained, "A:1 ");
}

/* Of several nodes one tells. */
static void test_told_by_another(void **state)
{
    world_t *w = *state;

    flip(w);
    fake_put(&w->fake, "abswitch:contact:drained", "C:5,A:1763790001", 16);
    world_tick(w, 6);
    assert_string_equal(w->drained, "");
    assert_string_equal(w->said, "");
    world_hand(w, "A");
    world_tick(w, 6);
    assert_string_equal(w->drained, "B:2 ");
    assert_string_equal(fake_entry(&w->fake, "abswitch:contact:drained")->value,
                        "B:1763790008,C:5,A:1763790001\n");
    fake_put(&w->fake, "abswitch:contact:drained", "\0,,:,A\n=\xff", 9);
    world_hand(w, "B");
    world_tick(w, 6);
    assert_string_equal(w->drained, "B:2 A:3 ");
}

static void test_auto_close(void **state)
{
    world_t *w = *state;

    w->app.auto_close = 1;
    world_tick(w, 10);
    assert_string_equal(world_stored(w), "(none)");     /* not what never drained */
    flip(w);
    world_click(w, 1, SIDE_A);
    world_tick(w, 10);
    assert_int_equal(side_now(w, SIDE_A)->state, ABSW_SIDE_DRAINING);
    absw_table_end(w->node.table, world_session(w, 1, SIDE_A).id, w->app.place.place, 3);
    world_tick(w, 3);
    assert_non_null(strstr(world_stored(w), "gen=2 "));
    assert_non_null(strstr(world_stored(w), "by=auto"));
    world_tick(w, 1);
    assert_int_equal(side_now(w, SIDE_A)->state, ABSW_SIDE_CLOSED);
    assert_non_null(strstr(w->said, "(generation 2, by auto, closed A)"));
    world_tick(w, 5);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
    assert_string_equal(w->drained, "A:1 ");
    assert_int_equal(world_status(w)->rec.generation, 2);
}

static void test_closing_ends_sessions(void **state)
{
    world_t *w = *state;
    absw_table_session_t tester = world_session(w, 100, SIDE_A);

    flip(w);
    world_click(w, 1, SIDE_A);
    tester.tester = 1;
    absw_table_touch(w->node.table, &tester, apr_time_sec(w->now));
    world_tick(w, 1);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 1);
    world_hand(w, "B=1 gen=2 closed=A at=1763790002");
    world_tick(w, 1);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 0);
    assert_int_equal(side_now(w, SIDE_A)->testers, 1);
    world_tick(w, 2);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);   /* testers hold up nothing */
}

static void test_deadline(void **state)
{
    world_t *w = *state;
    const char *text = "N side A of contact has reached its deadline and is closed\n";

    w->policy.drain_timeout = 60;
    flip(w);
    world_click(w, 1, SIDE_A);
    world_tick(w, 59);
    assert_int_equal(side_now(w, SIDE_A)->state, ABSW_SIDE_DRAINING);
    assert_int_equal(side_now(w, SIDE_A)->empty_if_idle, T0 + 61);
    assert_string_equal(w->said, "");
    world_tick(w, 1);
    assert_int_equal(side_now(w, SIDE_A)->state, ABSW_SIDE_CLOSED);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 0);
    assert_int_equal(side_now(w, SIDE_A)->deadline, T0 + 61);
    assert_string_equal(w->said, text);
    world_take_over(w);
    world_tick(w, 1);
    assert_string_equal(w->said, text);
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
    assert_string_equal(w->drained, "A:1 ");
    assert_int_equal(world_status(w)->rec.generation, 1);   /* closed without a record */

    world_hand(w, "A");                                 /* reached while httpd was stopped */
    world_tick(w, 1);
    world_hush(w);
    let_pass(w, 3600);
    world_start(w, ABSW_SHARED_KEPT);
    world_tick(w, 2);
    assert_string_equal(w->said, "N side B of contact has reached its deadline and is closed\n");
}

static void test_a_change_begins_anew(void **state)
{
    world_t *w = *state;

    flip(w);
    world_tick(w, 5);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
    world_hand(w, "B=1 C=1");
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    world_tick(w, 2);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
}

/* Three syncs that stand for three: not a row with a gap, nor two processes at a time. */
static void test_a_row_of_syncs(void **state)
{
    world_t *w = *state;

    flip(w);
    world_tick(w, 1);
    let_pass(w, 10);
    world_tick(w, 1);
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    for (int i = 0; i < 10; i++) {
        w->now += SYNC / 20;
        absw_node_tick(&w->node, w->now, w->scratch);
    }
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
    w->now -= apr_time_from_sec(3600);                  /* the clock is set back */
    world_tick(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
}

static void test_stale_evidence(void **state)
{
    world_t *w = *state;

    assert_string_equal(side_now(w, SIDE_B)->reason, "the sync has not run yet");
    flip(w);
    world_tick(w, 5);
    let_pass(w, 3);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
    let_pass(w, 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_UNKNOWN);
    assert_string_equal(side_now(w, SIDE_A)->reason, "the sync has not run for 4 s");
    assert_int_equal(world_drain(w, SIDE_B), ABSW_DRAIN_OPEN);
    assert_true(side_now(w, SIDE_A)->known);            /* the node's own counts are fresh */
    assert_int_equal(world_status(w)->nodes[0].age, apr_time_from_sec(4));
}

static void test_full_table(void **state)
{
    world_t *w = *state;

    flip(w);
    world_tick(w, 5);
    absw_board_uncounted(&w->app.place, SIDE_A, apr_time_sec(w->now));
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_UNKNOWN);   /* before a sync saw it */
    world_tick(w, IDLE - 1);
    assert_false(side_now(w, SIDE_A)->exact);
    assert_true(side_now(w, SIDE_A)->known);
    assert_non_null(strstr(side_now(w, SIDE_A)->reason, "ABSwitchSessions"));
    assert_true(side_now(w, SIDE_B)->exact);
    world_tick(w, 1);
    assert_true(side_now(w, SIDE_A)->exact);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINING);
    world_tick(w, 2);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
}

static void test_relearning(void **state)
{
    world_t *w = *state;

    flip(w);
    memset(w->memory[2], 0, absw_table_size(SESSIONS));
    world_start(w, ABSW_SHARED_LOST);
    w->child = NULL;
    world_tick(w, IDLE - 1);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_UNKNOWN);
    assert_non_null(strstr(side_now(w, SIDE_A)->reason, "learns its sessions anew"));
    world_start(w, ABSW_SHARED_KEPT);                   /* a restart does not cut it short */
    world_tick(w, 1);
    world_tick(w, 2);
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_DRAINED);
}

static void test_history(void **state)
{
    world_t *w = *state;
    const absw_report_app_t *app;

    world_click(w, 1, SIDE_A);
    world_tick(w, 1);
    app = world_status(w);
    assert_int_equal(app->history_n, 1);                /* the first within 5 s */
    assert_int_equal(app->history[0].sessions[SIDE_A], 1);
    assert_int_equal(app->history[0].sessions[SIDE_B], 0);
    world_tick(w, 100);
    app = world_status(w);
    assert_in_range(app->history_n, 10, 11);

    /* a sync that is rarer than the history */
    w->node.sync = apr_time_from_sec(60);
    for (int i = 0; i < 600; i++) {
        w->now += apr_time_from_sec(1) / 10;
        absw_node_history(&w->node, w->now, w->scratch);
        apr_pool_clear(w->scratch);
    }
    app = world_status(w);
    assert_in_range(app->history_n, 16, 17);
    assert_int_equal(app->history[app->history_n - 1].sessions[SIDE_A], 1);
    w->ours = 0;
    let_pass(w, 20);
    absw_node_history(&w->node, w->now, w->scratch);
    assert_int_equal(world_status(w)->history_n, app->history_n);
}

static void test_one_application_of_several(void **state)
{
    world_t *w = *state;
    absw_node_app_t apps[2] = { w->app };
    absw_policy_t other = w->policy;
    absw_report_t *report;

    other.name = "other";
    apps[1].policy = &other;
    apps[1].place.app = -1;                             /* the board had no room for it */
    w->node.apps = apps;
    w->node.apps_n = 2;
    world_tick(w, 2);
    report = absw_node_status(&w->node, NULL, w->now, w->pool);
    assert_int_equal(report->apps_n, 2);
    assert_string_equal(report->apps[0].policy->name, "contact");
    assert_int_equal(report->apps[1].sides[SIDE_A].drain, ABSW_DRAIN_OPEN);
    assert_int_equal(report->apps[1].sides[SIDE_B].drain, ABSW_DRAIN_UNKNOWN);
    assert_false(report->apps[1].sides[SIDE_B].known);
    report = absw_node_status(&w->node, "other", w->now, w->pool);
    assert_int_equal(report->apps_n, 1);
    assert_string_equal(report->apps[0].policy->name, "other");
    assert_int_equal(absw_node_status(&w->node, "nobody", w->now, w->pool)->apps_n, 0);
}

/* A clock that is set back does not make sessions count until it has caught up. */
static void test_clock_set_back(void **state)
{
    world_t *w = *state;

    world_click(w, 1, SIDE_A);
    w->now -= apr_time_from_sec(86400);
    world_tick(w, 1);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 1);
    let_pass(w, IDLE + 1);
    assert_int_equal(side_now(w, SIDE_A)->sessions, 0);
}

/* The sweep makes room: what does not count any more has no slot. */
static int count_one(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    ++*(int *)baton;
    return 0;
}

static void test_sweep(void **state)
{
    world_t *w = *state;
    int n = 0;

    for (int i = 0; i < 300; i++) {
        world_click(w, i, SIDE_A);
    }
    let_pass(w, IDLE);
    world_status(w);
    absw_table_scan(w->node.table, count_one, &n);
    assert_int_equal(n, 300);
    w->ours = 0;
    world_tick(w, 1);
    n = 0;
    absw_table_scan(w->node.table, count_one, &n);
    assert_int_equal(n, 300);
    w->ours = 1;
    world_tick(w, 1);
    n = 0;
    absw_table_scan(w->node.table, count_one, &n);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_epoch_and_identity),
        WORLD_TEST(test_counts),
        WORLD_TEST(test_drain),
        WORLD_TEST(test_told_once),
        WORLD_TEST(test_told_without_a_store),
        WORLD_TEST(test_told_by_another),
        WORLD_TEST(test_auto_close),
        WORLD_TEST(test_closing_ends_sessions),
        WORLD_TEST(test_deadline),
        WORLD_TEST(test_a_change_begins_anew),
        WORLD_TEST(test_a_row_of_syncs),
        WORLD_TEST(test_stale_evidence),
        WORLD_TEST(test_full_table),
        WORLD_TEST(test_relearning),
        WORLD_TEST(test_history),
        WORLD_TEST(test_one_application_of_several),
        WORLD_TEST(test_clock_set_back),
        WORLD_TEST(test_sweep),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
