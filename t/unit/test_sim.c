/* SPDX-License-Identifier: Apache-2.0 */
#include "members.h"
#include "sim.h"

/*
 * Clusters at random. Users go from node to node without affinity; hands flip; nodes are killed,
 * stopped, restarted with and without their table, cut off and healed; the store loses everything
 * or any one key, fills up, hangs, tears writes; clocks are apart. A model knows the truth.
 *
 * At every step: no node says drained while somebody is there, and no node's generation goes back.
 * At the end everything heals: within three syncs all have the same switch and the right counts.
 *
 * A failure prints its seed; ABSWITCH_SIM_SEED=N runs that one alone, and says what happens;
 * ABSWITCH_SIM_RUNS=N makes so many runs, from seed 1 or the one that is given.
 */

#define RUNS    600
#define STEPS   400         /* tenths of a second */
#define USERS   10
#define IDLE    12

/* A session that begins on a side that was empty is told to the others within a sync, and heard
 * of within another; of a node that is cut off, when it is silent. */
#define GRACE   ((ABSW_CLUSTER_SYNCS + 2) * SIM_SYNC)

typedef struct {
    apr_uint32_t session;       /* its number; 0: none */
    int side;
    absw_sec_t login;
    apr_time_t last;            /* true time of its last request */
    apr_interval_time_t skew;   /* of the clock that counts it */
    apr_time_t since;           /* counted without a gap since */
    int node;                   /* of the last request */
    int unsure;                 /* its side was closed somewhere: it may count, or not */
} user_t;

typedef struct {
    sim_t sim;
    apr_uint64_t seed;
    user_t users[USERS];
    apr_uint32_t sessions;
    int apart;                  /* clocks are further apart than they may be */
    int exact;                  /* clocks are as one: counts can be compared */
    int losses;                 /* nodes that lost their table without a clean stop */
    int drained;                /* how often it was said */
    int unknown;
} model_t;

static int drained_at_all;

static unsigned draw(model_t *m, unsigned below)
{
    return sim_draw(&m->sim.chance, below);
}

static sim_node_t *any_node(model_t *m)
{
    for (int i = 0; i < 10; i++) {
        sim_node_t *node = &m->sim.nodes[draw(m, (unsigned)m->sim.n)];

        if (node->life) {
            return node;
        }
    }
    return NULL;
}

static int is_closed(const model_t *m, const sim_node_t *node, int side)
{
    absw_switch_t rec = sim_in_force(&m->sim, node);

    return absw_switch_state(&m->sim.policy, &rec, side,
                             apr_time_sec(sim_clock(&m->sim, node))) == ABSW_SIDE_CLOSED;
}

/* Is the user's session counted, in truth? Sessions are kept in whole seconds. */
static int is_there(const model_t *m, const user_t *user)
{
    return user->session && apr_time_sec(m->sim.now + user->skew)
                                < apr_time_sec(user->last + user->skew) + IDLE;
}

/* --- what users do ------------------------------------------------------------------- */

static void land(model_t *m, user_t *user, sim_node_t *node)
{
    absw_switch_t rec = sim_in_force(&m->sim, node);

    if (user->session) {
        sim_logout(&m->sim, node, user->session);
    }

    *user = (user_t){
        .session = ++m->sessions, .login = apr_time_sec(sim_clock(&m->sim, node)),
        .side = absw_switch_choose(&m->sim.policy, &rec, draw(m, 1u << 31)),
        .since = m->sim.now,
    };
}

static void click(model_t *m, user_t *user)
{
    sim_node_t *node = any_node(m);

    if (!node) {
        return;
    }
    if (!user->session || is_closed(m, node, user->side)) {
        land(m, user, node);
        if (is_closed(m, node, user->side)) {
            user->session = 0;
            return;
        }
    }
    else if (!is_there(m, user)) {
        user->since = m->sim.now;
    }
    sim_click(&m->sim, node, user->session, user->login, user->side);
    user->unsure = 0;
    user->last = m->sim.now;
    user->skew = node->skew;
    user->node = (int)(node - m->sim.nodes);
}

static void log_out(model_t *m, user_t *user)
{
    sim_node_t *node = any_node(m);

    if (node && user->session) {
        sim_logout(&m->sim, node, user->session);
        user->session = 0;
    }
}

/* --- what else happens --------------------------------------------------------------- */

static void hand(model_t *m)
{
    static const char *const values[] = {
        "A", "B", "C", "B", "A", "A=1 B=1", "rubbish", "A=0 B=0", "B gen=3", "",
    };

    sim_hand(&m->sim, values[draw(m, COUNT_OF(values))]);
}

