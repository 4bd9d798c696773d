/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>

#include "sample.h"
#include "token.h"

#define SECRET  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECRET2 "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define EXAMPLE "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urw._4w3Rzew7TNzNFX7p2detw"
#define ID      "oKGio6SlpqeoqaqrrK2urw"
#define TAG     "_4w3Rzew7TNzNFX7p2detw"

/* Expected values not in the contract were computed apart, with Python's hmac. */

static apr_pool_t *pool;
static absw_policy_t policy;

static absw_keys_t *keys_of(const char *text)
{
    const char *error = NULL;
    absw_keys_t *keys = absw_keys_parse(pool, text, strlen(text), &error);

    if (!keys) {
        fail_msg("keys: %s", error);
    }
    return keys;
}

/* The text is a token, for policy and keys at now: both steps that a request takes. */
static int is_token(const absw_keys_t *keys, const char *text, apr_size_t len)
{
    absw_token_t token;

    return absw_token_parse(&policy, SAMPLE_NOW, text, len, &token)
           && absw_token_verify(&policy, keys, &token);
}

static int parses(const char *text, apr_size_t len)
{
    absw_token_t token;

    return absw_token_parse(&policy, SAMPLE_NOW, text, len, &token);
}

static const char *digits(int n)
{
    char *text = apr_palloc(pool, (apr_size_t)n + 1);

    memset(text, 'a', (apr_size_t)n);
    text[n] = '\0';
    return text;
}

static void test_example(void **state)
{
    absw_keys_t *keys = keys_of("k " SECRET "\n");
    absw_token_t token = { .side = SIDE_A, .login = 1763800000 };
    absw_token_t back;
    char buf[ABSW_TOKEN_MAX + 1];

    (void)state;
    for (int i = 0; i < ABSW_TOKEN_ID_LEN; i++) {
        token.id[i] = (unsigned char)(0xa0 + i);
    }
    assert_true(absw_token_sign(&policy, keys, &token));
    assert_int_equal(absw_token_format(&policy, &token, buf), strlen(EXAMPLE));
    assert_string_equal(buf, EXAMPLE);

    assert_true(absw_token_parse(&policy, SAMPLE_NOW, EXAMPLE, strlen(EXAMPLE), &back));
    assert_true(absw_token_verify(&policy, keys, &back));
    assert_int_equal(back.kid, 'k');
    assert_int_equal(back.side, SIDE_A);
    assert_int_equal(back.tester, 0);
    assert_true(back.login == 1763800000);
    assert_memory_equal(back.id, token.id, ABSW_TOKEN_ID_LEN);
    assert_memory_equal(back.tag, token.tag, ABSW_TOKEN_TAG_LEN);
}

