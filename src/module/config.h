/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_CONFIG_H
#define ABSWITCH_CONFIG_H

#include "module.h"

/** The directives: one row each. */
extern const command_rec abswitch_directives[];

void *abswitch_config_create(apr_pool_t *p, server_rec *s);

/** A virtual host has the main server's applications and its own. */
void *abswitch_config_merge(apr_pool_t *p, void *base, void *add);

/* Server-wide settings, with their defaults where they are not set. */
const absw_store_address_t *abswitch_config_store(const server_rec *main_server);
apr_uint32_t abswitch_config_sessions(const server_rec *main_server);
apr_interval_time_t abswitch_config_sync(const server_rec *main_server);
apr_interval_time_t abswitch_config_store_timeout(const server_rec *main_server);
const char *abswitch_config_state_dir(apr_pool_t *p, const server_rec *main_server);
const char *abswitch_config_node(apr_pool_t *p, const server_rec *main_server);

/** All applications of all servers, each once: abswitch_app_t *. */
apr_array_header_t *abswitch_config_apps(apr_pool_t *p, server_rec *main_server);

#endif
