/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_LAUNCHPAD_H
#define ABSWITCH_LAUNCHPAD_H

#include "module.h"

/** Where people enter: the launchpad, links below it that name no side, and the tester's door. */

void abswitch_launchpad_register_hooks(apr_pool_t *p);

#endif
