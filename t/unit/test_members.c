/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

/* --- the hash -------------------------------------------------------------------------- */

static void test_hash(void **state)
{
    unsigned char id[ABSW_TOKEN_ID_LEN];
    apr_uint64_t whole;

    (void)state;
    for (int i = 0; i < ABSW_TOKEN_ID_LEN; i++) {
        id[i] = (unsigned char)(0xa0 + i);
    }
    whole = absw_members_hash(id);
    assert_true(whole == APR_UINT64_C(0x440dcdc55c5a2d2a));   /* nodes of all machines agree */
    for (int bit = 0; bit < 8 * ABSW_TOKEN_ID_LEN; bit++) {
        apr_uint64_t differs;
        int n = 0;

        id[bit / 8] ^= (unsigned char)(1 << bit % 8);
        for (differs = whole ^ absw_members_hash(id); differs; differs &= differs - 1) {
            n++;
        }
        id[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_in_range(n, 12, 52);
    }
}

/* --- counting -------------------------------------------------------------------------- */

static void test_the_later_end_counts(void **state)
{
    absw_members_t *members = absw_members_make(*state, 0);
    int exact = 0;

    assert_int_equal(absw_members_count(members, NOW, &exact), 0);
    assert_true(exact);
    absw_members_add(members, 1, NOW + 10);
    absw_members_add(members, 1, NOW + 20);
    absw_members_add(members, 1, NOW + 15);
    absw_members_add(members, 0, NOW);              /* 0 is a hash like any other */
    absw_members_add(members, 2, 0);                /* long ago: not there */
    absw_members_add(members, 3, -5);
    absw_members_add(members, 4, APR_INT64_C(1) << 40);
    assert_int_equal(absw_members_count(members, 0, NULL), 3);
    assert_int_equal(absw_members_count(members, NOW + 4, NULL), 3);
    assert_int_equal(absw_members_count(members, NOW + 5, NULL), 2);
    assert_int_equal(absw_members_count(members, NOW + 24, NULL), 2);
    assert_int_equal(absw_members_count(members, NOW + 25, NULL), 1);
}

static void test_limit(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *own = absw_members_make(pool, ABSW_MEMBERS_EXACT);
    absw_members_t *all = absw_members_make(pool, 0);
    int exact;

    for (apr_uint64_t i = 0; i < 20000; i++) {
        if (i < ABSW_MEMBERS_EXACT) {
            absw_members_add(own, user(i), NOW + 1);
        }
        absw_members_add(all, user(i), NOW + 1);
    }
    assert_true(absw_members_are_exact(own));
    assert_int_equal(absw_members_count(own, NOW, NULL), ABSW_MEMBERS_EXACT);
    assert_int_equal(publish(own, NOW, pool)->n, ABSW_MEMBERS_EXACT);
    assert_true(publish(own, NOW, pool)->exact);
    absw_members_add(own, user(0), NOW + 2);
    assert_true(absw_members_are_exact(own));
    absw_members_add(own, user(ABSW_MEMBERS_EXACT), NOW + 1);
    assert_false(absw_members_are_exact(own));
    assert_in_range(absw_members_count(own, NOW, &exact), 8060, 8320);
    assert_false(exact);

    assert_true(absw_members_are_exact(all));
    assert_int_equal(absw_members_count(all, NOW, NULL), 20000);
    assert_false(publish(all, NOW, pool)->exact);
    /* most of them are gone: exact again */
    absw_members_add(all, user(1), NOW + 100);
    assert_true(publish(all, NOW + 50, pool)->exact);
    assert_int_equal(absw_sheet_count(publish(all, NOW + 50, pool), NOW + 50, NULL), 1);
}

/* Exact counts against a model: each user is seen by some of the nodes at some time. */
static void test_37_nodes(void **state)
{
    enum { USERS = 3000 };
    static absw_sec_t truth[USERS];
    apr_pool_t *pool = *state;

    for (apr_uint64_t seed = 1; seed <= 5; seed++) {
        absw_members_t *all = absw_members_make(pool, 0);
        dice_t d = { seed };
        int exact;

        memset(truth, 0, sizeof(truth));
        for (int node = 0; node < NODES; node++) {
            absw_members_t *own = absw_members_make(pool, ABSW_MEMBERS_EXACT);

            for (int i = 0; i < USERS; i++) {
                absw_sec_t ends = NOW - 200 + dice_below(&d, IDLE);

                if (dice_below(&d, 4) == 0) {
                    absw_members_add(own, user((apr_uint64_t)i), ends);
                    if (absw_bucket_is_live(ends, NOW) && rounded(ends) > truth[i]) {
                        truth[i] = rounded(ends);
                    }
                }
            }
            absw_members_unite_sheet(all, publish(own, NOW, pool));
        }
        for (absw_sec_t at = NOW; at < NOW + 2000; at += 13) {
            apr_uint32_t n = 0;

            for (int i = 0; i < USERS; i++) {
                n += truth[i] > 0 && absw_bucket_is_live(truth[i], at);
            }
            assert_int_equal(absw_members_count(all, at, &exact), n);
            assert_true(exact);
        }
        assert_true(absw_members_count(all, NOW, NULL) > USERS * 99 / 100);
        assert_int_equal(absw_members_count(all, NOW + 2000, NULL), 0);
    }
}

/* --- sketch ---------------------------------------------------------------------------- */

/* exp(t), t >= 0, without libm. */
static double power_of_e(double t)
{
    double sum = 1;
    double part = 1;

    for (int i = 1; i < 100; i++) {
        part *= t / i;
        sum += part;
    }
    return sum;
}

/* Is the estimate within k standard errors (members.h)? */
static int is_within(double estimate, double n, double k)
{
    double m = ABSW_MEMBERS_CELLS;
    double t = n / m;
    double off = estimate - n;

    return off * off <= k * k * m * (power_of_e(t) - t - 1) + 1;
}

static void test_sketch_error(void **state)
{
    static const apr_uint32_t sizes[] = { 8193, 20000, 50000, 100000, 300000, 1000000 };
    apr_pool_t *pool = *state;

    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        double sum = 0;
        int outside = 0;

        for (apr_uint64_t seed = 0; seed < 8; seed++) {
            absw_members_t *members = absw_members_make(pool, ABSW_MEMBERS_EXACT);
            apr_uint32_t n = sizes[k];
            double found;
            int exact;

            for (apr_uint64_t i = 0; i < n; i++) {
                absw_members_add(members, user(seed << 32 | i), NOW + 1);
            }
            found = absw_members_count(members, NOW, &exact);
            assert_false(exact);
            assert_true(is_within(found, n, 4));
            assert_true(n > 300000 || (found >= 0.99 * n && found <= 1.01 * n));
            outside += !is_within(found, n, 2);
            sum += found;
        }
        assert_true(outside <= 2);
        assert_true(is_within(sum / 8, sizes[k], 1.5));     /* no bias: of a mean, 4 */
    }
}

