/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "switch.h"
#include "text.h"

#define QUOTE_MAX 40    /* bytes of a value that are quoted */
#define FIELD_MAX 32    /* bytes of a field's name */

typedef struct {
    const char *at;
    apr_size_t len;
} span_t;

typedef struct {
    const absw_policy_t *policy;
    absw_switch_t *rec;
    span_t rest;
    int past;           /* sides that are gone may be named */
    unsigned gone;
    apr_uint32_t fields;        /* those seen, a bit each */
    char *why;
    apr_size_t why_size;
} parse_t;

/* Always 0, for a return. */
static int fail(parse_t *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (p->why_size > 0) {
        vsnprintf(p->why, p->why_size, format, args);
    }
    va_end(args);
    return 0;
}

static int fail_quoting(parse_t *p, span_t what, const char *says)
{
    char quoted[QUOTE_MAX];

    return fail(p, "%s %s", absw_text_quote(quoted, sizeof(quoted), what.at, what.len), says);
}

static int is_word(span_t span, const char *word)
{
    return span.len == strlen(word) && memcmp(span.at, word, span.len) == 0;
}

/* The next part of *rest up to the byte end, which is taken away as well. 0: there is none. */
static int take(span_t *rest, char end, span_t *part)
{
    const char *stop;

    if (rest->len == 0) {
        return 0;
    }
    stop = memchr(rest->at, end, rest->len);
    part->at = rest->at;
    part->len = stop ? (apr_size_t)(stop - rest->at) : rest->len;
    rest->at += part->len + (stop ? 1 : 0);
    rest->len -= part->len + (stop ? 1 : 0);
    return 1;
}

static int next_token(span_t *rest, span_t *token)
{
    while (take(rest, ' ', token)) {
        if (token->len > 0) {
            return 1;
        }
    }
    return 0;
}

/* A list does not end in its comma. */
static int is_list(span_t value)
{
    return value.len > 0 && value.at[value.len - 1] != ',';
}

/* "name=value"; 0 if there is no "=". */
static int halves(span_t token, char between, span_t *name, span_t *value)
{
    const char *at = memchr(token.at, between, token.len);

    if (!at) {
        return 0;
    }
    name->at = token.at;
    name->len = (apr_size_t)(at - token.at);
    value->at = at + 1;
    value->len = token.len - name->len - 1;
    return 1;
}

static int side_of(const parse_t *p, span_t name)
{
    return absw_policy_side_of_name(p->policy, name.at, name.len);
}

/* May name be that of a side that is gone? */
static int may_be_gone(const parse_t *p, span_t name)
{
    return p->past && absw_policy_is_name(name.at, name.len, ABSW_SIDE_NAME_MAX, "");
}

/* One token of the weights: 1 taken, 0 it is none, -1 it is wrong. */
static int parse_weight(parse_t *p, span_t token, apr_uint32_t *seen)
{
    apr_int64_t weight;
    span_t name;
    span_t value;
    int side;

    if (!halves(token, '=', &name, &value)) {
        return 0;
    }
    side = side_of(p, name);
    if (side == ABSW_NO_SIDE ? !may_be_gone(p, name) || is_word(name, "gen")
                             : (*seen & (1U << side)) != 0) {
        return 0;
    }
    if (!absw_text_number(value.at, value.len, ABSW_SWITCH_WEIGHT_MAX, &weight)) {
        fail_quoting(p, token, "is no weight from 0 to 1000000");
        return -1;
    }
    if (side == ABSW_NO_SIDE) {
        p->gone |= ABSW_SWITCH_GONE | (weight > 0 ? ABSW_SWITCH_GONE_OPEN : 0);
        return 1;
    }
    *seen |= 1U << side;
    p->rec->weight[side] = (apr_uint32_t)weight;
    return 1;
}

static int parse_head(parse_t *p)
{
    apr_uint32_t seen = 0;
    span_t token;
    span_t rest = p->rest;
    int side;

    if (!next_token(&rest, &token)) {
        return fail(p, "it is empty");
    }
    if (!memchr(token.at, '=', token.len)) {
        side = side_of(p, token);
        p->rest = rest;
        if (side != ABSW_NO_SIDE) {
            p->rec->weight[side] = 1;
            return 1;
        }
        p->gone |= ABSW_SWITCH_GONE | ABSW_SWITCH_GONE_OPEN;
        return may_be_gone(p, token) ? 1 : fail_quoting(p, token, "is no side");
    }
    for (rest = p->rest; next_token(&rest, &token); p->rest = rest) {
        int taken = parse_weight(p, token, &seen);

        if (taken < 0) {
            return 0;
        }
        if (!taken) {
            break;
        }
    }
    if (seen == 0 && p->gone == 0) {
        return fail_quoting(p, token, "is no side's weight");
    }
    return 1;
}

