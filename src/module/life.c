/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <unixd.h>

#include "config.h"
#include "guard.h"
#include "life.h"
#include "process.h"
#include "say.h"
#include "secret.h"
#include "stores.h"
#include "sync.h"

#define RETAINED        "mod_abswitch"

#define MEMO_PER_THREAD 64      /* 176 bytes each */
#define RETAINED_RESPONSES "mod_abswitch responses 1"   /* raise it when their memory changes */

#define APPS_ROOM_MIN   8       /* applications the state file has room for, at least */

/** What outlives a restart, and with it this library's code: data only. */
typedef struct {
    absw_shared_t *shared;
    const char *dir;
} retained_t;

static retained_t *retained(void)
{
    retained_t *kept = ap_retained_data_get(RETAINED);

    return kept ? kept : ap_retained_data_create(RETAINED, sizeof(*kept));
}

/* ---- post_config, step by step ---- */

/** Room for twice the applications, and for two generations of children and then some. */
static absw_shared_dims_t dims_for(const server_rec *s, int apps_n)
{
    absw_shared_dims_t dims = {
        .sessions = abswitch_config_sessions(s), .apps = APPS_ROOM_MIN,
    };
    int limit = 0;

    while (dims.apps < (apr_uint32_t)apps_n * 2) {
        dims.apps *= 2;
    }
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &limit);
    dims.children = 2 * (apr_uint32_t)limit + 32;
    return dims;
}

/** Are children of an earlier generation still at work on the mapping? Then it must stay. */
static int in_use(apr_pool_t *p, absw_shared_t *shared)
{
    absw_children_t *children = absw_children_attach(p, shared->children, shared->dims.children,
                                                     shared->dims.apps);
    return absw_children_any(children, absw_process_lives);
}

static void tell_of_delay(const server_rec *s, const retained_t *kept,
                          const absw_shared_dims_t *dims, const char *dir)
{
    if (strcmp(kept->dir, dir)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "ABSwitchStateDir: \"%s\" comes into force "
                     "when httpd is stopped and started; until then it is \"%s\"", dir, kept->dir);
    }
    if (kept->shared->dims.sessions != dims->sessions) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "ABSwitchSessions: %u comes into force when "
                     "httpd is stopped and started; until then it is %u", dims->sessions,
                     kept->shared->dims.sessions);
    }
}

/** The state file: the mapping of before if it is in use, else opened (anew). */
static absw_shared_t *open_shared(apr_pool_t *p, server_rec *s, int apps_n, const char *dir)
{
    retained_t *kept = retained();
    absw_shared_dims_t dims = dims_for(s, apps_n);
    const char *why = NULL, *notice = NULL;
    apr_status_t rv;

    if (kept->shared) {
        kept->shared = absw_shared_adopt(kept->shared);
    }
    if (kept->shared && in_use(p, kept->shared)) {
        tell_of_delay(s, kept, &dims, dir);
        kept->shared->how = ABSW_SHARED_KEPT;
        return kept->shared;
    }
    if (kept->shared) {
        absw_shared_mark_clean(kept->shared);
        absw_shared_close(kept->shared);
        kept->shared = NULL;
    }
    rv = absw_shared_open(&kept->shared, dir, ap_unixd_config.user_id, ap_unixd_config.group_id,
                          &dims, s->process->pool, &why, &notice);
    if (notice) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "%s", notice);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, rv, s, "%s", why);
        return NULL;
    }
    kept->dir = apr_pstrdup(s->process->pool, dir);
    return kept->shared;
}

/** Where responses are counted: memory of the parent, over restarts. */
static absw_responses_t *open_responses(apr_pool_t *p, server_rec *s,
                                        const absw_shared_dims_t *dims)
{
    absw_responses_kept_t *kept = ap_retained_data_get(RETAINED_RESPONSES);
    absw_responses_t *responses;

    if (!kept) {
        kept = ap_retained_data_create(RETAINED_RESPONSES, sizeof(*kept));
    }
    responses = absw_responses_open(kept, dims->children, dims->apps, apr_time_now(), p);
    if (!responses) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "mod_abswitch: no memory to count responses "
                     "in; the status page shows none");
    }
    return responses;
}

