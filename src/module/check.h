/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_CHECK_H
#define ABSWITCH_CHECK_H

#include "module.h"

/**
 * The check_config hook: what can be said only when the whole configuration is read. It also
 * makes what the request path reads: each application's policy and each server's paths. An
 * error is one sentence in the log (with httpd -t: on the terminal), and OK is not returned.
 */
int abswitch_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
