/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers.h"
#include "launchpad.h"
#include "privacy.h"
#include "status.h"

static __attribute__((noinline)) int handle(request_rec *r, abswitch_request_t *ours)
{
    int status = ours ? abswitch_launchpad_handle(r, ours) : DECLINED;

    if (status != DECLINED) {
        return status;
    }
    abswitch_privacy_insert(r);
    return abswitch_status_handle(r);
}

/** Every request of the server comes by here: one look, and what may be ours is elsewhere. */
static int handler(request_rec *r)
{
    abswitch_request_t *ours = abswitch_request_of(r);

    if ((ours && (ours->handled || ours->private_answer)) || r->prev || *r->handler == 'a') {
        return handle(r, ours);
    }
    return DECLINED;
}

static int last_handler(request_rec *r)
{
    abswitch_request_t *ours = abswitch_request_of(r);

    return ours && ours->at == ABSWITCH_AT_LAUNCHPAD ? abswitch_launchpad_deep_link(r, ours)
                                                     : DECLINED;
}

void abswitch_handlers_register_hooks(apr_pool_t *p)
{
    static const char *const after_us[] = { "mod_cache.c", NULL };

    (void)p;
    /* A SetHandler for a whole site, such as a proxy's (FIRST), must not take the launchpad.
     * mod_cache answers at that place, too: a new token's filters have to be there before. */
    ap_hook_handler(handler, NULL, after_us, APR_HOOK_REALLY_FIRST);
    /* Just before httpd's own handler of files, which is REALLY_LAST: whoever else would answer
     * has declined by now. */
    ap_hook_handler(last_handler, NULL, NULL, APR_HOOK_LAST);
}
