/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_ABSWITCH_H
#define MOD_ABSWITCH_H

/**
 * @file mod_abswitch.h
 * What other modules may rely on. Include it, retrieve the functions in your own post_config or
 * optional_fn_retrieve hook, and be ready for NULL when mod_abswitch is not loaded:
 *
 *     static APR_OPTIONAL_FN_TYPE(abswitch_side) *side_of;
 *     side_of = APR_RETRIEVE_OPTIONAL_FN(abswitch_side);
 *     if (side_of && (side = side_of(r)) != NULL) ...
 */

#include <httpd.h>
#include <apr_optional.h>

/** The request's environment, set when the URL is translated (see docs/decision.md). */
#define ABSWITCH_ENV_APP        "ABSWITCH_APP"
#define ABSWITCH_ENV_SIDE       "ABSWITCH_SIDE"
#define ABSWITCH_ENV_VERDICT    "ABSWITCH_VERDICT"
#define ABSWITCH_ENV_DRAINING   "ABSWITCH_DRAINING"
#define ABSWITCH_ENV_EXPIRES    "ABSWITCH_EXPIRES"

/** The application that r belongs to, or NULL. Lives as long as r. Any thread, after
 * translate_name. Asks the main, first request of a chain of sub-requests and redirects. */
APR_DECLARE_OPTIONAL_FN(const char *, abswitch_app, (request_rec *r));

/** The side of r's path (at the launchpad, the side chosen), or NULL. As above. */
APR_DECLARE_OPTIONAL_FN(const char *, abswitch_side, (request_rec *r));

/** The verdict's name, or NULL. As above. */
APR_DECLARE_OPTIONAL_FN(const char *, abswitch_verdict, (request_rec *r));

#endif
