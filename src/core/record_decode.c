/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "record_parts.h"
#include "text.h"

#define TIME_MAX    APR_INT64_C(253402300799)   /* the year 9999 */
#define QUOTE_MAX   40                          /* bytes of a field that are quoted */
#define FIELD_MAX   32                          /* bytes of a field's name */

typedef struct {
    const char *at;
    apr_size_t len;
} span_t;

typedef struct {
    const absw_policy_t *policy;
    absw_record_t *record;
    absw_sec_t width;
    apr_uint32_t said;          /* sides, a bit each */
    apr_uint32_t seen;          /* fields, a bit each */
} parse_t;

/* What is before the first `end`, which is taken away as well; all of it, if there is none. */
static span_t take(span_t *rest, char end)
{
    const char *stop = rest->len > 0 ? memchr(rest->at, end, rest->len) : NULL;
    span_t part = { rest->at, stop ? (apr_size_t)(stop - rest->at) : rest->len };
    apr_size_t gone = part.len + (stop != NULL);

    rest->at += gone;
    rest->len -= gone;
    return part;
}

static int is_word(span_t span, const char *word)
{
    return span.len == strlen(word) && memcmp(span.at, word, span.len) == 0;
}

/* A number as it is written here: decimal, no sign, no zero in front. */
static int number(span_t span, apr_uint64_t max, apr_uint64_t *value)
{
    apr_uint64_t n = 0;

    if (span.len < 1 || (span.len > 1 && span.at[0] == '0')) {
        return 0;
    }
    for (apr_size_t i = 0; i < span.len; i++) {
        unsigned digit = (unsigned)(span.at[i] - '0');

        if (digit > 9 || digit > max || n > (max - digit) / 10) {
            return 0;
        }
        n = n * 10 + digit;
    }
    *value = n;
    return 1;
}

static int count(span_t span, apr_uint32_t *value)
{
    apr_uint64_t n;

    if (!number(span, APR_UINT32_MAX, &n)) {
        return 0;
    }
    *value = (apr_uint32_t)n;
    return 1;
}

static int whole(span_t span, apr_int64_t max, apr_int64_t *value)
{
    apr_uint64_t n;

    if (!number(span, (apr_uint64_t)max, &n)) {
        return 0;
    }
    *value = (apr_int64_t)n;
    return 1;
}

static int flag(span_t span, int *value)
{
    apr_uint64_t n;

    if (!number(span, 1, &n)) {
        return 0;
    }
    *value = (int)n;
    return 1;
}

static int hex(span_t span, apr_uint64_t *value)
{
    *value = 0;
    if (span.len != 16) {
        return 0;
    }
    for (apr_size_t i = 0; i < span.len; i++) {
        int digit = span.at[i] < 'A' || span.at[i] > 'F' ? absw_hex_digit(span.at[i]) : -1;

        if (digit < 0) {
            return 0;
        }
        *value = *value << 4 | (unsigned)digit;
    }
    return 1;
}

static int node_name(parse_t *p, span_t value)
{
    if (!absw_policy_is_name(value.at, value.len, ABSW_NODE_NAME_MAX, ".:")) {
        return 0;
    }
    memcpy(p->record->node, value.at, value.len);
    return 1;
}

static int epoch(parse_t *p, span_t value)
{
    if (is_word(value, "-")) {
        return 1;
    }
    if (value.len < 1 || value.len > ABSW_EPOCH_MAX) {
        return 0;
    }
    for (apr_size_t i = 0; i < value.len; i++) {
        if (absw_hex_digit(value.at[i]) < 0 || (value.at[i] >= 'A' && value.at[i] <= 'F')) {
            return 0;
        }
    }
    memcpy(p->record->epoch, value.at, value.len);
    return 1;
}

static int boot(parse_t *p, span_t value)
{
    return number(value, APR_UINT64_MAX, &p->record->boot);
}

static int sequence(parse_t *p, span_t value)
{
    return number(value, APR_UINT64_MAX, &p->record->sequence);
}

static int generation(parse_t *p, span_t value)
{
    return whole(value, APR_INT64_MAX, &p->record->generation);
}

static int clock_of(parse_t *p, span_t value)
{
    return whole(value, TIME_MAX * APR_USEC_PER_SEC, &p->record->clock);
}

static int relearn(parse_t *p, span_t value)
{
    return whole(value, TIME_MAX, &p->record->relearning_until);
}

static int left(parse_t *p, span_t value)
{
    return flag(value, &p->record->left);
}

static int blind(parse_t *p, span_t value)
{
    return flag(value, &p->record->blind);
}