/* 300000 users, each seen by three of 37 nodes: sketches of about 24000. */
static void test_sketch_over_37_nodes(void **state)
{
    enum { USERS = 300000 };
    static absw_members_t *own[NODES];
    apr_pool_t *pool = *state;

    for (apr_uint64_t seed = 1; seed <= 3; seed++) {
        absw_members_t *all = absw_members_make(pool, 0);
        dice_t d = { seed };
        double found;

        for (int node = 0; node < NODES; node++) {
            own[node] = absw_members_make(pool, ABSW_MEMBERS_EXACT);
        }
        for (apr_uint64_t i = 0; i < USERS; i++) {
            for (int n = 0; n < 3; n++) {   /* the first half goes earlier */
                absw_members_add(own[dice_below(&d, NODES)], user(seed << 32 | i),
                                 NOW + (i < USERS / 2 ? 100 : 900));
            }
        }
        for (int node = 0; node < NODES; node++) {
            absw_members_unite_sheet(all, publish(own[node], NOW, pool));
        }
        found = absw_members_count(all, NOW, NULL);
        assert_true(found > 0.99 * USERS && found < 1.01 * USERS);
        found = absw_members_count(all, NOW + 300, NULL);
        assert_true(is_within(found, USERS / 2, 4));
        assert_int_equal(absw_members_count(all, NOW + 2000, NULL), 0);
    }
}

