/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "hex.h"
#include "members_parts.h"

/*
 * A sheet, as bytes; numbers are little-endian:
 *
 *     0  "am", version 1, kind 'e' (exact) or 's' (sketch)
 *     4  width (4): seconds of a bucket
 *     8  base (4): a bucket; an offset o from 1 to 255 means bucket base + o
 *    12  n (4): members, or cells in use
 *    16  epoch (16), all zero if there is none
 *    32  boot (8), 40 sequence (8), 48 taken (8)
 *    56  has an epoch (1), zero (7)
 *    64  checksum (8) of all the rest
 *    72  exact: n hashes (8 each), ascending, then n offsets (1 each)
 *        sketch: an offset a cell, 0 for an empty one
 */

enum {
    AT_KIND = 3, AT_WIDTH = 4, AT_BASE = 8, AT_N = 12, AT_EPOCH = 16, AT_BOOT = 32,
    AT_SEQUENCE = 40, AT_TAKEN = 48, AT_HAS_EPOCH = 56, AT_SUM = 64
};

_Static_assert(AT_SUM + 8 == ABSW_SHEET_HEAD, "the format");

#define EXACT  'e'
#define SKETCH 's'
#define PER_MEMBER 9        /* bytes */
#define OFFSET_MAX 255

static void put(unsigned char *at, apr_uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(value >> 8 * i);
    }
}

static apr_uint64_t get(const unsigned char *at, int bytes)
{
    apr_uint64_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value |= (apr_uint64_t)at[i] << 8 * i;
    }
    return value;
}

/* FNV-1a by words, in bytes at the end. Against accidents, not against malice. */
static apr_uint64_t sum_of(const unsigned char *at, apr_size_t len, apr_uint64_t sum)
{
    for (; len >= 8; at += 8, len -= 8) {
        sum = (sum ^ absw_members_word(at)) * APR_UINT64_C(0x100000001b3);
        sum ^= sum >> 32;
    }
    for (; len > 0; at++, len--) {
        sum = (sum ^ *at) * APR_UINT64_C(0x100000001b3);
    }
    return sum;
}

static apr_uint64_t checksum_of(const unsigned char *sheet, apr_size_t len)
{
    apr_uint64_t sum = sum_of(sheet, AT_SUM, APR_UINT64_C(0xcbf29ce484222325));

    return sum_of(sheet + ABSW_SHEET_HEAD, len - ABSW_SHEET_HEAD, sum);
}

/* --- writing --------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    apr_uint64_t x = ((const absw_member_t *)a)->hash;
    apr_uint64_t y = ((const absw_member_t *)b)->hash;

    return x < y ? -1 : x > y;
}

/* What is to be written. */
typedef struct {
    const absw_member_t *list;  /* exact: in order */
    const apr_uint32_t *cells;
    apr_uint32_t n;
    apr_uint32_t first;         /* ends: those live */
    apr_uint32_t last;
} live_t;

static void widen(live_t *live, apr_uint32_t ends)
{
    live->first = live->n == 0 || ends < live->first ? ends : live->first;
    live->last = ends > live->last ? ends : live->last;
    live->n++;
}

static live_t live_members(const absw_members_t *members, absw_sec_t now, apr_pool_t *pool)
{
    live_t live = { 0 };
    absw_member_t *list = apr_palloc(pool, (members->n + 1) * sizeof(*list));

    for (apr_size_t i = 0; i < (apr_size_t)1 << members->bits; i++) {
        const absw_member_t *slot = &members->slots[i];

        if (slot->ends != 0 && absw_bucket_is_live(slot->ends, now)) {
            list[live.n] = *slot;
            widen(&live, slot->ends);
        }
    }
    qsort(list, live.n, sizeof(*list), by_hash);
    live.list = list;
    return live;
}

static live_t live_cells(const absw_members_t *members, absw_sec_t now, apr_pool_t *pool)
{
    live_t live = { 0 };
    apr_uint32_t *cells = apr_pcalloc(pool, ABSW_MEMBERS_CELLS * sizeof(*cells));

    for (apr_uint32_t i = 0; i < ABSW_MEMBERS_CELLS; i++) {
        apr_uint32_t ends = members->cells[i];

        if (ends != 0 && absw_bucket_is_live(ends, now)) {
            cells[i] = ends;
            widen(&live, ends);
        }
    }
    live.cells = cells;
    return live;
}

/* Of a list that is too long for a sheet, the cells. */
static live_t live_sketch_of(const live_t *list, apr_pool_t *pool)
{
    absw_members_t *sketch = absw_members_make(pool, 0);

    absw_members_to_sketch(sketch);
    for (apr_uint32_t i = 0; i < list->n; i++) {
        absw_members_add(sketch, list->list[i].hash, list->list[i].ends);
    }
    return live_cells(sketch, 0, pool);
}

