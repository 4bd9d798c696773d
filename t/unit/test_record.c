/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "dice.h"
#include "record.h"
#include "sample.h"

#define CLOCK (SAMPLE_NOW * 1000000 + 500000)

/* Records are too large for a stack that is short. */
static absw_record_t one;
static absw_record_t two;
static char text[ABSW_RECORD_TEXT_MAX + 1];
static char why[ABSW_RECORD_WHY];

static int decode(const char *value, apr_size_t len, absw_record_t *record)
{
    absw_policy_t policy = sample_policy();
    char *copy = malloc(len ? len : 1);     /* so that a read behind it is noticed */
    int ok;

    memcpy(copy, value, len);
    memset(record, 0x55, sizeof(*record));
    memset(why, 0x55, sizeof(why));
    ok = absw_record_decode(&policy, copy, len, record, why);
    free(copy);
    return ok;
}

static apr_size_t encode(const absw_record_t *record)
{
    absw_policy_t policy = sample_policy();
    apr_size_t len = absw_record_encode(&policy, record, text);

    assert_int_equal(strlen(text), len);
    assert_true(len <= ABSW_RECORD_TEXT_MAX);
    return len;
}

static apr_uint64_t odd_number(dice_t *d)
{
    return dice(d) >> dice_below(d, 64);
}

static void fill_tally(absw_tally_t *tally, dice_t *d)
{
    memset(tally, 0, sizeof(*tally));
    tally->classes[0] = tally->buckets[0] = 1;
    for (int i = 0; i < ABSW_TALLY_CLASSES; i++) {
        apr_uint64_t n = odd_number(d) >> 20;

        tally->classes[i] += n;
        tally->buckets[dice_below(d, ABSW_TALLY_BUCKETS)] += n;
    }
    tally->usec = odd_number(d) >> 10;
}

static void fill_side(absw_record_side_t *side, dice_t *d)
{
    apr_uint32_t bucket = 30000000;
    int bars = (int)dice_below(d, ABSW_HIST_MAX + 1);

    side->sessions = (apr_uint32_t)odd_number(d);
    side->testers = (apr_uint32_t)odd_number(d);
    side->in_flight = (apr_uint32_t)odd_number(d);
    side->uncounted_until = dice_below(d, 2) ? SAMPLE_NOW + dice_below(d, 9999) : 0;
    side->empty_at = dice_below(d, 2) ? SAMPLE_NOW + dice_below(d, 9999) : 0;
    side->members_sequence = odd_number(d);
    side->members_sketch = (int)dice_below(d, 2);
    for (int i = 0; i < bars; i++) {
        bucket += 1 + dice_below(d, 1000);
        side->hist.bars[i] = (absw_hist_bar_t){
            .bucket = bucket, .count = 1 + (apr_uint32_t)(odd_number(d) >> 33)
        };
    }
    side->hist.n = bars;
    if (dice_below(d, 3)) {
        fill_tally(&side->responses, d);
        fill_tally(&side->recent, d);
    }
}

static void fill(absw_record_t *record, dice_t *d)
{
    memset(record, 0, sizeof(*record));
    strcpy(record->node, dice_below(d, 2) ? "web1:80" : "a.b_c-d:8443");
    strcpy(record->epoch, dice_below(d, 2) ? "00112233445566778899aabbccddeeff" : "");
    record->boot = odd_number(d);
    record->sequence = odd_number(d);
    record->generation = (apr_int64_t)(odd_number(d) >> 1);
    record->clock = CLOCK + dice_below(d, 1000000);
    record->relearning_until = dice_below(d, 2) ? SAMPLE_NOW + dice_below(d, 9999) : 0;
    record->left = (int)dice_below(d, 2);
    record->blind = (int)dice_below(d, 2);
    record->unsaid = dice_below(d, 1u << SAMPLE_SIDES);
    for (int i = 0; i < SAMPLE_SIDES; i++) {
        if (!(record->unsaid >> i & 1u)) {
            fill_side(&record->sides[i], d);
        }
        record->sides[i].hist.width = 57;
    }
    record->ends_n = (int)dice_below(d, ABSW_RECORD_ENDS + 1);
    for (int i = 0; i < record->ends_n; i++) {
        record->ends[i] = (absw_end_t){
            .hash = odd_number(d), .at = apr_time_sec(record->clock) - dice_below(d, 9999)
        };
    }
}

