/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "config.h"
#include "section.h"
#include "values.h"

static abswitch_app_t *app_create(apr_pool_t *p, const char *name)
{
    abswitch_app_t *app = apr_pcalloc(p, sizeof(*app));

    app->name = name;
    app->sides = apr_array_make(p, 2, sizeof(absw_side_t));
    app->max_login = apr_time_from_sec(8 * 3600);
    app->idle = apr_time_from_sec(30 * 60);
    app->bookmarks = ABSW_BOOKMARKS_HOME;
    app->deep_links = 1;
    app->origins = apr_array_make(p, 1, sizeof(absw_origin_t));
    app->logout = apr_array_make(p, 1, sizeof(const char *));
    app->clear_cookies = apr_array_make(p, 1, sizeof(const char *));
    app->routes = apr_array_make(p, 1, sizeof(abswitch_route_t));
    app->cookie.name = apr_pstrcat(p, "abswitch_", name, NULL);
    app->cookie.same_site = "Lax";
    return app;
}

/* ---- the section ---- */

/** The section's lines, by directive, for telling whether two sections are the same. */
static const char *spelling_of(cmd_parms *cmd)
{
    const char *text = "";

    for (const command_rec *row = abswitch_directives; row->name; row++) {
        for (ap_directive_t *line = cmd->directive->first_child; line; line = line->next) {
            if (!ap_cstr_casecmp(line->directive, row->name)) {
                text = apr_pstrcat(cmd->pool, text, row->name, " ", line->args, "\n", NULL);
            }
        }
    }
    return text;
}

/** Other modules' directives would silently apply to the whole server: they are refused. */
static const char *refuse_foreign(cmd_parms *cmd)
{
    for (ap_directive_t *line = cmd->directive->first_child; line; line = line->next) {
        int ours = 0;

        for (const command_rec *row = abswitch_directives; row->name; row++) {
            ours |= *row->name != '<' && !ap_cstr_casecmp(line->directive, row->name);
        }
        if (!ours) {
            return apr_psprintf(cmd->pool, "<ABSwitch>: \"%s\" is not accepted in this section; "
                                "give only ABSwitch directives there and move this one outside",
                                line->directive);
        }
    }
    return NULL;
}

const char *abswitch_set_section(cmd_parms *cmd, void *dir, const char *raw)
{
    abswitch_server_t *conf = abswitch_server_of(cmd->server);
    const char *end = strrchr(raw, '>');
    const char *name, *error;

    (void)dir;
    if (!end || end[1]) {
        return "<ABSwitch: the line must end with \">\"; give <ABSwitch NAME>";
    }
    raw = apr_pstrmemdup(cmd->temp_pool, raw, (apr_size_t)(end - raw));
    name = ap_getword_conf(cmd->pool, &raw);
    if (*raw) {
        return apr_psprintf(cmd->pool, "<ABSwitch>: \"%s %s\" is not accepted; give one name, as "
                            "in <ABSwitch contact>", name, raw);
    }
    if ((error = abswitch_value_name(cmd, name, ABSW_APP_NAME_MAX, "an application's name"))) {
        return error;
    }
    if (conf->open) {
        return apr_psprintf(cmd->pool, "<ABSwitch>: \"%s\" stands in <ABSwitch %s>; close that "
                            "section first", name, conf->open->name);
    }
    for (int i = 0; i < conf->apps->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(conf->apps, i, abswitch_app_t *)->name, name)) {
            return apr_psprintf(cmd->pool, "<ABSwitch>: \"%s\" is here a second time; give each "
                                "application of a server one section", name);
        }
    }
    if ((error = refuse_foreign(cmd))) {
        return error;
    }
    conf->open = app_create(cmd->pool, name);
    conf->open->spelling = spelling_of(cmd);
    APR_ARRAY_PUSH(conf->apps, abswitch_app_t *) = conf->open;
    error = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    conf->open = NULL;
    return error;
}

/** The application whose section is being read, or NULL and *error. */
static abswitch_app_t *open_app(cmd_parms *cmd, const char **error)
{
    abswitch_app_t *app = abswitch_server_of(cmd->server)->open;

    *error = app ? NULL
                 : apr_psprintf(cmd->pool, "%s: it stands outside of an application; put it into "
                                "an <ABSwitch NAME> section", cmd->cmd->name);
    return app;
}

/* ---- directives of an application ---- */

