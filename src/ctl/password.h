/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include "absw.h"

/** Ask on the terminal, unseen. In pool; NULL: there is no terminal, or nothing was typed. */
const char *ctl_password_ask(const char *user, const char *url, apr_pool_t *pool);

#endif
