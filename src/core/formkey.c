/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>

#include "formkey.h"
#include "mac.h"
#include "text.h"

#define TAG_LEN 16

/* The user has a key of his own, so no length or separator can make one look like another. */
static int tag_of(const absw_keys_t *keys, char kid, const char *issued, const char *user,
                  unsigned char *tag)
{
    unsigned char key[ABSW_MAC_LEN];
    unsigned char user_key[ABSW_MAC_LEN];
    int done;

    user = user ? user : "";
    done = absw_keys_derive(keys, kid, "mod_abswitch/1 csrf", key)
           && absw_mac_once(key, sizeof(key), user, strlen(user), user_key)
           && absw_mac_once(user_key, sizeof(user_key), issued, strlen(issued), tag);

    OPENSSL_cleanse(key, sizeof(key));
    OPENSSL_cleanse(user_key, sizeof(user_key));
    return done;
}

static int make(const absw_keys_t *keys, char kid, absw_sec_t now, const char *user, char *buf)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char tag[ABSW_MAC_LEN];
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
