/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sample.h"
#include "switch.h"

/* Two sides, as the contract's examples have them; and sides with names of fields. */
static absw_policy_t of_sides(const char *const *names, int n)
{
    absw_policy_t policy = sample_policy();

    policy.sides_n = n;
    for (int i = 0; i < n; i++) {
        policy.sides[i].name = names[i];
    }
    return policy;
}

static absw_policy_t two_sides(void)
{
    static const char *const names[] = { "A", "B" };

    return of_sides(names, 2);
}

#define TEXT(s) (s), sizeof(s) - 1

typedef struct {
    const char *text;
    size_t len;
    absw_switch_form_e form;
    apr_uint32_t a;
    apr_uint32_t b;
    const char *why;        /* what a complaint has to name */
} form_row_t;

static void test_forms(void **state)
{
    static const form_row_t rows[] = {
        { TEXT("B"), ABSW_SWITCH_BARE, 0, 1, NULL },
        { TEXT("B\n"), ABSW_SWITCH_BARE, 0, 1, NULL },
        { TEXT("B \t\r\n\f\v "), ABSW_SWITCH_BARE, 0, 1, NULL },
        { TEXT("A=75 B=25"), ABSW_SWITCH_BARE, 75, 25, NULL },
        { TEXT("B=25 A=75"), ABSW_SWITCH_BARE, 75, 25, NULL },
        { TEXT("A=75   B=25"), ABSW_SWITCH_BARE, 75, 25, NULL },
        { TEXT("B=1"), ABSW_SWITCH_BARE, 0, 1, NULL },
        { TEXT("A=1000000 B=0"), ABSW_SWITCH_BARE, 1000000, 0, NULL },
        { TEXT("A=007"), ABSW_SWITCH_BARE, 7, 0, NULL },
        { TEXT("B gen=12"), ABSW_SWITCH_FULL, 0, 1, NULL },
        { TEXT("A=1 gen=12 at=5\r\n"), ABSW_SWITCH_FULL, 1, 0, NULL },
        { TEXT("A=1 B=2 gen=1000000000000000"), ABSW_SWITCH_FULL, 1, 2, NULL },
        { TEXT("B gen=%31%32"), ABSW_SWITCH_FULL, 0, 1, NULL },

        { TEXT(""), ABSW_SWITCH_BAD, 0, 0, "empty" },
        { TEXT("   \n"), ABSW_SWITCH_BAD, 0, 0, "empty" },
        { TEXT("C"), ABSW_SWITCH_BAD, 0, 0, "\"C\"" },
        { TEXT("b"), ABSW_SWITCH_BAD, 0, 0, "\"b\"" },
        { TEXT("AB"), ABSW_SWITCH_BAD, 0, 0, "\"AB\"" },
        { TEXT(" B"), ABSW_SWITCH_BAD, 0, 0, "space" },
        { TEXT("B x"), ABSW_SWITCH_BAD, 0, 0, "\"x\"" },
        { TEXT("B B"), ABSW_SWITCH_BAD, 0, 0, "\"B\"" },
        { TEXT("B A=1"), ABSW_SWITCH_BAD, 0, 0, "\"A=1\"" },
        { TEXT("A=0 B=0"), ABSW_SWITCH_BAD, 0, 0, "opens no side" },
        { TEXT("A=0"), ABSW_SWITCH_BAD, 0, 0, "opens no side" },
        { TEXT("A=-1"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=1e9"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=1000001"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=18446744073709551616"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A="), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=+1"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=1.0"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=%31"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("=1"), ABSW_SWITCH_BAD, 0, 0, "\"=1\"" },
        { TEXT("A=1 A=1"), ABSW_SWITCH_BAD, 0, 0, "\"A=1\"" },
        { TEXT("A=1 C=1"), ABSW_SWITCH_BAD, 0, 0, "\"C=1\"" },
        { TEXT("A=1,B=1"), ABSW_SWITCH_BAD, 0, 0, "weight" },
        { TEXT("A=1\nB=1"), ABSW_SWITCH_BAD, 0, 0, "0x0a" },
        { TEXT("A=1\tB=1"), ABSW_SWITCH_BAD, 0, 0, "0x09" },
        { TEXT("B\0"), ABSW_SWITCH_BAD, 0, 0, "0x00" },
        { TEXT("B\0 gen=12"), ABSW_SWITCH_BAD, 0, 0, "0x00" },
        { TEXT("\xef\xbb\xbf" "B"), ABSW_SWITCH_BAD, 0, 0, "0xef" },
        { TEXT("B\xff"), ABSW_SWITCH_BAD, 0, 0, "0xff" },
        { TEXT("B gen=5 note=Gr\xc3\xbc\xc3\x9f" "e"), ABSW_SWITCH_BAD, 0, 0, "0xc3" },

        { TEXT("gen=12"), ABSW_SWITCH_BAD, 0, 0, "\"gen=12\"" },
        { TEXT("B at=5"), ABSW_SWITCH_BAD, 0, 0, "\"at=5\"" },
        { TEXT("B at=5 gen=12"), ABSW_SWITCH_BAD, 0, 0, "\"at=5\"" },
        { TEXT("B gen="), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=0"), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=-1"), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=1000000000000001"), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=18446744073709551615"), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=18446744073709551628"), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=99999999999999999999999999999999999"), ABSW_SWITCH_BAD, 0, 0, "gen=" },
        { TEXT("B gen=12 gen=13"), ABSW_SWITCH_BAD, 0, 0, "twice" },
        { TEXT("B gen=12 at=1 at=1"), ABSW_SWITCH_BAD, 0, 0, "twice" },
        { TEXT("B gen=12 x=1 y=2 x=1"), ABSW_SWITCH_BAD, 0, 0, "twice" },
        { TEXT("B gen=12 at=x"), ABSW_SWITCH_BAD, 0, 0, "at=" },
        { TEXT("B gen=12 at=253402300800"), ABSW_SWITCH_BAD, 0, 0, "at=" },
        { TEXT("B gen=12 lonely"), ABSW_SWITCH_BAD, 0, 0, "\"lonely\"" },
        { TEXT("B gen=12 =x"), ABSW_SWITCH_BAD, 0, 0, "\"=x\"" },
        { TEXT("B gen=12 a.b=x"), ABSW_SWITCH_BAD, 0, 0, "\"a.b=x\"" },
        { TEXT("B gen=12 note=%"), ABSW_SWITCH_BAD, 0, 0, "percent" },
        { TEXT("B gen=12 note=%4"), ABSW_SWITCH_BAD, 0, 0, "percent" },
        { TEXT("B gen=12 note=%zz"), ABSW_SWITCH_BAD, 0, 0, "percent" },
        { TEXT("B gen=12 x=%zz"), ABSW_SWITCH_BAD, 0, 0, "percent" },
        { TEXT("B gen=12 note=%00"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=a%0d%0ab"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%1b[31m"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%7f"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%c2%85"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%ff"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%c0%af"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%ed%a0%80"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 note=%f4%90%80%80"), ABSW_SWITCH_BAD, 0, 0, "note=" },
        { TEXT("B gen=12 by=%0a"), ABSW_SWITCH_BAD, 0, 0, "by=" },
        { TEXT("B gen=12 node=a%20b"), ABSW_SWITCH_BAD, 0, 0, "node=" },
        { TEXT("B gen=12 node=a/b"), ABSW_SWITCH_BAD, 0, 0, "node=" },
        { TEXT("B gen=12 since=A"), ABSW_SWITCH_BAD, 0, 0, "since=" },
        { TEXT("B gen=12 since="), ABSW_SWITCH_BAD, 0, 0, "since=" },
        { TEXT("B gen=12 since=A:0"), ABSW_SWITCH_BAD, 0, 0, "since=" },
        { TEXT("B gen=12 since=A:1,"), ABSW_SWITCH_BAD, 0, 0, "since=" },
        { TEXT("B gen=12 since=A:1,A:1"), ABSW_SWITCH_BAD, 0, 0, "since=" },
        { TEXT("B gen=12 since=C:1"), ABSW_SWITCH_BAD, 0, 0, "since=" },
        { TEXT("B gen=12 closed="), ABSW_SWITCH_BAD, 0, 0, "closed=" },
        { TEXT("B gen=12 closed=C"), ABSW_SWITCH_BAD, 0, 0, "closed=" },
        { TEXT("B gen=12 closed=A,A"), ABSW_SWITCH_BAD, 0, 0, "closed=" },
        { TEXT("B gen=12 closed=,A"), ABSW_SWITCH_BAD, 0, 0, "closed=" },
        { TEXT("<script>alert(1)</script>"), ABSW_SWITCH_BAD, 0, 0, "\"<script>" },
    };
    absw_policy_t policy = two_sides();
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_switch_t rec;
        char why[120] = "";
        absw_switch_form_e form = absw_switch_parse(&policy, rows[i].text, rows[i].len, &rec,
                                                    why, sizeof(why));
        int ok = form == rows[i].form
                 && (form == ABSW_SWITCH_BAD
                     ? strstr(why, rows[i].why) != NULL
                     : rec.weight[SIDE_A] == rows[i].a && rec.weight[SIDE_B] == rows[i].b);

        if (!ok) {
            print_error("%s: form %d, weights %u %u, %s\n", rows[i].text, form,
                        rec.weight[SIDE_A], rec.weight[SIDE_B], why);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static absw_switch_form_e parse(const absw_policy_t *policy, const char *text,
                                absw_switch_t *rec)
{
    return absw_switch_parse(policy, text, strlen(text), rec, NULL, 0);
}

static void test_fields(void **state)
{
    static const char text[] =
        "A=0 B=1 gen=12 at=1763790000 by=ann%40ops node=web1:80 since=A:1763790000 "
        "closed=A colour=blue note=new%20release%3D%C3%9C note2=%ff";
    absw_policy_t policy = two_sides();
    absw_switch_t rec;

    (void)state;
    assert_int_equal(parse(&policy, text, &rec), ABSW_SWITCH_FULL);
    assert_int_equal(rec.generation, 12);
    assert_int_equal(rec.at, 1763790000);
    assert_string_equal(rec.by, "ann@ops");
    assert_string_equal(rec.node, "web1:80");
    assert_string_equal(rec.note, "new release=\xc3\x9c");
    assert_string_equal(rec.other, "colour=blue note2=%ff");
    assert_int_equal(rec.since[SIDE_A], 1763790000);
    assert_int_equal(rec.closed, 1u << SIDE_A);
}

static void test_weight_wins(void **state)
{
    absw_policy_t policy = two_sides();
    absw_switch_t rec;

    (void)state;
    assert_int_equal(parse(&policy, "A=1 B=1 gen=2 since=A:5,B:6 closed=B,A", &rec),
                     ABSW_SWITCH_FULL);
    assert_int_equal(rec.closed, 0);
    assert_int_equal(rec.since[SIDE_A], 0);
    assert_int_equal(rec.since[SIDE_B], 0);
}

static void test_sizes(void **state)
{
    absw_policy_t policy = two_sides();
    absw_switch_t rec;
    size_t huge = 1 << 20;
    char *text = malloc(huge);
    char why[64];
    char value[2000];

    (void)state;
    memset(text, 'B', huge);
    assert_int_equal(absw_switch_parse(&policy, text, huge, &rec, why, sizeof(why)),
                     ABSW_SWITCH_BAD);
    assert_non_null(strstr(why, "8192"));
    memset(text, ' ', huge);
    text[0] = 'B';
    assert_int_equal(absw_switch_parse(&policy, text, 8192, &rec, why, sizeof(why)),
                     ABSW_SWITCH_BARE);
    assert_int_equal(absw_switch_parse(&policy, text, 8193, &rec, why, sizeof(why)),
                     ABSW_SWITCH_BAD);
    free(text);

    snprintf(value, sizeof(value), "B gen=1 by=%064d", 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_FULL);
    snprintf(value, sizeof(value), "B gen=1 by=%065d", 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_BAD);
    snprintf(value, sizeof(value), "B gen=1 node=%065d", 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_BAD);
    snprintf(value, sizeof(value), "B gen=1 note=%0800d", 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_FULL);
    snprintf(value, sizeof(value), "B gen=1 note=%0801d", 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_BAD);
    snprintf(value, sizeof(value), "B gen=1 a=%0254d b=%0253d", 0, 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_FULL);
    assert_int_equal(strlen(rec.other), ABSW_SWITCH_OTHER_MAX);
    snprintf(value, sizeof(value), "B gen=1 a=%0254d b=%0254d", 0, 0);
    assert_int_equal(parse(&policy, value, &rec), ABSW_SWITCH_BAD);
}

/* Sides may be called like fields: what is written names every side, so it reads back. */
static void test_sides_like_fields(void **state)
{
    static const char *const names[] = { "gen", "at", "B" };
    absw_policy_t policy = of_sides(names, 3);
    absw_switch_t rec;
    absw_switch_t back;
    char text[ABSW_SWITCH_TEXT_MAX];

    (void)state;
    assert_int_equal(parse(&policy, "gen=5", &rec), ABSW_SWITCH_BARE);
    assert_int_equal(rec.weight[0], 5);
    assert_int_equal(parse(&policy, "gen=0 at=7 B=1 gen=12 at=99", &rec), ABSW_SWITCH_FULL);
    assert_int_equal(rec.weight[1], 7);
    assert_int_equal(rec.generation, 12);
    assert_int_equal(rec.at, 99);
    absw_switch_format(&policy, &rec, text);
    assert_int_equal(parse(&policy, text, &back), ABSW_SWITCH_FULL);
    assert_memory_equal(&rec, &back, sizeof(rec));
    assert_int_equal(parse(&policy, "gen gen=3", &rec), ABSW_SWITCH_FULL);
    assert_int_equal(rec.weight[0], 1);
    assert_int_equal(rec.generation, 3);
}

static void test_past_sides(void **state)
{
    static const struct {
        const char *text;
        absw_switch_form_e form;
        unsigned gone;
        apr_uint32_t a;
    } rows[] = {
        { "A=1 B=0 gen=3", ABSW_SWITCH_FULL, 0, 1 },
        { "A=1 B=0 Z=0 gen=3", ABSW_SWITCH_FULL, ABSW_SWITCH_GONE, 1 },
        { "Z=0 A=1 B=0 gen=3 by=x", ABSW_SWITCH_FULL, ABSW_SWITCH_GONE, 1 },
        { "A=1 gen=3 since=Z:9,B:4", ABSW_SWITCH_FULL, ABSW_SWITCH_GONE, 1 },
        { "A=1 gen=3 closed=Z", ABSW_SWITCH_FULL, ABSW_SWITCH_GONE, 1 },
        { "A=0 Z=1 gen=3", ABSW_SWITCH_FULL, ABSW_SWITCH_GONE | ABSW_SWITCH_GONE_OPEN, 0 },
        { "Z gen=3", ABSW_SWITCH_FULL, ABSW_SWITCH_GONE | ABSW_SWITCH_GONE_OPEN, 0 },
        { "A", ABSW_SWITCH_BAD, 0, 1 },
        { "A=1 Z=x gen=3", ABSW_SWITCH_BAD, 0, 1 },
        { "A=1 gen=3 note=%0a", ABSW_SWITCH_BAD, 0, 1 },
        { "", ABSW_SWITCH_BAD, 0, 0 },
    };
    absw_policy_t policy = two_sides();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_switch_t rec;
        unsigned gone;
        absw_switch_form_e form = absw_switch_parse_past(&policy, rows[i].text,
                                                         strlen(rows[i].text), &rec, &gone);

        if (form != rows[i].form || (form == ABSW_SWITCH_FULL
                                     && (gone != rows[i].gone
                                         || rec.weight[SIDE_A] != rows[i].a
                                         || rec.generation != 3))) {
            fail_msg("%s: form %d, gone %u", rows[i].text, form, gone);
        }
    }
}

