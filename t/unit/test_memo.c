/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>

#include "memo.h"
#include "table_world.h"

#define APP     3
#define TEXT    "1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urw._4w3Rzew7TNzNFX7p2detw"

/* A session in the table, and what a memo keeps of it. */
static absw_memo_value_t known(const world_t *w, unsigned number)
{
    absw_table_session_t s = session(number, 5);
    absw_memo_value_t value = { .token = { .kid = s.kid, .side = 1, .login = s.login } };

    memcpy(value.token.id, s.id, sizeof(value.token.id));
    memcpy(value.token.tag, s.tag, sizeof(value.token.tag));
    absw_table_touch(w->table, &s, NOW);
    assert_int_equal(absw_table_verified(w->table, &s, &value.spot), 1);
    return value;
}

static void test_known(void **state)
{
    world_t w = make(1024);
    absw_memo_t *memo = absw_memo_make(w.pool, 64);
    absw_memo_value_t value = known(&w, 7), back;

    (void)state;
    assert_int_equal(absw_memo_find(memo, APP, TEXT, strlen(TEXT), &back), 0);
    absw_memo_keep(memo, APP, TEXT, strlen(TEXT), &value);
    memset(&back, 0xee, sizeof(back));
    assert_int_equal(absw_memo_find(memo, APP, TEXT, strlen(TEXT), &back), 1);
    assert_memory_equal(&back, &value, sizeof(value));
    assert_int_equal(absw_memo_find(memo, APP + 1, TEXT, strlen(TEXT), &back), 0);
    drop(&w);
}

/* Another byte, a byte more or less: another text. One place only, so that all of them meet. */
static void test_byte_for_byte(void **state)
{
    world_t w = make(1024);
    absw_memo_t *memo = absw_memo_make(w.pool, 1);
    absw_memo_value_t value = known(&w, 7), back;
    char text[] = TEXT "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    (void)state;
    for (apr_size_t len = 16; len <= 96; len++) {
        absw_memo_keep(memo, APP, text, len, &value);
        assert_int_equal(absw_memo_find(memo, APP, text, len, &back), 1);
        assert_int_equal(absw_memo_find(memo, APP, text, len - 1, &back), 0);
        assert_int_equal(absw_memo_find(memo, APP, text, len + 1, &back), 0);
        for (apr_size_t bit = 0; bit < 8 * len; bit++) {
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            assert_int_equal(absw_memo_find(memo, APP, text, len, &back), 0);
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        }
    }
    drop(&w);
}

static void test_what_is_not_kept(void **state)
{
    world_t w = make(1024);
    absw_memo_t *memo = absw_memo_make(w.pool, 1);
    absw_memo_value_t value = known(&w, 7), back;
    char text[ABSW_TOKEN_MAX + 1];

    (void)state;
    memset(text, 'a', sizeof(text));
    for (apr_size_t len = 0; len <= ABSW_TOKEN_MAX; len++) {
        absw_memo_keep(memo, APP, text, len, &value);
        assert_int_equal(absw_memo_find(memo, APP, text, len, &back), len >= 16 && len <= 96);
    }
    value.spot.slot = NULL;
    absw_memo_keep(memo, APP, TEXT, strlen(TEXT), &value);
    assert_int_equal(absw_memo_find(memo, APP, TEXT, strlen(TEXT), &back), 0);
    drop(&w);
}

/* What the table has lost is not known, also when it comes back. */
static void test_ended(void **state)
{
    static const apr_uint16_t places[] = { 5 };
    world_t w = make(1024);
    absw_memo_t *memo = absw_memo_make(w.pool, 64);
    absw_memo_value_t value = known(&w, 7), back;

    (void)state;
    absw_memo_keep(memo, APP, TEXT, strlen(TEXT), &value);
    absw_table_end(w.table, value.token.id, places, 1);
    assert_int_equal(absw_memo_find(memo, APP, TEXT, strlen(TEXT), &back), 0);
    known(&w, 7);
    assert_int_equal(absw_memo_find(memo, APP, TEXT, strlen(TEXT), &back), 0);
    drop(&w);
}

/* ---- threads ---- */

#define THREADS 4
#define KEYS    16u
#define ROUNDS  200000

static absw_memo_t *shared_memo;
static absw_memo_value_t values[KEYS];
static char texts[KEYS][80];
static _Atomic unsigned mixed, hits;

static void *fight(void *baton)
{
    apr_uint64_t seed = (apr_uint64_t)(uintptr_t)baton;

    for (int i = 0; i < ROUNDS; i++) {
        unsigned key;
        absw_memo_value_t back;

        seed = seed * APR_UINT64_C(6364136223846793005) + 1442695040888963407u;
        key = (unsigned)(seed >> 40) % KEYS;
        if (absw_memo_find(shared_memo, APP, texts[key], sizeof(texts[key]), &back)) {
            hits++;
            mixed += memcmp(&back, &values[key], sizeof(back)) != 0;
        }
        else {
            absw_memo_keep(shared_memo, APP, texts[key], sizeof(texts[key]), &values[key]);
        }
    }
    return NULL;
}

/* Many threads and two places: what is found is always the one that was asked for, and whole. */
static void test_threads(void **state)
{
    world_t w = make(1024);
    pthread_t threads[THREADS];

    (void)state;
    shared_memo = absw_memo_make(w.pool, 2);
    for (unsigned key = 0; key < KEYS; key++) {
        values[key] = known(&w, key);
        memset(texts[key], 'a' + (int)key, sizeof(texts[key]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fight, (void *)(uintptr_t)(i + 1)), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(mixed, 0);
    assert_true(hits > 0);
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_byte_for_byte),
        cmocka_unit_test(test_what_is_not_kept),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_threads),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
