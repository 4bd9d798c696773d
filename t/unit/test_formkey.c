/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <apr_general.h>

#include "formkey.h"

/* secret 00 01 ... 1f, as in the token's example */
#define SECRET "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER  "0f0e0d0c0b0a09080706050403020100ff0102030405060708090a0b0c0d0e0f"

/* alice's tag at SAMPLE_NOW, computed apart from this code, with Python's hmac */
#define ALICE  "28c1d55f90b820ef0578c8b0d9804778"

static apr_pool_t *pool;

static absw_keys_t *keys_of(const char *text)
{
    const char *error = NULL;
    absw_keys_t *keys = absw_keys_parse(pool, text, strlen(text), &error);

    if (!keys) {
        fail_msg("%s", error);
    }
    return keys;
}

static void test_value(void **state)
{
    char made[ABSW_FORMKEY_MAX + 1];

    (void)state;
    assert_true(absw_formkey_make(keys_of("k " SECRET), SAMPLE_NOW, "alice", made));
    assert_string_equal(made, "k.1763800000." ALICE);
    assert_true(absw_formkey_make(keys_of("k " SECRET), SAMPLE_NOW, NULL, made));
    assert_string_equal(made, "k.1763800000.dbc26cb0f8895ab9ef09a21099af2fd0");
    assert_true(strlen(made) <= ABSW_FORMKEY_MAX);
}

static void test_age(void **state)
{
    static const struct {
        absw_sec_t age;
        int good;
    } rows[] = {
        { 0, 1 }, { 1, 1 }, { 3599, 1 }, { 3600, 1 }, { 3601, 0 }, { 86400, 0 },
        { -1, 1 }, { -60, 1 }, { -61, 0 }, { -86400, 0 }, { -SAMPLE_NOW, 0 },
    };
    const absw_keys_t *keys = keys_of("k " SECRET);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char made[ABSW_FORMKEY_MAX + 1];

        assert_true(absw_formkey_make(keys, SAMPLE_NOW - rows[i].age, "alice", made));
        if (absw_formkey_verify(keys, SAMPLE_NOW, "alice", made, strlen(made)) != rows[i].good) {
            fail_msg("%ld s old: not %d", (long)rows[i].age, rows[i].good);
        }
    }
}

static void test_binding(void **state)
{
    static const struct {
        const char *keys;
        const char *user;
        int good;
    } rows[] = {
        { "k " SECRET, "alice", 1 },
        { "k " SECRET "\no " OTHER, "alice", 1 },
        { "o " OTHER "\nk " SECRET, "alice", 1 },    /* the keys are being rotated */
        { "o " OTHER, "alice", 0 },                 /* and now the old one is gone */
        { "x " SECRET, "alice", 0 },
        { "k " OTHER, "alice", 0 },
        { "k " SECRET, "Alice", 0 },
        { "k " SECRET, "alice ", 0 },
        { "k " SECRET, "alic", 0 },
        { "k " SECRET, "", 0 },
        { "k " SECRET, NULL, 0 },
    };
    char made[ABSW_FORMKEY_MAX + 1];

    (void)state;
    assert_true(absw_formkey_make(keys_of("k " SECRET), SAMPLE_NOW, "alice", made));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (absw_formkey_verify(keys_of(rows[i].keys), SAMPLE_NOW, rows[i].user, made,
                                strlen(made)) != rows[i].good) {
            fail_msg("%.8s for %s: not %d", rows[i].keys, rows[i].user ? rows[i].user : "nobody",
                     rows[i].good);
        }
    }
}

/* A user's name of any length is all of it, and moving its bytes to the time makes another. */
static void test_users(void **state)
{
    const absw_keys_t *keys = keys_of("k " SECRET);
    char long_name[5001];
    char made[ABSW_FORMKEY_MAX + 1];
    char other[ABSW_FORMKEY_MAX + 1];

    (void)state;
    memset(long_name, 'u', 5000);
    long_name[5000] = '\0';
    assert_true(absw_formkey_make(keys, SAMPLE_NOW, long_name, made));
    assert_true(absw_formkey_verify(keys, SAMPLE_NOW, long_name, made, strlen(made)));
    long_name[4999] = 'v';
    assert_false(absw_formkey_verify(keys, SAMPLE_NOW, long_name, made, strlen(made)));
    assert_true(absw_formkey_make(keys, 176380000, "0alice", made));
    assert_true(absw_formkey_make(keys, 1763800000, "alice", other));
    assert_string_not_equal(strrchr(made, '.'), strrchr(other, '.'));
}

static void test_corruption(void **state)
{
    const absw_keys_t *keys = keys_of("k " SECRET);
    char made[ABSW_FORMKEY_MAX + 1];
    apr_size_t len;

    (void)state;
    assert_true(absw_formkey_make(keys, SAMPLE_NOW, "alice", made));
    len = strlen(made);
    assert_true(absw_formkey_verify(keys, SAMPLE_NOW, "alice", made, len));
    for (apr_size_t i = 0; i < len; i++) {
        char bad[ABSW_FORMKEY_MAX + 1];

        assert_false(absw_formkey_verify(keys, SAMPLE_NOW, "alice", made, i));
        for (int byte = 0; byte < 256; byte++) {
            memcpy(bad, made, len + 1);
            bad[i] = (char)byte;
            if (absw_formkey_verify(keys, SAMPLE_NOW, "alice", bad, len) != (bad[i] == made[i])) {
                fail_msg("byte %d as %d", (int)i, byte);
            }
        }
    }
    assert_false(absw_formkey_verify(keys, SAMPLE_NOW, "alice", made, len + 1));
}

static void test_forms(void **state)
{
    static const char *const rows[] = {
        "", ".", "..", "...", "k", "k.", "k..", "kk", "1763800000." ALICE, "k.1763800000",
        "k.1763800000.", "k.." ALICE, ".1763800000." ALICE, "k1763800000." ALICE,
        "K.1763800000." ALICE, "x.1763800000." ALICE, "kk.1763800000." ALICE,
        " k.1763800000." ALICE, "k.01763800000." ALICE, "k.+1763800000." ALICE,
        "k.-1763800000." ALICE, "k. 1763800000." ALICE, "k.1763800000." ALICE " ",
        "k.1763800000.." ALICE, "k.99999999999999999999999999999999999999." ALICE,
        "k.1763800000.00000000000000000000000000000000",
    };
    const absw_keys_t *keys = keys_of("k " SECRET);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (absw_formkey_verify(keys, SAMPLE_NOW, "alice", rows[i], strlen(rows[i]))) {
            fail_msg("accepted: \"%s\"", rows[i]);
        }
    }
    assert_true(absw_formkey_verify(keys, SAMPLE_NOW, "alice", "k.1763800000." ALICE, 45));
}

static int set_up(void **state)
{
    (void)state;
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    apr_pool_destroy(pool);             /* libcrypto has memory of its own */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_binding),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_corruption),
        cmocka_unit_test(test_forms),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
