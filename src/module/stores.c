/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_local.h"
#include "store_memcached.h"
#include "stores.h"

absw_store_t *abswitch_stores_make(apr_pool_t *pool, const server_rec *main_server,
                                   const abswitch_node_t *node)
{
    const absw_store_address_t *address = abswitch_config_store(main_server);

    if (address->n == 0) {
        return absw_store_local_make(pool, node->state_dir);
    }
    return absw_store_memcached_make(pool, &(absw_store_memcached_terms_t) {
        .address = address,
        .timeout = abswitch_config_store_timeout(main_server),
        .owner = node->name,
    });
}
