/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_SYNC_H
#define ABSWITCH_SYNC_H

#include "module.h"

/**
 * The sync in httpd: a watchdog thread in every child, of which the board's lease lets exactly
 * one act. Another takes over when that one is gone.
 */

/** In post_config: one watchdog for this node. 1, or 0 with an error logged. */
int abswitch_sync_start(apr_pool_t *p, server_rec *s, abswitch_node_t *node);

#endif
