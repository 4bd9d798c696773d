/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "check.h"
#include "config.h"
#include "location.h"
#include "secret.h"

/* A complaint: one sentence, or NULL. All of these return one. */

/* ---- one application by itself ---- */

static const char *check_default(apr_pool_t *p, abswitch_app_t *app)
{
    absw_policy_t *policy = &app->policy;

    policy->default_side = 0;
    if (!app->default_side) {
        return NULL;
    }
    policy->default_side = absw_policy_side_of_name(policy, app->default_side,
                                                    strlen(app->default_side));
    return policy->default_side != ABSW_NO_SIDE
           ? NULL
           : apr_psprintf(p, "ABSwitchDefault: \"%s\" is not a side of %s; give the NAME of one of "
                          "its ABSwitchSide lines", app->default_side, app->name);
}

static const char *check_routes(apr_pool_t *p, abswitch_app_t *app)
{
    for (int i = 0; i < app->routes->nelts; i++) {
        abswitch_route_t *route = &APR_ARRAY_IDX(app->routes, i, abswitch_route_t);

        route->side = absw_policy_side_of_name(&app->policy, route->name, strlen(route->name));
        if (route->side == ABSW_NO_SIDE) {
            return apr_psprintf(p, "ABSwitchRoute: \"%s\" is not a side of %s; give the NAME of "
                                "one of its ABSwitchSide lines", route->name, app->name);
        }
    }
    return NULL;
}

/** A cookie's path covers what lies below it; as browsers compare it, "/x/" does not cover "/x". */
static int covers(const char *cookie_path, const char *path)
{
    return absw_policy_below(cookie_path, strlen(cookie_path), path) != NULL;
}

static const char *uncovered(apr_pool_t *p, const abswitch_app_t *app, const char *path)
{
    return apr_psprintf(p, "ABSwitchCookie: its path \"%s\" does not cover %s of %s, so browsers "
                        "would not send the cookie there; give ABSwitchCookie %s path=/",
                        *app->cookie.path ? app->cookie.path : "/", *path ? path : "/",
                        app->name, app->cookie.name);
}

static const char *check_cookie(apr_pool_t *p, abswitch_app_t *app)
{
    const absw_policy_t *policy = &app->policy;

    app->cookie.name_len = strlen(app->cookie.name);
    if (!app->cookie.path) {
        app->cookie.path = app->launchpad;
    }
    for (int i = 0; i < policy->sides_n; i++) {
        if (!covers(app->cookie.path, policy->sides[i].path)) {
            return uncovered(p, app, policy->sides[i].path);
        }
    }
    if (strchr(app->cookie.path, ';')) {
        return apr_psprintf(p, "ABSwitchCookie: its path \"%s\" has a \";\", which would end it; "
                            "give ABSwitchCookie %s path=/", app->cookie.path, app->cookie.name);
    }
    app->cookie.sent_path = absw_location_build(p, app->cookie.path, "", NULL, NULL, 0);
    app->door_blind = app->door && !covers(app->cookie.path, app->door);
    return covers(app->cookie.path, app->launchpad) ? NULL : uncovered(p, app, app->launchpad);
}

/** Seconds, rounded up, so that no one is cut off early. */
static absw_sec_t seconds(apr_interval_time_t time)
{
    return (time + apr_time_from_sec(1) - 1) / apr_time_from_sec(1);
}

static void make_env(apr_pool_t *p, abswitch_app_t *app)
{
    for (int side = 0; side < app->policy.sides_n; side++) {
        for (int v = ABSW_UNTOUCHED + 1; v < (int)ABSW_VERDICT_COUNT; v++) {
            apr_table_t *env = apr_table_make(p, 3);

            apr_table_setn(env, ABSWITCH_ENV_APP, app->name);
            apr_table_setn(env, ABSWITCH_ENV_SIDE, app->policy.sides[side].name);
            apr_table_setn(env, ABSWITCH_ENV_VERDICT, absw_verdict_name((absw_verdict_e)v));
            app->env[side][v] = env;
        }
    }
}

