/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_H
#define SIM_H

#include <stdlib.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "change.h"
#include "node.h"
#include "sample.h"

/**
 * A cluster in one thread: nodes on plain memory, a store with faults to order, a clock that
 * only goes when it is told to, and a seed that decides everything.
 */

#define SIM_NODES   37
#define SIM_KEYS    512
#define SIM_SYNC    apr_time_from_sec(1)
#define SIM_T0      APR_INT64_C(1763790000)
#define SIM_ROOM    1024        /* sessions a table has room for */

/* --- chance -------------------------------------------------------------------------- */

typedef struct {
    apr_uint64_t state;
} sim_chance_t;

static inline apr_uint32_t sim_draw(sim_chance_t *chance, apr_uint32_t below)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (apr_uint32_t)(chance->state >> 20) % below;
}

/** Once in so many times; 0: never. */
static inline int sim_once_in(sim_chance_t *chance, apr_uint32_t n)
{
    return n > 0 && sim_draw(chance, n) == 0;
}

/* --- the store ----------------------------------------------------------------------- */

typedef struct {
    char key[ABSW_STORE_KEY_MAX];
    char *value;                /* NULL: absent */
    apr_size_t len;
    apr_uint64_t cas;
    apr_time_t until;           /* 0: for ever */
} sim_entry_t;

/** What all nodes share. */
typedef struct {
    sim_entry_t entries[SIM_KEYS];
    int n;
    apr_uint64_t tokens;
    apr_time_t now;
    int down;                   /* nobody gets an answer */
    int full;                   /* sets fail, and what was there is gone */
    apr_uint32_t torn;          /* once in so many a write's answer is lost, done or not */
    apr_uint32_t conflicts;     /* once in so many somebody was first */
    sim_chance_t *chance;
} sim_store_t;

/** One node's handle. */
typedef struct {
    absw_store_t store;
    sim_store_t *shared;
    int cut;
    int gets;                   /* since somebody set it to 0 */
} sim_handle_t;

static inline sim_entry_t *sim_entry(sim_store_t *s, const char *key)
{
    for (int i = 0; i < s->n; i++) {
        if (strcmp(s->entries[i].key, key) == 0) {
            if (s->entries[i].until && s->now >= s->entries[i].until) {
                free(s->entries[i].value);
                s->entries[i].value = NULL;
            }
            return &s->entries[i];
        }
    }
    assert_true(s->n < SIM_KEYS);
    apr_cpystrn(s->entries[s->n].key, key, ABSW_STORE_KEY_MAX);
    return &s->entries[s->n++];
}

static inline void sim_evict(sim_entry_t *entry)
{
    free(entry->value);
    entry->value = NULL;
}

static inline void sim_flush(sim_store_t *s)
{
    for (int i = 0; i < s->n; i++) {
        sim_evict(&s->entries[i]);
    }
}

static inline void sim_put(sim_store_t *s, const char *key, const char *value, apr_size_t len,
                           apr_uint32_t ttl)
{
    sim_entry_t *entry = sim_entry(s, key);

    free(entry->value);
    entry->value = malloc(len + 1);
    memcpy(entry->value, value, len);
    entry->value[len] = '\0';
    entry->len = len;
    entry->cas = ++s->tokens;
    entry->until = ttl ? s->now + apr_time_from_sec(ttl) : 0;
}

static inline int sim_get(absw_store_t *store, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    sim_handle_t *handle = (sim_handle_t *)store;
    sim_store_t *s = handle->shared;
    int lost = sim_once_in(s->chance, s->torn) ? (int)sim_draw(s->chance, (apr_uint32_t)n) : n;

    handle->gets++;
    for (int i = 0; i < n; i++) {
        const sim_entry_t *entry = sim_entry(s, items[i].key);

        items[i].found = ABSW_STORE_UNKNOWN;
        items[i].why = NULL;
        if (handle->cut || s->down || i >= lost) {
            items[i].why = "the server timed out";
            lost = 0;
        }
        else if (!entry->value) {
            items[i].found = ABSW_STORE_ABSENT;
        }
        else {
            items[i].found = ABSW_STORE_FOUND;
            items[i].value = apr_pmemdup(pool, entry->value, entry->len + 1);
            items[i].len = entry->len;
            items[i].cas = entry->cas;
        }
    }
    return !handle->cut && !s->down && lost == n;
}

static inline absw_store_result_e sim_write(absw_store_t *store, const char *key, int right,
                                            const char *value, apr_size_t len, apr_uint32_t ttl)
{
    sim_handle_t *handle = (sim_handle_t *)store;
    sim_store_t *s = handle->shared;

    strcpy(store->why, "the server timed out");
    if (handle->cut || s->down) {
        return ABSW_STORE_FAILED;
    }
    if (s->full && len > 8) {
        sim_evict(sim_entry(s, key));
        strcpy(store->why, "the server is out of memory");
        return ABSW_STORE_FAILED;
    }
    if (!right) {
        return ABSW_STORE_CONFLICT;
    }
    if (sim_once_in(s->chance, s->torn)) {
        if (sim_draw(s->chance, 2)) {
            sim_put(s, key, value, len, ttl);
        }
        return ABSW_STORE_FAILED;
    }
    sim_put(s, key, value, len, ttl);
    return ABSW_STORE_DONE;
}

static inline absw_store_result_e sim_set(absw_store_t *store, const char *key,
                                          const char *value, apr_size_t len, apr_uint32_t ttl,
                                          apr_pool_t *pool)
{
    (void)pool;
    return sim_write(store, key, 1, value, len, ttl);
}

