/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_MEMCACHED_H
#define ABSW_STORE_MEMCACHED_H

#include "store.h"
#include "store_address.h"
#include "store_link.h"

/**
 * The store of a cluster: memcached servers that are mirrors of each other, as store.h says.
 *
 * Nothing is done before the first operation, so a handle can be made anywhere and used by one
 * thread of one process. An operation blocks; signals wait meanwhile. One wait for a server takes
 * the time-out at most, and after it that server is left alone: for a second, doubling to five
 * (longer where all servers together may take longer to time out), so that a hung server costs
 * one time-out each time it is tried. Every get looks whether such a server answers again, and
 * then uses it: see store_scout.h. Two things are not bounded so: looking up a host's name
 * (prefer addresses) and one value that comes in drops, each within the time-out.
 *
 * Values are only read and written whole. A value too long is refused before it is sent, because
 * memcached throws the old one away.
 */

typedef struct {
    const absw_store_address_t *address;    /* lives as long as the store; n at least 1 */
    apr_interval_time_t timeout;            /* ABSwitchStoreTimeout */
    absw_store_clock_t clock;               /* NULL: the system's monotonic one */

    /**
     * Who looks after losses, the node's name: at most 64 bytes as in a key. Every owner leaves a
     * key of its own on every server (abswitch-proof:<owner>), so that each one notices when a
     * server was emptied. Of several handles of one owner one may notice in place of another: what
     * is overlooked so is written anew within two syncs.
     */
    const char *owner;
} absw_store_memcached_terms_t;

/** A handle, in pool, which closes its connections. */
absw_store_t *absw_store_memcached_make(apr_pool_t *pool,
                                        const absw_store_memcached_terms_t *terms);

#endif