static void test_there_and_back(void **state)
{
    dice_t d = { 1 };

    (void)state;
    for (int round = 0; round < 500; round++) {
        apr_size_t len;

        fill(&one, &d);
        len = encode(&one);
        assert_true(decode(text, len, &two));
        assert_string_equal(why, "");
        assert_memory_equal(&one, &two, sizeof(one));
        strcpy(text + len, " \r\n\t ");     /* as somebody's client would end it */
        assert_true(decode(text, len + 5, &two));
        assert_memory_equal(&one, &two, sizeof(one));
    }
}

static void test_text(void **state)
{
    (void)state;
    memset(&one, 0, sizeof(one));
    strcpy(one.node, "web1:80");
    one.boot = 1;
    one.sequence = 7;
    one.generation = 12;
    one.clock = CLOCK;
    one.unsaid = 1u << SIDE_C;
    one.sides[SIDE_A] = (absw_record_side_t){
        .sessions = 10, .in_flight = 3, .empty_at = 1763801800, .members_sequence = 4,
        .hist = { .width = 57, .n = 2, .bars = { { 30943890, 7 }, { 30943891, 3 } } },
    };
    one.sides[SIDE_A].responses = (absw_tally_t) {
        .classes = { 1000, 20, 0, 3 }, .usec = 81000000, .buckets = { 1000, 1, 0, 22 }
    };
    one.sides[SIDE_A].recent = (absw_tally_t) { .classes = { 22 }, .usec = 35, .buckets = { 22 } };
    one.ends_n = 1;
    one.ends[0] = (absw_end_t){ .hash = 0x112233445566ff, .at = SAMPLE_NOW - 12 };
    encode(&one);
    assert_string_equal(text,
        "v=1 node=web1:80 epoch=- boot=1 seq=7 gen=12 clock=1763800000500000 relearn=0 left=0 "
        "blind=0 width=57 side=A:10,0,3,0,1763801800,4,exact,30943890:7;1:3 "
        "resp=A:rs.k..3.1c8400.rs.1..m:m....z.m side=B:0,0,0,0,0,0,exact,- ends=00112233445566ff:12 sum=a456c0ee6932ba75");
}

/* Of a busy node: a hundred responses a second. */
static absw_tally_t a_day(void)
{
    return (absw_tally_t) {
        .classes = { 7812345, 812345, 41234, 2345 }, .usec = APR_UINT64_C(345678901234),
        .buckets = { 1234567, 2345678, 2345678, 1123456, 812345, 654321, 123456, 23456, 4321, 871,
                     98, 22 },
    };
}

static absw_tally_t five_minutes(void)
{
    return (absw_tally_t) {
        .classes = { 26812, 2987, 187, 14 }, .usec = APR_UINT64_C(1234567890),
        .buckets = { 4123, 7812, 7812, 4012, 2812, 2187, 1001, 187, 51, 3, 0, 0 },
    };
}

static void test_two_sides_take_less_than_a_kilobyte(void **state)
{
    absw_policy_t policy = sample_policy();
    apr_size_t len;
    dice_t d = { 2 };

    (void)state;
    fill(&one, &d);
    one.unsaid = 0;
    one.ends_n = 0;
    policy.sides_n = 2;
    for (int i = 0; i < 2; i++) {
        fill_side(&one.sides[i], &d);
        absw_hist_begin(&one.sides[i].hist, 57);
        for (int k = 0; k < 3000; k++) {
            absw_hist_add(&one.sides[i].hist, SAMPLE_NOW + dice_below(&d, 1800), 1);
        }
        one.sides[i].responses = a_day();
        one.sides[i].recent = five_minutes();
    }
    len = absw_record_encode(&policy, &one, text);
    assert_in_range(len, 500, 1023);
}

