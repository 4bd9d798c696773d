/* SPDX-License-Identifier: Apache-2.0 */
#include "buckets.h"
#include "dice.h"
#include "sample.h"

static void test_width(void **state)
{
    static const struct {
        absw_sec_t idle;
        absw_sec_t width;
    } rows[] = {
        { 1, 1 }, { 31, 1 }, { 32, 1 }, { 33, 2 }, { 64, 2 }, { 65, 3 }, { 1800, 57 },
        { 86400, 2700 }, { 31536000, 985500 }, { 0, 1 }, { -5, 1 },
        { APR_INT64_C(0x7fffffffffffffff), ABSW_BUCKETS_WIDTH_MAX },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(absw_bucket_width(rows[i].idle), rows[i].width);
    }
}

static void test_bucket(void **state)
{
    static const struct {
        absw_sec_t width;
        absw_sec_t ends;
        apr_uint32_t bucket;
    } rows[] = {
        { 1, 1763800000, 1763800000 }, { 10, 100, 10 }, { 10, 101, 11 }, { 10, 110, 11 },
        { 10, 111, 12 }, { 10, 0, 0 }, { 10, -7, 0 }, { 57, 1, 1 },
        { 1, APR_UINT32_MAX, APR_UINT32_MAX },
        { 1, APR_INT64_C(1) << 40, APR_UINT32_MAX },
        { 10, APR_INT64_C(1) << 40, 429496729 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(absw_bucket_of(rows[i].width, rows[i].ends), rows[i].bucket);
    }
}

/* An end is never rounded down, and up by less than a width; once rounded it stays. */
static void test_rounding(void **state)
{
    dice_t d = { 1 };

    (void)state;
    for (int i = 0; i < 100000; i++) {
        absw_sec_t width = 1 + dice_below(&d, i % 2 ? 60 : 985500);
        absw_sec_t ends = 1 + dice_below(&d, 4000000000u);
        absw_sec_t end = absw_bucket_end(width, absw_bucket_of(width, ends));

        assert_true(end >= ends && end < ends + width);
        assert_int_equal(absw_bucket_end(width, absw_bucket_of(width, end)), end);
    }
}

static void test_live(void **state)
{
    (void)state;
    assert_int_equal(ABSW_BUCKETS_SKEW, 5);
    assert_true(absw_bucket_is_live(1000, 0));
    assert_true(absw_bucket_is_live(1000, 1000));
    assert_true(absw_bucket_is_live(1000, 1004));
    assert_false(absw_bucket_is_live(1000, 1005));
}

/* --- histogram ----------------------------------------------------------------------- */

#define ENTRIES 300

typedef struct {
    absw_sec_t ends[ENTRIES];
    apr_uint32_t counts[ENTRIES];
} model_t;

static apr_uint32_t left_of(const model_t *model, absw_sec_t width, absw_sec_t at)
{
    apr_uint32_t left = 0;

    for (int i = 0; i < ENTRIES; i++) {
        absw_sec_t end = absw_bucket_end(width, absw_bucket_of(width, model->ends[i]));

        left += absw_bucket_is_live(end, at) ? model->counts[i] : 0;
    }
    return left;
}

static void fill(model_t *model, absw_hist_t *hist, dice_t *d, absw_sec_t width, apr_uint32_t span)
{
    absw_hist_begin(hist, width);
    for (int i = 0; i < ENTRIES; i++) {
        model->ends[i] = SAMPLE_NOW + dice_below(d, span);
        model->counts[i] = dice_below(d, 4);        /* 0 as well */
        absw_hist_add(hist, model->ends[i], model->counts[i]);
    }
    for (int i = 0; i < hist->n; i++) {
        assert_true(hist->bars[i].count > 0);
        assert_true(i == 0 || hist->bars[i].bucket > hist->bars[i - 1].bucket);
    }
}

static void test_histogram_is_exact_while_there_is_room(void **state)
{
    dice_t d = { 2 };

    (void)state;
    for (int round = 0; round < 50; round++) {
        absw_sec_t width = 1 + dice_below(&d, 100);
        absw_hist_t hist;
        model_t model;
        absw_sec_t empty_at;

        fill(&model, &hist, &d, width, (apr_uint32_t)width * (ABSW_HIST_MAX - 1));
        for (absw_sec_t at = SAMPLE_NOW - 10; at < SAMPLE_NOW + 70 * width; at++) {
            assert_int_equal(absw_hist_left(&hist, at), left_of(&model, width, at));
        }
        empty_at = absw_hist_empty_at(&hist);
        assert_int_equal(absw_hist_left(&hist, empty_at), 0);
        assert_true(absw_hist_left(&hist, empty_at - 1) > 0);
    }
}

static void test_histogram_that_is_full_has_nobody_end_early(void **state)
{
    dice_t d = { 3 };

    (void)state;
    for (int round = 0; round < 50; round++) {
        absw_hist_t hist;
        model_t model;

        fill(&model, &hist, &d, 1, 1000);
        assert_int_equal(hist.n, ABSW_HIST_MAX);
        assert_int_equal(absw_hist_left(&hist, 0), left_of(&model, 1, 0));
        for (absw_sec_t at = SAMPLE_NOW - 10; at < SAMPLE_NOW + 1010; at++) {
            assert_true(absw_hist_left(&hist, at) >= left_of(&model, 1, at));
        }
        assert_int_equal(absw_hist_left(&hist, SAMPLE_NOW + 1010), 0);
    }
}

static void test_histogram_of_many(void **state)
{
    absw_hist_t hist;

    (void)state;
    absw_hist_begin(&hist, 0);
    assert_int_equal(hist.width, 1);
    assert_int_equal(absw_hist_empty_at(&hist), 0);
    assert_int_equal(absw_hist_left(&hist, 0), 0);
    absw_hist_add(&hist, 1000, APR_UINT32_MAX);
    absw_hist_add(&hist, 1000, 1);
    absw_hist_add(&hist, 1001, 1);
    assert_int_equal(absw_hist_left(&hist, 0), APR_UINT32_MAX);
    assert_int_equal(absw_hist_left(&hist, 1005), 1);
    assert_int_equal(absw_hist_empty_at(&hist), 1006);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_histogram_is_exact_while_there_is_room),
        cmocka_unit_test(test_histogram_that_is_full_has_nobody_end_early),
        cmocka_unit_test(test_histogram_of_many),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