/* --- properties ---- */

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static void draw_text(unsigned *seed, char *dst, size_t max)
{
    static const char *const pieces[] = {
        "a", "Z", " ", "%", "=", ",", ":", "+", "\"", "<b>", "\xc3\xa4", "\xe2\x82\xac",
        "\xf0\x9f\x98\x80", "0", "/", "\\", "'",
    };
    size_t n = draw(seed, 40);

    memset(dst, 0, max + 1);
    for (size_t i = 0; i < n; i++) {
        const char *piece = pieces[draw(seed, COUNT_OF(pieces))];

        if (strlen(dst) + strlen(piece) <= max) {
            strcat(dst, piece);
        }
    }
}

static absw_switch_t draw_record(unsigned *seed, const absw_policy_t *policy)
{
    absw_switch_t rec;
    int open = (int)draw(seed, (unsigned)policy->sides_n);

    memset(&rec, 0, sizeof(rec));
    rec.generation = 1 + draw(seed, 3) * (apr_int64_t)draw(seed, 30000);
    rec.at = draw(seed, 4) ? 1763790000 + draw(seed, 3) : 0;
    for (int i = 0; i < policy->sides_n; i++) {
        if (i == open || draw(seed, 3) == 0) {
            rec.weight[i] = 1 + draw(seed, 30000) * 33;
            continue;
        }
        rec.since[i] = draw(seed, 2) ? 1 + draw(seed, 30000) : 0;
        rec.closed |= draw(seed, 2) << i;
    }
    draw_text(seed, rec.by, ABSW_BY_MAX);
    draw_text(seed, rec.note, ABSW_NOTE_MAX);
    if (draw(seed, 2)) {
        snprintf(rec.node, sizeof(rec.node), "web%u:80", draw(seed, 3));
    }
    if (draw(seed, 2)) {
        snprintf(rec.other, sizeof(rec.other), "x=%u y=%%ff", draw(seed, 30));
    }
    return rec;
}