static void test_the_longest(void **state)
{
    static char names[ABSW_SIDES_MAX][ABSW_SIDE_NAME_MAX + 1];
    absw_policy_t policy = sample_policy();
    apr_size_t len;

    (void)state;
    memset(&one, 0, sizeof(one));
    memset(one.node, 'n', ABSW_NODE_NAME_MAX);
    memset(one.epoch, 'e', ABSW_EPOCH_MAX);
    one.boot = one.sequence = APR_UINT64_MAX;
    one.generation = APR_INT64_MAX;
    one.clock = CLOCK;
    policy.sides_n = ABSW_SIDES_MAX;
    for (int i = 0; i < ABSW_SIDES_MAX; i++) {
        absw_record_side_t *side = &one.sides[i];

        memset(names[i], 's', ABSW_SIDE_NAME_MAX);
        names[i][0] = (char)('A' + i);
        policy.sides[i].name = names[i];
        side->sessions = side->testers = side->in_flight = APR_UINT32_MAX;
        side->uncounted_until = side->empty_at = APR_INT64_C(253402300799);
        side->members_sequence = APR_UINT64_MAX;
        side->members_sketch = 1;
        side->responses.classes[3] = side->responses.buckets[11] = ABSW_TALLY_MAX;
        side->responses.usec = ABSW_TALLY_MAX;
        side->recent = side->responses;
        side->hist.width = 1;
        side->hist.n = ABSW_HIST_MAX;
        for (apr_uint32_t k = 0; k < ABSW_HIST_MAX; k++) {
            side->hist.bars[k] = (absw_hist_bar_t){ 60000000 * (k + 1), APR_UINT32_MAX };
        }
    }
    one.ends_n = ABSW_RECORD_ENDS;
    for (int i = 0; i < ABSW_RECORD_ENDS; i++) {
        one.ends[i] = (absw_end_t){ .hash = APR_UINT64_MAX, .at = SAMPLE_NOW - 9999 };
    }
    len = absw_record_encode(&policy, &one, text);
    assert_in_range(len, 20000, ABSW_RECORD_TEXT_MAX);
    assert_true(absw_record_decode(&policy, text, len, &two, why));
    assert_memory_equal(&one, &two, sizeof(one));
}

static void test_ends_that_cannot_be_said(void **state)
{
    (void)state;
    memset(&one, 0, sizeof(one));
    strcpy(one.node, "n");
    one.clock = CLOCK;
    one.ends_n = 4;
    one.ends[0] = (absw_end_t){ .hash = 1, .at = SAMPLE_NOW + 3 };      /* another thread's clock */
    one.ends[1] = (absw_end_t){ .hash = 2, .at = SAMPLE_NOW - 10000 };
    one.ends[2] = (absw_end_t){ .hash = 3, .at = 0 };
    one.ends[3] = (absw_end_t){ .hash = 4, .at = SAMPLE_NOW };
    assert_true(decode(text, encode(&one), &two));
    assert_int_equal(two.ends_n, 2);
    assert_int_equal(two.ends[0].hash, 1);
    assert_int_equal(two.ends[0].at, SAMPLE_NOW);
    assert_int_equal(two.ends[1].hash, 4);
}

/* --- what others may write ----------------------------------------------------------------- */

/* Put the checksum behind it. */
static apr_size_t seal(char *out, const char *body, apr_size_t len)
{
    apr_uint64_t sum = APR_UINT64_C(0xcbf29ce484222325);

    memmove(out, body, len);
    for (apr_size_t i = 0; i < len; i++) {
        sum = (sum ^ (unsigned char)out[i]) * APR_UINT64_C(0x100000001b3);
    }
    return len + (apr_size_t)sprintf(out + len, " sum=%016" APR_UINT64_T_HEX_FMT, sum);
}

#define HEAD_TO_GEN "v=1 node=n epoch=0a boot=1 seq=2 gen=3 "
#define HEAD        HEAD_TO_GEN "clock=1763800000000000 relearn=0 left=0 blind=0 width=57"
#define SIDE        " side=A:1,2,3,4,5,6,exact,"