static int attach(apr_pool_t *p, server_rec *s, abswitch_node_t *node)
{
    const absw_shared_t *shared = node->shared;

    node->board = absw_board_attach(shared->board, shared->dims.apps);
    node->children = absw_children_attach(p, shared->children, shared->dims.children,
                                          shared->dims.apps);
    node->table = absw_table_attach(p, shared->table, shared->dims.sessions);
    node->ends = absw_ends_attach(shared->ends);
    node->responses = open_responses(p, s, &shared->dims);
    if (!node->board || !node->children || !node->table) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s, "ABSwitchStateDir: the state "
                     "file in \"%s\" makes no sense; move it away and start again",
                     node->state_dir);
        return 0;
    }
    return 1;
}

typedef struct {
    int app;
    apr_uint32_t slots;         /* bit i: ABSW_PLACE(app, i) */
} reused_t;

static int is_of_before(void *baton, const absw_table_seen_t *seen)
{
    const reused_t *reused = baton;

    return seen->place / ABSW_SIDES_MAX == reused->app
           && (reused->slots >> seen->place % ABSW_SIDES_MAX & 1);
}

/** Places that were another side's until now: its sessions are not ours. */
static void clear_reused(const abswitch_node_t *node, const absw_board_app_t *place)
{
    reused_t reused = { place->app, place->reused };

    if (reused.slots) {
        absw_table_scan(node->table, is_of_before, &reused);
    }
    if (reused.slots == (1u << ABSW_SIDES_MAX) - 1) {
        absw_children_forget(node->children, place->app);
    }
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        if (reused.slots >> i & 1) {
            absw_responses_forget(node->responses, ABSW_PLACE(place->app, i));
        }
    }
}

static void enter_apps(apr_pool_t *ptemp, server_rec *s, const abswitch_node_t *node,
                       absw_node_app_t *apps)
{
    const absw_policy_t **policies = apr_pcalloc(ptemp, (apr_size_t)node->apps->nelts
                                                        * sizeof(*policies));

    for (int i = 0; i < node->apps->nelts; i++) {
        policies[i] = &APR_ARRAY_IDX(node->apps, i, abswitch_app_t *)->policy;
    }
    absw_board_expect(node->board, policies, node->apps->nelts);
    for (int i = 0; i < node->apps->nelts; i++) {
        const abswitch_app_t *app = APR_ARRAY_IDX(node->apps, i, abswitch_app_t *);

        apps[i].policy = &app->policy;
        apps[i].auto_close = app->auto_close;
        if (!absw_board_enter(node->board, &app->policy, &apps[i].place)) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "%s: the state file has no room for one more "
                         "application; it is routed but not counted until httpd is stopped and "
                         "started", app->name);
        }
        else {
            clear_reused(node, &apps[i].place);
        }
    }
}

static void say(void *baton, absw_say_e level, const char *app, const char *side,
                const char *text)
{
    (void)app;      /* the text names them */
    (void)side;
    abswitch_say(baton, level, text);
}

static int start_engine(apr_pool_t *p, apr_pool_t *ptemp, server_rec *s, abswitch_node_t *node)
{
    absw_node_t *engine = apr_pcalloc(p, sizeof(*engine));
    apr_status_t rv;

    engine->name = node->name;
    engine->dir = node->state_dir;
    engine->store = abswitch_stores_make(p, s, node);
    engine->board = node->board;
    engine->children = node->children;
    engine->table = node->table;
    engine->ends = node->ends;
    engine->responses = node->responses;
    engine->board_apps = node->shared->dims.apps;
    engine->sync = node->sync;
    engine->retire_after = abswitch_server_of(s)->global.retire_after;
    engine->apps_n = node->apps->nelts;
    engine->apps = apr_pcalloc(p, (apr_size_t)engine->apps_n * sizeof(*engine->apps));
    engine->alive = absw_process_lives;
    engine->say = say;
    engine->baton = s;
    enter_apps(ptemp, s, node, engine->apps);
    node->node = engine;
    rv = absw_node_start(engine, node->shared->how, apr_time_now(), ptemp);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, rv, s, "mod_abswitch: no random bytes");
    }
    return rv == APR_SUCCESS;
}

