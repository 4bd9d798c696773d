/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_LOCATION_H
#define ABSW_LOCATION_H

#include "absw.h"

/**
 * A Location that cannot leave the site: built from a configured path and a re-encoded rest,
 * never validated. Whatever comes in, the result begins with the encoded base, has no empty
 * segment, no "." or ".." segment, no scheme or host, and nothing outside printable ASCII.
 */

/** Rest-encoding options. */
#define ABSW_LOCATION_KEEP_2F 1 /* "%2F" in the decoded rest is an encoded slash that httpd kept
                                   (AllowEncodedSlashes NoDecode): keep it, as "%2F". httpd decodes
                                   "%252F" to the same bytes, so that is kept as "%2F", too */

/**
 * Build base + rest + ["?" query] in pool.
 * base: a configured, decoded path without trailing slash ("" is the root); it is encoded, too.
 * rest: decoded, "" or beginning with "/" (else it gets one); runs of "/" collapse, "."
 *   segments vanish, ".." ones go up, never above base; all but RFC 3986 pchar and "/" is
 *   percent-encoded. A rest "" leaves the base alone ("/" when base is the root); a trailing
 *   slash stays.
 * query: as sent (undecoded), or NULL: kept, less arguments (parted by "&") named "abswitch"
 *   (also when the name is percent-encoded); bytes outside printable ASCII, space, '"', '<',
 *   '>' and '#' are percent-encoded. If nothing is left there is no "?".
 * extra: an argument of the module's own to put instead of the query, such as
 *   "abswitch=expired", or NULL.
 */
const char *absw_location_build(apr_pool_t *pool, const char *base, const char *rest,
                                const char *query, const char *extra, int options);

#endif
