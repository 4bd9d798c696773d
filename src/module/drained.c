/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "drained.h"

typedef struct command_t {
    apr_proc_t proc;
    apr_pool_t *pool;
    const char *app;
    const char *side;
    const char *path;
    struct command_t *next;
} command_t;

struct abswitch_commands_t {
    apr_pool_t *pool;
    server_rec *server;
    command_t *running;
};

abswitch_commands_t *abswitch_drained_make(apr_pool_t *pool, server_rec *s)
{
    abswitch_commands_t *commands = apr_pcalloc(pool, sizeof(*commands));

    commands->pool = pool;
    commands->server = s;
    return commands;
}

/**
 * In the new process, before it is the command: the thread that it comes from has all signals
 * blocked, and httpd ignores some; a program that starts so cannot be ended. A group of its own
 * lets it go on when httpd's is told to end.
 */
static apr_status_t be_on_its_own(void *data)
{
    sigset_t none;

    (void)data;
    setsid();
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return APR_SUCCESS;
}

static apr_status_t start(command_t *command, const abswitch_app_t *app, apr_int64_t generation)
{
    const char *path = getenv("PATH");
    const char *env[] = {
        apr_pstrcat(command->pool, "PATH=", path ? path : "/usr/local/bin:/usr/bin:/bin", NULL),
        apr_pstrcat(command->pool, "ABSWITCH_APP=", command->app, NULL),
        apr_pstrcat(command->pool, "ABSWITCH_SIDE=", command->side, NULL),
        apr_psprintf(command->pool, "ABSWITCH_GENERATION=%" APR_INT64_T_FMT, generation),
        NULL
    };
    apr_procattr_t *attr;
    apr_status_t rv;

    if ((rv = apr_procattr_create(&attr, command->pool)) != APR_SUCCESS
        || (rv = apr_procattr_cmdtype_set(attr, APR_PROGRAM)) != APR_SUCCESS
        || (rv = apr_procattr_error_check_set(attr, 1)) != APR_SUCCESS) {
        return rv;
    }
    apr_pool_cleanup_register(command->pool, command, apr_pool_cleanup_null, be_on_its_own);
    rv = apr_proc_create(&command->proc, command->path, app->on_drained, env, attr, command->pool);
    apr_pool_cleanup_kill(command->pool, command, apr_pool_cleanup_null);
    return rv;
}

void abswitch_drained_run(abswitch_commands_t *commands, const abswitch_app_t *app,
                          const char *side, apr_int64_t generation)
{
    apr_pool_t *pool;
    command_t *command;
    apr_status_t rv;

    apr_pool_create(&pool, commands->pool);
    command = apr_pcalloc(pool, sizeof(*command));
    command->pool = pool;
    command->app = app->name;
    command->side = apr_pstrdup(pool, side);
    command->path = app->on_drained[0];
    rv = start(command, app, generation);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, commands->server, "%s side %s: ABSwitchOnDrained "
                     "\"%s\" could not be started; run it by hand", app->name, side,
                     command->path);
        apr_pool_destroy(pool);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, commands->server, "%s side %s: drained, runs "
                 "ABSwitchOnDrained \"%s\" (pid %" APR_PID_T_FMT ")", app->name, side,
                 command->path, command->proc.pid);
    command->next = commands->running;
    commands->running = command;
}

void abswitch_drained_collect(abswitch_commands_t *commands)
{
    command_t **at = &commands->running;

    while (*at) {
        command_t *command = *at;
        apr_exit_why_e how;
        int code;

        if (apr_proc_wait(&command->proc, &code, &how, APR_NOWAIT) == APR_CHILD_NOTDONE) {
            at = &command->next;
            continue;
        }
        if (!APR_PROC_CHECK_EXIT(how) || code != 0) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, commands->server, "%s side %s: "
                         "ABSwitchOnDrained \"%s\" failed (%s %d); it is not run again for this "
                         "drain", command->app, command->side, command->path,
                         APR_PROC_CHECK_EXIT(how) ? "exit status" : "signal", code);
        }
        *at = command->next;
        apr_pool_destroy(command->pool);
    }
}