static void put_head(unsigned char *out, const absw_sheet_head_t *head)
{
    put(out + AT_BOOT, head->boot, 8);
    put(out + AT_SEQUENCE, head->sequence, 8);
    put(out + AT_TAKEN, (apr_uint64_t)head->taken, 8);
    if (strlen(head->epoch) == ABSW_MEMBERS_EPOCH) {
        for (int i = 0; i < ABSW_MEMBERS_EPOCH / 2; i++) {
            out[AT_EPOCH + i] = (unsigned char)absw_hex_byte(head->epoch + 2 * i);
        }
        out[AT_HAS_EPOCH] = 1;
    }
}

static void put_body(unsigned char *out, const live_t *live, absw_sec_t width, apr_uint32_t base)
{
    unsigned char *offsets = out + (live->cells ? 0 : (apr_size_t)live->n * 8);

    for (apr_uint32_t i = 0; live->cells && i < ABSW_MEMBERS_CELLS; i++) {
        offsets[i] = live->cells[i] == 0 ? 0
                     : (unsigned char)(absw_bucket_of(width, live->cells[i]) - base);
    }
    for (apr_uint32_t i = 0; !live->cells && i < live->n; i++) {
        put(out + (apr_size_t)i * 8, live->list[i].hash, 8);
        offsets[i] = (unsigned char)(absw_bucket_of(width, live->list[i].ends) - base);
    }
}

const char *absw_sheet_encode(const absw_members_t *members, const absw_sheet_head_t *head,
                              absw_sec_t width, absw_sec_t now, apr_pool_t *pool,
                              apr_size_t *len, int *exact)
{
    live_t live = members->cells ? live_cells(members, now, pool)
                                 : live_members(members, now, pool);
    apr_uint32_t base;
    unsigned char *out;

    if (!live.cells && live.n > ABSW_MEMBERS_EXACT) {
        live = live_sketch_of(&live, pool);
    }
    if (absw_bucket_of(width, live.last) - absw_bucket_of(width, live.first) >= OFFSET_MAX) {
        width = (absw_sec_t)(live.last - live.first) / (OFFSET_MAX - 1) + 1;
    }
    base = live.n > 0 ? absw_bucket_of(width, live.first) - 1 : 0;

    *len = ABSW_SHEET_HEAD + (live.cells ? (apr_size_t)ABSW_MEMBERS_CELLS
                                         : (apr_size_t)live.n * PER_MEMBER);
    out = apr_pcalloc(pool, *len);
    memcpy(out, "am\1", 3);
    out[AT_KIND] = live.cells ? SKETCH : EXACT;
    put(out + AT_WIDTH, (apr_uint64_t)width, 4);
    put(out + AT_BASE, base, 4);
    put(out + AT_N, live.n, 4);
    put_head(out, head);
    put_body(out + ABSW_SHEET_HEAD, &live, width, base);
    put(out + AT_SUM, checksum_of(out, *len), 8);
    if (exact) {
        *exact = !live.cells;
    }
    return (const char *)out;
}

/* --- reading --------------------------------------------------------------------------- */

/* Why the head is none of ours; NULL: it is. Fills what it says. */
static const char *get_head(const unsigned char *in, apr_size_t len, absw_sheet_t *sheet)
{
    static const unsigned char zero[16];
    absw_sheet_head_t *head = &sheet->head;
    apr_uint64_t taken = get(in + AT_TAKEN, 8);
    apr_size_t body;

    if (len < ABSW_SHEET_HEAD || len > ABSW_SHEET_MAX || memcmp(in, "am", 2) != 0) {
        return "it is no list of members";
    }
    if (in[2] != 1 || (in[AT_KIND] != EXACT && in[AT_KIND] != SKETCH)) {
        return "it is a list of members of another version";
    }
    sheet->exact = in[AT_KIND] == EXACT;
    sheet->width = (absw_sec_t)get(in + AT_WIDTH, 4);
    sheet->base = (apr_uint32_t)get(in + AT_BASE, 4);
    sheet->n = (apr_uint32_t)get(in + AT_N, 4);
    body = !sheet->exact ? (apr_size_t)ABSW_MEMBERS_CELLS
           : sheet->n <= ABSW_MEMBERS_EXACT ? (apr_size_t)sheet->n * PER_MEMBER : 0;
    if (len != ABSW_SHEET_HEAD + body || (sheet->exact && sheet->n > ABSW_MEMBERS_EXACT)) {
        return "its length is wrong";
    }
    if (get(in + AT_SUM, 8) != checksum_of(in, len)) {
        return "its checksum is wrong";
    }
    if (sheet->width < 1 || sheet->width > ABSW_BUCKETS_WIDTH_MAX
        || taken > (apr_uint64_t)APR_UINT32_MAX
        || in[AT_HAS_EPOCH] > 1 || memcmp(in + AT_HAS_EPOCH + 1, zero, 7) != 0
        || (!in[AT_HAS_EPOCH] && memcmp(in + AT_EPOCH, zero, 16) != 0)) {
        return "it has an impossible number in it";
    }
    head->boot = get(in + AT_BOOT, 8);
    head->sequence = get(in + AT_SEQUENCE, 8);
    head->taken = (absw_sec_t)taken;
    for (int i = 0; i < ABSW_MEMBERS_EPOCH / 2 && in[AT_HAS_EPOCH]; i++) {
        head->epoch[2 * i] = "0123456789abcdef"[in[AT_EPOCH + i] >> 4];
        head->epoch[2 * i + 1] = "0123456789abcdef"[in[AT_EPOCH + i] & 15];
    }
    return NULL;
}

