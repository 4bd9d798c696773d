/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_STATUS_H
#define ABSWITCH_STATUS_H

#include "module.h"

/** The handlers abswitch-status and abswitch-manager: contract section 7. */

/** As a handler, where r->handler is not NULL: OK, a status, or DECLINED. */
int abswitch_status_handle(request_rec *r);

#endif
