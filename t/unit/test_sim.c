/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_faults.h"

/*
 * Clusters at random. Users go from node to node without affinity, some of their requests last;
 * hands flip; nodes are killed, stopped, restarted with and without their table, cut off and
 * healed, or get a twin of their name; the memcached, or each of two mirrors, loses everything or
 * any one key, fills up, hangs, tears writes; clocks are apart, and are set. A model knows the
 * truth.
 *
 * At every step: no node says drained while somebody or a request is there, and no node's
 * generation goes back. At the end everything heals: within three syncs all have the same
 * switch, of no lower generation than any had, and the right counts; and twins are named.
 *
 * A failure prints its seed; ABSWITCH_SIM_SEED=N runs that one alone, and says what happens;
 * ABSWITCH_SIM_RUNS=N makes so many runs, from seed 1 or the one that is given.
 */

#define RUNS    500
#define STEPS   400         /* tenths of a second */

#define TWIN_SYNCS  6       /* by then everybody has noticed twins */

static int drained_at_all;

/* --- what must never be -------------------------------------------------------------- */

/*
 * A silent node has closed the side at its deadline, if its clock is right; a session that it
 * counts, and a request that it serves, are then nobody's concern (contract section 7). Nor are
 * those of one that was struck off, for it is silent: that is ABSwitchRetireAfter.
 */
static int is_excused(const model_t *m, const sim_node_t *viewer, const absw_report_app_t *app,
                      const sim_node_t *at, int side)
{
    absw_sec_t deadline = absw_switch_deadline(&m->sim.policy, &app->rec, side);
    const absw_report_node_t *seen = node_in(app, at);

    if (!seen) {
        return m->sim.retire_after > 0;
    }
    return seen->state != ABSW_NODE_LIVE && deadline > 0
           && apr_time_sec(sim_clock(&m->sim, viewer)) >= deadline + ABSW_CLUSTER_SKEW;
}

static void check_sessions(const model_t *m, const sim_node_t *viewer,
                           const absw_report_app_t *app, int side)
{
    for (int i = 0; i < USERS; i++) {
        const user_t *user = &m->users[i];
        const sim_node_t *at = &m->sim.nodes[user->node];

        if (user->side == side && !user->unsure && is_there(m, user)
            && m->sim.now - user->since > GRACE && !is_closed(m, at->life ? at : viewer, side)
            && !is_excused(m, viewer, app, at, side)) {
            fail_msg("seed %d, at %.1f s: %s says %s is drained, but user %d is there (at %s)",
                     (int)m->seed, since_begin(m), viewer->name, m->sim.policy.sides[side].name,
                     i, at->name);
        }
    }
}

static void check_requests(const model_t *m, const sim_node_t *viewer,
                           const absw_report_app_t *app, int side)
{
    for (int i = 0; i < REQUESTS; i++) {
        const request_t *request = &m->requests[i];

        if (request->since && request->side == side && m->sim.now - request->since > GRACE
            && !is_excused(m, viewer, app, &m->sim.nodes[request->node], side)) {
            fail_msg("seed %d, at %.1f s: %s says %s is drained, but a request is there (at %s)",
                     (int)m->seed, since_begin(m), viewer->name, m->sim.policy.sides[side].name,
                     m->sim.nodes[request->node].name);
        }
    }
}

static void check(model_t *m, sim_node_t *node)
{
    const absw_report_app_t *app = sim_status(&m->sim, node);

    if (app->rec.generation < node->generation) {
        fail_msg("seed %d: %s has gone back from generation %d to %d", (int)m->seed, node->name,
                 (int)node->generation, (int)app->rec.generation);
    }
    node->generation = app->rec.generation;
    for (int side = 0; side < SAMPLE_SIDES; side++) {
        const absw_report_side_t *one = &app->sides[side];

        assert_int_equal(one->drain == ABSW_DRAIN_UNKNOWN, one->reason[0] != '\0');
        m->unknown += one->drain == ABSW_DRAIN_UNKNOWN;
        if (one->drain == ABSW_DRAIN_DRAINED) {
            m->drained++;
            check_sessions(m, node, app, side);
            check_requests(m, node, app, side);
        }
    }
}

