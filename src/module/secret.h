/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_SECRET_H
#define ABSWITCH_SECRET_H

#include "module.h"

/**
 * The secret file: found, refused when it is not kept secret, read, and made on a first start.
 */

/** One sentence of what is wrong with the configured secret file, or NULL. For check_config. */
const char *abswitch_secret_check(apr_pool_t *p, server_rec *main_server);

/**
 * The keys, in pool p; made first when ABSwitchSecretFile is not set and state_dir has none.
 * NULL and *why on failure. Called by the parent, as the user that started httpd.
 */
absw_keys_t *abswitch_secret_load(apr_pool_t *p, server_rec *main_server, const char *state_dir,
                                  const char **why);

#endif
