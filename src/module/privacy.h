/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_PRIVACY_H
#define ABSWITCH_PRIVACY_H

#include "module.h"

/**
 * An answer of the application that carries a new token is its user's alone: no shared cache
 * may hand the token to another. So it gets Cache-Control: private, unless it already says
 * private or no-store. Asked for by abswitch_request_t.private_answer.
 */

/**
 * The filters that see to it, where they are needed: also for what an internal redirect or an error
 * document answers in the first one's place. To be called before anybody answers r.
 */
void abswitch_privacy_insert(request_rec *r);

void abswitch_privacy_register_hooks(apr_pool_t *p);

#endif
