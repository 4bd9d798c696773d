/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "ctl.h"

/** The exit statuses of a monitoring plug-in. */
typedef enum {
    CTL_CHECK_OK,
    CTL_CHECK_WARNING,
    CTL_CHECK_CRITICAL,
    CTL_CHECK_UNKNOWN
} ctl_check_e;

/** The one line of a plug-in, with performance data or "". Returns status. */
int ctl_check_say(ctl_t *ctl, ctl_check_e status, const char *text, const char *data);

#endif
