/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_H
#define ABSW_H

/**
 * The words that every room of the engine shares. The engine knows APR, never httpd.
 *
 * Time: absw_sec_t is whole Unix seconds (the floor of the clock); a duration in seconds
 * has the same type. 0 as a duration means "none" wherever a header says so.
 */

#include <apr.h>
#include <apr_errno.h>
#include <apr_pools.h>

#define ABSW_VERSION       "0.1.0"  /* of the module and its tool alike */

typedef apr_int64_t absw_sec_t;

#define ABSW_SIDES_MAX      16  /* sides of one application */
#define ABSW_APP_NAME_MAX   32  /* bytes, [A-Za-z0-9_-] */
#define ABSW_SIDE_NAME_MAX  16  /* bytes, [A-Za-z0-9_-] */
#define ABSW_NODE_NAME_MAX  64  /* bytes, [A-Za-z0-9._:-] */
#define ABSW_BY_MAX         64  /* bytes of who changed a switch */
#define ABSW_NOTE_MAX      800  /* bytes: 200 characters of UTF-8 */

/** No side: the index where there is none. */
#define ABSW_NO_SIDE       (-1)

#endif
