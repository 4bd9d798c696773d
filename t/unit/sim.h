/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_H
#define SIM_H

#include <apr_general.h>

#include "change.h"
#include "node.h"
#include "sim_server.h"
#include "store_memcached.h"

/**
 * A cluster in one thread: nodes on plain memory, one memcached or two that are mirrors, with
 * faults to order, a clock that only goes when it is told to, and a seed that decides everything.
 */

#define SIM_NODES   37
#define SIM_SYNC    apr_time_from_sec(1)
#define SIM_T0      APR_INT64_C(1763790000)
#ifndef SIM_ROOM
#define SIM_ROOM    1024        /* sessions a table has room for */
#endif
#define SIM_PIDS    4096

/* --- nodes --------------------------------------------------------------------------- */

typedef struct {
    void *memory[4];            /* board, children, table, ends */
    char name[20];              /* "web%d:80", whatever the int */
    apr_pool_t *life;           /* of httpd's run; NULL: it is down */
    apr_pool_t *process;        /* of the child that syncs */
    absw_node_app_t app;
    absw_node_t node;
    sim_wires_t wires;
    absw_child_t *child;
    apr_uint32_t pid;
    absw_ends_t *ends;
    apr_interval_time_t skew;
    apr_time_t next;            /* tick, by the true clock */
    apr_int64_t generation;     /* the highest it had since it lost its memory */
    int lost;                   /* it lost its table: it may not know all, until it says so */
} sim_node_t;

typedef struct {
    sim_chance_t chance;
    sim_server_t servers[SIM_SERVERS];
    absw_store_address_t address;
    absw_policy_t policy;
    sim_node_t nodes[SIM_NODES];
    int n;
    apr_uint32_t pids;          /* that were given so far */
    apr_time_t now;             /* true */
    apr_pool_t *pool;
    apr_pool_t *scratch;
    apr_interval_time_t retire_after;
    int verbose;
    char drained[1024];         /* "A:12 " for each drain that was told of */
} sim_t;

/* Processes that live, by number: absw_node_t's alive() has no baton. */
static unsigned char sim_lives[SIM_PIDS];

static inline int sim_alive(apr_uint32_t pid)
{
    return sim_lives[pid % SIM_PIDS];
}

static inline void sim_say(void *baton, absw_say_e level, const char *app, const char *side,
                           const char *text)
{
    const sim_t *sim = baton;

    (void)app;
    (void)side;
    if (sim->verbose) {
        fprintf(stderr, "# %d.%d %c %s\n", (int)(apr_time_sec(sim->now) - SIM_T0),
                (int)(apr_time_usec(sim->now) / 100000), "NWE"[level], text);
    }
}

static inline void sim_told(void *baton, const char *app, const char *side,
                            apr_int64_t generation)
{
    sim_t *sim = baton;
    apr_size_t used = strlen(sim->drained);

    (void)app;
    snprintf(sim->drained + used, sizeof(sim->drained) - used, "%s:%d ", side, (int)generation);
}

static inline apr_size_t sim_size(int i)
{
    return i == 0 ? absw_board_size(1) : i == 1 ? absw_children_size(2, 1)
         : i == 2 ? absw_table_size(SIM_ROOM) : absw_ends_size();
}

static inline apr_time_t sim_clock(const sim_t *sim, const sim_node_t *node)
{
    return sim->now + node->skew;
}

/* A handle for a process of the node, and the node's view of it. */
static inline void sim_connect(sim_t *sim, sim_node_t *node, apr_pool_t *pool)
{
    absw_store_memcached_terms_t terms = {
        .address = &sim->address, .timeout = 200000, .owner = node->name
    };

    sim_wires = &node->wires;
    node->node.store = absw_store_memcached_make(pool, &terms);
}

