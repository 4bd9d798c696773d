/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "formkey.h"
#include "text.h"

#define MAC_LEN 32                  /* bytes of HMAC-SHA-256 */
#define TAG_LEN 16

static int mac(const unsigned char *key, const char *text, unsigned char *out)
{
    unsigned int out_len = 0;

    return HMAC(EVP_sha256(), key, MAC_LEN, (const unsigned char *)text, strlen(text), out,
                &out_len) != NULL && out_len == MAC_LEN;
}

/* The user has a key of his own, so no length or separator can make one look like another. */
static int tag_of(const absw_keys_t *keys, char kid, const char *issued, const char *user,
                  unsigned char *tag)
{
    unsigned char key[MAC_LEN];
    unsigned char user_key[MAC_LEN];
    int done = absw_keys_derive(keys, kid, "mod_abswitch/1 csrf", key)
               && mac(key, user ? user : "", user_key) && mac(user_key, issued, tag);

    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(user_key, sizeof(user_key));
    return done;
}

static int make(const absw_keys_t *keys, char kid, absw_sec_t now, const char *user, char *buf)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char tag[MAC_LEN];
    char *out = buf;

    *out++ = kid;
    *out++ = '.';
    out += apr_snprintf(out, ABSW_FORMKEY_MAX - 2 * TAG_LEN - 2, "%" APR_INT64_T_FMT, now);
    if (!tag_of(keys, kid, buf + 2, user, tag)) {
        return 0;
    }
    *out++ = '.';
    for (int i = 0; i < TAG_LEN; i++) {
        *out++ = hex[tag[i] >> 4];
        *out++ = hex[tag[i] & 15];
    }
    *out = '\0';
    return 1;
}

int absw_formkey_make(const absw_keys_t *keys, absw_sec_t now, const char *user, char *buf)
{
    return make(keys, absw_keys_first(keys), now, user, buf);
}

int absw_formkey_verify(const absw_keys_t *keys, absw_sec_t now, const char *user,
                        const char *text, apr_size_t len)
{
    const char *number = text + 2;
    const char *dot = len > 2 && text[1] == '.' ? memchr(number, '.', len - 2) : NULL;
    char expected[ABSW_FORMKEY_MAX + 1];
    absw_sec_t issued;

    if (!dot
        || !absw_text_number(number, (apr_size_t)(dot - number), now + ABSW_TOKEN_AHEAD, &issued)
        || now - issued > ABSW_FORMKEY_LIFE || !make(keys, text[0], issued, user, expected)) {
        return 0;
    }
    return len == strlen(expected) && CRYPTO_memcmp(text, expected, len) == 0;
}
