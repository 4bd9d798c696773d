/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>

#include "mac.h"

#define THREADS 24                  /* more than there are places */
#define ROUNDS  4000
#define DATA    300                 /* bytes: several blocks, and every length within one */

static apr_pool_t *pool;
static unsigned char data[DATA];
static unsigned char right[DATA + 1][ABSW_MAC_LEN];
static const unsigned char sample_key[32] = "a key with thirty-two bytes, all";
static absw_mac_t *shared;
static _Atomic unsigned wrong;

/* RFC 4231, cases 2 and 6 */
static void test_values(void **state)
{
    static const char long_text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const unsigned char of_jefe[] = {
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
        0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
        0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43
    };
    static const unsigned char of_long[] = {
        0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26,
        0xaa, 0xcb, 0xf5, 0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28,
        0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54
    };
    unsigned char long_key[131];
    const struct {
        const unsigned char *key;
        apr_size_t key_len;
        const char *text;
        const unsigned char *mac;
    } rows[] = {
        { (const unsigned char *)"Jefe", 4, "what do ya want for nothing?", of_jefe },
        { long_key, sizeof(long_key), long_text, of_long },
    };
    unsigned char out[ABSW_MAC_LEN];

    (void)state;
    memset(long_key, 0xaa, sizeof(long_key));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        absw_mac_t *mac = absw_mac_make(pool, rows[i].key, rows[i].key_len);

        assert_non_null(mac);
        for (int again = 0; again < 3; again++) {
            memset(out, 0, sizeof(out));
            assert_true(absw_mac_compute(mac, rows[i].text, strlen(rows[i].text), out));
            assert_memory_equal(out, rows[i].mac, sizeof(out));
        }
        memset(out, 0, sizeof(out));
        assert_true(absw_mac_once(rows[i].key, rows[i].key_len, rows[i].text,
                                  strlen(rows[i].text), out));
        assert_memory_equal(out, rows[i].mac, sizeof(out));
    }
}

/* One after the other with what the one before has left: long ones and short ones in turn. */
static void test_lengths(void **state)
{
    unsigned char out[ABSW_MAC_LEN];

    (void)state;
    for (apr_size_t i = 0; i <= DATA; i++) {
        apr_size_t len = i % 2 ? DATA - i : i;

        assert_true(absw_mac_compute(shared, data, len, out));
        assert_memory_equal(out, right[len], sizeof(out));
    }
}

static void test_keys_are_apart(void **state)
{
    unsigned char key[sizeof(sample_key)];
    unsigned char out[ABSW_MAC_LEN], other[ABSW_MAC_LEN];
    absw_mac_t *mac;

    (void)state;
    memcpy(key, sample_key, sizeof(key));
    key[0] ^= 1;
    mac = absw_mac_make(pool, key, sizeof(key));
    assert_true(absw_mac_once(key, sizeof(key), data, 80, other));
    memset(key, 0, sizeof(key));        /* the caller's */
    for (int i = 0; i < 3; i++) {
        assert_true(absw_mac_compute(shared, data, 80, out));
        assert_memory_equal(out, right[80], sizeof(out));
        assert_true(absw_mac_compute(mac, data, 80, out));
        assert_memory_equal(out, other, sizeof(out));
    }
    assert_memory_not_equal(other, right[80], sizeof(other));
}

static void *compute(void *baton)
{
    unsigned char out[ABSW_MAC_LEN];

    for (unsigned i = (unsigned)(uintptr_t)baton, n = 0; n < ROUNDS; n++, i++) {
        if (!absw_mac_compute(shared, data, i % DATA, out)
            || memcmp(out, right[i % DATA], sizeof(out)) != 0) {
            atomic_fetch_add(&wrong, 1);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&thread[i], NULL, compute, (void *)(uintptr_t)(7 * i)), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    assert_int_equal(atomic_load(&wrong), 0);
}

/* A child of httpd goes on with what the parent has made and maybe used. */
static void test_fork(void **state)
{
    unsigned char out[ABSW_MAC_LEN];
    int status = -1;
    pid_t pid;

    (void)state;
    assert_true(absw_mac_compute(shared, data, 90, out));
    pid = fork();
    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        compute((void *)3);
        _exit(atomic_load(&wrong) == 0 ? 0 : 1);
    }
    compute((void *)5);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&wrong), 0);
}

static int set_up(void **state)
{
    (void)state;
    apr_pool_create(&pool, NULL);
    for (size_t i = 0; i < DATA; i++) {
        data[i] = (unsigned char)(i * 37 + 11);
    }
    for (size_t i = 0; i <= DATA; i++) {
        if (!absw_mac_once(sample_key, sizeof(sample_key), data, i, right[i])) {
            return -1;
        }
    }
    shared = absw_mac_make(pool, sample_key, sizeof(sample_key));
    return shared ? 0 : -1;
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
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_keys_are_apart),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_fork),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