/* Decode value to buf (as large as any value); -1 if it is not percent-encoded properly. */
static int decode(span_t value, char *buf)
{
    int n = 0;

    for (apr_size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '%') {
            int byte = value.len - i > 2 ? absw_hex_byte(value.at + i + 1) : -1;

            if (byte < 0) {
                return -1;
            }
            buf[n++] = (char)byte;
            i += 2;
        }
        else {
            buf[n++] = value.at[i];
        }
    }
    return n;
}

static int set_number(apr_int64_t *number, span_t value, apr_int64_t max)
{
    return absw_text_number(value.at, value.len, max, number);
}

static int set_text(char *dst, apr_size_t size, span_t value)
{
    if (value.len >= size || !absw_text_is_clean(value.at, value.len)) {
        return 0;
    }
    memcpy(dst, value.at, value.len);
    return 1;
}

static int set_gen(parse_t *p, span_t value)
{
    return set_number(&p->rec->generation, value, ABSW_SWITCH_GEN_MAX) && p->rec->generation > 0;
}

static int set_at(parse_t *p, span_t value)
{
    return set_number(&p->rec->at, value, ABSW_SWITCH_TIME_MAX);
}

static int set_by(parse_t *p, span_t value)
{
    return set_text(p->rec->by, sizeof(p->rec->by), value);
}

static int set_note(parse_t *p, span_t value)
{
    return set_text(p->rec->note, sizeof(p->rec->note), value);
}

static int set_node(parse_t *p, span_t value)
{
    return (value.len == 0 || absw_policy_is_name(value.at, value.len, ABSW_NODE_NAME_MAX, ".:"))
           && set_text(p->rec->node, sizeof(p->rec->node), value);
}

static int set_since(parse_t *p, span_t value)
{
    apr_uint32_t seen = 0;
    span_t part;

    if (!is_list(value)) {
        return 0;
    }
    while (take(&value, ',', &part)) {
        apr_int64_t since = 0;
        span_t name;
        span_t time;
        int side;

        if (!halves(part, ':', &name, &time)
            || !set_number(&since, time, ABSW_SWITCH_TIME_MAX) || since < 1) {
            return 0;
        }
        side = side_of(p, name);
        if (side == ABSW_NO_SIDE ? !may_be_gone(p, name) : (seen & (1U << side)) != 0) {
            return 0;
        }
        if (side == ABSW_NO_SIDE) {
            p->gone |= ABSW_SWITCH_GONE;
            continue;
        }
        seen |= 1U << side;
        p->rec->since[side] = since;
    }
    return 1;
}

static int set_closed(parse_t *p, span_t value)
{
    apr_uint32_t seen = 0;
    span_t name;

    if (!is_list(value)) {
        return 0;
    }
    while (take(&value, ',', &name)) {
        int side = side_of(p, name);

        if (side == ABSW_NO_SIDE ? !may_be_gone(p, name) : (seen & (1U << side)) != 0) {
            return 0;
        }
        if (side == ABSW_NO_SIDE) {
            p->gone |= ABSW_SWITCH_GONE;
            continue;
        }
        seen |= 1U << side;
    }
    p->rec->closed = seen;
    return 1;
}

static const struct {
    const char *name;
    int (*set)(parse_t *p, span_t value);
    const char *wants;
} FIELDS[] = {
    { .name = "gen",    .set = set_gen,    .wants = "a number from 1 to 10^15" },
    { .name = "at",     .set = set_at,     .wants = "a time in Unix seconds" },
    { .name = "by",     .set = set_by,     .wants = "at most 64 bytes of UTF-8, no controls" },
    { .name = "node",   .set = set_node,   .wants = "a node's name" },
    { .name = "since",  .set = set_since,  .wants = "SIDE:SECONDS[,...] of known sides" },
    { .name = "closed", .set = set_closed, .wants = "SIDE[,...] of known sides" },
    { .name = "note",   .set = set_note,   .wants = "at most 800 bytes of UTF-8, no controls" },
};
#define FIELDS_N (sizeof(FIELDS) / sizeof(FIELDS[0]))

