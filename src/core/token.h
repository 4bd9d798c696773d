/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_TOKEN_H
#define ABSW_TOKEN_H

#include "policy.h"

/**
 * The token: which side a browser's session is on, and since when; signed.
 *
 *     1.<kid>.<side>.<flags>.<login>.<id>.<tag>
 *
 * tag: the first 16 bytes, in base64url without padding, of HMAC-SHA-256 (RFC 2104, FIPS
 * 180-4; OpenSSL's) with the key HMAC-SHA-256(secret, "mod_abswitch/1 token") over
 * "mod_abswitch/1" NUL <application> NUL <all before the last dot>.
 *
 * Parsing accepts the canonical spelling only, so that one token has one spelling.
 * All functions are safe in any thread; keys are read only once made.
 */

#define ABSW_TOKEN_MAX      160     /* bytes of a token's text */
#define ABSW_TOKEN_ID_LEN   16
#define ABSW_TOKEN_TAG_LEN  16
#define ABSW_TOKEN_AHEAD    60      /* seconds a login may lie in the future */

typedef struct {
    char kid;
    int side;                           /* index in the policy */
    int tester;
    absw_sec_t login;
    unsigned char id[ABSW_TOKEN_ID_LEN];
    unsigned char tag[ABSW_TOKEN_TAG_LEN];
} absw_token_t;

typedef struct absw_keys_t absw_keys_t;

/**
 * Read the text of a secret file: lines "KID HEX", newest first, blank lines and lines that
 * begin with "#" ignored; lines may end in CRLF or blanks. HEX is an even number of hex digits,
 * 64 to 1024. A KID twice, an unknown form, or no key at all is an error: NULL, and *error (in
 * pool or static) says what and in which line, never a byte of the secret. text need not end in
 * NUL, and stays the caller's to wipe. The keys live in pool and are wiped with it.
 */
absw_keys_t *absw_keys_parse(apr_pool_t *pool, const char *text, apr_size_t len,
                             const char **error);

/** A fresh secret file text: one line, kid 'k' and 32 random bytes; wiped with pool. NULL if no
 * randomness. */
const char *absw_keys_generate(apr_pool_t *pool);

/**
 * A check value of the key that verifies kid, 0 if there is none: what a table remembers of a
 * key, so that a dropped or replaced key is not trusted from memory. It reveals nothing of use.
 */
apr_uint32_t absw_keys_check(const absw_keys_t *keys, char kid);

/** The kid of the first key, the one that signs. */
char absw_keys_first(const absw_keys_t *keys);

/**
 * A key for another purpose: HMAC-SHA-256(secret of kid, label); out has 32 bytes. 1, or 0 if there
 * is no such kid or libcrypto fails (out of memory): out is no key then. Labels so far:
 * "mod_abswitch/1 token", "mod_abswitch/1 check", "mod_abswitch/1 csrf".
 */
int absw_keys_derive(const absw_keys_t *keys, char kid, const char *label, unsigned char *out);

/**
 * Parse text (len bytes, no NUL needed) without looking at the tag. Returns 1 if it is a
 * canonical token of a configured side, whose login is not more than ABSW_TOKEN_AHEAD in the
 * future of now.
 */
int absw_token_parse(const absw_policy_t *policy, absw_sec_t now, const char *text,
                     apr_size_t len, absw_token_t *token);

/** Is a parsed token's tag right? Constant time in the tag. */
int absw_token_verify(const absw_policy_t *policy, const absw_keys_t *keys,
                      const absw_token_t *token);

/**
 * Make a new token for side: random id, first key. APR_SUCCESS, the random source's error, or
 * APR_EGENERAL if libcrypto fails.
 */
apr_status_t absw_token_make(const absw_policy_t *policy, const absw_keys_t *keys, int side,
                             int tester, absw_sec_t login, absw_token_t *token);

/** Sign token with the first key: sets kid and tag. 1, or 0 if libcrypto fails. */
int absw_token_sign(const absw_policy_t *policy, const absw_keys_t *keys, absw_token_t *token);

/** Write the token's text to buf (ABSW_TOKEN_MAX + 1 bytes); returns its length. */
apr_size_t absw_token_format(const absw_policy_t *policy, const absw_token_t *token, char *buf);

#endif