/** Another process of the node syncs from now on. */
static inline void sim_take_over(sim_t *sim, sim_node_t *node)
{
    if (node->process) {
        apr_pool_destroy(node->process);
    }
    apr_pool_create(&node->process, node->life);
    node->app.logged = 0;
    node->app.log_failed = 0;
    memset(node->app.announced, 0, sizeof(node->app.announced));
    sim_connect(sim, node, node->process);
    absw_node_begin(&node->node, node->process);
}

static inline void sim_start(sim_t *sim, sim_node_t *node, absw_shared_how_e how)
{
    for (int i = 0; i < 4; i++) {
        if (!node->memory[i]) {
            node->memory[i] = aligned_alloc(64, (sim_size(i) + 63) / 64 * 64);
            how = how == ABSW_SHARED_KEPT ? ABSW_SHARED_FIRST : how;
        }
        if (how != ABSW_SHARED_KEPT) {
            memset(node->memory[i], 0, sim_size(i));
        }
    }
    apr_pool_create(&node->life, sim->pool);
    memset(&node->app, 0, sizeof(node->app));
    node->app.policy = &sim->policy;
    node->wires.servers = sim->servers;
    node->ends = absw_ends_attach(node->memory[3]);
    node->node = (absw_node_t){
        .name = node->name, .board_apps = 1,
        .board = absw_board_attach(node->memory[0], 1),
        .children = absw_children_attach(node->life, node->memory[1], 2, 1),
        .table = absw_table_attach(node->life, node->memory[2], SIM_ROOM),
        .ends = node->ends, .sync = SIM_SYNC, .retire_after = sim->retire_after,
        .apps = &node->app, .apps_n = 1, .alive = sim_alive, .say = sim_say, .drained = sim_told,
        .baton = sim,
    };
    sim_connect(sim, node, node->life);
    absw_board_recover(node->node.board);
    absw_children_recover(node->node.children);
    assert_int_equal(absw_board_enter(node->node.board, &sim->policy, &node->app.place), 1);
    assert_int_equal(absw_node_start(&node->node, how, sim_clock(sim, node), sim->scratch),
                     APR_SUCCESS);
    node->pid = ++sim->pids;
    sim_lives[node->pid % SIM_PIDS] = 1;
    node->child = absw_children_join(node->node.children, node->pid);
    assert_non_null(node->child);
    node->process = NULL;
    sim_take_over(sim, node);
    node->next = sim->now + sim_draw(&sim->chance, 100000);
    if (how != ABSW_SHARED_KEPT) {
        node->generation = 0;
    }
    node->lost |= how == ABSW_SHARED_LOST;
    apr_pool_clear(sim->scratch);
}

/** All its processes are gone at once. */
static inline void sim_kill(sim_node_t *node)
{
    sim_lives[node->pid % SIM_PIDS] = 0;
    apr_pool_destroy(node->life);
    node->life = NULL;
    node->process = NULL;
}

static inline void sim_stop(sim_t *sim, sim_node_t *node)
{
    absw_node_leave(&node->node, sim_clock(sim, node), sim->scratch);
    sim_kill(node);
}

static inline void sim_tick(sim_t *sim, sim_node_t *node)
{
    absw_node_tick(&node->node, sim_clock(sim, node), sim->scratch);
    apr_pool_clear(sim->scratch);
    node->next = sim->now + SIM_SYNC - 50000 + sim_draw(&sim->chance, 100000);
}

/** n nodes, not started yet, and a memcached or two. */
static inline void sim_begin_mirrored(sim_t *sim, apr_uint64_t seed, int n, int servers)
{
    static const char *const names[SIM_SERVERS] = { "192.0.2.1:11211", "192.0.2.2:11211" };

    memset(sim, 0, sizeof(*sim));
    memset(sim_lives, 0, sizeof(sim_lives));
    sim->chance.state = seed * APR_UINT64_C(0x9e3779b97f4a7c15) + 1;
    sim->policy = sample_policy();
    sim->n = n;
    sim->now = apr_time_from_sec(SIM_T0);
    sim->address.n = servers;
    for (int i = 0; i < servers; i++) {
        sim->address.servers[i] = (absw_store_place_t){
            .name = names[i], .host = names[i], .port = (apr_uint16_t)i
        };
        sim->servers[i].chance = &sim->chance;
        sim->servers[i].now = sim->now;
    }
    apr_pool_create(&sim->pool, NULL);
    apr_pool_create(&sim->scratch, sim->pool);
    for (int i = 0; i < n; i++) {
        snprintf(sim->nodes[i].name, sizeof(sim->nodes[i].name), "web%d:80", i + 1);
    }
}

