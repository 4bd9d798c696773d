/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "form.h"
#include "formkey.h"
#include "hex.h"

/*
 * A form's body and its key. In: the body.
 *
 * Its pairs are all of the body and nothing else, what decodes is what was encoded, and no value
 * is a form key of a user but the one that was made for that user.
 */

#define ROOM 256

static const absw_keys_t *keys_of_sample(void)
{
    static const char text[] =
        "k 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    static absw_keys_t *keys;
    apr_pool_t *pool;
    const char *error;

    if (!keys) {
        apr_pool_create(&pool, NULL);
        keys = absw_keys_parse(pool, text, sizeof(text) - 1, &error);
        FUZZ_HOLDS(keys != NULL);
    }
    return keys;
}

/* Read the decoded text against the encoded one. */
static void is_decoded(const char *text, size_t len, const char *decoded)
{
    size_t at = 0;

    for (; *decoded; decoded++) {
        FUZZ_HOLDS(at < len);
        if (text[at] == '%') {
            FUZZ_HOLDS(len - at > 2 && absw_hex_byte(text + at + 1) == (unsigned char)*decoded);
            at += 3;
        }
        else {
            FUZZ_HOLDS(*decoded == (text[at] == '+' ? ' ' : text[at]));
            at++;
        }
    }
    FUZZ_HOLDS(at == len);
}

static void decode(fuzz_t *in, const char *text, size_t len)
{
    char decoded[ROOM];
    char key[ABSW_FORMKEY_MAX + 1];

    text = fuzz_copy(in, text, len, 0);
    if (!absw_form_decode(text, len, decoded, sizeof(decoded))) {
        return;
    }
    is_decoded(text, len, decoded);
    if (absw_formkey_verify(keys_of_sample(), FUZZ_NOW, "anna", decoded, strlen(decoded))) {
        FUZZ_HOLDS(absw_formkey_make(keys_of_sample(), strtol(decoded + 2, NULL, 10), "anna", key));
        FUZZ_HOLDS(!strcmp(key, decoded));
    }
    FUZZ_HOLDS(!absw_formkey_verify(keys_of_sample(), FUZZ_NOW, "ann", decoded, strlen(decoded)));
    FUZZ_HOLDS(!absw_formkey_verify(keys_of_sample(), FUZZ_NOW + 7200, "anna", decoded,
                                    strlen(decoded)));
}

void fuzz(fuzz_t *in)
{
    const char *body = fuzz_copy(in, in->at, in->len, 1);
    const char *end = body + strlen(body);
    const char *pos = body;
    const char *before = body;
    absw_form_pair_t pair;

    while (absw_form_next(&pos, &pair)) {
        FUZZ_HOLDS(pair.name >= before && pair.name + pair.name_len <= pos && pos <= end);
        FUZZ_HOLDS(pair.value >= pair.name + pair.name_len && pair.value + pair.value_len == pos);
        FUZZ_HOLDS(!memchr(pair.name, '=', pair.name_len));
        FUZZ_HOLDS(!memchr(pair.name, '&', (size_t)(pos - pair.name)));
        decode(in, pair.name, pair.name_len);
        decode(in, pair.value, pair.value_len);
        before = pos;
    }
    FUZZ_HOLDS(pos == end);
}
