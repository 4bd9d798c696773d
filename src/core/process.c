/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "process.h"

int absw_process_lives(apr_uint32_t pid)
{
    /* 0 and negative numbers mean groups of processes. */
    return pid > 0 && pid <= APR_INT32_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}
