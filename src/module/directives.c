/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "config.h"
#include "section.h"
#include "values.h"

/* ---- server-wide directives ---- */

/** Where a server-wide directive's value goes, or NULL and *error. */
static abswitch_global_t *global_of(cmd_parms *cmd, const char **error)
{
    abswitch_server_t *conf = abswitch_server_of(cmd->server);

    *error = NULL;
    if (cmd->server->is_virtual || conf->open) {
        *error = apr_psprintf(cmd->pool, "%s: it holds for the whole node; put it into the main "
                              "server's configuration, outside of <VirtualHost> and <ABSwitch>",
                              cmd->cmd->name);
        return NULL;
    }
    return &conf->global;
}

static const char *set_store(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    return global ? absw_store_address_parse(cmd->pool, word, &global->store) : error;
}

static const char *set_state_dir(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    if (global && !(global->state_dir = ap_runtime_dir_relative(cmd->pool, word))) {
        return apr_psprintf(cmd->pool, "ABSwitchStateDir: \"%s\" is not accepted; give a "
                            "directory's path, absolute or below the runtime directory", word);
    }
    return error;
}

static const char *set_secret_file(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    if (global && !(global->secret_file = ap_server_root_relative(cmd->pool, word))) {
        return apr_psprintf(cmd->pool, "ABSwitchSecretFile: \"%s\" is not accepted; give a "
                            "file's path, absolute or below ServerRoot", word);
    }
    return error;
}

static const char *set_node(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    if (global && !absw_policy_is_name(word, strlen(word), ABSW_NODE_NAME_MAX, ".:")) {
        return apr_psprintf(cmd->pool, "ABSwitchNode: \"%s\" is not accepted; give 1 to 64 of the "
                            "characters A-Z a-z 0-9 . _ : -, such as web1:80", word);
    }
    if (global) {
        global->node = word;
    }
    return error;
}

static const char *set_retire_after(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    return global ? abswitch_value_time_or_none(cmd, word, ABSWITCH_TIME_MIN, ABSWITCH_TIME_MAX,
                                                &global->retire_after)
                  : error;
}

static const char *set_sessions(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);
    apr_int64_t number;

    (void)dir;
    if (global && !(error = abswitch_value_number(cmd, word, 1024, 16777216, &number))) {
        global->sessions = (apr_uint32_t)number;
    }
    return error;
}

static const char *set_sync(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    return global ? abswitch_value_time(cmd, word, apr_time_from_msec(100),
                                        apr_time_from_sec(60), &global->sync)
                  : error;
}

static const char *set_store_timeout(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_global_t *global = global_of(cmd, &error);

    (void)dir;
    return global ? abswitch_value_time(cmd, word, apr_time_from_msec(10), apr_time_from_sec(5),
                                        &global->store_timeout)
                  : error;
}

/* ---- the list ---- */

const command_rec abswitch_directives[] = {
    AP_INIT_TAKE1("ABSwitchStore", set_store, NULL, RSRC_CONF,
                  "where the switch and the counts are shared: local, or memcache:HOST[:PORT],..."),
    AP_INIT_TAKE1("ABSwitchStateDir", set_state_dir, NULL, RSRC_CONF,
                  "the directory of this node's own files"),
    AP_INIT_TAKE1("ABSwitchSecretFile", set_secret_file, NULL, RSRC_CONF,
                  "the file of the signing keys, one KID HEX a line, newest first"),
    AP_INIT_TAKE1("ABSwitchNode", set_node, NULL, RSRC_CONF, "this node's name"),
    AP_INIT_TAKE1("ABSwitchRetireAfter", set_retire_after, NULL, RSRC_CONF,
                  "strike a node off the roster after so long a silence, or none"),
    AP_INIT_TAKE1("ABSwitchSessions", set_sessions, NULL, RSRC_CONF,
                  "session slots in this node's table"),
    AP_INIT_TAKE1("ABSwitchSync", set_sync, NULL, RSRC_CONF,
                  "how often the node and the store exchange news"),
    AP_INIT_TAKE1("ABSwitchStoreTimeout", set_store_timeout, NULL, RSRC_CONF,
                  "the longest that one wait for a store server may take"),

    AP_INIT_RAW_ARGS("<ABSwitch", abswitch_set_section, NULL, RSRC_CONF,
                     "an application: its launchpad and its sides"),
    AP_INIT_TAKE_ARGV("ABSwitchLaunchpad", abswitch_set_launchpad, NULL, RSRC_CONF,
                      "PATH [page=URL-PATH] [login=SUFFIX]: the URL that people know"),
    AP_INIT_TAKE2("ABSwitchSide", abswitch_set_side, NULL, RSRC_CONF,
                  "NAME PATH: an instance of the application"),
    AP_INIT_TAKE1("ABSwitchDefault", abswitch_set_default, NULL, RSRC_CONF,
                  "the side where people land until a switch record exists"),
    AP_INIT_TAKE1("ABSwitchMaxLoginTime", abswitch_set_max_login, NULL, RSRC_CONF,
                  "how old a session may become, or none"),
    AP_INIT_TAKE1("ABSwitchIdleTimeout", abswitch_set_idle, NULL, RSRC_CONF,
                  "how long a session without a request is counted"),
    AP_INIT_TAKE1("ABSwitchDrainTimeout", abswitch_set_drain_timeout, NULL, RSRC_CONF,
                  "how long a side may drain before it closes, or none"),
    AP_INIT_TAKE1("ABSwitchAutoClose", abswitch_set_auto_close, NULL, RSRC_CONF,
                  "on or off: close a side as soon as it is drained"),
    AP_INIT_TAKE1("ABSwitchBookmarks", abswitch_set_bookmarks, NULL, RSRC_CONF,
                  "home, current or off: where a bookmark into another side leads"),
    AP_INIT_TAKE1("ABSwitchDeepLinks", abswitch_set_deep_links, NULL, RSRC_CONF,
                  "on or off: send links below the launchpad to a side"),
    AP_INIT_ITERATE("ABSwitchOrigin", abswitch_set_origin, NULL, RSRC_CONF,
                    "the public origins a Referer counts as own"),
    AP_INIT_ITERATE("ABSwitchLogout", abswitch_set_logout, NULL, RSRC_CONF,
                    "paths below a side that end the session"),
    AP_INIT_ITERATE("ABSwitchClearCookies", abswitch_set_clear_cookies, NULL, RSRC_CONF,
                    "the application's cookies to expire at cut-off and logout"),
    AP_INIT_TAKE2("ABSwitchOverride", abswitch_set_override, NULL, RSRC_CONF,
                  "PATH EXPR: the tester's door"),
    AP_INIT_TAKE2("ABSwitchRoute", abswitch_set_route, NULL, RSRC_CONF,
                  "SIDE EXPR: new users for whom EXPR holds land on SIDE"),
    AP_INIT_TAKE_ARGV("ABSwitchCookie", abswitch_set_cookie, NULL, RSRC_CONF,
                      "NAME [secure=...] [samesite=...] [path=...] [domain=...]"),
    AP_INIT_TAKE_ARGV("ABSwitchOnDrained", abswitch_set_on_drained, NULL, RSRC_CONF,
                      "COMMAND [ARG...]: run once when a side is drained"),
    { .name = NULL }
};