static int doubled(parse_t *p, span_t value)
{
    return flag(value, &p->record->doubled);
}

static int width(parse_t *p, span_t value)
{
    return whole(value, ABSW_BUCKETS_WIDTH_MAX, &p->width) && p->width > 0;
}

static int histogram(span_t rest, absw_hist_t *hist)
{
    apr_uint64_t before = 0;

    if (is_word(rest, "-")) {
        return 1;
    }
    do {
        span_t bar = take(&rest, ';');
        span_t bucket = take(&bar, ':');
        absw_hist_bar_t *next = &hist->bars[hist->n];
        apr_uint64_t distance;

        if (hist->n == ABSW_HIST_MAX || !number(bucket, APR_UINT32_MAX, &distance)
            || distance == 0 || before + distance > APR_UINT32_MAX
            || !count(bar, &next->count) || next->count == 0) {
            return 0;
        }
        before += distance;
        next->bucket = (apr_uint32_t)before;
        hist->n++;
    } while (rest.len > 0);
    return rest.at[-1] != ';';
}

static int side(parse_t *p, span_t rest)
{
    absw_record_side_t found = { 0 };
    span_t name = take(&rest, ':');
    span_t kind;
    int index;

    if (!absw_policy_is_name(name.at, name.len, ABSW_SIDE_NAME_MAX, "")
        || !count(take(&rest, ','), &found.sessions)
        || !count(take(&rest, ','), &found.testers)
        || !count(take(&rest, ','), &found.in_flight)
        || !whole(take(&rest, ','), TIME_MAX, &found.uncounted_until)
        || !whole(take(&rest, ','), TIME_MAX, &found.empty_at)
        || !number(take(&rest, ','), APR_UINT64_MAX, &found.members_sequence)) {
        return 0;
    }
    kind = take(&rest, ',');
    found.members_sketch = is_word(kind, "sketch");
    if ((!found.members_sketch && !is_word(kind, "exact")) || !histogram(rest, &found.hist)) {
        return 0;
    }
    index = absw_policy_side_of_name(p->policy, name.at, name.len);
    if (index == ABSW_NO_SIDE) {
        return 1;               /* of another configuration: well formed is enough */
    }
    if (p->said >> index & 1u) {
        return 0;
    }
    p->said |= 1u << index;
    p->record->sides[index] = found;
    return 1;
}

static int responses(parse_t *p, span_t rest)
{
    span_t name = take(&rest, ':');
    span_t all = take(&rest, ':');
    int index = absw_policy_side_of_name(p->policy, name.at, name.len);
    absw_tally_t sum, recent;

    if (!absw_policy_is_name(name.at, name.len, ABSW_SIDE_NAME_MAX, "")
        || !absw_tally_parse(all.at, all.len, &sum) || all.at[all.len] != ':'
        || !absw_tally_parse(rest.at, rest.len, &recent)) {
        return 0;
    }
    if (index == ABSW_NO_SIDE) {
        return 1;
    }
    if (!(p->said >> index & 1u) || absw_tally_count(&p->record->sides[index].responses) > 0) {
        return 0;               /* behind its side, once */
    }
    p->record->sides[index].responses = sum;
    p->record->sides[index].recent = recent;
    return 1;
}

/* The ages; finish() makes times of them. */
static int ends(parse_t *p, span_t rest)
{
    absw_record_t *record = p->record;

    do {
        span_t part = take(&rest, ',');
        absw_end_t *end = &record->ends[record->ends_n];

        if (record->ends_n == ABSW_RECORD_ENDS || !hex(take(&part, ':'), &end->hash)
            || !whole(part, ABSW_RECORD_AGE_MAX, &end->at)) {
            return 0;
        }
        record->ends_n++;
    } while (rest.len > 0);
    return rest.at[-1] != ',';
}

typedef struct {
    const char *name;
    int (*read)(parse_t *p, span_t value);
    int may;                    /* be missing */
    int often;                  /* may be there more than once */
} field_t;

static const field_t FIELDS[] = {
    { .name = "node", .read = node_name },
    { .name = "epoch", .read = epoch },
    { .name = "boot", .read = boot },
    { .name = "seq", .read = sequence },
    { .name = "gen", .read = generation },
    { .name = "clock", .read = clock_of },
    { .name = "relearn", .read = relearn },
    { .name = "left", .read = left },
    { .name = "blind", .read = blind },
    { .name = "width", .read = width },
    { .name = "doubled", .read = doubled, .may = 1 },
    { .name = "side", .read = side, .may = 1, .often = 1 },
    { .name = "resp", .read = responses, .may = 1, .often = 1 },
    { .name = "ends", .read = ends, .may = 1 },
};

