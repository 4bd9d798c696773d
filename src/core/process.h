/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_PROCESS_H
#define ABSW_PROCESS_H

#include "absw.h"

/** Is there a process of that number? kill(pid, 0); one of another user is there, too. */
int absw_process_lives(apr_uint32_t pid);

#endif
