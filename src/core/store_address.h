/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_ADDRESS_H
#define ABSW_STORE_ADDRESS_H

#include "absw.h"

/**
 * Where the store is: the argument of ABSwitchStore. Pure; no name is looked up.
 *
 *     local
 *     memcache:HOST[:PORT][,HOST[:PORT]...]    [::1]:11211 for IPv6
 *     memcache:/path/to/socket
 *
 * A socket may be one of several servers, too.
 */

#define ABSW_STORE_SERVERS_MAX  8
#define ABSW_STORE_PORT_DEFAULT 11211

typedef struct {
    const char *name;           /* as it is shown: "10.0.0.5:11211", "[::1]:11211", "/run/m.sock" */
    const char *host;           /* name or address without brackets; NULL: a socket */
    const char *path;           /* of a UNIX socket; NULL: a host */
    apr_uint16_t port;            /* of a host */
} absw_store_place_t;

typedef struct {
    int n;                      /* 0: local */
    absw_store_place_t servers[ABSW_STORE_SERVERS_MAX];
} absw_store_address_t;

/**
 * Parse value into *address; its strings are in pool. Returns NULL, or what is wrong: one
 * sentence, in pool, that names the directive, the value and what is accepted.
 */
const char *absw_store_address_parse(apr_pool_t *pool, const char *value,
                                     absw_store_address_t *address);

#endif
