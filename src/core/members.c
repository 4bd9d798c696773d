/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "members_parts.h"
#include "token.h"

#define FIRST_BITS 6
/** Slots are doubled when more than this of four are taken. */
#define FULL_QUARTERS 3

static apr_uint64_t mix(apr_uint64_t x)
{
    /* the finaliser of MurmurHash3 */
    x = (x ^ x >> 33) * APR_UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * APR_UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

apr_uint64_t absw_members_hash(const unsigned char *id)
{
    _Static_assert(ABSW_TOKEN_ID_LEN == 16, "two words");
    return mix(mix(absw_members_word(id))
               + absw_members_word(id + 8) * APR_UINT64_C(0x9e3779b97f4a7c15));
}

/* --- exact ----------------------------------------------------------------------------- */

static absw_member_t *new_slots(apr_pool_t *pool, unsigned bits)
{
    return apr_pcalloc(pool, ((apr_size_t)1 << bits) * sizeof(absw_member_t));
}

absw_members_t *absw_members_make(apr_pool_t *pool, apr_uint32_t limit)
{
    absw_members_t *members = apr_pcalloc(pool, sizeof(*members));

    members->pool = pool;
    members->limit = limit;
    members->bits = FIRST_BITS;
    members->slots = new_slots(pool, FIRST_BITS);
    /* Hashes come from the store, too. Whoever writes there does not know our addresses, so he
     * cannot choose hashes that all want one slot. */
    members->factor = mix((apr_uint64_t)(uintptr_t)members ^ (apr_uint64_t)(uintptr_t)&mix) | 1;
    return members;
}

/* The slot that has the hash, or the free one where it belongs. */
static absw_member_t *slot_of(const absw_members_t *members, apr_uint64_t hash)
{
    apr_size_t mask = ((apr_size_t)1 << members->bits) - 1;
    apr_size_t at = (apr_size_t)(hash * members->factor >> (64 - members->bits));

    while (members->slots[at].ends != 0 && members->slots[at].hash != hash) {
        at = (at + 1) & mask;
    }
    return &members->slots[at];
}

static apr_size_t slot_count(const absw_members_t *members)
{
    return (apr_size_t)1 << members->bits;
}

static void grow(absw_members_t *members)
{
    absw_member_t *old = members->slots;
    apr_size_t n = slot_count(members);

    members->bits++;
    members->slots = new_slots(members->pool, members->bits);
    for (apr_size_t i = 0; i < n; i++) {
        if (old[i].ends != 0) {
            *slot_of(members, old[i].hash) = old[i];
        }
    }
}

static void add_to_slots(absw_members_t *members, apr_uint64_t hash, apr_uint32_t ends)
{
    absw_member_t *slot = slot_of(members, hash);

    if (slot->ends != 0) {
        slot->ends = ends > slot->ends ? ends : slot->ends;
        return;
    }
    *slot = (absw_member_t){ .hash = hash, .ends = ends };
    members->n++;
    if (members->limit > 0 && members->n > members->limit) {
        absw_members_to_sketch(members);
    }
    else if (members->n > slot_count(members) / 4 * FULL_QUARTERS) {
        grow(members);
    }
}

/* --- sketch ---------------------------------------------------------------------------- */

static void add_to_cell(absw_members_t *members, apr_uint32_t cell, apr_uint32_t ends)
{
    if (ends > members->cells[cell]) {
        members->cells[cell] = ends;
    }
}

void absw_members_to_sketch(absw_members_t *members)
{
    if (members->cells) {
        return;
    }
    members->cells = apr_pcalloc(members->pool, ABSW_MEMBERS_CELLS * sizeof(*members->cells));
    for (apr_size_t i = 0; i < slot_count(members); i++) {
        add_to_cell(members, absw_members_cell(members->slots[i].hash), members->slots[i].ends);
    }
    members->slots = NULL;
}

/* The natural logarithm of x >= 1, to all digits: not worth linking libm for. */
static double ln(double x)
{
    double sum = 0;
    double power;
    double y;
    int twos = 0;

    for (; x > 1.5; x /= 2) {
        twos++;
    }
    y = (x - 1) / (x + 1);      /* |y| <= 0.2, and ln x = 2 artanh y */
    power = y;
    for (int i = 1; i < 26; i += 2) {
        sum += power / i;
        power *= y * y;
    }
    return 2 * sum + twos * 0.693147180559945309417;
}

apr_uint32_t absw_members_estimate(apr_uint32_t used)
{
    /* of a full one all that can be said is that it has at least as many */
    double empty = used < ABSW_MEMBERS_CELLS ? ABSW_MEMBERS_CELLS - used : 0.5;

    return (apr_uint32_t)(ABSW_MEMBERS_CELLS * ln(ABSW_MEMBERS_CELLS / empty) + 0.5);
}

/* --- both ------------------------------------------------------------------------------ */

void absw_members_add(absw_members_t *members, apr_uint64_t hash, absw_sec_t ends)
{
    apr_uint32_t seconds = ends > (absw_sec_t)APR_UINT32_MAX ? APR_UINT32_MAX
                                                             : (apr_uint32_t)ends;

    if (ends <= 0) {
        return;
    }
    if (members->cells) {
        add_to_cell(members, absw_members_cell(hash), seconds);
    }
    else {
        add_to_slots(members, hash, seconds);
    }
}

void absw_members_unite(absw_members_t *members, const absw_members_t *other)
{
    if (other->cells) {
        absw_members_to_sketch(members);
        for (apr_uint32_t cell = 0; cell < ABSW_MEMBERS_CELLS; cell++) {
            add_to_cell(members, cell, other->cells[cell]);
        }
        return;
    }
    for (apr_size_t i = 0; other != members && i < slot_count(other); i++) {
        if (other->slots[i].ends != 0) {
            absw_members_add(members, other->slots[i].hash, other->slots[i].ends);
        }
    }
}

static void unite_sketch(absw_members_t *members, const absw_sheet_t *sheet)
{
    apr_uint32_t ends[256] = { 0 };

    for (unsigned i = 1; i < 256; i++) {
        ends[i] = (apr_uint32_t)absw_bucket_end(sheet->width, sheet->base + i);
    }
    absw_members_to_sketch(members);
    for (apr_uint32_t cell = 0; cell < ABSW_MEMBERS_CELLS; cell++) {
        add_to_cell(members, cell, ends[sheet->offsets[cell]]);
    }
}

void absw_members_unite_sheet(absw_members_t *members, const absw_sheet_t *sheet)
{
    if (!sheet->exact) {
        unite_sketch(members, sheet);
        return;
    }
    for (apr_uint32_t i = 0; i < sheet->n; i++) {
        if (!sheet->ended || sheet->ended[i] == 0
            || sheet->confirmed > sheet->ended[i]) {
            absw_members_add(members, sheet->hashes[i],
                             absw_bucket_end(sheet->width, sheet->base + sheet->offsets[i]));
        }
    }
}

int absw_members_are_exact(const absw_members_t *members)
{
    return !members->cells;
}

/** A member, or a cell in use; all that are live at a time, one after the other. */
typedef struct {
    const absw_members_t *members;
    absw_sec_t at;
    apr_size_t next;
    apr_uint64_t key;           /* the hash, or the cell's number */
    absw_sec_t ends;
} walk_t;

/** Inline: a sketch has many cells, of which few are in use. */
static inline int step(walk_t *walk)
{
    const absw_members_t *members = walk->members;
    apr_size_t n = members->cells ? ABSW_MEMBERS_CELLS : slot_count(members);

    for (apr_size_t i = walk->next; i < n; i++) {
        apr_uint32_t ends = members->cells ? members->cells[i] : members->slots[i].ends;

        if (ends != 0 && absw_bucket_is_live(ends, walk->at)) {
            walk->key = members->cells ? i : members->slots[i].hash;
            walk->ends = ends;
            walk->next = i + 1;
            return 1;
        }
    }
    return 0;
}

apr_uint32_t absw_members_count(const absw_members_t *members, absw_sec_t at, int *exact)
{
    walk_t walk = { .members = members, .at = at };
    apr_uint32_t n = 0;

    while (step(&walk)) {
        n++;
    }
    if (exact) {
        *exact = !members->cells;
    }
    return members->cells ? absw_members_estimate(n) : n;
}

void absw_members_histogram(const absw_members_t *members, absw_sec_t width, absw_sec_t now,
                            absw_hist_t *hist)
{
    walk_t walk = { .members = members, .at = now };
    apr_uint32_t used = 0;
    apr_uint32_t all;

    absw_hist_begin(hist, width);
    while (step(&walk)) {
        absw_hist_add(hist, walk.ends, 1);
        used++;
    }
    all = members->cells ? absw_members_estimate(used) : used;
    for (int i = 0; i < hist->n && all > used; i++) {
        apr_uint64_t part = (apr_uint64_t)hist->bars[i].count * all + used / 2;

        /* Where there is a bar somebody is used. NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
        hist->bars[i].count = (apr_uint32_t)(part / used);
    }
}

apr_uint64_t absw_members_digest(const absw_members_t *members, absw_sec_t width, absw_sec_t now)
{
    walk_t walk = { .members = members, .at = now };
    apr_uint64_t digest = members->cells ? 1 : 0;

    /* A sum, for the order of the slots means nothing. */
    while (step(&walk)) {
        digest += mix(mix(walk.key) + absw_bucket_of(width, walk.ends));
    }
    return digest;
}
