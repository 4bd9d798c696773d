/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "ctl.h"

/**
 * The command line: words and options in any order, "--" ends the options. Pure but for
 * $ABSWITCH_URL. What is read points into argv.
 */

/**
 * Returns NULL, or one sentence in pool that says what is wrong. options->command is set even
 * then if the command could be told, since `check` ends in its own way.
 */
const char *ctl_options_read(int argc, const char *const *argv, apr_pool_t *pool,
                             ctl_options_t *options);

/** Take passwords out of argv, where everyone on the machine can read them. */
void ctl_options_hide(int argc, char **argv);

#endif
