/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_MANAGER_H
#define ABSWITCH_MANAGER_H

#include "module.h"

/**
 * A POST to the manager: contract section 7. Answers for itself; returns what a handler does.
 *
 * The request's own thread goes to the store, with a handle that lives as long as the request.
 * The sync's handle is the sync's alone, and waiting for the next sync would take up to a minute;
 * this way the answer is the store's own, and takes at most a few times ABSwitchStoreTimeout.
 */
int abswitch_manager_post(request_rec *r);

#endif
