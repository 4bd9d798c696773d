/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "members.h"
#include "sim.h"

/** A simulated cluster with users at work, and the truth about them. */

#define USERS       10
#define REQUESTS    8
#define IDLE        12

/* A session that begins on a side that was empty is told to the others within a sync, and heard
 * of within another; of a node that is cut off, when it is silent. So for a request. */
#define GRACE   ((ABSW_CLUSTER_SYNCS + 2) * SIM_SYNC)

typedef struct {
    apr_uint32_t session;       /* its number; 0: none */
    int side;
    absw_sec_t login;
    apr_time_t last;            /* true time of its last request */
    apr_interval_time_t skew;   /* of the clock that it was noted by */
    apr_interval_time_t ahead;  /* the most that this clock has been ahead since */
    apr_time_t since;           /* counted without a gap since */
    int node;                   /* of the last request */
    int unsure;                 /* its side was closed somewhere: it may count, or not */
} user_t;

/** A request in flight: a long answer, or a WebSocket. */
typedef struct {
    apr_time_t since;           /* 0: there is none */
    apr_time_t until;
    int node;
    int side;
} request_t;

typedef struct {
    sim_t sim;
    apr_uint64_t seed;
    user_t users[USERS];
    request_t requests[REQUESTS];
    apr_uint32_t sessions;
    int twin;                   /* the node that has another one's name; -1: there is none */
    int apart;                  /* clocks are further apart than they may be */
    int exact;                  /* clocks are as one: counts can be compared */
    int losses;                 /* nodes that lost what they knew without a clean stop */
    int drained;                /* how often it was said */
    int unknown;
} model_t;

static inline double since_begin(const model_t *m)
{
    return (double)(m->sim.now - apr_time_from_sec(SIM_T0)) / 1e6;
}

/** For whoever looks at one run. node: or NULL. */
static inline void note(const model_t *m, const sim_node_t *node, const char *what, int n)
{
    if (m->sim.verbose) {
        fprintf(stderr, "# %.1f - %s %d%s%s\n", since_begin(m), what, n, node ? " at " : "",
                node ? node->name : "");
    }
}

static inline unsigned draw(model_t *m, unsigned below)
{
    return sim_draw(&m->sim.chance, below);
}

static inline sim_node_t *any_node(model_t *m)
{
    for (int i = 0; i < 10; i++) {
        sim_node_t *node = &m->sim.nodes[draw(m, (unsigned)m->sim.n)];

        if (node->life) {
            return node;
        }
    }
    return NULL;
}

static inline int is_closed(const model_t *m, const sim_node_t *node, int side)
{
    absw_switch_t rec = sim_in_force(&m->sim, node);

    return absw_switch_state(&m->sim.policy, &rec, side,
                             apr_time_sec(sim_clock(&m->sim, node))) == ABSW_SIDE_CLOSED;
}

/** Is the user's session counted, in truth? Sessions are kept in whole seconds. */
static inline int is_there(const model_t *m, const user_t *user)
{
    return user->session && apr_time_sec(m->sim.now + user->ahead)
                                < apr_time_sec(user->last + user->skew) + IDLE;
}

/** What that report says of a node; NULL: it is not on the roster. */
static inline const absw_report_node_t *node_in(const absw_report_app_t *app,
                                                const sim_node_t *node)
{
    for (int i = 0; i < app->nodes_n; i++) {
        if (strcmp(app->nodes[i].name, node->name) == 0) {
            return &app->nodes[i];
        }
    }
    return NULL;
}

/** Has somebody struck the node off, so that nobody heeds what it counts? */
static inline int is_struck_off(model_t *m, const sim_node_t *node)
{
    for (int i = 0; m->sim.retire_after && i < m->sim.n; i++) {
        if (m->sim.nodes[i].life && !node_in(sim_status(&m->sim, &m->sim.nodes[i]), node)) {
            return 1;
        }
    }
    return 0;
}

/* --- what users do ------------------------------------------------------------------- */

static inline void land(model_t *m, user_t *user, sim_node_t *node)
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

static inline void begin_request(model_t *m, const user_t *user, const sim_node_t *node)
{
    request_t *request = &m->requests[draw(m, REQUESTS)];

    if (request->since == 0) {
        *request = (request_t){
            .since = m->sim.now, .until = m->sim.now + apr_time_from_sec(1 + draw(m, 15)),
            .node = (int)(node - m->sim.nodes), .side = user->side,
        };
        sim_request(node, user->side, 1);
        note(m, node, "a request begins on side", user->side);
    }
}

static inline void click(model_t *m, user_t *user)
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
    else if (!is_there(m, user) || user->unsure
             || is_struck_off(m, &m->sim.nodes[user->node])) {
        /* or its side was closed, or its node was given up: nobody knew of it any more */
        user->since = m->sim.now;
    }
    sim_click(&m->sim, node, user->session, user->login, user->side);
    note(m, node, (const char *[]){ "on A clicks user", "on B clicks user",
                                    "on C clicks user" }[user->side], (int)(user - m->users));
    user->unsure = 0;
    user->last = m->sim.now;
    user->skew = user->ahead = node->skew;
    user->node = (int)(node - m->sim.nodes);
    if (draw(m, 4) == 0) {
        begin_request(m, user, node);
    }
}

static inline void log_out(model_t *m, user_t *user)
{
    sim_node_t *node = any_node(m);

    if (node && user->session) {
        sim_logout(&m->sim, node, user->session);
        note(m, node, "logs out user", (int)(user - m->users));
        user->session = 0;
    }
}

/** Requests end when they are done, or (all: now) with their node. */
static inline void end_requests(model_t *m, const sim_node_t *node, int all)
{
    for (int i = 0; i < REQUESTS; i++) {
        request_t *request = &m->requests[i];

        if (request->since && (!node || node == &m->sim.nodes[request->node])
            && (all || request->until <= m->sim.now)) {
            sim_request(&m->sim.nodes[request->node], request->side, -1);
            request->since = 0;
        }
    }
}

/** A node that sees a side closed ends the sessions that it has there. */
static inline void note_closings(model_t *m)
{
    for (int i = 0; i < m->sim.n; i++) {
        for (int k = 0; k < USERS && m->sim.nodes[i].life; k++) {
            m->users[k].unsure |= is_closed(m, &m->sim.nodes[i], m->users[k].side);
        }
    }
}

#endif
