/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_STORES_H
#define ABSWITCH_STORES_H

#include "module.h"

/**
 * A handle on the configured store, in pool, for one thread of one process; it connects when it
 * is first used.
 */
absw_store_t *abswitch_stores_make(apr_pool_t *pool, const server_rec *main_server,
                                   const abswitch_node_t *node);

#endif
