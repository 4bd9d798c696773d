/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>

#include "dice.h"
#include "gate.h"
#include "policy.h"
#include "sample.h"

#define PATHS_MAX 4

/* Does path lie at or below one of the paths? One look at the gate, and then at each. */
static int through_gate(const absw_gate_t *gate, const char *const *paths, int n, const char *path)
{
    const char *tail = absw_gate_pass(gate, path);

    for (int i = 0; tail && i < n; i++) {
        const char *rest = absw_gate_below(paths[i] + gate->len, tail);

        if (rest) {
            assert_string_equal(rest, path + strlen(paths[i]));
            return 1;
        }
    }
    return 0;
}

static int below_any(const char *const *paths, int n, const char *path)
{
    for (int i = 0; i < n; i++) {
        if (absw_policy_below(paths[i], strlen(paths[i]), path)) {
            return 1;
        }
    }
    return 0;
}

static void test_gate(void **state)
{
    static const struct {
        const char *paths[PATHS_MAX];
        const char *common;
        const char *path;
        int passes;                 /* the gate; what it lets pass may still be nobody's */
        int below;
    } rows[] = {
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "/contact/A/x", 1, 1 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "/contact", 1, 1 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "/contact/", 1, 1 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "/contactus", 0, 0 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "/contac", 0, 0 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "/outside", 0, 0 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "", 0, 0 },
        { { "/contact/A", "/contact/B", "/contact" }, "/contact", "*", 0, 0 },
        { { "/contact/A", "/contact/B" }, "/contact/", "/contact/C", 0, 0 },
        { { "/contact/A", "/contact/B" }, "/contact/", "/contact/AB", 1, 0 },
        { { "/shop/A", "/contact/A" }, "/", "/x", 0, 0 },
        { { "/shop/A", "/contact/A" }, "/", "/style.css", 1, 0 },
        { { "/shop/A", "/contact/A" }, "/", "/contact/A", 1, 1 },
        { { "/A", "" }, "", "/anything", 1, 1 },
        { { "/A", "" }, "", "", 1, 1 },
        { { "/A", "" }, "", "*", 0, 0 },
        { { "/\xff", "/\xff/b" }, "/\xff", "/\xff/b", 1, 1 },
        { { "/\xff" }, "/\xff", "/\xff\xff", 0, 0 },
        { { NULL }, "", "", 0, 0 },
        { { NULL }, "", "/", 0, 0 },
    };
    apr_pool_t *pool;

    (void)state;
    apr_pool_create(&pool, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_gate_t gate;
        int n = 0;

        while (n < PATHS_MAX && rows[i].paths[n]) {
            n++;
        }
        absw_gate_make(pool, rows[i].paths, n, &gate);
        assert_string_equal(gate.common, rows[i].common);
        if ((absw_gate_pass(&gate, rows[i].path) != NULL) != rows[i].passes
            || through_gate(&gate, rows[i].paths, n, rows[i].path) != rows[i].below) {
            fail_msg("row %d: %s", (int)i, rows[i].path);
        }
    }
    apr_pool_destroy(pool);
}

static void random_path(dice_t *d, char *path)
{
    static const char *const segments[] = { "/a", "/b", "/ab", "/aa" };

    *path = '\0';
    for (apr_uint32_t n = dice_below(d, 4); n > 0; n--) {
        strcat(path, segments[dice_below(d, COUNT_OF(segments))]);
    }
}

/* The gate turns nobody away who belongs to one of the paths. */
static void test_as_without(void **state)
{
    dice_t d = { 2 };

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[PATHS_MAX][16], path[20];
        const char *paths[PATHS_MAX];
        int n = 1 + (int)dice_below(&d, PATHS_MAX);
        absw_gate_t gate;
        apr_pool_t *pool;

        apr_pool_create(&pool, NULL);
        for (int k = 0; k < n; k++) {
            random_path(&d, text[k]);
            paths[k] = text[k];
        }
        absw_gate_make(pool, paths, n, &gate);
        random_path(&d, path);
        if (through_gate(&gate, paths, n, path) != below_any(paths, n, path)) {
            fail_msg("%s, first path %s of %d", path, paths[0], n);
        }
        apr_pool_destroy(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_as_without),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