static void test_round_trip(void **state)
{
    absw_policy_t policy = sample_policy();
    unsigned seed = 20251122;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        absw_switch_t rec = draw_record(&seed, &policy);
        absw_switch_t back;
        char text[ABSW_SWITCH_TEXT_MAX];
        apr_size_t len = absw_switch_format(&policy, &rec, text);

        assert_int_equal(len, strlen(text));
        if (parse(&policy, text, &back) != ABSW_SWITCH_FULL
            || memcmp(&rec, &back, sizeof(rec)) != 0) {
            fail_msg("seed %u: %s", seed, text);
        }
    }
}

/* Everything as long as it may be still fits, and reads back. */
static void test_longest(void **state)
{
    static const char *const names[ABSW_SIDES_MAX] = {
        "abcdefghijklmno0", "abcdefghijklmno1", "abcdefghijklmno2", "abcdefghijklmno3",
        "abcdefghijklmno4", "abcdefghijklmno5", "abcdefghijklmno6", "abcdefghijklmno7",
        "abcdefghijklmno8", "abcdefghijklmno9", "abcdefghijklmnoa", "abcdefghijklmnob",
        "abcdefghijklmnoc", "abcdefghijklmnod", "abcdefghijklmnoe", "abcdefghijklmnof",
    };
    absw_policy_t policy = of_sides(names, ABSW_SIDES_MAX);
    absw_switch_t rec;
    absw_switch_t back;
    char text[ABSW_SWITCH_TEXT_MAX];
    apr_size_t len;

    (void)state;
    memset(&rec, 0, sizeof(rec));
    rec.generation = ABSW_SWITCH_GEN_MAX;
    rec.at = ABSW_SWITCH_TIME_MAX;
    rec.weight[0] = ABSW_SWITCH_WEIGHT_MAX;
    for (int i = 1; i < ABSW_SIDES_MAX; i++) {
        rec.since[i] = ABSW_SWITCH_TIME_MAX;
        rec.closed |= 1u << i;
    }
    memset(rec.by, ' ', ABSW_BY_MAX);
    memset(rec.node, 'n', ABSW_NODE_NAME_MAX);
    memset(rec.note, '%', ABSW_NOTE_MAX);
    memset(rec.other, 'x', ABSW_SWITCH_OTHER_MAX);
    rec.other[10] = '=';
    len = absw_switch_format(&policy, &rec, text);
    assert_int_equal(len, strlen(text));
    assert_int_equal(parse(&policy, text, &back), ABSW_SWITCH_FULL);
    assert_memory_equal(&rec, &back, sizeof(rec));
}

