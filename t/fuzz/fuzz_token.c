/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "token.h"

/*
 * Tokens and keys. In: a first byte that says what the rest is.
 *
 *     'p'  the text of a token
 *     'm'  login (5 bytes), side, tester, where to change its text and to what, where to cut it
 *     'k'  the text of a secret file
 *
 * What parses is canonical, and nothing verifies but what was signed.
 */

/* What libFuzzer has seen compared it puts into inputs, so what is signed here has its own key. */
typedef enum {
    OF_SEEDS,
    OF_CHANGES
} which_e;

static const absw_keys_t *keys_of(which_e which)
{
    static const char *const text[] = {
        "k 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
        "j ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n",
        "k 0f0e0d0c0b0a090807060504030201000f0e0d0c0b0a09080706050403020100\n",
    };
    static absw_keys_t *keys[2];
    apr_pool_t *pool;
    const char *error;

    if (!keys[which]) {
        apr_pool_create(&pool, NULL);
        keys[which] = absw_keys_parse(pool, text[which], strlen(text[which]), &error);
        FUZZ_HOLDS(keys[which] != NULL);
    }
    return keys[which];
}

/* The one token that verifies and is in the seeds. */
static const char signed_one[] =
    "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urw._4w3Rzew7TNzNFX7p2detw";

static int parse(const char *text, size_t len, absw_token_t *token)
{
    const absw_policy_t *policy = fuzz_policy();
    char again[ABSW_TOKEN_MAX + 1];

    if (!absw_token_parse(policy, FUZZ_NOW, text, len, token)) {
        return 0;
    }
    FUZZ_HOLDS(len <= ABSW_TOKEN_MAX);
    FUZZ_HOLDS(token->side >= 0 && token->side < policy->sides_n);
    FUZZ_HOLDS(token->login > 0 && token->login <= FUZZ_NOW + ABSW_TOKEN_AHEAD);
    FUZZ_HOLDS(absw_token_format(policy, token, again) == len);
    FUZZ_HOLDS(memcmp(again, text, len) == 0);
    return 1;
}

static void parse_text(fuzz_t *in)
{
    absw_token_t token;
    size_t len;
    const char *text = fuzz_rest(in, &len);

    if (parse(text, len, &token) && absw_token_verify(fuzz_policy(), keys_of(OF_SEEDS), &token)) {
        FUZZ_HOLDS(len == sizeof(signed_one) - 1 && memcmp(text, signed_one, len) == 0);
    }
}

static void make_and_change(fuzz_t *in)
{
    const absw_policy_t *policy = fuzz_policy();
    const absw_keys_t *keys = keys_of(OF_CHANGES);
    char text[ABSW_TOKEN_MAX + 1];
    absw_token_t token = { .login = (absw_sec_t)(fuzz_number(in, 5) % FUZZ_NOW) + 1 };
    absw_token_t read;
    const char *copy;
    const char *changed;
    size_t len;
    size_t changed_len;
    size_t at;

    token.side = (int)(fuzz_number(in, 1) % (unsigned)policy->sides_n);
    token.tester = (int)(fuzz_number(in, 1) & 1);
    for (int i = 0; i < ABSW_TOKEN_ID_LEN; i++) {
        token.id[i] = (unsigned char)(i * 17 + (int)(token.login & 255));
    }
    FUZZ_HOLDS(absw_token_sign(policy, keys, &token));
    len = absw_token_format(policy, &token, text);
    FUZZ_HOLDS(len <= ABSW_TOKEN_MAX && strlen(text) == len);
    copy = fuzz_copy(in, text, len, 0);
    FUZZ_HOLDS(parse(copy, len, &read));
    FUZZ_HOLDS(absw_token_verify(policy, keys, &read));
    FUZZ_HOLDS(read.side == token.side && read.login == token.login
               && read.tester == token.tester && !memcmp(read.id, token.id, sizeof(token.id)));

    at = fuzz_number(in, 1) % len;
    text[at] = (char)fuzz_number(in, 1);
    changed_len = len - fuzz_number(in, 1) % 3;
    changed = fuzz_copy(in, text, changed_len, 0);
    if ((changed_len != len || memcmp(changed, copy, len) != 0)
        && parse(changed, changed_len, &read)) {
        FUZZ_HOLDS(!absw_token_verify(policy, keys, &read));
    }
}

static void read_keys(fuzz_t *in)
{
    size_t len;
    const char *text = fuzz_rest(in, &len);
    const char *error = NULL;
    const absw_keys_t *keys = absw_keys_parse(in->pool, text, len, &error);
    absw_token_t token;

    FUZZ_HOLDS((keys != NULL) == (error == NULL));
    FUZZ_HOLDS(!error || strlen(error) < 200);
    if (keys) {
        FUZZ_HOLDS(absw_token_make(fuzz_policy(), keys, 0, 0, FUZZ_NOW, &token) == APR_SUCCESS);
        FUZZ_HOLDS(absw_token_verify(fuzz_policy(), keys, &token));
        FUZZ_HOLDS(absw_keys_check(keys, token.kid) != 0);
    }
}

void fuzz(fuzz_t *in)
{
    switch ((char)fuzz_number(in, 1)) {
    case 'm':
        make_and_change(in);
        break;
    case 'k':
        read_keys(in);
        break;
    default:
        parse_text(in);
        break;
    }
}