/* Is a field of that name among the unknown ones? */
static int has_other(const absw_switch_t *rec, span_t name)
{
    span_t rest = { rec->other, strlen(rec->other) };
    span_t token;

    while (next_token(&rest, &token)) {
        if (token.len > name.len && token.at[name.len] == '='
            && memcmp(token.at, name.at, name.len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int keep_other(parse_t *p, span_t token, span_t name)
{
    apr_size_t used = strlen(p->rec->other);

    if (!absw_policy_is_name(name.at, name.len, FIELD_MAX, "")) {
        return fail_quoting(p, token, "is no field");
    }
    if (has_other(p->rec, name)) {
        return fail_quoting(p, name, "is there twice");
    }
    if (used + (used > 0) + token.len >= sizeof(p->rec->other)) {
        return fail(p, "its unknown fields are longer than %d bytes", ABSW_SWITCH_OTHER_MAX);
    }
    if (used > 0) {
        p->rec->other[used++] = ' ';
    }
    memcpy(p->rec->other + used, token.at, token.len);
    return 1;
}

static int parse_field(parse_t *p, span_t token)
{
    char decoded[ABSW_SWITCH_TEXT_MAX];
    span_t name;
    span_t value;
    int len;

    if (!halves(token, '=', &name, &value)) {
        return fail_quoting(p, token, "is neither a weight nor a field");
    }
    len = decode(value, decoded);
    if (len < 0) {
        return fail_quoting(p, token, "is not percent-encoded properly");
    }
    for (unsigned i = 0; i < FIELDS_N; i++) {
        if (is_word(name, FIELDS[i].name)) {
            if (p->fields & (1U << i)) {
                return fail_quoting(p, name, "is there twice");
            }
            p->fields |= 1U << i;
            value = (span_t){ decoded, (apr_size_t)len };
            return FIELDS[i].set(p, value)
                   || fail(p, "%s= wants %s", FIELDS[i].name, FIELDS[i].wants);
        }
    }
    return keep_other(p, token, name);
}

/* After the weights: nothing, or gen= and other fields. */
static int parse_fields(parse_t *p)
{
    span_t token;
    int first = 1;

    while (next_token(&p->rest, &token)) {
        if (first && (token.len < 4 || memcmp(token.at, "gen=", 4) != 0)) {
            return fail_quoting(p, token, memchr(token.at, '=', token.len)
                                ? "is no side's weight, or its second one"
                                : "is neither a weight nor a field");
        }
        first = 0;
        if (!parse_field(p, token)) {
            return 0;
        }
    }
    return 1;
}

/* Weight wins over all else that is said of a side. Returns whether a side is open. */
static int settle(parse_t *p)
{
    int open = 0;

    for (int i = 0; i < p->policy->sides_n; i++) {
        if (p->rec->weight[i] > 0) {
            open = 1;
            p->rec->since[i] = 0;
            p->rec->closed &= ~(1U << i);
        }
    }
    return open;
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int parse(parse_t *p, const char *text, apr_size_t len)
{
    memset(p->rec, 0, sizeof(*p->rec));
    if (len > ABSW_SWITCH_TEXT_MAX) {
        return fail(p, "it is longer than %d bytes", ABSW_SWITCH_TEXT_MAX);
    }
    while (len > 0 && is_space(text[len - 1])) {
        len--;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return fail(p, "it has a byte 0x%02x, which is no printable ASCII",
                        (unsigned)(unsigned char)text[i]);
        }
    }
    if (len > 0 && text[0] == ' ') {
        return fail(p, "it begins with a space");
    }
    p->rest = (span_t){ text, len };
    if (!parse_head(p) || !parse_fields(p)) {
        return 0;
    }
    return settle(p) || p->past || fail(p, "it opens no side");
}

absw_switch_form_e absw_switch_parse(const absw_policy_t *policy, const char *text,
                                     apr_size_t len, absw_switch_t *rec,
                                     char *why, apr_size_t why_size)
{
    parse_t p = { .policy = policy, .rec = rec, .why = why, .why_size = why_size };

    if (!parse(&p, text, len)) {
        return ABSW_SWITCH_BAD;
    }
    return p.fields ? ABSW_SWITCH_FULL : ABSW_SWITCH_BARE;
}

absw_switch_form_e absw_switch_parse_past(const absw_policy_t *policy, const char *text,
                                          apr_size_t len, absw_switch_t *rec, unsigned *gone)
{
    parse_t p = { .policy = policy, .rec = rec, .past = 1 };
    int ok = parse(&p, text, len) && p.fields;

    *gone = p.gone;
    return ok ? ABSW_SWITCH_FULL : ABSW_SWITCH_BAD;
}
