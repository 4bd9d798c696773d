/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_MAC_H
#define ABSW_MAC_H

#include <apr_pools.h>

/**
 * HMAC-SHA-256 (RFC 2104, FIPS 180-4), libcrypto's. To find the algorithm by its name and to
 * digest the key costs it more than a short message does: a key that is used again and again is
 * made once.
 */

#define ABSW_MAC_LEN 32             /* bytes */

/** A key that is made: any number of threads may compute with it at once, also after a fork. */
typedef struct absw_mac_t absw_mac_t;

/**
 * Make one of len bytes of key, which stay the caller's to wipe. It lives in pool, and libcrypto
 * wipes it with that. NULL if libcrypto fails (out of memory).
 */
absw_mac_t *absw_mac_make(apr_pool_t *pool, const unsigned char *key, apr_size_t len);

/** The MAC of len bytes of data, to out (ABSW_MAC_LEN bytes). 1, or 0 if libcrypto fails. */
int absw_mac_compute(absw_mac_t *mac, const void *data, apr_size_t len, unsigned char *out);

/** The same with a key that is used this once. */
int absw_mac_once(const unsigned char *key, apr_size_t key_len, const void *data, apr_size_t len,
                  unsigned char *out);

#endif