static void test_verify(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        int ok;
    } rows[] = {
        { "the example", EXAMPLE, 1 },
        { "a tester's", "1.k.B.t.1." ID ".-ixHgTAzRLjExNJZedPfIg", 1 },
        { "of another application", "1.k.A.-.1763800000." ID ".wJQoeJWdSpKbHRFe_fVuew", 0 },
        { "signed with an empty key", "1.k.A.-.1763800000." ID ".pRyaTNaagB6V1YZtxQDx4A", 0 },
        { "signed with an empty secret", "1.k.A.-.1763800000." ID ".XsakzNktGXYtziAJn-3SMQ", 0 },
        { "signed with the secret itself", "1.k.A.-.1763800000." ID ".yOGNisTOyOf6riCjr_cuOw", 0 },
        { "of a side that is no more", "1.k.D.-.1763800000." ID ".zM_Jm-sCkO-1tb3zSnVE6w", 0 },
        { "tag of zeros", "1.k.A.-.1763800000." ID ".AAAAAAAAAAAAAAAAAAAAAA", 0 },
        { "ordinary tag on a tester's flag", "1.k.A.t.1763800000." ID "." TAG, 0 },
        { "tag of another side", "1.k.B.-.1763800000." ID "." TAG, 0 },
        { "tag of another login", "1.k.A.-.1763800001." ID "." TAG, 0 },
        { "unknown kid", "1.x.A.-.1763800000." ID "." TAG, 0 },
    };
    absw_keys_t *keys = keys_of("k " SECRET "\n");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (is_token(keys, rows[i].text, strlen(rows[i].text)) != rows[i].ok) {
            fail_msg("%s: %s", rows[i].why, rows[i].ok ? "refused" : "taken");
        }
    }
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int ok;
    } rows[] = {
        { EXAMPLE, 1 },
        { "1.0.C.t.1." ID "." TAG, 1 },
        { "1.Z.A.-.1763800060." ID "." TAG, 1 },            /* 60 s ahead */
        { "1.Z.A.-.1763800061." ID "." TAG, 0 },
        { "1.k.A.-.9223372036854775807." ID "." TAG, 0 },
        { "1.k.A.-.9223372036854775808." ID "." TAG, 0 },
        { "1.k.A.-.18446744073709551617." ID "." TAG, 0 },  /* 1, if it wrapped */
        { "1.k.A.-.100000000000000000000000000000." ID "." TAG, 0 },
        { "1.k.A.-.0." ID "." TAG, 0 },
        { "1.k.A.-.-1." ID "." TAG, 0 },
        { "1.k.A.-.+1." ID "." TAG, 0 },
        { "1.k.A.-.01763800000." ID "." TAG, 0 },
        { "1.k.A.-. 1763800000." ID "." TAG, 0 },
        { "1.k.A.-.1763800000 ." ID "." TAG, 0 },
        { "1.k.A.-.0x69." ID "." TAG, 0 },
        { "1.k.A.-.17e8." ID "." TAG, 0 },
        { "1.k.A.-.." ID "." TAG, 0 },
        { "2.k.A.-.1763800000." ID "." TAG, 0 },
        { "01.k.A.-.1763800000." ID "." TAG, 0 },
        { ".k.A.-.1763800000." ID "." TAG, 0 },
        { "1..A.-.1763800000." ID "." TAG, 0 },
        { "1.kk.A.-.1763800000." ID "." TAG, 0 },
        { "1.-.A.-.1763800000." ID "." TAG, 0 },
        { "1.k..-.1763800000." ID "." TAG, 0 },
        { "1.k.a.-.1763800000." ID "." TAG, 0 },
        { "1.k.AA.-.1763800000." ID "." TAG, 0 },
        { "1.k.../B.-.1763800000." ID "." TAG, 0 },
        { "1.k.A.T.1763800000." ID "." TAG, 0 },
        { "1.k.A.tt.1763800000." ID "." TAG, 0 },
        { "1.k.A.-t.1763800000." ID "." TAG, 0 },
        { "1.k.A..1763800000." ID "." TAG, 0 },
        { "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2ur." TAG, 0 },
        { "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urwA." TAG, 0 },
        { "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2ur+." TAG, 0 },
        { "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2u/w." TAG, 0 },
        { "1.k.A.-.1763800000." ID "==." TAG, 0 },
        { "1.k.A.-.1763800000." ID "." TAG "==", 0 },
        { "1.k.A.-.1763800000." ID "." TAG ".", 0 },
        { "1.k.A.-.1763800000." ID "." TAG "." TAG, 0 },
        { "1.k.A.-.1763800000." ID "." TAG " ", 0 },
        { "1.k.A.-.1763800000." ID "." TAG ";x", 0 },
        { " " EXAMPLE, 0 },
        { "\"" EXAMPLE "\"", 0 },
        { "1.k.A.-.1763800000." ID, 0 },
        { "1.k.A.-.1763800000." ID ".", 0 },
        { "1%2ek.A.-.1763800000." ID "." TAG, 0 },
        { "1.k.%41.-.1763800000." ID "." TAG, 0 },
        { "......", 0 },
        { ".", 0 },
        { "", 0 },
        { "\x80", 0 },
    };
    const char *name;
    const char *longest;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (parses(rows[i].text, strlen(rows[i].text)) != rows[i].ok) {
            fail_msg("%s: %s", rows[i].text, rows[i].ok ? "refused" : "taken");
        }
    }
    assert_false(parses("1.k.A\0.-.1763800000." ID "." TAG, strlen(EXAMPLE) + 1));
    /* No side has so long a name, so nothing else would refuse the one that is too long. */
    name = digits(ABSW_TOKEN_MAX - (int)strlen(EXAMPLE) + 2);
    policy.sides[SIDE_A].name = name;
    longest = apr_pstrcat(pool, "1.k.", name, ".-.1763800000." ID "." TAG, NULL);
    assert_int_equal(strlen(longest), ABSW_TOKEN_MAX + 1);
    assert_false(parses(longest, strlen(longest)));
    policy.sides[SIDE_A].name = name + 1;
    assert_true(parses(apr_pstrcat(pool, "1.k.", name + 1, ".-.1763800000." ID "." TAG, NULL),
                       ABSW_TOKEN_MAX));
}