const char *abswitch_set_launchpad(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error, *value;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    if (!app || argc < 1) {
        return app ? "ABSwitchLaunchpad: give PATH [page=URL-PATH] [login=SUFFIX]" : error;
    }
    if (app->launchpad) {
        return apr_psprintf(cmd->pool, "ABSwitchLaunchpad: \"%s\" is a second launchpad of %s; "
                            "give one", argv[0], app->name);
    }
    error = abswitch_value_path(cmd, argv[0], &app->launchpad);
    for (int i = 1; i < argc && !error; i++) {
        if (!strncmp(argv[i], "page=", 5)) {
            app->page = argv[i] + 5;
            error = abswitch_value_path(cmd, app->page, &value);
        }
        else if (!strncmp(argv[i], "login=", 6)) {
            error = abswitch_value_path(cmd, argv[i] + 6, &app->login);
            app->login = argv[i] + 6;
        }
        else {
            error = apr_psprintf(cmd->pool, "ABSwitchLaunchpad: \"%s\" is not accepted; give "
                                 "PATH [page=URL-PATH] [login=SUFFIX]", argv[i]);
        }
    }
    return error;
}

const char *abswitch_set_side(cmd_parms *cmd, void *dir, const char *name, const char *path)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);
    absw_side_t side = { .name = name };

    (void)dir;
    if (!app) {
        return error;
    }
    if (!strcmp(name, "off")) {
        return "ABSwitchSide: \"off\" is not accepted; it is a word of the tester's door, give "
               "the side another name";
    }
    if ((error = abswitch_value_name(cmd, name, ABSW_SIDE_NAME_MAX, "a side's name"))
        || (error = abswitch_value_path(cmd, path, &side.path))) {
        return error;
    }
    if (app->sides->nelts == ABSW_SIDES_MAX) {
        return apr_psprintf(cmd->pool, "ABSwitchSide: \"%s\" is one too many; an application has "
                            "2 to 16 sides", name);
    }
    for (int i = 0; i < app->sides->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(app->sides, i, absw_side_t).name, name)) {
            return apr_psprintf(cmd->pool, "ABSwitchSide: \"%s\" is here a second time; give each "
                                "side of an application its own name", name);
        }
    }
    side.path_len = strlen(side.path);
    APR_ARRAY_PUSH(app->sides, absw_side_t) = side;
    return NULL;
}

const char *abswitch_set_default(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    if (app) {
        app->default_side = word;
    }
    return error;
}

const char *abswitch_set_max_login(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    return app ? abswitch_value_time_or_none(cmd, word, ABSWITCH_TIME_MIN, ABSWITCH_TIME_MAX, &app->max_login)
               : error;
}

const char *abswitch_set_idle(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    return app ? abswitch_value_time(cmd, word, ABSWITCH_TIME_MIN, ABSWITCH_TIME_MAX, &app->idle) : error;
}

const char *abswitch_set_drain_timeout(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    return app ? abswitch_value_time_or_none(cmd, word, ABSWITCH_TIME_MIN, ABSWITCH_TIME_MAX, &app->drain_timeout)
               : error;
}

static const char *const on_off[] = { "off", "on", NULL };

const char *abswitch_set_auto_close(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    return app ? abswitch_value_choice(cmd, word, on_off, &app->auto_close) : error;
}

const char *abswitch_set_deep_links(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    return app ? abswitch_value_choice(cmd, word, on_off, &app->deep_links) : error;
}

const char *abswitch_set_bookmarks(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = {
        [ABSW_BOOKMARKS_HOME] = "home",
        [ABSW_BOOKMARKS_CURRENT] = "current",
        [ABSW_BOOKMARKS_OFF] = "off",
        NULL
    };
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);
    int choice;

    (void)dir;
    if (app && !(error = abswitch_value_choice(cmd, word, words, &choice))) {
        app->bookmarks = (absw_bookmarks_e)choice;
    }
    return error;
}

const char *abswitch_set_origin(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error, *rest;
    abswitch_app_t *app = open_app(cmd, &error);
    absw_origin_t origin;

    (void)dir;
    if (!app) {
        return error;
    }
    if (!absw_origin_parse(word, 0, &origin, &rest) || (*rest && strcmp(rest, "/"))) {
        return apr_psprintf(cmd->pool, "ABSwitchOrigin: \"%s\" is not accepted; give "
                            "scheme://host[:port], such as https://app.example", word);
    }
    APR_ARRAY_PUSH(app->origins, absw_origin_t) = origin;
    return NULL;
}

const char *abswitch_set_logout(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error, *path;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    if (app && !(error = abswitch_value_path(cmd, word, &path))) {
        APR_ARRAY_PUSH(app->logout, const char *) = word;
    }
    return error;
}

