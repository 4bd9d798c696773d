/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_HANDLERS_H
#define ABSWITCH_HANDLERS_H

#include "module.h"

/** httpd's handler hook: what the module answers itself. */

void abswitch_handlers_register_hooks(apr_pool_t *p);

#endif