/* --- healing ------------------------------------------------------------------------- */

static void run_steps(model_t *m, int n)
{
    while (n-- > 0) {
        sim_step(&m->sim);
        end_requests(m, NULL, 0);
    }
}

static void mend(model_t *m)
{
    for (int i = 0; i < m->sim.address.n; i++) {
        sim_server_t *server = &m->sim.servers[i];

        server->down = server->full = 0;
        server->torn = server->conflicts = 0;
    }
    for (int i = 0; i < m->sim.n; i++) {
        sim_node_t *node = &m->sim.nodes[i];

        node->wires.cut = 0;
        node->app.auto_close = 0;
        if (!node->life && i != m->twin) {
            sim_start(&m->sim, node, ABSW_SHARED_KEPT);
        }
    }
}

/* Everybody names twins that are there, and calls no drain drained. */
static void check_twins(model_t *m)
{
    run_steps(m, TWIN_SYNCS * 10);
    for (int i = 0; i < m->sim.n; i++) {
        const absw_report_app_t *app = sim_status(&m->sim, &m->sim.nodes[i]);

        const absw_report_node_t *twin = node_in(app, &m->sim.nodes[m->twin]);

        if (!twin || !twin->doubled) {
            fail_msg("seed %d: %s does not name the twins", (int)m->seed, m->sim.nodes[i].name);
        }
        for (int side = 0; side < SAMPLE_SIDES; side++) {
            if (app->sides[side].drain != ABSW_DRAIN_OPEN
                && app->sides[side].drain != ABSW_DRAIN_UNKNOWN) {
                fail_msg("seed %d: there are twins, but %s says %s is %s", (int)m->seed,
                         m->sim.nodes[i].name, app->sides[side].name,
                         absw_drain_name(app->sides[side].drain));
            }
        }
    }
}

/* The highest generation that is not forgotten; what a hand is still to be told is no record. */
static apr_int64_t newest(const model_t *m)
{
    apr_int64_t most = 0;

    for (int i = 0; i < m->sim.n; i++) {
        const sim_node_t *node = &m->sim.nodes[i];

        most = i != m->twin && node->generation > most ? node->generation : most;
    }
    return most;
}

/* Those who are there, and those who were some seconds ago: their end may not be heard of yet. */
static int truth(const model_t *m, int side, apr_interval_time_t ago, int unsure)
{
    static model_t before;
    int n = 0;

    before = *m;
    before.sim.now -= ago;
    for (int i = 0; i < USERS; i++) {
        n += m->users[i].side == side && is_there(&before, &m->users[i])
             && (unsure || !m->users[i].unsure);
    }
    return n;
}

static void check_switch(const model_t *m, const absw_switch_t *rec, const char *where,
                         apr_int64_t least)
{
    absw_switch_t first = sim_in_force(&m->sim, &m->sim.nodes[0]);
    char a[ABSW_SWITCH_TEXT_MAX];
    char b[ABSW_SWITCH_TEXT_MAX];

    absw_switch_format(&m->sim.policy, &first, a);
    absw_switch_format(&m->sim.policy, rec, b);
    if (strcmp(a, b) != 0) {
        fail_msg("seed %d: healed, but %s has \"%s\", not \"%s\"", (int)m->seed, where, b, a);
    }
    if (rec->generation < least) {
        fail_msg("seed %d: healed, but generation %d is lost: %s has \"%s\"", (int)m->seed,
                 (int)least, where, b);
    }
}

static void check_mirrors(model_t *m, apr_int64_t least)
{
    for (int i = 0; i < m->sim.address.n; i++) {
        const sim_entry_t *entry = sim_entry(&m->sim.servers[i], "abswitch:contact:switch");
        absw_switch_t rec;

        if (!entry->value || absw_switch_parse(&m->sim.policy, entry->value, entry->len, &rec,
                                               NULL, 0) != ABSW_SWITCH_FULL) {
            fail_msg("seed %d: healed, but %s has no switch: %s", (int)m->seed,
                     m->sim.address.servers[i].name, entry->value ? entry->value : "none");
        }
        check_switch(m, &rec, m->sim.address.servers[i].name, least);
    }
}

