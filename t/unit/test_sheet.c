/* SPDX-License-Identifier: Apache-2.0 */
#include "crowd.h"

/* --- sheets ---------------------------------------------------------------------------- */

static void test_head(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *nobody = absw_members_make(pool, 0);
    absw_sheet_head_t none = { .boot = 1 };
    absw_sheet_t *sheet = publish(nobody, NOW, pool);
    const char *value;
    const char *why;
    apr_size_t len;
    int exact;

    assert_string_equal(sheet->head.epoch, HEAD.epoch);
    assert_true(sheet->head.boot == HEAD.boot && sheet->head.sequence == HEAD.sequence);
    assert_int_equal(sheet->head.taken, NOW);
    assert_int_equal(sheet->confirmed, 0);
    assert_int_equal(absw_sheet_count(sheet, NOW, &exact), 0);
    assert_true(exact);
    value = absw_sheet_encode(nobody, &none, WIDTH, NOW, pool, &len, &exact);
    assert_true(exact);
    assert_int_equal(len, ABSW_SHEET_HEAD);
    sheet = absw_sheet_decode(value, len, pool, &why);
    assert_string_equal(sheet->head.epoch, "");
    assert_null(why);
}

/* What was read, written again, is the same bytes. */
static void test_there_and_back(void **state)
{
    apr_pool_t *pool = *state;
    dice_t d = { 5 };

    for (unsigned round = 0; round < 40; round++) {
        absw_members_t *members = some(&d, round & 1 ? 50 : 0, pool);
        absw_members_t *again = absw_members_make(pool, 0);
        const char *why;
        const char *value[2];
        apr_size_t len[2];
        int exact[2];
        absw_sheet_t *sheet;

        value[0] = absw_sheet_encode(members, &HEAD, WIDTH, NOW, pool, &len[0], &exact[0]);
        sheet = absw_sheet_decode(value[0], len[0], pool, &why);
        assert_non_null(sheet);
        assert_int_equal(exact[0], !(round & 1));
        assert_int_equal(len[0], ABSW_SHEET_HEAD + (exact[0] ? sheet->n * 9
                                                             : ABSW_MEMBERS_CELLS));
        absw_members_unite_sheet(again, sheet);
        value[1] = absw_sheet_encode(again, &sheet->head, WIDTH, NOW, pool, &len[1], &exact[1]);
        assert_int_equal(len[0], len[1]);
        assert_memory_equal(value[0], value[1], len[0]);
        assert_true(absw_members_digest(again, WIDTH, NOW)
                    == absw_members_digest(members, WIDTH, NOW));
        for (absw_sec_t at = NOW; at < NOW + 2000; at += 100) {
            assert_int_equal(absw_sheet_count(sheet, at, NULL),
                             absw_members_count(again, at, NULL));
        }
    }
}

/* Ends too far apart for the width: nobody ends early, nor much later. */
static void test_far_ends(void **state)
{
    static const absw_sec_t far[] = {
        0, 253, 254, 255, 256, 1000, 86400, 31536000, APR_INT64_C(4294967295) - NOW
    };
    apr_pool_t *pool = *state;

    for (size_t i = 0; i < COUNT_OF(far); i++) {
        absw_members_t *members = absw_members_make(pool, 0);
        absw_members_t *read = absw_members_make(pool, 0);
        const char *why;
        apr_size_t len;
        const char *value;
        absw_sheet_t *sheet;

        absw_members_add(members, user(1), NOW);
        absw_members_add(members, user(2), NOW + far[i]);
        value = absw_sheet_encode(members, &HEAD, 1, NOW, pool, &len, NULL);
        sheet = absw_sheet_decode(value, len, pool, &why);
        assert_non_null(sheet);
        assert_true(sheet->width <= far[i] / 254 + 1);
        absw_members_unite_sheet(read, sheet);
        assert_int_equal(absw_members_count(read, NOW + 4, NULL), 2);
        if (i + 1 < COUNT_OF(far)) {        /* the last is the end of time */
            assert_true(absw_members_count(read, NOW + far[i] + 4, NULL) >= 1);
        }
        assert_int_equal(absw_members_count(read, NOW + far[i] + sheet->width + 5, NULL), 0);
    }
}