static const char *check_app(apr_pool_t *p, abswitch_app_t *app)
{
    absw_policy_t *policy = &app->policy;
    const char *complaint;

    if (!app->launchpad) {
        return apr_psprintf(p, "ABSwitchLaunchpad: <ABSwitch %s> has none; give the URL path that "
                            "people know, such as ABSwitchLaunchpad /contact", app->name);
    }
    if (app->sides->nelts < 2) {
        return apr_psprintf(p, "ABSwitchSide: <ABSwitch %s> has %d of them; give 2 to 16, such as "
                            "ABSwitchSide A %s/A", app->name, app->sides->nelts, app->launchpad);
    }
    policy->name = app->name;
    policy->launchpad = app->launchpad;
    policy->sides_n = app->sides->nelts;
    memcpy(policy->sides, app->sides->elts, (apr_size_t)app->sides->nelts * sizeof(absw_side_t));
    policy->max_login = seconds(app->max_login);
    policy->idle = seconds(app->idle);
    policy->drain_timeout = seconds(app->drain_timeout);
    policy->bookmarks = app->bookmarks;
    make_env(p, app);
    if ((complaint = check_default(p, app)) || (complaint = check_routes(p, app))) {
        return complaint;
    }
    return check_cookie(p, app);
}

/* ---- the paths of a server ---- */

static const char *path_text(const abswitch_path_t *path)
{
    return path->len ? path->path : "/";
}

static const char *path_directive(const abswitch_path_t *path)
{
    switch (path->at) {
    case ABSWITCH_AT_SIDE:
        return "ABSwitchSide";
    case ABSWITCH_AT_DOOR:
        return "ABSwitchOverride";
    case ABSWITCH_AT_LAUNCHPAD:
        break;
    }
    return "ABSwitchLaunchpad";
}

/** Nothing lies at or below a side or a door; no two paths are the same. */
static const char *check_pair(apr_pool_t *p, const abswitch_path_t *a, const abswitch_path_t *b)
{
    int same = a->len == b->len && !memcmp(a->path, b->path, a->len);
    int below = a->at != ABSWITCH_AT_LAUNCHPAD && absw_policy_below(a->path, a->len, b->path);

    if (!same && !below) {
        return NULL;
    }
    return apr_psprintf(p, "%s: \"%s\" of %s lies at or below \"%s\" of %s (%s); give each "
                        "launchpad, side and door a path of its own, none below a side or a door",
                        path_directive(b), path_text(b), b->app->name, path_text(a), a->app->name,
                        path_directive(a));
}

static void add_path(apr_array_header_t *paths, const abswitch_app_t *app, const char *path,
                     abswitch_at_e at, int side)
{
    abswitch_path_t *entry = apr_array_push(paths);

    *entry = (abswitch_path_t) {
        .path = path, .len = strlen(path), .at = at, .side = side, .app = app
    };
}

/** The longest first, so that the first that matches is the most specific one. */
static int by_length(const void *a, const void *b)
{
    apr_size_t a_len = ((const abswitch_path_t *)a)->len;
    apr_size_t b_len = ((const abswitch_path_t *)b)->len;

    return (a_len < b_len) - (a_len > b_len);
}

static void make_gate(apr_pool_t *p, abswitch_server_t *conf)
{
    apr_array_header_t *texts = apr_array_make(p, conf->paths->nelts, sizeof(const char *));

    for (int i = 0; i < conf->paths->nelts; i++) {
        APR_ARRAY_PUSH(texts, const char *) = APR_ARRAY_IDX(conf->paths, i, abswitch_path_t).path;
    }
    absw_gate_make(p, (const char *const *)texts->elts, texts->nelts, &conf->gate);
    for (int i = 0; i < conf->paths->nelts; i++) {
        abswitch_path_t *path = &APR_ARRAY_IDX(conf->paths, i, abswitch_path_t);

        path->tail = path->path + conf->gate.len;
    }
}