static void test_sketch_knows_the_last_one(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *members = absw_members_make(pool, ABSW_MEMBERS_EXACT);
    absw_sheet_t *sheet;

    for (apr_uint64_t i = 0; i < 2000000; i++) {
        absw_members_add(members, user(i), NOW + 1);
    }
    assert_in_range(absw_members_count(members, NOW, NULL), 1400000, 1640000);     /* full */
    for (apr_uint64_t i = 0; i < 3; i++) {
        absw_members_add(members, user(i), NOW + 100 + (absw_sec_t)i);
    }
    assert_int_equal(absw_members_count(members, NOW + 50, NULL), 3);
    assert_int_equal(absw_members_count(members, NOW + 106, NULL), 1);
    assert_int_equal(absw_members_count(members, NOW + 107, NULL), 0);
    sheet = publish(members, NOW + 50, pool);
    assert_false(sheet->exact);
    assert_int_equal(sheet->n, 3);
    assert_int_equal(absw_sheet_count(sheet, NOW + 50, NULL), 3);
    assert_int_equal(absw_sheet_count(sheet, NOW + 300, NULL), 0);
}

/* --- union ----------------------------------------------------------------------------- */

static absw_members_t *united(const absw_members_t *a, const absw_members_t *b, apr_pool_t *pool)
{
    absw_members_t *members = absw_members_make(pool, 0);

    absw_members_unite(members, a);
    absw_members_unite(members, b);
    return members;
}

static void test_union(void **state)
{
    apr_pool_t *pool = *state;
    dice_t d = { 4 };

    for (unsigned round = 0; round < 32; round++) {
        absw_members_t *a = some(&d, round & 1 ? 50 : 0, pool);
        absw_members_t *b = some(&d, round & 2 ? 50 : 0, pool);
        absw_members_t *c = some(&d, round & 4 ? 50 : 0, pool);
        absw_members_t *ab = united(a, b, pool);
        absw_members_t *ba = united(b, a, pool);
        apr_uint64_t before = digest(ab);

        assert_int_equal(absw_members_are_exact(a), !(round & 1));
        assert_int_equal(absw_members_are_exact(ab), !(round & 3));
        assert_true(digest(ab) == digest(ba));
        assert_true(digest(united(ab, c, pool)) == digest(united(a, united(b, c, pool), pool)));
        assert_true(digest(ab) != digest(a) && digest(ab) != digest(b));
        assert_true(digest(united(a, a, pool)) == digest(a));
        absw_members_unite(ab, ab);
        absw_members_unite(ab, a);
        assert_true(digest(ab) == before);
        for (absw_sec_t at = NOW; at < NOW + IDLE; at += 100) {
            assert_int_equal(absw_members_count(ab, at, NULL), absw_members_count(ba, at, NULL));
            assert_true(absw_members_count(ab, at, NULL) >= absw_members_count(a, at, NULL));
        }
    }
}