static void test_end(void **state)
{
    static const struct {
        const char *name;
        apr_time_t heard;
        apr_time_t confirmed;
        int stays;
    } rows[] = {
        { "the node is not known to have looked", 1, 0, 0 },
        { "heard before the node looked", NOW - 1, NOW, 1 },
        { "heard at that moment", NOW, NOW, 0 },
        { "heard after it", NOW + 9, NOW, 0 },
        { "never", 0, 0, 1 },
        { "never, said so", -1, -1, 1 },
    };
    apr_pool_t *pool = *state;
    absw_members_t *members = absw_members_make(pool, 0);

    for (apr_uint64_t i = 0; i < 100; i++) {
        absw_members_add(members, user(i), NOW + 100);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_sheet_t *sheet = publish(members, NOW, pool);
        absw_members_t *all = absw_members_make(pool, 0);

        absw_sheet_end(sheet, user(1000), rows[i].heard);      /* not in it */
        absw_sheet_end(sheet, user(50), rows[i].heard);
        absw_sheet_end(sheet, user(50), rows[i].heard - 5);    /* an older one is no matter */
        sheet->confirmed = rows[i].confirmed;
        absw_members_unite_sheet(all, sheet);
        if (absw_sheet_count(sheet, NOW, NULL) != 99u + (unsigned)rows[i].stays) {
            fail_msg("%s", rows[i].name);
        }
        assert_int_equal(absw_members_count(all, NOW, NULL), 99 + rows[i].stays);
    }
}

static void test_end_in_a_sketch(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *members = absw_members_make(pool, 1);
    absw_sheet_t *sheet;

    for (apr_uint64_t i = 0; i < 10; i++) {
        absw_members_add(members, user(i), NOW + 100);
    }
    sheet = publish(members, NOW, pool);
    absw_sheet_end(sheet, user(5), NOW + 1);
    assert_int_equal(absw_sheet_count(sheet, NOW, NULL), 10);
}

/* --- hostile bytes ----------------------------------------------------------------------- */

static apr_uint64_t add_up(const unsigned char *at, apr_size_t len, apr_uint64_t sum)
{
    for (; len >= 8; at += 8, len -= 8) {
        apr_uint64_t word = 0;

        for (int i = 7; i >= 0; i--) {
            word = word << 8 | at[i];
        }
        sum = (sum ^ word) * APR_UINT64_C(0x100000001b3);
        sum ^= sum >> 32;
    }
    for (; len > 0; at++, len--) {
        sum = (sum ^ *at) * APR_UINT64_C(0x100000001b3);
    }
    return sum;
}

/* What who means harm would do: make the checksum right. */
static void seal(unsigned char *sheet, apr_size_t len)
{
    apr_uint64_t sum = add_up(sheet, 64, APR_UINT64_C(0xcbf29ce484222325));

    sum = add_up(sheet + 72, len - 72, sum);
    for (int i = 0; i < 8; i++) {
        sheet[64 + i] = (unsigned char)(sum >> 8 * i);
    }
}

/* Either refused with a reason, or possible in all its parts. Returns 1 if taken. */
static int try(const unsigned char *bytes, apr_size_t len, apr_pool_t *parent)
{
    unsigned char *copy = malloc(len ? len : 1);
    apr_pool_t *pool;
    absw_sheet_t *sheet;
    const char *why;

    apr_pool_create(&pool, parent);
    memcpy(copy, bytes, len);
    sheet = absw_sheet_decode((char *)copy, len, pool, &why);
    assert_true(sheet ? !why : why && why[0]);
    if (sheet) {
        absw_members_t *members = absw_members_make(pool, 0);
        absw_members_t *back = absw_members_make(pool, 0);
        const char *value;
        apr_size_t size;

        assert_in_range(sheet->n, 0, sheet->exact ? ABSW_MEMBERS_EXACT : ABSW_MEMBERS_CELLS);
        for (apr_uint32_t i = 1; sheet->exact && i < sheet->n; i++) {
            assert_true(sheet->hashes[i] > sheet->hashes[i - 1]);
        }
        absw_sheet_end(sheet, APR_UINT64_C(0x0102030405060708), NOW + 5);
        absw_members_unite_sheet(members, sheet);
        assert_int_equal(absw_members_count(members, 0, NULL), absw_sheet_count(sheet, 0, NULL));
        if (sheet->exact) {
            assert_int_equal(absw_sheet_count(sheet, 0, NULL), sheet->n);
        }
        assert_int_equal(absw_sheet_count(sheet, APR_INT64_C(1) << 33, NULL), 0);
        value = absw_sheet_encode(members, &sheet->head, sheet->width, 0, pool, &size, NULL);
        absw_members_unite_sheet(back, absw_sheet_decode(value, size, pool, &why));
        assert_true(digest(back) == digest(members));
    }
    free(copy);
    apr_pool_destroy(pool);
    return sheet != NULL;
}

