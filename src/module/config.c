/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <ap_listen.h>

#include "config.h"

/* ---- life of a configuration ---- */

void *abswitch_config_create(apr_pool_t *p, server_rec *s)
{
    abswitch_server_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
    conf->apps = apr_array_make(p, 2, sizeof(abswitch_app_t *));
    return conf;
}

void *abswitch_config_merge(apr_pool_t *p, void *base, void *add)
{
    const abswitch_server_t *main_conf = base;
    const abswitch_server_t *host = add;
    abswitch_server_t *conf = apr_pcalloc(p, sizeof(*conf));

    conf->global = main_conf->global;
    conf->apps = apr_array_copy(p, host->apps);
    for (int i = 0; i < main_conf->apps->nelts; i++) {
        abswitch_app_t *inherited = APR_ARRAY_IDX(main_conf->apps, i, abswitch_app_t *);
        int own = 0;

        for (int j = 0; j < host->apps->nelts; j++) {
            own |= !strcmp(APR_ARRAY_IDX(host->apps, j, abswitch_app_t *)->name,
                           inherited->name);
        }
        if (!own) {
            APR_ARRAY_PUSH(conf->apps, abswitch_app_t *) = inherited;
        }
    }
    return conf;
}

/* ---- settings with their defaults ---- */

const absw_store_address_t *abswitch_config_store(const server_rec *main_server)
{
    return &abswitch_server_of(main_server)->global.store;
}

apr_uint32_t abswitch_config_sessions(const server_rec *main_server)
{
    apr_uint32_t sessions = abswitch_server_of(main_server)->global.sessions;

    return sessions ? sessions : 131072;
}

apr_interval_time_t abswitch_config_sync(const server_rec *main_server)
{
    apr_interval_time_t sync = abswitch_server_of(main_server)->global.sync;

    return sync ? sync : apr_time_from_sec(1);
}

apr_interval_time_t abswitch_config_store_timeout(const server_rec *main_server)
{
    apr_interval_time_t timeout = abswitch_server_of(main_server)->global.store_timeout;

    return timeout ? timeout : apr_time_from_msec(200);
}

const char *abswitch_config_state_dir(apr_pool_t *p, const server_rec *main_server)
{
    const char *dir = abswitch_server_of(main_server)->global.state_dir;

    return dir ? dir : ap_runtime_dir_relative(p, "abswitch");
}

const char *abswitch_config_node(apr_pool_t *p, const server_rec *main_server)
{
    const char *name = abswitch_server_of(main_server)->global.node;
    char host[ABSW_NODE_NAME_MAX - 6 + 1];
    apr_port_t port = main_server->port;

    if (name) {
        return name;
    }
    if (apr_gethostname(host, sizeof(host), p) != APR_SUCCESS) {
        apr_cpystrn(host, "localhost", sizeof(host));
    }
    for (char *c = host; *c; c++) {
        if (!absw_policy_is_name(c, 1, 1, ".")) {
            *c = '-';
        }
    }
    if (ap_listeners && ap_listeners->bind_addr) {
        port = ap_listeners->bind_addr->port;
    }
    return apr_psprintf(p, "%s:%d", host, (int)port);
}

apr_array_header_t *abswitch_config_apps(apr_pool_t *p, server_rec *main_server)
{
    apr_array_header_t *all = apr_array_make(p, 4, sizeof(abswitch_app_t *));

    for (server_rec *s = main_server; s; s = s->next) {
        const apr_array_header_t *apps = abswitch_server_of(s)->apps;

        for (int i = 0; i < apps->nelts; i++) {
            abswitch_app_t *app = APR_ARRAY_IDX(apps, i, abswitch_app_t *);
            int known = 0;

            for (int j = 0; j < all->nelts && !known; j++) {
                abswitch_app_t *other = APR_ARRAY_IDX(all, j, abswitch_app_t *);

                known = !strcmp(other->name, app->name);
                if (known) {
                    app->index = other->index;
                }
            }
            if (!known) {
                app->index = all->nelts;
                APR_ARRAY_PUSH(all, abswitch_app_t *) = app;
            }
        }
    }
    return all;
}
