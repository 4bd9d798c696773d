/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>

#include <apr_strings.h>
#include <mod_watchdog.h>

#include "drained.h"
#include "process.h"
#include "say.h"
#include "stores.h"
#include "sync.h"

#define WATCHDOG        "abswitch"

/* The watchdog looks at its callbacks every 100 ms, so that is how exact a tick can be. */
#define LOOK            apr_time_from_msec(100)

/** The history is entered every ten seconds, however rare the sync. */
#define HISTORY_LOOK    apr_time_from_sec(1)

/** One process's sync. Made by the parent; each child fills its own copy when it starts. */
typedef struct {
    abswitch_node_t *node;
    server_rec *server;
    absw_node_t mine;           /* the node as this thread drives it, with its own store handle */
    abswitch_commands_t *commands;
    apr_pool_t *scratch;
    apr_uint32_t pid;
    apr_time_t next;            /* tick */
    apr_time_t next_history;
    apr_time_t held_until;      /* the lease; 0: another process has it */
} sync_t;

/* ---- what the engine says and asks ---- */

static void say(void *baton, absw_say_e level, const char *app, const char *side,
                const char *text)
{
    (void)app;      /* the text names them */
    (void)side;
    abswitch_say(((const sync_t *)baton)->server, level, text);
}

static int still_mine(void *baton)
{
    return apr_time_now() < ((const sync_t *)baton)->held_until;
}

static void drained(void *baton, const char *name, const char *side, apr_int64_t generation)
{
    const sync_t *sync = baton;

    for (int i = 0; i < sync->node->apps->nelts; i++) {
        const abswitch_app_t *app = APR_ARRAY_IDX(sync->node->apps, i, abswitch_app_t *);

        if (!strcmp(app->name, name) && app->on_drained) {
            abswitch_drained_run(sync->commands, app, side, generation);
        }
    }
}

/* ---- the thread ---- */

static void begin(sync_t *sync, apr_pool_t *passing)
{
    const absw_node_t *node = sync->node->node;
    apr_pool_t *pool = apr_pool_parent_get(passing);    /* the one we are given is cleared */
    sigset_t all;

    /* Signals are for the process's other threads; a system call here is not to be cut short. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);

    sync->pid = (apr_uint32_t)getpid();
    sync->commands = abswitch_drained_make(pool, sync->server);
    apr_pool_create(&sync->scratch, pool);
    sync->mine = *node;
    sync->mine.apps = apr_pmemdup(pool, node->apps, (apr_size_t)node->apps_n * sizeof(*node->apps));
    sync->mine.store = abswitch_stores_make(pool, sync->server, sync->node);
    sync->mine.mine = still_mine;
    sync->mine.say = say;
    sync->mine.drained = drained;
    sync->mine.baton = sync;
    absw_node_begin(&sync->mine, pool);
}

/** The lease holds over one missed tick: a thread that is slow does not lose it, one that is
 * gone is replaced within two syncs. */
static int have_lease(sync_t *sync, apr_time_t now)
{
    apr_time_t until = now + sync->node->sync + sync->node->sync / 2;
    int held = absw_board_lease(sync->node->board, sync->pid, now, until, absw_process_lives);

    sync->held_until = held ? until : 0;
    return held;
}

static void look(sync_t *sync)
{
    apr_time_t now = apr_time_now();

    if (now >= sync->next || sync->next > now + sync->node->sync) {
        sync->next = now + sync->node->sync - LOOK / 2;
        if (have_lease(sync, now)) {
            absw_node_tick(&sync->mine, now, sync->scratch);
        }
    }
    else if (sync->held_until > now && now >= sync->next_history) {
        sync->next_history = now + HISTORY_LOOK;
        absw_node_history(&sync->mine, now, sync->scratch);
    }
    abswitch_drained_collect(sync->commands);
    apr_pool_clear(sync->scratch);
}

static apr_status_t watch(int state, void *data, apr_pool_t *pool)
{
    sync_t *sync = data;

    switch (state) {
    case AP_WATCHDOG_STATE_STARTING:
        begin(sync, pool);
        break;
    case AP_WATCHDOG_STATE_RUNNING:
        look(sync);
        break;
    case AP_WATCHDOG_STATE_STOPPING:
        absw_board_release(sync->node->board, (apr_uint32_t)getpid());
        break;
    default:
        break;
    }
    return APR_SUCCESS;     /* a callback that fails is not called again */
}

int abswitch_sync_start(apr_pool_t *p, server_rec *s, abswitch_node_t *node)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *register_callback =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    sync_t *sync = apr_pcalloc(p, sizeof(*sync));
    ap_watchdog_t *watchdog;
    apr_status_t rv;

    if (!get_instance || !register_callback) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, "mod_abswitch needs mod_watchdog; add "
                     "LoadModule watchdog_module modules/mod_watchdog.so");
        return 0;
    }
    sync->node = node;
    sync->server = s;
    /* Not the parent's, not a singleton: each child has its own, and the lease chooses. */
    rv = get_instance(&watchdog, WATCHDOG, 0, 0, p);
    if (rv == APR_SUCCESS) {
        rv = register_callback(watchdog, LOOK, sync, watch);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s, "mod_abswitch: no watchdog for the sync");
        return 0;
    }
    return 1;
}