/* A sheet of a sketch and an exact one: the same as if all had been entered into one sketch. */
static void test_union_of_both_kinds(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *sketch = absw_members_make(pool, 1);
    absw_members_t *list = absw_members_make(pool, 0);
    absw_members_t *whole = absw_members_make(pool, 1);
    absw_members_t *all[2] = { absw_members_make(pool, 0), absw_members_make(pool, 0) };

    for (apr_uint64_t i = 0; i < 1000; i++) {
        absw_sec_t ends = rounded(NOW + (absw_sec_t)i);

        absw_members_add(i % 3 ? sketch : list, user(i), ends);
        absw_members_add(whole, user(i), ends);
    }
    absw_members_unite_sheet(all[0], publish(sketch, NOW, pool));
    absw_members_unite_sheet(all[0], publish(list, NOW, pool));
    absw_members_unite_sheet(all[1], publish(list, NOW, pool));
    absw_members_unite_sheet(all[1], publish(sketch, NOW, pool));
    assert_true(digest(all[0]) == digest(whole));
    assert_true(digest(all[1]) == digest(whole));
}

/* Nodes of two configurations, one with long buckets: every end stays as it was said. */
static void test_union_of_widths(void **state)
{
    static const absw_sec_t widths[] = { 1, 57, 900 };
    apr_pool_t *pool = *state;
    absw_members_t *all = absw_members_make(pool, 0);
    absw_members_t *other = absw_members_make(pool, 0);

    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        absw_members_t *own = absw_members_make(pool, 0);
        absw_sec_t end = absw_bucket_end(widths[i], absw_bucket_of(widths[i], NOW + 60));
        const char *why;
        apr_size_t len;
        const char *value;

        absw_members_add(own, i, NOW + 60);
        value = absw_sheet_encode(own, &HEAD, widths[i], NOW, pool, &len, NULL);
        absw_members_unite_sheet(all, absw_sheet_decode(value, len, pool, &why));
        absw_members_add(other, i, end);
    }
    assert_true(digest(all) == digest(other));
}

static void test_digest(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *members = absw_members_make(pool, 0);
    apr_uint64_t empty = digest(members);
    apr_uint64_t one;

    absw_members_add(members, user(1), 57 * 1000 + 1);
    one = absw_members_digest(members, WIDTH, 57 * 1000);
    assert_true(one != empty);
    absw_members_add(members, user(1), 57 * 1000 + 57);     /* the same bucket */
    assert_true(absw_members_digest(members, WIDTH, 57 * 1000) == one);
    absw_members_add(members, user(1), 57 * 1000 + 58);     /* the next one */
    assert_true(absw_members_digest(members, WIDTH, 57 * 1000) != one);
    assert_true(absw_members_digest(members, WIDTH, 57 * 1002) == empty);
}

static void test_histogram(void **state)
{
    apr_pool_t *pool = *state;

    for (int sketch = 0; sketch < 2; sketch++) {
        absw_members_t *members = absw_members_make(pool, sketch ? 1 : 0);
        absw_hist_t hist;

        for (apr_uint64_t i = 0; i < 60000; i++) {
            absw_members_add(members, user(i), NOW + (absw_sec_t)(i % 3) * 100);
        }
        absw_members_add(members, user(0), NOW + 1000);
        absw_members_add(members, user(60000), NOW - 10);   /* over */
        absw_members_histogram(members, 10, NOW, &hist);
        assert_int_equal(hist.width, 10);
        assert_int_equal(hist.n, 4);
        assert_int_equal(absw_bucket_end(10, hist.bars[3].bucket), NOW + 1000);
        assert_in_range(hist.bars[3].count, 1, sketch ? 2 : 1);
        for (absw_sec_t at = NOW; at < NOW + 1100; at += 10) {
            double left = absw_hist_left(&hist, at);
            double n = absw_members_count(members, at, NULL);

            /* cells of two are given to the later one, so early bars are a little low */
            assert_true(sketch ? left >= 0.99 * n && left <= 1.25 * n + 1 : left == n);
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_hash),
        TEST(test_the_later_end_counts),
        TEST(test_limit),
        TEST(test_37_nodes),
        TEST(test_sketch_error),
        TEST(test_sketch_over_37_nodes),
        TEST(test_sketch_knows_the_last_one),
        TEST(test_union),
        TEST(test_union_of_both_kinds),
        TEST(test_union_of_widths),
        TEST(test_digest),
        TEST(test_histogram),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
