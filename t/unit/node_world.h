/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_WORLD_H
#define NODE_WORLD_H

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "change.h"
#include "fake_store.h"
#include "log.h"
#include "node.h"
#include "sample.h"

/**
 * A node with one application, the sample's, on plain memory and a fake store, whose clock
 * only goes when a test says so. All processes are alive.
 */

#define T0          APR_INT64_C(1763790000)
#define SYNC        apr_time_from_sec(1)
#define SESSIONS    1024
#define APPS        2
#define CHILDREN    4
#define KEY_SWITCH  "abswitch:contact:switch"
#define KEY_LOG     "abswitch:contact:log"

typedef struct {
    apr_pool_t *pool;
    apr_pool_t *scratch;
    absw_policy_t policy;
    fake_store_t fake;
    void *memory[3];            /* board, children, table: what a restart keeps */
    absw_node_app_t app;
    absw_node_t node;
    absw_child_t *child;
    apr_time_t now;
    int ours;
    char said[8192];            /* a line for each sentence, beginning with N, W or E */
    char drained[256];          /* "A:12 " for each drain */
} world_t;

static inline int world_alive(apr_uint32_t pid)
{
    (void)pid;
    return 1;
}

static inline int world_mine(void *baton)
{
    return ((world_t *)baton)->ours;
}

static inline void world_say(void *baton, absw_say_e level, const char *app, const char *side,
                             const char *text)
{
    world_t *w = baton;
    size_t used = strlen(w->said);

    (void)app;
    (void)side;
    snprintf(w->said + used, sizeof(w->said) - used, "%c %s\n", "NWE"[level], text);
}

static inline void world_drained(void *baton, const char *app, const char *side,
                                 apr_int64_t generation)
{
    world_t *w = baton;
    size_t used = strlen(w->drained);

    (void)app;
    snprintf(w->drained + used, sizeof(w->drained) - used, "%s:%d ", side, (int)generation);
}

static inline void *world_memory(apr_size_t size)
{
    void *mem = aligned_alloc(64, (size + 63) / 64 * 64);

    memset(mem, 0, size);
    return mem;
}

/** httpd starts (again): new handles and a process without memory; board, table and store stay. */
static inline void world_start(world_t *w, absw_shared_how_e how)
{
    memset(&w->app, 0, sizeof(w->app));
    memset(&w->node, 0, sizeof(w->node));
    w->app.policy = &w->policy;
    w->node = (absw_node_t){
        .name = "web1:80", .dir = "/nonexistent", .store = &w->fake.store, .board_apps = APPS,
        .board = absw_board_attach(w->memory[0], APPS),
        .children = absw_children_attach(w->pool, w->memory[1], CHILDREN, APPS),
        .table = absw_table_attach(w->pool, w->memory[2], SESSIONS),
        .sync = SYNC, .apps = &w->app, .apps_n = 1, .alive = world_alive,
        .mine = world_mine, .say = world_say, .drained = world_drained, .baton = w,
    };
    assert_non_null(w->node.board);
    assert_int_equal(absw_board_enter(w->node.board, &w->policy, &w->app.place), 1);
    assert_int_equal(absw_node_start(&w->node, how, w->now, w->scratch), APR_SUCCESS);
    apr_pool_clear(w->scratch);
}

/** Another process of the same node syncs from now on. */
static inline void world_take_over(world_t *w)
{
    w->app.logged = 0;
    w->app.log_failed = 0;
    memset(w->app.announced, 0, sizeof(w->app.announced));
}

static inline int world_set_up(void **state)
{
    world_t *w = calloc(1, sizeof(*w));

    apr_initialize();
    apr_pool_create(&w->pool, NULL);
    apr_pool_create(&w->scratch, w->pool);
    w->policy = sample_policy();
    w->now = apr_time_from_sec(T0);
    w->ours = 1;
    fake_make(&w->fake);
    w->memory[0] = world_memory(absw_board_size(APPS));
    w->memory[1] = world_memory(absw_children_size(CHILDREN, APPS));
    w->memory[2] = world_memory(absw_table_size(SESSIONS));
    world_start(w, ABSW_SHARED_FIRST);
    w->child = absw_children_join(w->node.children, 4711);
    *state = w;
    return w->child ? 0 : -1;
}

static inline int world_tear_down(void **state)
{
    world_t *w = *state;

    fake_clear(&w->fake);
    for (int i = 0; i < 3; i++) {
        free(w->memory[i]);
    }
    apr_pool_destroy(w->pool);
    apr_terminate();
    free(w);
    return 0;
}

/** n syncs, one after each second. */
static inline void world_tick(world_t *w, int n)
{
    while (n-- > 0) {
        w->now += SYNC;
        absw_node_tick(&w->node, w->now, w->scratch);
        apr_pool_clear(w->scratch);
    }
}

/** A value under the switch's key, as if by hand. */
static inline void world_hand(world_t *w, const char *value)
{
    fake_put(&w->fake, KEY_SWITCH, value, strlen(value));
}

static inline const char *world_stored(world_t *w)
{
    const char *value = fake_entry(&w->fake, KEY_SWITCH)->value;

    return value ? value : "(none)";
}

static inline absw_switch_t world_in_force(world_t *w)
{
    absw_switch_t rec;

    absw_change_in_force(&w->policy, &w->app.place, &rec);
    return rec;
}

/** That generation is in force, and side alone has weight. */
static inline void world_assert(world_t *w, apr_int64_t generation, int side)
{
    absw_switch_t rec = world_in_force(w);

    assert_int_equal(rec.generation, generation);
    for (int i = 0; i < w->policy.sides_n; i++) {
        assert_int_equal(rec.weight[i] > 0, i == side);
    }
}

/** Records in the store's log. */
static inline int world_log_lines(world_t *w)
{
    const fake_entry_t *entry = fake_entry(&w->fake, KEY_LOG);
    absw_log_entry_t *entries = apr_palloc(w->pool, ABSW_LOG_MAX * sizeof(*entries));

    return entry->value ? absw_log_parse(&w->policy, entry->value, entry->len, entries) : 0;
}

static inline void world_hush(world_t *w)
{
    w->said[0] = '\0';
}

static inline absw_table_session_t world_session(const world_t *w, int number, int side)
{
    return (absw_table_session_t){
        .id = { (unsigned char)number, (unsigned char)(number >> 8), 7 },
        .login = apr_time_sec(w->now), .place = w->app.place.place[side],
        .home = w->app.place.place[side], .kid = 'k', .key_check = 1,
    };
}

/** A session is active on a side now. */
static inline void world_click(world_t *w, int number, int side)
{
    absw_table_session_t session = world_session(w, number, side);

    absw_table_touch(w->node.table, &session, apr_time_sec(w->now));
}

static inline const absw_report_app_t *world_status(world_t *w)
{
    absw_report_t *report = absw_node_status(&w->node, NULL, w->now, w->pool);

    assert_int_equal(report->apps_n, 1);
    return &report->apps[0];
}

static inline absw_drain_e world_drain(world_t *w, int side)
{
    return world_status(w)->sides[side].drain;
}

#define WORLD_TEST(name) \
    cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

#endif
