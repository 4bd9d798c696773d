/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_SCOUT_H
#define ABSW_STORE_SCOUT_H

#include "store_address.h"

/**
 * A look at a memcached server that is left alone after a failure: does it answer again? One
 * question ("version") on a connection of its own, whose answer is taken when it is there. So a
 * server that hangs is asked once and then costs nothing, and one that cannot be reached costs
 * a moment at each look. One thread.
 */

#define ABSW_STORE_SCOUT_PATIENCE apr_time_from_msec(10)    /* of one wait */

typedef struct absw_store_scout_t absw_store_scout_t;

/** In pool, which closes its connection. place must live as long. Nothing is done yet. */
absw_store_scout_t *absw_store_scout_make(apr_pool_t *pool, const absw_store_place_t *place);

/**
 * Does it answer? now: microseconds, not set back. A host's name is looked up once, by the first
 * look. After a yes the next look asks anew.
 */
int absw_store_scout_look(absw_store_scout_t *scout, apr_time_t now);

/** Ask no more: the server is called otherwise now. */
void absw_store_scout_leave(absw_store_scout_t *scout);

#endif
