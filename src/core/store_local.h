/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_STORE_LOCAL_H
#define ABSW_STORE_LOCAL_H

#include "store.h"

/**
 * The store of a node that is alone: files in its state directory.
 *
 *     abswitch:<app>:switch   <dir>/<app>.switch
 *     abswitch:<app>:log      <dir>/<app>.log
 *     abswitch:<app>:drained  <dir>/<app>.drained
 *
 * Every other key is absent and cannot be written. Writers of several processes and threads are
 * kept apart by a lock on <dir>/<app>.lock, waited for 500 ms at most; hands that write the files
 * know nothing of it, so cas compares what is there. A file that is empty is being written (BUSY)
 * until it has been empty for five seconds; then it is as good as absent.
 */

/** A handle, in pool. dir must live as long. One thread. */
absw_store_t *absw_store_local_make(apr_pool_t *pool, const char *dir);

#endif
