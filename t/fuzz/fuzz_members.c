/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "members.h"

/*
 * The sheet on which a node names its sessions. In: 's' and the value of a key, read as it is and
 * with the right checksum; or 'm', when to begin a sketch, and members, of 5 bytes each: a hash
 * and when it ends.
 *
 * A set that was read, united and written again has everybody; a union is never smaller than what
 * it is made of; no member that was added is missing on the sheet.
 */

#define AT_SUM 64

static apr_uint64_t mix(const unsigned char *at, size_t len, apr_uint64_t sum)
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

static void put_sum(char *sheet, size_t len)
{
    unsigned char *at = (unsigned char *)sheet;
    apr_uint64_t sum;

    if (len >= ABSW_SHEET_HEAD) {
        sum = mix(at, AT_SUM, APR_UINT64_C(0xcbf29ce484222325));
        sum = mix(at + ABSW_SHEET_HEAD, len - ABSW_SHEET_HEAD, sum);
        for (int i = 0; i < 8; i++) {
            at[AT_SUM + i] = (unsigned char)(sum >> 8 * i);
        }
    }
}

static void read_sheet(fuzz_t *in, const char *value, size_t len)
{
    const char *why = NULL;
    const char *written;
    absw_sheet_t *sheet = absw_sheet_decode(value, len, in->pool, &why);
    absw_sheet_t *again;
    absw_members_t *members;
    apr_uint32_t n;
    int exact = 0;

    FUZZ_HOLDS((sheet != NULL) == (why == NULL));
    if (!sheet) {
        return;
    }
    n = absw_sheet_count(sheet, 0, &exact);
    FUZZ_HOLDS(!exact || n == sheet->n);
    FUZZ_HOLDS(absw_sheet_count(sheet, FUZZ_NOW, NULL) <= n);
    members = absw_members_make(in->pool, 0);
    absw_members_unite_sheet(members, sheet);
    FUZZ_HOLDS(absw_members_are_exact(members) == exact);
    FUZZ_HOLDS(absw_members_count(members, 0, NULL) == n);
    absw_members_unite_sheet(members, sheet);
    FUZZ_HOLDS(absw_members_count(members, 0, NULL) == n);

    written = absw_sheet_encode(members, &sheet->head, sheet->width, 0, in->pool, &len, NULL);
    FUZZ_HOLDS(len <= ABSW_SHEET_MAX);
    again = absw_sheet_decode(fuzz_copy(in, written, len, 0), len, in->pool, &why);
    FUZZ_HOLDS(again != NULL && again->n == sheet->n);
    FUZZ_HOLDS(!memcmp(&again->head, &sheet->head, sizeof(sheet->head)));
    FUZZ_HOLDS(absw_sheet_count(again, FUZZ_NOW, NULL) >= absw_sheet_count(sheet, FUZZ_NOW, NULL));

    if (exact && n > 0) {
        absw_sheet_end(again, again->hashes[n / 2], again->confirmed + 1);
        FUZZ_HOLDS(absw_sheet_count(again, 0, NULL) == n - (again->confirmed + 1 <= APR_UINT32_MAX));
        absw_sheet_end(again, again->hashes[n / 2] + 1, -1);
    }
}

static void make_sheet(fuzz_t *in)
{
    static const absw_sheet_head_t head = { .boot = 1, .sequence = 2, .taken = FUZZ_NOW };
    apr_uint32_t limit = (apr_uint32_t)fuzz_number(in, 1);
    absw_members_t *members = absw_members_make(in->pool, limit & 1 ? limit : 0);
    absw_hist_t hist;
    const char *why = NULL;
    const char *written;
    absw_sheet_t *sheet;
    apr_uint32_t n;
    apr_size_t len;
    int exact = 0;

    while (in->len > 0) {
        apr_uint64_t hash = fuzz_number(in, 2) * APR_UINT64_C(0x9e3779b97f4a7c15);

        absw_members_add(members, hash, FUZZ_NOW + (absw_sec_t)fuzz_number(in, 3) - 1000);
    }
    n = absw_members_count(members, FUZZ_NOW, &exact);
    FUZZ_HOLDS(exact == absw_members_are_exact(members));
    absw_members_histogram(members, 57, FUZZ_NOW, &hist);
    FUZZ_HOLDS(hist.n <= ABSW_HIST_MAX && absw_hist_left(&hist, FUZZ_NOW) >= (n > 0));
    FUZZ_HOLDS(!exact || absw_hist_left(&hist, FUZZ_NOW) == n);
    written = absw_sheet_encode(members, &head, 57, FUZZ_NOW, in->pool, &len, NULL);
    sheet = absw_sheet_decode(fuzz_copy(in, written, len, 0), len, in->pool, &why);
    FUZZ_HOLDS(sheet != NULL);
    if (!exact || n <= ABSW_MEMBERS_EXACT) {
        FUZZ_HOLDS(absw_sheet_count(sheet, FUZZ_NOW, NULL) == n);
    }
    else {                              /* a sketch of them is published */
        FUZZ_HOLDS(absw_sheet_count(sheet, FUZZ_NOW, &exact) > 0 && !exact);
    }
}

void fuzz(fuzz_t *in)
{
    if ((char)fuzz_number(in, 1) == 'm') {
        make_sheet(in);
    }
    else {
        size_t len;
        char *value = fuzz_rest(in, &len);

        read_sheet(in, value, len);
        put_sum(value, len);
        read_sheet(in, value, len);
    }
}
