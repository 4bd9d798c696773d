/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sample.h"
#include "tally.h"

static void test_classes(void **state)
{
    static const struct {
        int status;
        unsigned class_of;
    } rows[] = {
        { 200, 0 }, { 204, 0 }, { 299, 0 }, { 302, 1 }, { 304, 1 }, { 403, 2 }, { 404, 2 },
        { 500, 3 }, { 502, 3 }, { 599, 3 },
    };
    static const int none[] = { 0, -1, -200, 100, 101, 199, 600, 999, 1000, APR_INT32_MAX };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(absw_tally_class(rows[i].status), rows[i].class_of);
    }
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_true(absw_tally_class(none[i]) >= ABSW_TALLY_CLASSES);
    }
    assert_string_equal(absw_tally_class_name(0), "2xx");
    assert_string_equal(absw_tally_class_name(3), "5xx");
}

/* The names are the bounds: whoever changes one changes the other. */
static void test_bounds(void **state)
{
    static const apr_interval_time_t bounds[] = { ABSW_TALLY_BOUNDS };

    (void)state;
    assert_int_equal(absw_tally_bucket(0), 0);
    for (int i = 0; i < ABSW_TALLY_BUCKETS - 1; i++) {
        assert_int_equal(absw_tally_bucket(bounds[i]), i);
        assert_int_equal(absw_tally_bucket(bounds[i] + 1), i + 1);
        assert_int_equal((apr_interval_time_t)(atof(absw_tally_bound_name(i)) * 1000000 + 0.5),
                         bounds[i]);
    }
    assert_int_equal(absw_tally_bucket(APR_INT64_MAX), ABSW_TALLY_BUCKETS - 1);
    assert_string_equal(absw_tally_bound_name(ABSW_TALLY_BUCKETS - 1), "+Inf");
}

static void test_sums(void **state)
{
    absw_tally_t a = { .classes = { 1, 2, 3, 4 }, .usec = 5, .buckets = { [0] = 4, [11] = 6 } };
    absw_tally_t b = { .classes = { 1, 0, 5, 4 }, .usec = 3, .buckets = { [0] = 9, [11] = 1 } };
    absw_tally_t most = { .classes = { APR_UINT64_MAX }, .usec = APR_UINT64_MAX };

    (void)state;
    assert_int_equal(absw_tally_count(&a), 10);
    absw_tally_add(&a, &b);
    assert_int_equal(absw_tally_count(&a), 20);
    assert_int_equal(a.classes[2], 8);
    assert_int_equal(a.buckets[0], 13);
    assert_int_equal(a.usec, 8);
    absw_tally_subtract(&b, &a);        /* nothing goes below zero */
    assert_int_equal(absw_tally_count(&b), 0);
    assert_int_equal(b.usec, 0);
    absw_tally_add(&most, &a);
    assert_true(most.classes[0] == APR_UINT64_MAX && most.usec == APR_UINT64_MAX);
}

static void test_within(void **state)
{
    static const struct {
        absw_tally_t tally;
        double part;
        apr_interval_time_t within;
    } rows[] = {
        { { .buckets = { 0 } }, 0.5, -1 },
        { { .buckets = { 100 } }, 0.5, 2500 },
        { { .buckets = { 100 } }, 1, 5000 },
        { { .buckets = { 50, 50 } }, 0.5, 5000 },
        { { .buckets = { 50, 50 } }, 0.75, 7500 },
        { { .buckets = { 0, 0, 0, 10 } }, 0.5, 37500 },
        { { .buckets = { 90, [10] = 10 } }, 0.95, 7500000 },
        { { .buckets = { 90, [11] = 10 } }, 0.95, 10000000 },
        { { .buckets = { [11] = 10 } }, 0.5, 10000000 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        apr_interval_time_t within = absw_tally_within(&rows[i].tally, rows[i].part);

        assert_in_range(within - rows[i].within + 1, 0, 2);
    }
}

static void test_worse(void **state)
{
    static const struct {
        apr_uint64_t all_a, failed_a, all_b, failed_b;
        int is_worse;
    } rows[] = {
        { 0, 0, 0, 0, 0 },
        { 100, 4, 1000, 0, 0 },             /* few */
        { 100, 5, 1000, 0, 1 },
        { 100, 5, 0, 0, 0 },                /* nothing to compare with */
        { 100, 5, 100, 5, 0 },
        { 1000, 21, 1000, 4, 1 },
        { 1000, 14, 1000, 9, 0 },           /* by chance */
        { 1000, 9, 1000, 100, 0 },          /* better */
        { 10, 10, 10, 10, 0 },
        { 10, 10, 10, 0, 1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_tally_t a = { .classes = { rows[i].all_a - rows[i].failed_a, 0, 0,
                                        rows[i].failed_a } };
        absw_tally_t b = { .classes = { 0, rows[i].all_b - rows[i].failed_b, 0,
                                        rows[i].failed_b } };

        if (absw_tally_is_worse(&a, &b) != rows[i].is_worse) {
            fail_msg("row %d", (int)i);
        }
    }
}

static void test_text(void **state)
{
    char text[ABSW_TALLY_TEXT_MAX];
    absw_tally_t tally = { .classes = { 36, 0, 0, 1 }, .usec = 71, .buckets = { 0, 37 } };
    absw_tally_t none = { 0 };
    absw_tally_t most, back;
    apr_size_t len;

    (void)state;
    assert_int_equal(absw_tally_format(&tally, text), 13);
    assert_string_equal(text, "10...1.1z..11");
    assert_true(absw_tally_parse(text, 13, &back));
    assert_memory_equal(&back, &tally, sizeof(tally));
    assert_int_equal(absw_tally_format(&none, text), 0);
    assert_true(absw_tally_parse("", 0, &back));
    assert_memory_equal(&back, &none, sizeof(none));
    memset(&most, 0xff, sizeof(most));      /* none is written that would not be read */
    len = absw_tally_format(&most, text);
    assert_int_equal(len, strlen(text));
    assert_string_equal(text + len - 12, ".rcn1hssighs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_sums), cmocka_unit_test(test_within),
        cmocka_unit_test(test_worse), cmocka_unit_test(test_text),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
