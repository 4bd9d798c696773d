/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_HELP_H
#define CTL_HELP_H

#include "ctl.h"

/** What the tool can do; or what this command does. To out. */
void ctl_help(ctl_say_t *out, const ctl_command_t *command, apr_pool_t *pool);

#endif
