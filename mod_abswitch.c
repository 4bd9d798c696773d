/* SPDX-License-Identifier: Apache-2.0 */

/**
 * mod_abswitch: upgrade a live web application without interrupting anybody.
 *
 *     mod_abswitch.c     the module: its record, its hooks
 *     src/module/        httpd glue: configuration, request_rec -> facts, verdict -> response
 *     src/core/          the engine: decisions, tokens, the session table, the drain's proof
 *
 * A request's way: translate_name (src/module/request.c) -> facts.c -> core/decide.c -> answer.c.
 */

#include "src/module/check.h"
#include "src/module/config.h"
#include "src/module/handlers.h"
#include "src/module/life.h"
#include "src/module/module.h"
#include "src/module/privacy.h"
#include "src/module/request.h"

static void register_hooks(apr_pool_t *p)
{
    /* httpd -t ends before post_config, so what an administrator can get wrong is checked here. */
    ap_hook_check_config(abswitch_check_config, NULL, NULL, APR_HOOK_MIDDLE);

    abswitch_life_register_hooks(p);
    abswitch_request_register_hooks(p);
    abswitch_handlers_register_hooks(p);
    abswitch_privacy_register_hooks(p);
}

/* All else of the library is hidden. */
module AP_MODULE_DECLARE_DATA __attribute__((visibility("default"))) abswitch_module = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* nothing lives in directories */
    NULL,
    abswitch_config_create,
    abswitch_config_merge,
    abswitch_directives,
    register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
