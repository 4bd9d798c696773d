/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "record_parts.h"

apr_uint64_t absw_record_sum(const char *text, apr_size_t len)
{
    apr_uint64_t sum = APR_UINT64_C(0xcbf29ce484222325);

    for (apr_size_t i = 0; i < len; i++) {
        sum = (sum ^ (unsigned char)text[i]) * APR_UINT64_C(0x100000001b3);
    }
    return sum;
}

typedef struct {
    char *at;
    apr_size_t left;
} out_t;

static void put(out_t *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(out_t *out, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(out->at, out->left, format, args);
    va_end(args);
    if (n > 0 && (apr_size_t)n < out->left) {   /* ABSW_RECORD_TEXT_MAX is room for the most */
        out->at += n;
        out->left -= (apr_size_t)n;
    }
}

static void put_side(out_t *out, const char *name, const absw_record_side_t *side)
{
    apr_uint32_t before = 0;

    put(out, " side=%s:%u,%u,%u,%" APR_INT64_T_FMT ",%" APR_INT64_T_FMT ",%" APR_UINT64_T_FMT
        ",%s,%s", name, side->sessions, side->testers, side->in_flight, side->uncounted_until,
        side->empty_at, side->members_sequence, side->members_sketch ? "sketch" : "exact",
        side->hist.n > 0 ? "" : "-");
    for (int i = 0; i < side->hist.n; i++) {
        put(out, "%s%u:%u", i > 0 ? ";" : "", side->hist.bars[i].bucket - before,
            side->hist.bars[i].count);
        before = side->hist.bars[i].bucket;
    }
}

static void put_responses(out_t *out, const char *name, const absw_record_side_t *side)
{
    char all[ABSW_TALLY_TEXT_MAX];
    char recent[ABSW_TALLY_TEXT_MAX];

    if (absw_tally_format(&side->responses, all) > 0) {
        absw_tally_format(&side->recent, recent);
        put(out, " resp=%s:%s:%s", name, all, recent);
    }
}

static void put_ends(out_t *out, const absw_record_t *record)
{
    const char *before = " ends=";

    for (int i = 0; i < record->ends_n && i < ABSW_RECORD_ENDS; i++) {
        absw_sec_t age = apr_time_sec(record->clock) - record->ends[i].at;

        if (age <= ABSW_RECORD_AGE_MAX && record->ends[i].at > 0) {
            put(out, "%s%016" APR_UINT64_T_HEX_FMT ":%d", before, record->ends[i].hash,
                age < 0 ? 0 : (int)age);
            before = ",";
        }
    }
}

apr_size_t absw_record_encode(const absw_policy_t *policy, const absw_record_t *record,
                              char *buf)
{
    out_t out = { .at = buf, .left = ABSW_RECORD_TEXT_MAX + 1 };
    absw_sec_t width = absw_bucket_width(policy->idle);

    for (int i = 0; i < policy->sides_n; i++) {
        width = record->sides[i].hist.width > 0 ? record->sides[i].hist.width : width;
    }
    put(&out, "v=1 node=%s epoch=%s boot=%" APR_UINT64_T_FMT " seq=%" APR_UINT64_T_FMT
        " gen=%" APR_INT64_T_FMT " clock=%" APR_INT64_T_FMT " relearn=%" APR_INT64_T_FMT
        " left=%d blind=%d width=%" APR_INT64_T_FMT,
        record->node, record->epoch[0] ? record->epoch : "-", record->boot, record->sequence,
        record->generation, (apr_int64_t)record->clock, record->relearning_until,
        !!record->left, !!record->blind, width);
    if (record->doubled) {
        put(&out, " doubled=1");
    }
    for (int i = 0; i < policy->sides_n; i++) {
        if (!(record->unsaid >> i & 1u)) {
            put_side(&out, policy->sides[i].name, &record->sides[i]);
            put_responses(&out, policy->sides[i].name, &record->sides[i]);
        }
    }
    put_ends(&out, record);
    put(&out, ABSW_RECORD_SUM "%016" APR_UINT64_T_HEX_FMT,
        absw_record_sum(buf, (apr_size_t)(out.at - buf)));
    return (apr_size_t)(out.at - buf);
}

int absw_record_newer(const absw_record_t *record, const absw_record_t *than)
{
    return record->boot != than->boot ? record->boot > than->boot
                                      : record->sequence > than->sequence;
}
