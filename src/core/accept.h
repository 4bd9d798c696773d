/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_ACCEPT_H
#define ABSW_ACCEPT_H

/**
 * Content negotiation (RFC 9110 section 12.5.1), as far as it goes here: a person's browser or
 * a script? Pure.
 */

/**
 * Does an Accept header (NULL: there is none) prefer application/json to text/html? The higher
 * quality wins; between equals the one that is named more closely. So a wildcard alone is HTML,
 * and beside application/json it does not count. An element that does not parse says nothing.
 */
int absw_accept_prefers_json(const char *accept);

#endif
