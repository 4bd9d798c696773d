/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "switch.h"

typedef struct {
    char *buf;
    apr_size_t size;
    apr_size_t len;
} write_t;

static void put(write_t *w, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(w->buf + w->len, w->size - w->len, format, args);
    va_end(args);
    if (n > 0) {
        w->len += (apr_size_t)n < w->size - w->len ? (apr_size_t)n : w->size - w->len - 1;
    }
}

static void put_field(write_t *w, const char *name, const char *value)
{
    if (*value == '\0') {
        return;
    }
    put(w, " %s=", name);
    for (; *value; value++) {
        if (absw_policy_is_name(value, 1, 1, ".:/@")) {
            put(w, "%c", *value);
        }
        else {
            put(w, "%%%02X", (unsigned)(unsigned char)*value);
        }
    }
}

static void put_weights(write_t *w, const absw_policy_t *policy, const apr_uint32_t *weight)
{
    for (int i = 0; i < policy->sides_n; i++) {
        put(w, "%s%s=%u", i > 0 ? " " : "", policy->sides[i].name, weight[i]);
    }
}

const char *absw_switch_weights_text(const absw_policy_t *policy, const apr_uint32_t *weight,
                                     char *buf)
{
    write_t w = { .buf = buf, .size = ABSW_SWITCH_WEIGHTS_MAX };

    put_weights(&w, policy, weight);
    return buf;
}

apr_size_t absw_switch_format(const absw_policy_t *policy, const absw_switch_t *rec, char *buf)
{
    write_t w = { .buf = buf, .size = ABSW_SWITCH_TEXT_MAX };
    const char *lead = " since=";

    put_weights(&w, policy, rec->weight);
    put(&w, " gen=%" APR_INT64_T_FMT, rec->generation);
    if (rec->at > 0) {
        put(&w, " at=%" APR_INT64_T_FMT, rec->at);
    }
    put_field(&w, "by", rec->by);
    put_field(&w, "node", rec->node);
    for (int i = 0; i < policy->sides_n; i++) {
        if (rec->since[i] > 0) {
            put(&w, "%s%s:%" APR_INT64_T_FMT, lead, policy->sides[i].name, rec->since[i]);
            lead = ",";
        }
    }
    lead = " closed=";
    for (int i = 0; i < policy->sides_n; i++) {
        if (rec->closed & (1U << i)) {
            put(&w, "%s%s", lead, policy->sides[i].name);
            lead = ",";
        }
    }
    put_field(&w, "note", rec->note);
    if (rec->other[0]) {
        put(&w, " %s", rec->other);
    }
    return w.len;
}