static void test_fields(void **state)
{
    static const struct {
        const char *body;
        const char *why;        /* NULL: it is taken */
    } rows[] = {
        { HEAD, NULL },
        { HEAD " later=1", NULL },
        { HEAD " later=", NULL },
        { HEAD " later=a=b later=2", NULL },
        { HEAD SIDE "-", NULL },
        { HEAD SIDE "1:1", NULL },
        { HEAD SIDE "1:1;4294967295:1", "\"side=A" },
        { HEAD " side=gone:1,2,3,4,5,6,sketch,1:1", NULL },
        { HEAD " side=A:0,0,0,0,0,0,exact,- side=B:0,0,0,0,0,0,exact,-", NULL },
        { "v=1 width=57 blind=0 left=1 relearn=0 clock=0 gen=0 seq=0 boot=0 epoch=- node=n", NULL },
        { HEAD SIDE "- resp=A:2.1..4.zz.7:1....1.1", NULL },
        { HEAD SIDE "- resp=A::", NULL },
        { HEAD " resp=gone:1....1.1:", NULL },
        { HEAD " ends=0000000000000001:0", NULL },
        { HEAD " ends=0000000000000001:0,0000000000000001:9999", NULL },

        { "B", "it is no record" },
        { "A=75 B=25", "it is no record" },
        { "", "it is no record" },
        { "v=2 node=n", "another version" },
        { "v=1", "cut short" },
        { "v=10 node=n", "another version" },
        { "v=1 v=1", "\"v=1\"" },
        { "v=1  node=n", "\"\"" },
        { HEAD " ", "a space too many" },
        { HEAD "  left=0", "\"\"" },
        { HEAD " left=0", "\"left=0\"" },
        { HEAD " ends=0000000000000001:0 ends=0000000000000001:0", "\"ends=" },
        { HEAD " later", "\"later\"" },
        { HEAD " =1", "\"=1\"" },
        { HEAD " la:ter=1", "\"la:ter=1\"" },
        { HEAD " sum=0", "\"sum=0\"" },
        { HEAD " abcdefghijklmnopqrstuvwxyzabcdefg=1", "\"abc" },
        { "v=1 node=n epoch=0a boot=1 seq=2 clock=0 relearn=0 left=0 blind=0 width=57", "gen" },
        { HEAD_TO_GEN "clock=1 relearn=0 left=0 blind=0", "width" },
        { HEAD_TO_GEN "clock=1 relearn=0 left=0 width=1", "blind" },
        { HEAD_TO_GEN "clock=1 relearn=0 blind=0 width=1", "left" },
        { HEAD_TO_GEN "clock=1 left=0 blind=0 width=1", "relearn" },
        { HEAD_TO_GEN "relearn=0 left=0 blind=0 width=1", "clock" },
        { "v=1 node= x=1", "\"node=\"" },
        { "v=1 node=a/b", "\"node=a/b\"" },
        { "v=1 node=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\"node" },
        { "v=1 epoch=", "\"epoch=\"" },
        { "v=1 epoch=0A", "\"epoch=0A\"" },
        { "v=1 epoch=0123456789abcdef0123456789abcdef0", "\"epoch=" },
        { "v=1 boot=-1", "\"boot=-1\"" },
        { "v=1 boot=+1", "\"boot=+1\"" },
        { "v=1 boot=01", "\"boot=01\"" },
        { "v=1 boot=18446744073709551616", "\"boot=" },
        { "v=1 boot=99999999999999999999999", "\"boot=" },
        { "v=1 gen=9223372036854775808", "\"gen=" },
        { "v=1 gen=1e3", "\"gen=1e3\"" },
        { "v=1 clock=253402300799000001", "\"clock=" },
        { "v=1 relearn=253402300800", "\"relearn=" },
        { "v=1 left=2", "\"left=2\"" },
        { "v=1 left=9", "\"left=9\"" },
        { "v=1 blind=", "\"blind=\"" },
        { "v=1 width=0", "\"width=0\"" },
        { "v=1 width=33554433", "\"width=" },
        { HEAD " side=A", "\"side=A\"" },
        { HEAD " side=:1,2,3,4,5,6,exact,-", "\"side=:" },
        { HEAD " side=A/B:1,2,3,4,5,6,exact,-", "\"side=A/B" },
        { HEAD " side=A:4294967296,2,3,4,5,6,exact,-", "\"side=A" },
        { HEAD " side=A:1,2,3,4,5,6,exactly,-", "\"side=A" },
        { HEAD " side=A:1,2,3,4,5,6,exact", "\"side=A" },
        { HEAD " side=A:1,2,3,4,5,exact,-", "\"side=A" },
        { HEAD " side=gone:x", "\"side=gone" },
        { HEAD SIDE "- side=A:1,2,3,4,5,6,exact,-", "\"side=A" },
        { HEAD SIDE, "\"side=A" },
        { HEAD SIDE "0:1", "\"side=A" },
        { HEAD SIDE "1:0", "\"side=A" },
        { HEAD SIDE "1:1;0:1", "\"side=A" },
        { HEAD SIDE "1:1;", "\"side=A" },
        { HEAD SIDE "1:1;;1:1", "\"side=A" },
        { HEAD SIDE "1", "\"side=A" },
        { HEAD SIDE "1:", "\"side=A" },
        { HEAD SIDE "4294967295:1", "width" },
        { HEAD SIDE "- resp=A:1....1.1", "\"resp=A" },
        { HEAD SIDE "- resp=A", "\"resp=A" },
        { HEAD SIDE "- resp=", "\"resp=" },
        { HEAD SIDE "- resp=:1....1.1:", "\"resp=" },
        { HEAD SIDE "- resp=A:1....1.2:", "\"resp=A" },
        { HEAD SIDE "- resp=A:01....1.1:", "\"resp=A" },
        { HEAD SIDE "- resp=A:1....1.1.:", "\"resp=A" },
        { HEAD SIDE "- resp=A:1....1.1:1....1.1:", "\"resp=A" },
        { HEAD SIDE "- resp=A:1....rcn1hssight.1:", "\"resp=A" },
        { HEAD SIDE "- resp=A:1....1.1: resp=A:1....1.1:", "\"resp=A" },
        { HEAD " resp=A:1....1.1:" SIDE "-", "\"resp=A" },
        { HEAD " ends=", "\"ends=\"" },
        { HEAD " ends=0000000000000001", "\"ends=" },
        { HEAD " ends=0000000000000001:10000", "\"ends=" },
        { HEAD " ends=000000000000000g:1", "\"ends=" },
        { HEAD " ends=000000000000000A:1", "\"ends=" },
        { HEAD " ends=1:1", "\"ends=1:1\"" },
        { HEAD " ends=0000000000000001:1,", "\"ends=" },
        { HEAD_TO_GEN "clock=1000000 relearn=0 left=0 blind=0 width=1 ends=0000000000000001:1",
          "clock" },
        { HEAD " later=\t", "printable" },
        { HEAD " later=\n", "printable" },
        { HEAD " later=\x7f", "printable" },
        { HEAD " later=\xc3\xa4", "printable" },
    };
    static const absw_record_t zero;
    char sealed[1024];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        apr_size_t len = seal(sealed, rows[i].body, strlen(rows[i].body));
        int ok = decode(sealed, len, &one);

        if (ok != !rows[i].why || (!ok && !strstr(why, rows[i].why))) {
            fail_msg("%s: %d, %s", rows[i].body, ok, why);
        }
        assert_true(ok || memcmp(&one, &zero, sizeof(one)) == 0);
    }
}