const char *abswitch_set_clear_cookies(cmd_parms *cmd, void *dir, const char *word)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    if (app && !(error = abswitch_value_cookie_name(cmd, word))) {
        APR_ARRAY_PUSH(app->clear_cookies, const char *) = word;
    }
    return error;
}

const char *abswitch_set_override(cmd_parms *cmd, void *dir, const char *path, const char *expr)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    if (!app || (error = abswitch_value_path(cmd, path, &app->door))) {
        return error;
    }
    if (!*app->door) {
        return "ABSwitchOverride: \"/\" is not accepted; give a path of the door's own, such as "
               "/contact-test";
    }
    app->door_len = strlen(app->door);
    return abswitch_value_expr(cmd, expr, &app->door_expr);
}

const char *abswitch_set_route(cmd_parms *cmd, void *dir, const char *side, const char *expr)
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);
    abswitch_route_t route = { .name = side, .side = ABSW_NO_SIDE, .text = expr };

    (void)dir;
    if (app && !(error = abswitch_value_expr(cmd, expr, &route.expr))) {
        APR_ARRAY_PUSH(app->routes, abswitch_route_t) = route;
    }
    return error;
}

static const char *set_cookie_option(cmd_parms *cmd, abswitch_cookie_t *cookie, const char *word)
{
    static const char *const secure[] = {
        [ABSWITCH_SECURE_AUTO] = "auto", [ABSWITCH_SECURE_ON] = "on",
        [ABSWITCH_SECURE_OFF] = "off", NULL
    };
    static const char *const sites[] = { "lax", "strict", "none", NULL };
    static const char *const written[] = { "Lax", "Strict", "None" };
    const char *error = NULL;
    int choice = 0;

    if (!strncmp(word, "secure=", 7)) {
        error = abswitch_value_choice(cmd, word + 7, secure, &choice);
        cookie->secure = (abswitch_secure_e)choice;
    }
    else if (!strncmp(word, "samesite=", 9)) {
        error = abswitch_value_choice(cmd, word + 9, sites, &choice);
        cookie->same_site = written[choice];
    }
    else if (!strncmp(word, "path=", 5)) {
        error = abswitch_value_path(cmd, word + 5, &cookie->path);
        if (!error && strchr(word + 5, ';')) {
            error = apr_psprintf(cmd->pool, "ABSwitchCookie: \"%s\" is not accepted; a cookie's "
                                 "path has no \";\"", word);
        }
    }
    else if (!strncmp(word, "domain=", 7)
             && absw_policy_is_name(word + 7, strlen(word + 7), ABSW_HOST_MAX, ".")) {
        cookie->domain = word + 7;
    }
    else {
        error = apr_psprintf(cmd->pool, "ABSwitchCookie: \"%s\" is not accepted; give NAME "
                             "[secure=auto|on|off] [samesite=lax|strict|none] [path=PATH] "
                             "[domain=DOMAIN]", word);
    }
    return error;
}

const char *abswitch_set_cookie(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);

    (void)dir;
    if (!app || argc < 1) {
        return app ? "ABSwitchCookie: give NAME [secure=auto|on|off] [samesite=lax|strict|none] "
                     "[path=PATH] [domain=DOMAIN]"
                   : error;
    }
    error = abswitch_value_cookie_name(cmd, argv[0]);
    app->cookie.name = argv[0];
    for (int i = 1; i < argc && !error; i++) {
        error = set_cookie_option(cmd, &app->cookie, argv[i]);
    }
    if (!error && app->cookie.secure == ABSWITCH_SECURE_OFF
        && !strcmp(app->cookie.same_site, "None")) {
        error = "ABSwitchCookie: samesite=none with secure=off is not accepted, browsers drop "
                "such a cookie; give secure=on";
    }
    return error;
}

const char *abswitch_set_on_drained(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error;
    abswitch_app_t *app = open_app(cmd, &error);
    const char **copy;

    (void)dir;
    if (!app || argc < 1) {
        return app ? "ABSwitchOnDrained: give COMMAND [ARG...]" : error;
    }
    if (!ap_os_is_path_absolute(cmd->temp_pool, argv[0])) {
        return apr_psprintf(cmd->pool, "ABSwitchOnDrained: \"%s\" is not accepted; give the "
                            "command's absolute path", argv[0]);
    }
    copy = apr_pcalloc(cmd->pool, ((apr_size_t)argc + 1) * sizeof(*copy));
    for (int i = 0; i < argc; i++) {
        copy[i] = argv[i];
    }
    app->on_drained = copy;
    return NULL;
}