/* 16 bytes leave four bits of the last character over: one spelling of 16 is canonical. */
static void test_one_spelling(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const size_t ends[] = { strlen(EXAMPLE) - 1, strlen(EXAMPLE) - 1 - strlen(TAG) - 1 };

    (void)state;
    for (size_t e = 0; e < COUNT_OF(ends); e++) {
        int taken = 0;

        for (size_t i = 0; i < 64; i++) {
            char text[] = EXAMPLE;
            int ok;

            text[ends[e]] = alphabet[i];
            ok = parses(text, strlen(text));
            assert_int_equal(ok, i % 16 == 0);
            taken += ok;
        }
        assert_int_equal(taken, 4);
    }
}

static void test_every_corruption(void **state)
{
    absw_keys_t *keys = keys_of("k " SECRET "\n");
    const apr_size_t len = strlen(EXAMPLE);
    char text[2 * sizeof(EXAMPLE)];
    int tried = 0;

    (void)state;
    for (apr_size_t i = 0; i < len; i++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, EXAMPLE, len);
            text[i] = (char)byte;
            if (is_token(keys, text, len) != (text[i] == EXAMPLE[i])) {
                fail_msg("byte %d as \\x%02x", (int)i, (unsigned)byte);
            }
            tried++;
        }
        assert_false(is_token(keys, EXAMPLE, i));
        assert_false(is_token(keys, &EXAMPLE[i + 1], len - i - 1));
    }
    for (int byte = 0; byte < 256; byte++) {
        memcpy(text, EXAMPLE, len);
        text[len] = (char)byte;
        assert_false(is_token(keys, text, len + 1));
    }
    assert_int_equal(tried, 256 * (int)len);
}

static void test_round_trips(void **state)
{
    static const absw_sec_t logins[] = { 1, 999, 1763799999, SAMPLE_NOW, SAMPLE_NOW + 60 };
    absw_keys_t *keys = keys_of("n " SECRET2 "\nk " SECRET "\n");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(logins) * SAMPLE_SIDES * 2; i++) {
        absw_token_t token;
        absw_token_t back;
        char buf[ABSW_TOKEN_MAX + 1];
        apr_size_t len;

        assert_int_equal(absw_token_make(&policy, keys, (int)(i % SAMPLE_SIDES), i % 2 == 1,
                                         logins[i % COUNT_OF(logins)], &token), APR_SUCCESS);
        len = absw_token_format(&policy, &token, buf);
        assert_int_equal(len, strlen(buf));
        assert_true(absw_token_parse(&policy, SAMPLE_NOW, buf, len, &back));
        assert_true(absw_token_verify(&policy, keys, &back));
        assert_int_equal(back.kid, 'n');
        assert_int_equal(back.side, i % SAMPLE_SIDES);
        assert_int_equal(back.tester, i % 2);
        assert_true(back.login == logins[i % COUNT_OF(logins)]);
        assert_memory_equal(back.id, token.id, ABSW_TOKEN_ID_LEN);
    }
}

static void test_ids_differ(void **state)
{
    absw_keys_t *keys = keys_of("k " SECRET);
    absw_token_t a;
    absw_token_t b;

    (void)state;
    assert_int_equal(absw_token_make(&policy, keys, SIDE_A, 0, SAMPLE_NOW, &a), APR_SUCCESS);
    assert_int_equal(absw_token_make(&policy, keys, SIDE_A, 0, SAMPLE_NOW, &b), APR_SUCCESS);
    assert_memory_not_equal(a.id, b.id, ABSW_TOKEN_ID_LEN);
}

