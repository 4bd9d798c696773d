/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers.h"
#include "launchpad.h"
#include "status.h"

/** Every request of the server comes by here: one look, and what is ours is elsewhere. */
static int handler(request_rec *r)
{
    abswitch_request_t *ours = abswitch_request_of(r);

    if (ours && ours->at != ABSWITCH_AT_SIDE) {
        int status = abswitch_launchpad_handle(r, ours);

        if (status != DECLINED) {
            return status;
        }
    }
    return r->handler && *r->handler == 'a' ? abswitch_status_handle(r) : DECLINED;
}

static int last_handler(request_rec *r)
{
    abswitch_request_t *ours = abswitch_request_of(r);

    return ours && ours->at == ABSWITCH_AT_LAUNCHPAD ? abswitch_launchpad_deep_link(r, ours)
                                                     : DECLINED;
}

void abswitch_handlers_register_hooks(apr_pool_t *p)
{
    (void)p;
    /* A SetHandler for a whole site, such as a proxy's (FIRST), must not take the launchpad. */
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_REALLY_FIRST);
    /* Just before httpd's own handler of files, which is REALLY_LAST: whoever else would answer
     * has declined by now. */
    ap_hook_handler(last_handler, NULL, NULL, APR_HOOK_LAST);
}