static void check_counts(const model_t *m, const sim_node_t *node, const absw_report_app_t *app)
{
    for (int side = 0; side < SAMPLE_SIDES; side++) {
        const absw_report_side_t *one = &app->sides[side];
        int is_open = one->state != ABSW_SIDE_CLOSED;
        int least = is_open ? truth(m, side, 0, 0) : 0;
        int most = truth(m, side, apr_time_from_sec(3), 1);    /* a deadline just passed */

        if (!m->losses && m->exact && (!one->known || (int)one->sessions < least
                                       || (int)one->sessions > most)) {
            fail_msg("seed %d: healed, but %s says %s has %d sessions (%s), not %d to %d",
                     (int)m->seed, node->name, one->name, (int)one->sessions,
                     one->known ? one->reason : "unknown", least, most);
        }
    }
}

static void check_healing(model_t *m)
{
    apr_int64_t least = newest(m);

    mend(m);
    if (m->twin >= 0 && m->sim.nodes[m->twin].life) {
        check_twins(m);
        kill_node(m, &m->sim.nodes[m->twin]);
        run_steps(m, 10);
    }
    sim_hand(&m->sim, "A");     /* what is no record stays until a good one comes */
    run_steps(m, 32);           /* three syncs of each node */
    m->sim.now += 100000;
    for (int i = 0; i < m->sim.n; i++) {
        const sim_node_t *node = &m->sim.nodes[i];

        if (node->life) {
            const absw_report_app_t *app = sim_status(&m->sim, node);

            check_switch(m, &app->rec, node->name, least);
            check_counts(m, node, app);
        }
    }
    check_mirrors(m, least);
}

/* --- runs ---------------------------------------------------------------------------- */

static void set_up(model_t *m, apr_uint64_t seed)
{
    int n = seed % 100 == 0 ? SIM_NODES : 3 + (int)(seed % 4);
    int is_twinned = seed % 5 == 2;

    memset(m, 0, sizeof(*m));
    m->seed = seed;
    sim_begin_mirrored(&m->sim, seed, n, seed % 2 ? 1 : 2);
    m->twin = is_twinned ? n - 1 : -1;
    m->sim.policy.idle = IDLE;
    m->sim.policy.max_login = 3600;
    m->sim.policy.drain_timeout = draw(m, 3) == 0 ? 10 : 0;
    m->sim.retire_after = draw(m, 3) == 0 ? apr_time_from_sec(IDLE + 6) : 0;
    m->exact = (int)draw(m, 2);
    m->apart = !m->exact && draw(m, 3) == 0;
    for (int i = 0; i < n; i++) {
        sim_node_t *node = &m->sim.nodes[i];

        node->skew = m->exact ? 0 : ((apr_interval_time_t)draw(m, 4000) - 2000) * 1000;
        if (i == m->twin) {
            strcpy(node->name, m->sim.nodes[draw(m, (unsigned)n - 1)].name);
            continue;
        }
        sim_start(&m->sim, node, ABSW_SHARED_FIRST);
        node->app.auto_close = draw(m, 4) == 0;
    }
}

static void run(apr_uint64_t seed, int verbose)
{
    static model_t m;

    set_up(&m, seed);
    m.sim.verbose = verbose;
    for (int i = 0; i < STEPS; i++) {
        sim_node_t *node;

        run_steps(&m, 1);
        act(&m);
        note_closings(&m);
        node = any_node(&m);
        if (node) {
            check(&m, node);
        }
    }
    check_healing(&m);
    drained_at_all += m.drained;
    sim_end(&m.sim);
}

static void test_at_random(void **state)
{
    const char *seed = getenv("ABSWITCH_SIM_SEED");
    const char *runs = getenv("ABSWITCH_SIM_RUNS");
    int first = seed ? atoi(seed) : 1;
    int n = runs ? atoi(runs) : seed ? 1 : RUNS;

    (void)state;
    for (int i = first; i < first + n; i++) {
        run((apr_uint64_t)i, n == 1);
    }
    assert_true(drained_at_all > n || n < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_random),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