static void test_what_is_said(void **state)
{
    char sealed[1024];

    (void)state;
#define BODY HEAD " side=gone:1,2,3,4,5,6,exact,1:9 later=1 side=B:7,0,0,0,0,0,sketch,5:6"
    assert_true(decode(sealed, seal(sealed, BODY, strlen(BODY)), &one));
    assert_int_equal(one.unsaid, 1u << SIDE_A | 1u << SIDE_C);
    assert_int_equal(one.sides[SIDE_A].sessions, 0);
    assert_int_equal(one.sides[SIDE_B].sessions, 7);
    assert_true(one.sides[SIDE_B].members_sketch);
    assert_int_equal(one.sides[SIDE_B].hist.width, 57);
    assert_int_equal(absw_hist_left(&one.sides[SIDE_B].hist, 5 * 57 + 4), 6);
    assert_int_equal(absw_hist_left(&one.sides[SIDE_B].hist, 5 * 57 + 5), 0);
}

/* Refused with a reason that can be logged, or the same when it is written and read again. */
static int try(const char *value, apr_size_t len)
{
    static const absw_record_t zero;

    if (!decode(value, len, &one)) {
        assert_true(strlen(why) > 0);
        for (const char *c = why; *c; c++) {
            assert_in_range(*c, 0x20, 0x7e);
        }
        assert_memory_equal(&one, &zero, sizeof(one));
        return 0;
    }
    assert_true(decode(text, encode(&one), &two));
    assert_memory_equal(&one, &two, sizeof(one));
    return 1;
}