static inline absw_store_result_e sim_add(absw_store_t *store, const char *key,
                                          const char *value, apr_size_t len, apr_uint32_t ttl,
                                          apr_pool_t *pool)
{
    (void)pool;
    return sim_write(store, key, sim_entry(((sim_handle_t *)store)->shared, key)->value == NULL,
                     value, len, ttl);
}

static inline absw_store_result_e sim_cas(absw_store_t *store, const char *key,
                                          apr_uint64_t token, const char *value, apr_size_t len,
                                          apr_uint32_t ttl, apr_pool_t *pool)
{
    sim_store_t *s = ((sim_handle_t *)store)->shared;
    const sim_entry_t *entry = sim_entry(s, key);

    (void)pool;
    assert_true(token != 0);
    return sim_write(store, key, entry->value && entry->cas == token
                                 && !sim_once_in(s->chance, s->conflicts), value, len, ttl);
}

static inline absw_store_state_e sim_state(const absw_store_t *store, apr_pool_t *pool,
                                           const absw_store_server_t **servers, int *n)
{
    const sim_handle_t *handle = (const sim_handle_t *)store;

    (void)pool;
    *servers = NULL;
    *n = 0;
    return handle->cut || handle->shared->down ? ABSW_STORE_DOWN : ABSW_STORE_UP;
}

static const absw_store_ops_t SIM_OPS = {
    .type = "sim", .hand = "key", .solo = 0, .get = sim_get, .set = sim_set, .add = sim_add,
    .cas = sim_cas, .state = sim_state,
};

/* --- nodes --------------------------------------------------------------------------- */

typedef struct {
    void *memory[4];            /* board, children, table, ends */
    char name[16];
    apr_pool_t *life;           /* of httpd's run; NULL: it is down */
    apr_pool_t *process;        /* of the child that syncs */
    absw_node_app_t app;
    absw_node_t node;
    sim_handle_t handle;
    absw_child_t *child;
    absw_ends_t *ends;
    apr_interval_time_t skew;
    apr_time_t next;            /* tick, by the true clock */
    apr_int64_t generation;     /* the highest it had since it lost its memory */
    int lost;                   /* it lost its table: it may not know all, until it says so */
} sim_node_t;

typedef struct {
    sim_chance_t chance;
    sim_store_t store;
    absw_policy_t policy;
    sim_node_t nodes[SIM_NODES];
    int n;
    apr_time_t now;             /* true */
    apr_pool_t *pool;
    apr_pool_t *scratch;
    apr_interval_time_t retire_after;
    int verbose;
    char drained[1024];         /* "A:12 " for each drain that was told of */
} sim_t;

static inline int sim_alive(apr_uint32_t pid)
{
    (void)pid;
    return 1;
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

/** Another process of the node syncs from now on. */
static inline void sim_take_over(sim_t *sim, sim_node_t *node)
{
    (void)sim;
    if (node->process) {
        apr_pool_destroy(node->process);
    }
    apr_pool_create(&node->process, node->life);
    node->app.logged = 0;
    node->app.log_failed = 0;
    memset(node->app.announced, 0, sizeof(node->app.announced));
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
    node->handle = (sim_handle_t){ .store.ops = &SIM_OPS, .shared = &sim->store,
                                   .cut = node->handle.cut };
    node->ends = absw_ends_attach(node->memory[3]);
    node->node = (absw_node_t){
        .name = node->name, .store = &node->handle.store, .board_apps = 1,
        .board = absw_board_attach(node->memory[0], 1),
        .children = absw_children_attach(node->life, node->memory[1], 2, 1),
        .table = absw_table_attach(node->life, node->memory[2], SIM_ROOM),
        .ends = node->ends, .sync = SIM_SYNC, .retire_after = sim->retire_after,
        .apps = &node->app, .apps_n = 1, .alive = sim_alive, .say = sim_say, .drained = sim_told,
        .baton = sim,
    };
    absw_board_recover(node->node.board);
    absw_children_recover(node->node.children);
    assert_int_equal(absw_board_enter(node->node.board, &sim->policy, &node->app.place), 1);
    assert_int_equal(absw_node_start(&node->node, how, sim_clock(sim, node), sim->scratch),
                     APR_SUCCESS);
    node->child = absw_children_join(node->node.children, 4711);
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

static inline void sim_begin(sim_t *sim, apr_uint64_t seed, int n)
{
    memset(sim, 0, sizeof(*sim));
    sim->chance.state = seed * APR_UINT64_C(0x9e3779b97f4a7c15) + 1;
    sim->store.chance = &sim->chance;
    sim->policy = sample_policy();
    sim->n = n;
    sim->now = apr_time_from_sec(SIM_T0);
    sim->store.now = sim->now;
    apr_pool_create(&sim->pool, NULL);
    apr_pool_create(&sim->scratch, sim->pool);
    for (int i = 0; i < n; i++) {
        snprintf(sim->nodes[i].name, sizeof(sim->nodes[i].name), "web%d:80", i + 1);
    }
}

static inline void sim_end(sim_t *sim)
{
    for (int i = 0; i < sim->n; i++) {
        for (int k = 0; k < 4; k++) {
            free(sim->nodes[i].memory[k]);
        }
    }
    sim_flush(&sim->store);
    apr_pool_destroy(sim->pool);
}

/** A tenth of a second goes by. */
static inline void sim_step(sim_t *sim)
{
    sim->now += 100000;
    sim->store.now = sim->now;
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

static inline void sim_hand(sim_t *sim, const char *value)
{
    sim_put(&sim->store, "abswitch:contact:switch", value, strlen(value), 0);
}

#endif