/* The longest names that the directives allow stay within the promised 160 bytes. */
static void test_longest(void **state)
{
    absw_keys_t *keys = keys_of("k " SECRET);
    absw_policy_t longest = policy;
    absw_token_t token;
    absw_token_t back;
    char buf[ABSW_TOKEN_MAX + 1];
    apr_size_t len;

    (void)state;
    longest.name = "abcdefghijklmnopqrstuvwxyz012345";
    longest.sides[SIDE_A].name = "abcdefghijklmnop";
    assert_int_equal(strlen(longest.name), ABSW_APP_NAME_MAX);
    assert_int_equal(strlen(longest.sides[SIDE_A].name), ABSW_SIDE_NAME_MAX);
    assert_int_equal(absw_token_make(&longest, keys, SIDE_A, 1, APR_INT64_MAX, &token),
                     APR_SUCCESS);
    len = absw_token_format(&longest, &token, buf);
    assert_in_range(len, 1, ABSW_TOKEN_MAX);
    assert_true(absw_token_parse(&longest, APR_INT64_MAX, buf, len, &back));
    assert_true(absw_token_verify(&longest, keys, &back));
}

static void test_rotation(void **state)
{
    absw_keys_t *old = keys_of("k " SECRET "\n");
    absw_keys_t *both = keys_of("n " SECRET2 "\nk " SECRET "\n");
    absw_keys_t *later = keys_of("n " SECRET2 "\n");
    absw_keys_t *replaced = keys_of("k " SECRET2 "\n");
    absw_token_t token;

    (void)state;
    assert_true(is_token(old, EXAMPLE, strlen(EXAMPLE)));
    assert_true(is_token(both, EXAMPLE, strlen(EXAMPLE)));
    assert_false(is_token(later, EXAMPLE, strlen(EXAMPLE)));
    assert_false(is_token(replaced, EXAMPLE, strlen(EXAMPLE)));

    assert_int_equal(absw_token_make(&policy, both, SIDE_B, 0, SAMPLE_NOW, &token), APR_SUCCESS);
    assert_int_equal(token.kid, 'n');
    assert_true(absw_token_verify(&policy, later, &token));
    assert_false(absw_token_verify(&policy, old, &token));

    assert_int_not_equal(absw_keys_check(old, 'k'), 0);
    assert_int_equal(absw_keys_check(old, 'k'), absw_keys_check(both, 'k'));
    assert_int_not_equal(absw_keys_check(old, 'k'), absw_keys_check(replaced, 'k'));
    assert_int_equal(absw_keys_check(later, 'k'), 0);
    assert_int_equal(absw_keys_check(later, '\0'), 0);
}

static void test_derive(void **state)
{
    static const unsigned char expected[32] = {
        0xe2, 0x00, 0xb6, 0xb1, 0x22, 0x1c, 0x00, 0xf0, 0x4b, 0x69, 0x45, 0xba, 0xf5, 0xcf,
        0x61, 0xee, 0x60, 0xcc, 0xb9, 0xd5, 0x77, 0xbe, 0xca, 0x13, 0x37, 0xf8, 0x22, 0xad,
        0xfa, 0xf6, 0x72, 0x11
    };
    unsigned char out[32];
    unsigned char other[32];

    (void)state;
    assert_true(absw_keys_derive(keys_of("k " SECRET "\nn " SECRET2), 'k', "mod_abswitch/1 form",
                                 out));
    assert_memory_equal(out, expected, sizeof(out));
    assert_true(absw_keys_derive(keys_of("k " SECRET), 'k', "mod_abswitch/1 token", other));
    assert_memory_not_equal(out, other, sizeof(out));
}

/* A table remembers check values, so they must not be a part of the key that signs. */
static void test_check_shows_no_key(void **state)
{
    absw_keys_t *keys = keys_of("k " SECRET);
    apr_uint32_t check = absw_keys_check(keys, 'k');
    unsigned char key[32];

    (void)state;
    assert_true(absw_keys_derive(keys, 'k', "mod_abswitch/1 token", key));
    for (size_t i = 0; i + 4 <= sizeof(key); i++) {
        apr_uint32_t big = (apr_uint32_t)key[i] << 24 | (apr_uint32_t)key[i + 1] << 16
                           | (apr_uint32_t)key[i + 2] << 8 | key[i + 3];
        apr_uint32_t little = (apr_uint32_t)key[i + 3] << 24 | (apr_uint32_t)key[i + 2] << 16
                              | (apr_uint32_t)key[i + 1] << 8 | key[i];

        assert_true(check != big && check != little);
    }
}

