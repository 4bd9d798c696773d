/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_STATUS_H
#define ABSWITCH_STATUS_H

#include "module.h"

/** The handlers abswitch-status and abswitch-manager: contract section 7. */

void abswitch_status_register_hooks(apr_pool_t *p);

#endif