static void change(model_t *m)
{
    sim_node_t *node = any_node(m);
    absw_switch_t rec;
    absw_switch_t made;
    absw_change_t wish = {
        .what = (absw_change_e[]){ ABSW_CHANGE_FLIP, ABSW_CHANGE_FLIP, ABSW_CHANGE_CLOSE,
                                   ABSW_CHANGE_REOPEN }[draw(m, 4)],
        .side = (int)draw(m, SAMPLE_SIDES)
    };
    absw_switch_who_t who = { .by = "ann", .note = "" };

    if (node) {
        rec = sim_in_force(&m->sim, node);
        wish.generation = rec.generation;
        who.now = apr_time_sec(sim_clock(&m->sim, node));
        who.node = node->name;
        absw_change_make(&node->handle.store, &m->sim.policy, &node->app.place, &wish, &who,
                         &made, m->sim.scratch);
    }
}

static void evict(model_t *m)
{
    sim_entry_t *entry;

    if (m->sim.store.n > 0) {
        entry = &m->sim.store.entries[draw(m, (unsigned)m->sim.store.n)];
        if (m->losses && strstr(entry->key, ":nodes")) {
            return;             /* who knew the roster may be gone with his memory */
        }
        sim_evict(entry);
    }
}

static void kill_or_start(model_t *m)
{
    sim_node_t *node = &m->sim.nodes[draw(m, (unsigned)m->sim.n)];

    if (!node->life) {
        sim_start(&m->sim, node, ABSW_SHARED_KEPT);
    }
    else if (draw(m, 3) == 0) {
        sim_stop(&m->sim, node);
    }
    else {
        sim_kill(node);
    }
}

/* Without its table, and nothing else that it remembers. Whoever is left knows the roster. */
static void lose(model_t *m)
{
    sim_node_t *node = &m->sim.nodes[draw(m, (unsigned)m->sim.n)];

    if (node->life && !m->sim.store.down && !node->handle.cut) {
        sim_kill(node);
        sim_start(&m->sim, node, draw(m, 2) ? ABSW_SHARED_LOST : ABSW_SHARED_FIRST);
        m->losses++;
    }
}

static void fault(model_t *m)
{
    sim_node_t *node = any_node(m);

    switch (draw(m, 12)) {
    case 0:
        sim_flush(&m->sim.store);
        break;
    case 1:
    case 2:
        evict(m);
        break;
    case 3:
        m->sim.store.down = !m->sim.store.down;
        break;
    case 4:
        m->sim.store.full = !m->sim.store.full;
        break;
    case 5:
        m->sim.store.torn = m->sim.store.torn ? 0 : 10;
        break;
    case 6:
        m->sim.store.conflicts = m->sim.store.conflicts ? 0 : 3;
        break;
    case 7:
        if (node) {
            node->handle.cut = !node->handle.cut;
        }
        break;
    case 8:
        if (node) {
            sim_take_over(&m->sim, node);
        }
        break;
    case 9:
        if (draw(m, 4) == 0 && m->seed % 3 == 0) {
            lose(m);
        }
        break;
    default:
        kill_or_start(m);
        break;
    }
}

static void act(model_t *m)
{
    unsigned what = draw(m, 100);

    if (what < 14) {
        click(m, &m->users[draw(m, USERS)]);
    }
    else if (what < 16) {
        log_out(m, &m->users[draw(m, USERS)]);
    }
    else if (what < 17) {
        hand(m);
    }
    else if (what < 18) {
        change(m);
    }
    else if (what < 21) {
        fault(m);
    }
}

/* A node that sees a side closed ends the sessions that it has there. */
static void note_closings(model_t *m)
{
    for (int i = 0; i < m->sim.n; i++) {
        for (int k = 0; k < USERS && m->sim.nodes[i].life; k++) {
            m->users[k].unsure |= is_closed(m, &m->sim.nodes[i], m->users[k].side);
        }
    }
}

/* --- what must never be -------------------------------------------------------------- */

