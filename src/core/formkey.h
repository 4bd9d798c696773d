/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_FORMKEY_H
#define ABSW_FORMKEY_H

#include "token.h"

/**
 * The manager's form key: proves that a form was made for this user by a node that knows the
 * secret, within the last hour. What a page of another site cannot know, it cannot send.
 *
 *     <kid>.<issued>.<tag>
 *
 * kid: of the first key. issued: decimal Unix seconds. tag: the first 16 bytes, in lower-case hex,
 * of H(H(H(secret of kid, "mod_abswitch/1 csrf"), <user>), <issued>), where H(key, text) is
 * HMAC-SHA-256. Nothing is kept: a node accepts what any other made that signs with a key it has,
 * so also while keys are rotated. Any thread.
 */

#define ABSW_FORMKEY_MAX  64        /* bytes of a form key's text */
#define ABSW_FORMKEY_LIFE 3600      /* seconds it is good for */

/**
 * Write one for user (NULL: nobody is logged in) to buf (ABSW_FORMKEY_MAX + 1 bytes). 1, or 0
 * if libcrypto fails.
 */
int absw_formkey_make(const absw_keys_t *keys, absw_sec_t now, const char *user, char *buf);

/**
 * Is text (len bytes) a form key of user, in canonical form, not older than an hour at now and
 * not more than ABSW_TOKEN_AHEAD in the future? Constant time in the tag.
 */
int absw_formkey_verify(const absw_keys_t *keys, absw_sec_t now, const char *user,
                        const char *text, apr_size_t len);

#endif