/** Answers from mod_cache's quick handler never come to us: nobody would be sent or counted. */
static void warn_of_cache(server_rec *s)
{
    if (ap_find_linked_module("mod_cache.c")
        && abswitch_guard_has(ap_conftree, "CacheEnable", NULL)
        && !abswitch_guard_has(ap_conftree, "CacheQuickHandler", "off")) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "CacheEnable: what mod_cache answers at once "
                     "passes by mod_abswitch, so nobody is sent to a side or counted; give "
                     "CacheQuickHandler off");
    }
}

static int make_node(apr_pool_t *p, apr_pool_t *ptemp, server_rec *s, abswitch_node_t *node)
{
    const char *why = NULL;

    node->name = abswitch_config_node(p, s);
    node->sync = abswitch_config_sync(s);

    /* 1. The directory with its lock, and the state file. */
    node->shared = open_shared(p, s, node->apps->nelts, abswitch_config_state_dir(p, s));
    if (!node->shared) {
        return 0;
    }
    node->state_dir = node->shared->dir;

    /* 2. The keys. */
    node->keys = abswitch_secret_load(p, s, node->state_dir, &why);
    if (!node->keys) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s, "%s", why);
        return 0;
    }

    /* 3. The shared memory, and on it the applications, their sessions and their switch. */
    if (!attach(p, s, node) || !start_engine(p, ptemp, s, node)) {
        return 0;
    }

    /* 4. The sync. */
    return abswitch_sync_start(p, s, node);
}

/**
 * The configuration goes. If httpd goes with it, its children have ended: the node leaves its
 * cluster, and the state file is whole. Before the pool's own memory goes, hence a pre-cleanup.
 */
static apr_status_t stop_clean(void *data)
{
    abswitch_node_t *node = data;
    apr_pool_t *scratch;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING) {
        apr_pool_create(&scratch, NULL);
        absw_node_leave(node->node, apr_time_now(), scratch);
        apr_pool_destroy(scratch);
        absw_shared_mark_clean(node->shared);
    }
    return APR_SUCCESS;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    abswitch_node_t *node;

    (void)plog;
    /* httpd reads its configuration twice at start; the first time is for checking only. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    node = apr_pcalloc(pconf, sizeof(*node));
    node->apps = abswitch_config_apps(pconf, s);
    if (!node->apps->nelts) {
        return OK;
    }
    if (!make_node(pconf, ptemp, s, node)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (server_rec *server = s; server; server = server->next) {
        abswitch_server_of(server)->node = node;
    }
    apr_pool_pre_cleanup_register(pconf, node, stop_clean);
    warn_of_cache(s);
    abswitch_guard_warn(ptemp, s);
    return OK;
}

/* ---- children ---- */

static apr_status_t leave(void *data)
{
    abswitch_node_t *node = data;

    absw_children_leave(node->children, node->child);
    return APR_SUCCESS;
}

/** Tokens that a process remembers: those of the pages that its threads are at. */
static apr_uint32_t memo_size(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return MEMO_PER_THREAD * (apr_uint32_t)(threads > 1 ? threads : 1);
}

static void child_init(apr_pool_t *pchild, server_rec *s)
{
    abswitch_node_t *node = abswitch_server_of(s)->node;

    if (!node) {
        return;
    }
    node->memo = absw_memo_make(pchild, memo_size());
    node->child = absw_children_join(node->children, (apr_uint32_t)getpid());
    if (node->child) {
        node->counters = absw_responses_row(node->responses,
                                            absw_children_number(node->children, node->child));
        apr_pool_cleanup_register(pchild, node, leave, apr_pool_cleanup_null);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "mod_abswitch: the state file has no row for one "
                     "more child process; its requests in flight go uncounted, so no side is said "
                     "to be drained; stop and start httpd");
    }
}

void abswitch_life_register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* After privileges are dropped, so that a row belongs to the process that serves. */
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