static unsigned char *sheet_of(unsigned n, apr_uint32_t limit, apr_size_t *len, apr_pool_t *pool)
{
    absw_members_t *members = absw_members_make(pool, limit);

    for (apr_uint64_t i = 0; i < n; i++) {
        absw_members_add(members, user(i), NOW + (absw_sec_t)i * 10);
    }
    return (unsigned char *)absw_sheet_encode(members, &HEAD, WIDTH, NOW, pool, len, NULL);
}

static void test_damaged(void **state)
{
    apr_pool_t *pool = *state;
    apr_size_t len;
    unsigned char *bytes = sheet_of(20, 0, &len, pool);

    assert_true(try(bytes, len, pool));
    for (apr_size_t i = 0; i < len; i++) {
        assert_false(try(bytes, i, pool));          /* cut short */
        for (unsigned other = 1; other < 256; other++) {
            bytes[i] ^= (unsigned char)other;
            assert_false(try(bytes, len, pool));
            bytes[i] ^= (unsigned char)other;
        }
    }
    assert_true(try(bytes, len, pool));
}

static void test_forged(void **state)
{
    apr_pool_t *pool = *state;
    apr_size_t len;
    unsigned char *bytes = sheet_of(20, 0, &len, pool);
    unsigned char *wrong = apr_palloc(pool, len + 9);
    int taken = 0;

    for (apr_size_t i = 0; i < len; i++) {
        for (unsigned other = 1; other < 256; other++) {
            memcpy(wrong, bytes, len);
            wrong[i] ^= (unsigned char)other;
            seal(wrong, len);
            taken += try(wrong, len, pool);
        }
    }
    assert_true(taken > 1000);          /* what may be anything, such as boot, or a hash */
    for (apr_size_t cut = ABSW_SHEET_HEAD; cut < len + 9; cut++) {
        memset(wrong, 0, len + 9);
        memcpy(wrong, bytes, cut < len ? cut : len);
        seal(wrong, cut);
        assert_int_equal(try(wrong, cut, pool), cut == len);
    }
}