/* Do the offsets mean buckets that can be, and are n of them in use? */
static int offsets_are_possible(const absw_sheet_t *sheet, apr_size_t count)
{
    absw_sec_t most = (absw_sec_t)APR_UINT32_MAX / sheet->width - (absw_sec_t)sheet->base;
    apr_uint32_t used = 0;

    for (apr_size_t i = 0; i < count; i++) {
        if (sheet->offsets[i] > most) {
            return 0;
        }
        used += sheet->offsets[i] != 0;
    }
    return used == sheet->n;
}

static int are_ascending(const apr_uint64_t *hashes, apr_uint32_t n)
{
    for (apr_uint32_t i = 1; i < n; i++) {
        if (hashes[i] <= hashes[i - 1]) {
            return 0;
        }
    }
    return 1;
}

absw_sheet_t *absw_sheet_decode(const char *value, apr_size_t len, apr_pool_t *pool,
                                const char **why)
{
    const unsigned char *in = (const unsigned char *)value;
    const unsigned char *body = in + ABSW_SHEET_HEAD;
    absw_sheet_t found = { .pool = pool };
    apr_size_t count = ABSW_MEMBERS_CELLS;

    *why = len < ABSW_SHEET_HEAD ? "it is no list of members" : get_head(in, len, &found);
    if (*why) {
        return NULL;
    }
    if (found.exact) {
        apr_uint64_t *hashes = apr_palloc(pool, (found.n + 1) * sizeof(*hashes));

        for (apr_uint32_t i = 0; i < found.n; i++, body += 8) {
            hashes[i] = absw_members_word(body);
        }
        found.hashes = hashes;
        count = found.n;
        if (!are_ascending(hashes, found.n)) {
            *why = "its members are not in order";
            return NULL;
        }
    }
    found.offsets = body;
    if (!offsets_are_possible(&found, count)) {
        *why = "it has an impossible number in it";
        return NULL;
    }
    found.offsets = apr_pmemdup(pool, body, count);
    return apr_pmemdup(pool, &found, sizeof(found));
}

/* --- looking at it --------------------------------------------------------------------- */

void absw_sheet_end(absw_sheet_t *sheet, apr_uint64_t hash, apr_time_t heard)
{
    apr_uint32_t from = 0;
    apr_uint32_t to = sheet->exact ? sheet->n : 0;

    if (heard < sheet->confirmed || heard <= 0) {
        return;
    }
    while (from < to) {
        apr_uint32_t middle = from + (to - from) / 2;

        if (sheet->hashes[middle] < hash) {
            from = middle + 1;
        }
        else {
            to = middle;
        }
    }
    if (!sheet->exact || from == sheet->n || sheet->hashes[from] != hash) {
        return;
    }
    if (!sheet->ended) {
        sheet->ended = apr_pcalloc(sheet->pool, sheet->n * sizeof(*sheet->ended));
    }
    if (heard > sheet->ended[from]) {
        sheet->ended[from] = heard;
    }
}

apr_uint32_t absw_sheet_count(const absw_sheet_t *sheet, absw_sec_t at, int *exact)
{
    apr_uint32_t n = 0;
    apr_size_t count = sheet->exact ? sheet->n : ABSW_MEMBERS_CELLS;
    unsigned char live[OFFSET_MAX + 1] = { 0 };

    for (unsigned i = 1; i <= OFFSET_MAX; i++) {
        live[i] = (unsigned char)absw_bucket_is_live(
            absw_bucket_end(sheet->width, sheet->base + i), at);
    }
    for (apr_size_t i = 0; i < count; i++) {
        int ended = sheet->ended && sheet->ended[i] != 0
                    && sheet->confirmed <= sheet->ended[i];

        n += live[sheet->offsets[i]] && !ended;
    }
    if (exact) {
        *exact = sheet->exact;
    }
    return sheet->exact ? n : absw_members_estimate(n);
}