static inline void sim_begin(sim_t *sim, apr_uint64_t seed, int n)
{
    sim_begin_mirrored(sim, seed, n, 1);
}

static inline void sim_end(sim_t *sim)
{
    for (int i = 0; i < sim->n; i++) {
        for (int k = 0; k < 4; k++) {
            free(sim->nodes[i].memory[k]);
        }
    }
    for (int i = 0; i < sim->address.n; i++) {
        sim_flush(&sim->servers[i]);
    }
    apr_pool_destroy(sim->pool);
}

/** A tenth of a second goes by. */
static inline void sim_step(sim_t *sim)
{
    sim->now += 100000;
    for (int i = 0; i < sim->address.n; i++) {
        sim->servers[i].now = sim->now;
    }
    for (int i = 0; i < sim->n; i++) {
        if (sim->nodes[i].life && sim->now >= sim->nodes[i].next) {
            sim_tick(sim, &sim->nodes[i]);
        }
    }
}

static inline void sim_run(sim_t *sim, int seconds)
{
    for (int i = 0; i < seconds * 10; i++) {
        sim_step(sim);
    }
}

/* --- users --------------------------------------------------------------------------- */

static inline absw_table_session_t sim_session(const sim_node_t *node, apr_uint32_t user,
                                               absw_sec_t login, int side)
{
    return (absw_table_session_t){
        .id = { (unsigned char)user, (unsigned char)(user >> 8), (unsigned char)(user >> 16), 7 },
        .login = login, .place = node->app.place.place[side],
        .home = node->app.place.place[side], .kid = 'k', .key_check = 1,
    };
}

static inline void sim_click(const sim_t *sim, sim_node_t *node, apr_uint32_t user,
                             absw_sec_t login, int side)
{
    absw_table_session_t session = sim_session(node, user, login, side);

    absw_table_touch(node->node.table, &session, apr_time_sec(sim_clock(sim, node)));
}

/** A request begins (+1) or ends (-1) there. */
static inline void sim_request(const sim_node_t *node, int side, int by)
{
    absw_child_in_flight(node->child, node->app.place.place[side], by);
}

static inline void sim_logout(const sim_t *sim, sim_node_t *node, apr_uint32_t user)
{
    absw_table_session_t session = sim_session(node, user, 1, 0);

    absw_table_end(node->node.table, session.id, node->app.place.place, sim->policy.sides_n);
    absw_ends_add(node->ends, node->app.place.app, absw_members_hash(session.id),
                  apr_time_sec(sim_clock(sim, node)));
}

static inline const absw_report_app_t *sim_status(sim_t *sim, const sim_node_t *node)
{
    apr_pool_clear(sim->scratch);
    return &absw_node_status(&node->node, NULL, sim_clock(sim, node), sim->scratch)->apps[0];
}

static inline absw_switch_t sim_in_force(const sim_t *sim, const sim_node_t *node)
{
    absw_switch_t rec;

    absw_change_in_force(&sim->policy, &node->app.place, &rec);
    return rec;
}

/** A value under the switch's key, by hand: on any one server. */
static inline void sim_hand(sim_t *sim, const char *value)
{
    int i = sim->address.n > 1 ? (int)sim_draw(&sim->chance, (apr_uint32_t)sim->address.n) : 0;

    sim_put(&sim->servers[i], "abswitch:contact:switch", value, strlen(value), 0);
}

#endif