/* A record of moderate length in text, or a copy of it. */
static apr_size_t moderate(char *copy)
{
    dice_t d = { 3 };
    apr_size_t len;

    fill(&one, &d);
    one.unsaid = 0;
    one.ends_n = 3;
    for (int i = 0; i < SAMPLE_SIDES; i++) {
        fill_side(&one.sides[i], &d);
        one.sides[i].hist.n = 4;
    }
    for (int i = 0; i < 3; i++) {
        one.ends[i] = (absw_end_t){ .hash = (apr_uint64_t)i, .at = SAMPLE_NOW - i };
    }
    len = encode(&one);
    assert_in_range(len, 300, 999);
    memcpy(copy, text, len + 1);
    return len;
}

static void test_damaged(void **state)
{
    char value[1000];
    apr_size_t len = moderate(value);

    (void)state;
    assert_true(try(value, len));
    for (apr_size_t i = 0; i < len; i++) {
        assert_false(try(value, i));            /* cut short */
        for (unsigned other = 1; other < 256; other++) {
            value[i] = (char)((unsigned char)value[i] ^ other);
            assert_false(try(value, len));
            value[i] = (char)((unsigned char)value[i] ^ other);
        }
    }
    assert_true(try(value, len));
}

static void test_forged(void **state)
{
    static const char other[] = "0123456789abcx:;,=- A-\n\xff";
    char value[1100];
    char wrong[1100];
    apr_size_t len = moderate(value) - 21;      /* less " sum=" and its digits */
    int taken = 0;

    (void)state;
    for (apr_size_t i = 0; i < len; i++) {
        try(wrong, seal(wrong, value, i));      /* cut short */
        for (size_t k = 0; k < sizeof(other); k++) {
            memcpy(wrong, value, len);
            wrong[i] = other[k];
            taken += try(wrong, seal(wrong, wrong, len));
            memcpy(wrong, value, i);            /* put in */
            wrong[i] = other[k];
            memcpy(wrong + i + 1, value + i, len - i);
            taken += try(wrong, seal(wrong, wrong, len + 1));
        }
        memcpy(wrong, value, i);                /* left out */
        memcpy(wrong + i, value + i + 1, len - i - 1);
        taken += try(wrong, seal(wrong, wrong, len - 1));
    }
    assert_true(taken > 500);
}

static void test_noise(void **state)
{
    static char value[ABSW_RECORD_TEXT_MAX + 100];
    dice_t d = { 4 };

    (void)state;
    for (int round = 0; round < 300; round++) {
        apr_size_t len = dice_below(&d, round % 10 ? 300 : ABSW_RECORD_TEXT_MAX + 70);

        for (apr_size_t i = 0; i < len; i++) {
            value[i] = (char)(round % 2 ? 0x20 + dice_below(&d, 95) : dice(&d));
        }
        memcpy(value, "v=1 ", 4);
        assert_false(try(value, len));
        assert_false(try(value, seal(value, value, len)));
    }
    memset(value, ' ', sizeof(value));
    assert_false(try(value, sizeof(value)));
    memset(value, '\0', sizeof(value));
    assert_false(try(value, sizeof(value)));
}

static void test_newer(void **state)
{
    static const struct {
        apr_uint64_t boot[2];
        apr_uint64_t sequence[2];
        int newer;
    } rows[] = {
        { { 1, 1 }, { 1, 1 }, 0 }, { { 1, 1 }, { 2, 1 }, 1 }, { { 1, 1 }, { 1, 2 }, 0 },
        { { 2, 1 }, { 1, 9 }, 1 }, { { 1, 2 }, { 9, 1 }, 0 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        one.boot = rows[i].boot[0];
        two.boot = rows[i].boot[1];
        one.sequence = rows[i].sequence[0];
        two.sequence = rows[i].sequence[1];
        assert_int_equal(absw_record_newer(&one, &two), rows[i].newer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_two_sides_take_less_than_a_kilobyte),
        cmocka_unit_test(test_the_longest),
        cmocka_unit_test(test_ends_that_cannot_be_said),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_what_is_said),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_newer),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