static const char *check_paths(apr_pool_t *p, abswitch_server_t *conf)
{
    apr_array_header_t *paths = apr_array_make(p, 8, sizeof(abswitch_path_t));

    for (int i = 0; i < conf->apps->nelts; i++) {
        abswitch_app_t *app = APR_ARRAY_IDX(conf->apps, i, abswitch_app_t *);

        for (int side = 0; side < app->policy.sides_n; side++) {
            add_path(paths, app, app->policy.sides[side].path, ABSWITCH_AT_SIDE, side);
        }
        if (app->door) {
            add_path(paths, app, app->door, ABSWITCH_AT_DOOR, ABSW_NO_SIDE);
        }
        add_path(paths, app, app->launchpad, ABSWITCH_AT_LAUNCHPAD, ABSW_NO_SIDE);
    }
    for (int i = 0; i < paths->nelts; i++) {
        for (int j = 0; j < paths->nelts; j++) {
            const char *complaint = i == j ? NULL
                : check_pair(p, &APR_ARRAY_IDX(paths, i, abswitch_path_t),
                             &APR_ARRAY_IDX(paths, j, abswitch_path_t));
            if (complaint) {
                return complaint;
            }
        }
    }
    qsort(paths->elts, (apr_size_t)paths->nelts, sizeof(abswitch_path_t), by_length);
    conf->paths = paths;
    make_gate(p, conf);
    return NULL;
}

/* ---- the state directory ---- */

/** Is there something of that name, and is it no directory? */
static int is_other(apr_pool_t *p, const char *path)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_LINK, p) == APR_SUCCESS
           && info.filetype != APR_DIR;
}

static int is_missing(apr_pool_t *p, const char *path)
{
    apr_finfo_t info;
    apr_status_t rv = apr_stat(&info, path, APR_FINFO_TYPE, p);

    return APR_STATUS_IS_ENOENT(rv) || APR_STATUS_IS_ENOTDIR(rv)
           || (rv == APR_SUCCESS && info.filetype != APR_DIR);
}

/** Only one that is named: the runtime directory is made by whoever starts httpd. What needs to
 * be root to see is left to the start. */
static const char *check_state_dir(apr_pool_t *p, const server_rec *s)
{
    const char *named = abswitch_server_of(s)->global.state_dir;
    char *dir = named ? apr_pstrdup(p, named) : NULL;

    for (apr_size_t len = dir ? strlen(dir) : 0; len > 1 && dir[len - 1] == '/'; len--) {
        dir[len - 1] = '\0';
    }
    if (!dir || (!is_other(p, dir) && !is_missing(p, ap_make_dirstr_parent(p, dir)))) {
        return NULL;
    }
    return apr_psprintf(p, "ABSwitchStateDir: \"%s\" is not accepted; give the path of a directory, "
                        "no link, that is there or whose parent is", named);
}

/* ---- everything ---- */

/** One name is one application, wherever it stands. */
static const char *check_same(apr_pool_t *p, const apr_array_header_t *all,
                              const abswitch_app_t *app)
{
    const abswitch_app_t *first = APR_ARRAY_IDX(all, app->index, abswitch_app_t *);

    return !strcmp(first->spelling, app->spelling)
           ? NULL
           : apr_psprintf(p, "<ABSwitch>: \"%s\" stands in two servers and differs; one name is "
                          "one application: write the same lines in both, or give one of them "
                          "another name", app->name);
}

static const char *check_server(apr_pool_t *p, const apr_array_header_t *all, server_rec *s)
{
    abswitch_server_t *conf = abswitch_server_of(s);

    for (int i = 0; i < conf->apps->nelts; i++) {
        abswitch_app_t *app = APR_ARRAY_IDX(conf->apps, i, abswitch_app_t *);
        const char *complaint;

        if ((complaint = check_app(p, app)) || (complaint = check_same(p, all, app))) {
            return complaint;
        }
    }
    return check_paths(p, conf);
}

int abswitch_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_array_header_t *all = abswitch_config_apps(pconf, s);
    const char *complaint = check_server(pconf, all, s);

    (void)plog;
    for (server_rec *server = s->next; server && !complaint; server = server->next) {
        complaint = check_server(pconf, all, server);
    }
    if (!complaint && all->nelts && !(complaint = check_state_dir(ptemp, s))) {
        complaint = abswitch_secret_check(ptemp, s);
    }
    if (complaint) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s, "%s", complaint);
        return !OK;
    }
    return OK;
}
