/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "fuzz.h"
#include "record.h"
#include "roster.h"

/*
 * What a node says of itself, and the roster. In: the value of a key, which is read as it is; then
 * with the right checksum behind it, since no fuzzer finds one.
 *
 * What is read and written again is read the same; what is refused leaves nothing behind.
 */

static apr_uint64_t fnv(const char *text, size_t len)
{
    apr_uint64_t sum = APR_UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ (unsigned char)text[i]) * APR_UINT64_C(0x100000001b3);
    }
    return sum;
}

static void read_record(const char *text, size_t len)
{
    static absw_record_t record;
    static absw_record_t again;
    static const absw_record_t nothing;
    static char written[ABSW_RECORD_TEXT_MAX + 1];
    char why[ABSW_RECORD_WHY] = "";

    if (!absw_record_decode(fuzz_policy(), text, len, &record, why)) {
        FUZZ_HOLDS(why[0] && strlen(why) < sizeof(why));
        FUZZ_HOLDS(memcmp(&record, &nothing, sizeof(record)) == 0);
        return;
    }
    FUZZ_HOLDS(why[0] == '\0' && record.ends_n <= ABSW_RECORD_ENDS);
    for (int i = 0; i < fuzz_policy()->sides_n; i++) {
        const absw_hist_t *hist = &record.sides[i].hist;

        FUZZ_HOLDS(hist->n >= 0 && hist->n <= ABSW_HIST_MAX);
        FUZZ_HOLDS(absw_hist_left(hist, FUZZ_NOW) <= absw_hist_left(hist, 0));
        FUZZ_HOLDS(absw_hist_empty_at(hist) >= 0);
    }
    FUZZ_HOLDS(!absw_record_newer(&record, &record));
    len = absw_record_encode(fuzz_policy(), &record, written);
    FUZZ_HOLDS(len <= ABSW_RECORD_TEXT_MAX && strlen(written) == len);
    FUZZ_HOLDS(absw_record_decode(fuzz_policy(), written, len, &again, why));
    FUZZ_HOLDS(memcmp(&record, &again, sizeof(record)) == 0);
}

static void read_roster(const char *text, size_t len, apr_pool_t *pool)
{
    absw_roster_t *roster = apr_palloc(pool, sizeof(*roster));
    absw_roster_t *again = apr_palloc(pool, sizeof(*again));
    const char *written;

    if (!absw_roster_parse(text, len, roster, pool)) {
        FUZZ_HOLDS(roster->n == 0);
        return;
    }
    written = absw_roster_format(roster, pool);
    FUZZ_HOLDS(absw_roster_parse(written, strlen(written), again, pool));
    FUZZ_HOLDS(again->n == roster->n && !strcmp(again->mark, roster->mark));
    for (int i = 0; i < roster->n; i++) {
        FUZZ_HOLDS(!strcmp(again->names[i], roster->names[i]));
        FUZZ_HOLDS(i == 0 || strcmp(roster->names[i - 1], roster->names[i]) < 0);
        FUZZ_HOLDS(absw_roster_has(roster, roster->names[i]));
    }
}

void fuzz(fuzz_t *in)
{
    static const char tail[] = " sum=0123456789abcdef";
    size_t len;
    const char *text = fuzz_rest(in, &len);
    char *summed = fuzz_copy(in, text, len, 1);

    read_record(text, len);
    read_roster(text, len, in->pool);
    while (len > 0 && strchr(" \r\n\t", summed[len - 1])) {
        summed[--len] = '\0';
    }
    if (len >= sizeof(tail) - 1 && strncmp(summed + len - sizeof(tail) + 1, tail, 5) == 0) {
        len -= sizeof(tail) - 1;
    }
    text = apr_psprintf(in->pool, "%.*s sum=%016" APR_UINT64_T_HEX_FMT, (int)len, summed,
                        fnv(summed, len));
    read_record(fuzz_copy(in, text, strlen(text), 0), strlen(text));
}