#define FIELDS_N (sizeof(FIELDS) / sizeof(FIELDS[0]))

static int read_field(parse_t *p, span_t value)
{
    span_t name = take(&value, '=');

    if (!absw_policy_is_name(name.at, name.len, FIELD_MAX, "")
        || name.at[name.len] != '=' || is_word(name, "v") || is_word(name, "sum")) {
        return 0;
    }
    for (unsigned i = 0; i < FIELDS_N; i++) {
        if (is_word(name, FIELDS[i].name)) {
            int again = (int)(p->seen >> i & 1u);

            p->seen |= 1u << i;
            return (!again || FIELDS[i].often) && FIELDS[i].read(p, value);
        }
    }
    return 1;                   /* of a later version */
}

/* What could not be judged field by field. */
static const char *finish(parse_t *p)
{
    absw_record_t *record = p->record;

    for (unsigned i = 0; i < FIELDS_N; i++) {
        if (!FIELDS[i].may && !(p->seen >> i & 1u)) {
            return FIELDS[i].name;
        }
    }
    for (int i = 0; i < p->policy->sides_n; i++) {
        absw_hist_t *hist = &record->sides[i].hist;

        hist->width = p->width;
        if (hist->n > 0 && absw_bucket_end(p->width, hist->bars[hist->n - 1].bucket)
                           > (absw_sec_t)APR_UINT32_MAX) {
            return "width";
        }
    }
    for (int i = 0; i < record->ends_n; i++) {
        record->ends[i].at = apr_time_sec(record->clock) - record->ends[i].at;
        if (record->ends[i].at <= 0) {
            return "clock";
        }
    }
    record->unsaid = ((1u << p->policy->sides_n) - 1) & ~p->said;
    return NULL;
}

/* Why the text is none from the outside; NULL: it is one line, whole, of this version. Takes the
 * checksum away. */
static const char *look_at(span_t *text)
{
    apr_uint64_t sum;
    apr_size_t tail = sizeof(ABSW_RECORD_SUM) - 1 + ABSW_RECORD_SUM_DIGITS;
    span_t digits;

    while (text->len > 0 && strchr(" \t\r\n", text->at[text->len - 1]) != NULL
           && text->at[text->len - 1] != '\0') {
        text->len--;
    }
    if (text->len > ABSW_RECORD_TEXT_MAX) {
        return "it is too long";
    }
    for (apr_size_t i = 0; i < text->len; i++) {
        if (text->at[i] < 0x20 || text->at[i] > 0x7e) {
            return "it has bytes that are not printable ASCII";
        }
    }
    if (text->len < 2 || memcmp(text->at, "v=", 2) != 0) {
        return "it is no record of a node";
    }
    if (text->len < 4 || memcmp(text->at, "v=1 ", 4) != 0) {
        return "it is of another version";
    }
    if (text->len < tail + 4
        || memcmp(text->at + text->len - tail, ABSW_RECORD_SUM, sizeof(ABSW_RECORD_SUM) - 1) != 0) {
        return "it is cut short: it does not end with its checksum";
    }
    text->len -= tail;
    digits = (span_t){ text->at + text->len + sizeof(ABSW_RECORD_SUM) - 1, ABSW_RECORD_SUM_DIGITS };
    if (!hex(digits, &sum) || sum != absw_record_sum(text->at, text->len)) {
        return "its checksum is wrong";
    }
    return NULL;
}

static int refuse(absw_record_t *record, char *why, const char *format, const char *what)
{
    memset(record, 0, sizeof(*record));
    snprintf(why, ABSW_RECORD_WHY, format, what);
    return 0;
}

int absw_record_decode(const absw_policy_t *policy, const char *text, apr_size_t len,
                       absw_record_t *record, char *why)
{
    parse_t p = { .policy = policy, .record = record };
    span_t rest = { text, len };
    const char *fault = look_at(&rest);

    memset(record, 0, sizeof(*record));
    why[0] = '\0';
    if (fault) {
        return refuse(record, why, "%s", fault);
    }
    rest.at += 4;               /* "v=1 " */
    rest.len -= 4;
    do {
        span_t part = take(&rest, ' ');
        char quoted[QUOTE_MAX];

        if (!read_field(&p, part)) {
            return refuse(record, why, "its field %s is wrong",
                          absw_text_quote(quoted, sizeof(quoted), part.at, part.len));
        }
    } while (rest.len > 0);
    if (rest.at[-1] == ' ') {
        return refuse(record, why, "%s", "it has a space too many");
    }
    fault = finish(&p);
    return fault ? refuse(record, why, "its field %s is missing or impossible", fault) : 1;
}