/* Numbers at their limits, in a sheet that is sealed. */
static void test_impossible(void **state)
{
    static const struct {
        const char *name;
        unsigned at;
        unsigned bytes;
        apr_uint64_t value;
        int taken;
    } rows[] = {
        { "as it is", 12, 4, 3, 1 },
        { "width 0", 4, 4, 0, 0 },
        { "the widest", 4, 4, 1 << 25, 0 },     /* base is too great for it */
        { "too wide", 4, 4, (1 << 25) + 1, 0 },
        { "the latest base", 8, 4, APR_UINT32_MAX / 57 - 1, 1 },
        { "one later", 8, 4, APR_UINT32_MAX / 57, 0 },
        { "a base without end", 8, 4, APR_UINT32_MAX, 0 },
        { "base 0", 8, 4, 0, 1 },
        { "more than there are", 12, 4, 4, 0 },
        { "fewer", 12, 4, 2, 0 },
        { "without end", 12, 4, APR_UINT32_MAX, 0 },
        { "times 9 it is 27 again", 12, 4, 3 + (APR_INT64_C(1) << 32) / 9, 0 },
        { "an epoch and a half", 56, 1, 2, 0 },
        { "none, but digits of it", 56, 1, 0, 0 },
        { "something behind it", 57, 1, 1, 0 },
        { "taken at the end of time", 48, 8, APR_UINT32_MAX, 1 },
        { "taken later", 48, 8, APR_INT64_C(1) << 32, 0 },
        { "another version", 2, 1, 2, 0 },
        { "another kind", 3, 1, 'x', 0 },
        { "a sketch", 3, 1, 's', 0 },
        { "an offset of 0", 72 + 3 * 8, 1, 0, 0 },
        { "an offset of 255", 72 + 3 * 8, 1, 255, 1 },
        { "out of order", 72 + 15, 1, 0, 0 },
    };
    apr_pool_t *pool = *state;
    absw_members_t *members = absw_members_make(pool, 0);
    apr_size_t len;
    const char *value;
    unsigned char *wrong;

    for (apr_uint64_t i = 1; i <= 3; i++) {
        absw_members_add(members, i << 56 | 1, NOW + 60);
    }
    value = absw_sheet_encode(members, &HEAD, WIDTH, NOW, pool, &len, NULL);
    wrong = apr_palloc(pool, len);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        memcpy(wrong, value, len);
        for (unsigned k = 0; k < rows[i].bytes; k++) {
            wrong[rows[i].at + k] = (unsigned char)(rows[i].value >> 8 * k);
        }
        seal(wrong, len);
        if (try(wrong, len, pool) != rows[i].taken) {
            fail_msg("%s", rows[i].name);
        }
    }
}

static void test_damaged_sketch(void **state)
{
    apr_pool_t *pool = *state;
    apr_size_t len;
    unsigned char *bytes = sheet_of(60, 1, &len, pool);
    dice_t d = { 6 };

    assert_int_equal(len, ABSW_SHEET_MAX);
    assert_true(try(bytes, len, pool));
    assert_false(try(bytes, len - 1, pool));
    for (unsigned round = 0; round < 300; round++) {
        apr_size_t i = round < 2 * ABSW_SHEET_HEAD ? round / 2 : dice_below(&d, ABSW_SHEET_MAX);
        unsigned char was = bytes[i];
        unsigned char sum[8];

        memcpy(sum, bytes + 64, 8);
        bytes[i] ^= (unsigned char)(1 + dice_below(&d, 255));
        assert_false(try(bytes, len, pool));
        seal(bytes, len);
        try(bytes, len, pool);
        bytes[i] = was;
        memcpy(bytes + 64, sum, 8);
    }
    assert_true(try(bytes, len, pool));
}

static void test_noise(void **state)
{
    static unsigned char bytes[ABSW_SHEET_MAX + 9];
    dice_t d = { 7 };

    for (int round = 0; round < 300; round++) {
        apr_size_t len = dice_below(&d, round % 10 ? 300 : sizeof(bytes));

        for (apr_size_t i = 0; i < len; i++) {
            bytes[i] = (unsigned char)dice(&d);
        }
        memcpy(bytes, round % 2 ? "am\1e" : "am\1s", 4);
        if (len >= ABSW_SHEET_HEAD) {
            seal(bytes, len);
        }
        try(bytes, len, *state);
    }
    assert_false(try((const unsigned char *)"B", 1, *state));
    assert_false(try((const unsigned char *)"", 0, *state));
}

/* Hashes that all want one slot of a table that is not spread: it would take minutes. */
static void test_hashes_of_ill_will(void **state)
{
    apr_pool_t *pool = *state;
    absw_members_t *all = absw_members_make(pool, 0);

    for (apr_uint64_t i = 0; i < 200000; i++) {
        absw_members_add(all, i << 40, NOW);
        absw_members_add(all, i + 1, NOW);
    }
    assert_int_equal(absw_members_count(all, NOW, NULL), 400000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_head),
        TEST(test_there_and_back),
        TEST(test_far_ends),
        TEST(test_end),
        TEST(test_end_in_a_sketch),
        TEST(test_damaged),
        TEST(test_forged),
        TEST(test_impossible),
        TEST(test_damaged_sketch),
        TEST(test_noise),
        TEST(test_hashes_of_ill_will),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