/* Whatever is cut from or changed in a record: it is bad, or it formats and reads back. */
static void test_mutations(void **state)
{
    static const char good[] = "A=0 B=1 C=0 gen=12 at=1763790000 by=ann node=web1 "
                               "since=A:1763790000,C:5 closed=C note=n%20%41 x=y";
    absw_policy_t policy = sample_policy();
    int taken = 0;

    (void)state;
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        for (int byte = -1; byte < 256; byte++) {
            char text[sizeof(good)];
            char again[ABSW_SWITCH_TEXT_MAX];
            absw_switch_t rec;
            absw_switch_t back;
            size_t len = byte < 0 ? at : sizeof(good) - 1;

            memcpy(text, good, sizeof(good));
            if (byte >= 0) {
                text[at] = (char)byte;
            }
            if (absw_switch_parse(&policy, text, len, &rec, NULL, 0) != ABSW_SWITCH_FULL) {
                continue;
            }
            taken++;
            absw_switch_format(&policy, &rec, again);
            assert_int_equal(parse(&policy, again, &back), ABSW_SWITCH_FULL);
            assert_memory_equal(&rec, &back, sizeof(rec));
        }
    }
    assert_in_range(taken, 1000, 20000);
}

static void test_newer_is_a_strict_order(void **state)
{
    enum { N = 60 };
    absw_policy_t policy = two_sides();
    absw_switch_t recs[N];
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < N; i++) {
        recs[i] = draw_record(&seed, &policy);
        recs[i].generation = 1 + draw(&seed, 3);
    }
    for (int a = 0; a < N; a++) {
        for (int b = 0; b < N; b++) {
            int same = recs[a].generation == recs[b].generation && recs[a].at == recs[b].at
                       && strcmp(recs[a].node, recs[b].node) == 0;
            int ab = absw_switch_newer(&recs[a], &recs[b]);

            assert_int_equal(ab + absw_switch_newer(&recs[b], &recs[a]), same ? 0 : 1);
            if (recs[a].generation > recs[b].generation) {
                assert_true(ab);
            }
            for (int c = 0; ab && c < N; c++) {
                if (absw_switch_newer(&recs[b], &recs[c])) {
                    assert_true(absw_switch_newer(&recs[a], &recs[c]));
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_weight_wins),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sides_like_fields),
        cmocka_unit_test(test_past_sides),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_newer_is_a_strict_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