static void check_drain(model_t *m, const sim_node_t *node, const absw_report_app_t *app,
                        int side)
{
    const absw_report_side_t *one = &app->sides[side];

    assert_int_equal(one->drain == ABSW_DRAIN_UNKNOWN, one->reason[0] != '\0');
    m->unknown += one->drain == ABSW_DRAIN_UNKNOWN;
    if (one->drain != ABSW_DRAIN_DRAINED) {
        return;
    }
    m->drained++;
    for (int i = 0; i < USERS; i++) {
        const user_t *user = &m->users[i];
        const sim_node_t *at = &m->sim.nodes[user->node];

        if (user->side == side && !user->unsure && is_there(m, user)
            && m->sim.now - user->since > GRACE && !is_closed(m, at->life ? at : node, side)) {
            fail_msg("seed %d, at %.1f s: %s says %s is drained, but user %d is there (at %s)",
                     (int)m->seed, (double)(m->sim.now - apr_time_from_sec(SIM_T0)) / 1e6,
                     node->name, one->name, i, at->name);
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
        check_drain(m, node, app, side);
    }
}

/* --- healing ------------------------------------------------------------------------- */

static void heal(model_t *m)
{
    m->sim.store.down = m->sim.store.full = 0;
    m->sim.store.torn = m->sim.store.conflicts = 0;
    for (int i = 0; i < m->sim.n; i++) {
        m->sim.nodes[i].handle.cut = 0;
        m->sim.nodes[i].app.auto_close = 0;
        if (!m->sim.nodes[i].life) {
            sim_start(&m->sim, &m->sim.nodes[i], ABSW_SHARED_KEPT);
        }
    }
    sim_hand(&m->sim, "A");     /* what is no record stays until a good one comes */
}

/* Those who are there, and those who were some seconds ago: their end may not be heard of yet. */
static int truth(const model_t *m, int side, apr_interval_time_t ago, int unsure)
{
    model_t before = *m;
    int n = 0;

    before.sim.now -= ago;
    for (int i = 0; i < USERS; i++) {
        n += m->users[i].side == side && is_there(&before, &m->users[i])
             && (unsure || !m->users[i].unsure);
    }
    return n;
}

static void check_healed(model_t *m)
{
    absw_switch_t first = sim_in_force(&m->sim, &m->sim.nodes[0]);
    char a[ABSW_SWITCH_TEXT_MAX];
    char b[ABSW_SWITCH_TEXT_MAX];

    absw_switch_format(&m->sim.policy, &first, a);
    for (int i = 0; i < m->sim.n; i++) {
        const absw_report_app_t *app = sim_status(&m->sim, &m->sim.nodes[i]);

        absw_switch_format(&m->sim.policy, &app->rec, b);
        if (strcmp(a, b) != 0) {
            fail_msg("seed %d: healed, but %s has \"%s\", not \"%s\"", (int)m->seed,
                     m->sim.nodes[i].name, b, a);
        }
        for (int side = 0; side < SAMPLE_SIDES; side++) {
            const absw_report_side_t *one = &app->sides[side];
            int is_open = one->state != ABSW_SIDE_CLOSED;
            int least = is_open ? truth(m, side, 0, 0) : 0;
            int most = truth(m, side, apr_time_from_sec(3), 1);    /* a deadline just passed */

            if (!m->losses && m->exact && (!one->known || (int)one->sessions < least
                                            || (int)one->sessions > most)) {
                fail_msg("seed %d: healed, but %s says %s has %d sessions (%s), not %d to %d",
                         (int)m->seed, m->sim.nodes[i].name, one->name, (int)one->sessions,
                         one->known ? one->reason : "unknown", least, most);
            }
        }
    }
}

/* --- runs ---------------------------------------------------------------------------- */

static void set_up(model_t *m, apr_uint64_t seed)
{
    int n = seed % 100 == 0 ? SIM_NODES : 3 + (int)(seed % 4);

    memset(m, 0, sizeof(*m));
    m->seed = seed;
    sim_begin(&m->sim, seed, n);
    m->sim.policy.idle = IDLE;
    m->sim.policy.max_login = 3600;
    m->sim.policy.drain_timeout = draw(m, 3) == 0 ? 10 : 0;
    m->sim.retire_after = draw(m, 3) == 0 ? apr_time_from_sec(IDLE + 6) : 0;
    m->exact = (int)draw(m, 2);
    m->apart = !m->exact && draw(m, 3) == 0;
    for (int i = 0; i < n; i++) {
        m->sim.nodes[i].skew = m->exact ? 0 : ((apr_interval_time_t)draw(m, 4000) - 2000) * 1000;
        if (m->apart && i % 2) {
            m->sim.nodes[i].skew += apr_time_from_sec(10);
        }
        sim_start(&m->sim, &m->sim.nodes[i], ABSW_SHARED_FIRST);
        m->sim.nodes[i].app.auto_close = draw(m, 4) == 0;
    }
}

static void run(apr_uint64_t seed, int verbose)
{
    static model_t m;

    set_up(&m, seed);
    m.sim.verbose = verbose;
    for (int i = 0; i < STEPS; i++) {
        sim_node_t *node;

        sim_step(&m.sim);
        act(&m);
        note_closings(&m);
        node = any_node(&m);
        if (node) {
            check(&m, node);
        }
    }
    heal(&m);
    for (int i = 0; i < 32; i++) {      /* three syncs of each node */
        sim_step(&m.sim);
    }
    m.sim.now += 100000;
    check_healed(&m);
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
