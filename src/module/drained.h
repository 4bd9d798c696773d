/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_DRAINED_H
#define ABSWITCH_DRAINED_H

#include "module.h"

/** ABSwitchOnDrained: the administrator's command, run beside the sync, never waited for. */

typedef struct abswitch_commands_t abswitch_commands_t;

/** Commands run by one sync thread; in pool. */
abswitch_commands_t *abswitch_drained_make(apr_pool_t *pool, server_rec *s);

/** Run app's command for side. A failure is logged and not tried again. */
void abswitch_drained_run(abswitch_commands_t *commands, const abswitch_app_t *app,
                          const char *side, apr_int64_t generation);

/** Collect the commands that have ended, and log those that failed. Does not wait. */
void abswitch_drained_collect(abswitch_commands_t *commands);

#endif
