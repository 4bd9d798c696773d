/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_LAUNCHPAD_H
#define ABSWITCH_LAUNCHPAD_H

#include "module.h"

/** Where people enter: the launchpad, links below it that name no side, and the tester's door. */

/** The launchpad itself, or the door. As a handler: OK, a status, or DECLINED. */
int abswitch_launchpad_handle(request_rec *r, abswitch_request_t *ours);

/** The same for a link below the launchpad, if httpd would not find it. */
int abswitch_launchpad_deep_link(request_rec *r, abswitch_request_t *ours);

#endif
