/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_GUARD_H
#define ABSWITCH_GUARD_H

#include "module.h"

/**
 * Warn of a manager that anybody may use: SetHandler abswitch-manager where the configuration has
 * no Require for it. p: scratch. In post_config.
 */
void abswitch_guard_warn(apr_pool_t *p, const server_rec *s);

/** Does the configuration have that directive, with that argument if one is given? */
int abswitch_guard_has(const ap_directive_t *at, const char *name, const char *arg);

#endif
