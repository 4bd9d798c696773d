/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_REQUEST_H
#define ABSWITCH_REQUEST_H

#include "module.h"

/** The request path: requests below a side, from URL to verdict, and what others may ask of it. */

void abswitch_request_register_hooks(apr_pool_t *p);

#endif