static void test_secret_file(void **state)
{
    static const char form[] = "one letter or digit";
    const struct {
        const char *text;
        const char *error;          /* part of the message; NULL: it is taken */
        const char *line;
    } rows[] = {
        { "k " SECRET "\n", NULL, NULL },
        { "k " SECRET, NULL, NULL },
        { "k " SECRET "\r\n", NULL, NULL },
        { "k " SECRET " \t \r\n\r\n", NULL, NULL },
        { "k \t " SECRET "\n", NULL, NULL },
        { "# a comment\n\n  \nk " SECRET "\n#" SECRET "\n9 " SECRET2 "\n", NULL, NULL },
        { "k 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", NULL, NULL },
        { apr_pstrcat(pool, "k ", digits(66), "\n", NULL), NULL, NULL },
        { apr_pstrcat(pool, "k ", digits(1024), "\n", NULL), NULL, NULL },
        { apr_pstrcat(pool, "k ", digits(1026), "\n", NULL), form, "line 1:" },
        { apr_pstrcat(pool, "k ", digits(65), "\n", NULL), form, "line 1:" },
        { apr_pstrcat(pool, "k ", digits(62), "\n", NULL), form, "line 1:" },
        { "\n# x\nk " SECRET "g\n", form, "line 3:" },
        { "k " SECRET "\nkk " SECRET "\n", form, "line 2:" },
        { SECRET "\n", form, "line 1:" },
        { "- " SECRET "\n", form, "line 1:" },
        { " k " SECRET "\n", form, "line 1:" },
        { "k " SECRET " " SECRET2 "\n", form, "line 1:" },
        { "k" SECRET "\n", form, "line 1:" },
        { "k\n", form, "line 1:" },
        { "k \n", form, "line 1:" },
        { "\xef\xbb\xbfk " SECRET "\n", form, "line 1:" },
        { "k " SECRET "\nn " SECRET2 "\nk " SECRET2 "\n", "KID", "line 3:" },
        { "", "no key", NULL },
        { "\n# k " SECRET "\n", "no key", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *error = NULL;
        absw_keys_t *keys = absw_keys_parse(pool, rows[i].text, strlen(rows[i].text), &error);

        if (!rows[i].error) {
            if (!keys) {
                fail_msg("row %d: %s", (int)i, error);
            }
            continue;
        }
        assert_null(keys);
        assert_non_null(error);
        if (!strstr(error, rows[i].error) || (rows[i].line && !strstr(error, rows[i].line))) {
            fail_msg("row %d: %s", (int)i, error);
        }
        assert_null(strstr(error, "0102"));
        assert_null(strstr(error, "aaaa"));
    }
    {
        const char *error = NULL;

        assert_null(absw_keys_parse(pool, "k " SECRET "\0\n", 2 + 64 + 2, &error));
        assert_non_null(strstr(error, "line 1:"));
    }
}

static void test_generate(void **state)
{
    const char *one = absw_keys_generate(pool);
    const char *two = absw_keys_generate(pool);

    (void)state;
    assert_int_equal(strlen(one), 2 + 64 + 1);
    assert_memory_equal(one, "k ", 2);
    assert_int_equal(one[strlen(one) - 1], '\n');
    assert_string_not_equal(one, two);
    assert_int_not_equal(absw_keys_check(keys_of(one), 'k'), 0);
}

typedef struct {
    const absw_keys_t *keys;
    const char *text;
    int wiped;
} after_t;

/* Runs after the cleanups registered later, while the memory is still the pool's. */
static apr_status_t look_after(void *data)
{
    after_t *after = data;

    after->wiped = absw_keys_check(after->keys, 'k') == 0 && after->text[0] == '\0'
                   && after->text[66] == '\0';
    return APR_SUCCESS;
}

static void test_wiped_with_the_pool(void **state)
{
    after_t after = { NULL, NULL, 0 };
    const char *error;
    apr_pool_t *sub;

    (void)state;
    assert_int_equal(apr_pool_create(&sub, pool), APR_SUCCESS);
    apr_pool_cleanup_register(sub, &after, look_after, apr_pool_cleanup_null);
    after.text = absw_keys_generate(sub);
    after.keys = absw_keys_parse(sub, after.text, strlen(after.text), &error);
    assert_non_null(after.keys);
    assert_int_not_equal(absw_keys_check(after.keys, 'k'), 0);
    apr_pool_destroy(sub);
    assert_true(after.wiped);
}

static int set_up(void **state)
{
    (void)state;
    policy = sample_policy();
    return apr_pool_create(&pool, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_example, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_spelling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_corruption, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_round_trips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ids_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_longest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_derive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check_shows_no_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secret_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_generate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wiped_with_the_pool, set_up, tear_down),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
