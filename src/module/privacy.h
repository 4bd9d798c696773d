/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_PRIVACY_H
#define ABSWITCH_PRIVACY_H

#include "module.h"

/**
 * An answer of the application that carries a new token is its user's alone: no shared cache
 * may hand the token to another. So it gets Cache-Control: private, unless it already says
 * private or no-store. Asked for by abswitch_request_t.private_answer.
 */

void abswitch_privacy_register_hooks(apr_pool_t *p);

#endif
