/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "switch.h"
#include "text.h"

/* The only side with weight, or ABSW_NO_SIDE if there are none or several. */
static int only_side(const absw_policy_t *policy, const apr_uint32_t *weight)
{
    int only = ABSW_NO_SIDE;

    for (int i = 0; i < policy->sides_n; i++) {
        if (weight[i] > 0) {
            if (only != ABSW_NO_SIDE) {
                return ABSW_NO_SIDE;
            }
            only = i;
        }
    }
    return only;
}

static apr_uint64_t total_weight(const absw_policy_t *policy, const apr_uint32_t *weight)
{
    apr_uint64_t total = 0;

    for (int i = 0; i < policy->sides_n; i++) {
        total += weight[i];
    }
    return total;
}

void absw_switch_default_weights(const absw_policy_t *policy, absw_switch_t *rec)
{
    rec->generation = 0;
    rec->closed = 0;
    memset(rec->weight, 0, sizeof(rec->weight));
    memset(rec->since, 0, sizeof(rec->since));
    rec->weight[policy->default_side] = 1;
}

void absw_switch_default(const absw_policy_t *policy, absw_switch_t *rec)
{
    memset(rec, 0, sizeof(*rec));
    absw_switch_default_weights(policy, rec);
    absw_text_clean(rec->by, sizeof(rec->by), "default");
}

int absw_switch_newer(const absw_switch_t *a, const absw_switch_t *b)
{
    if (a->generation != b->generation) {
        return a->generation > b->generation;
    }
    if (a->at != b->at) {
        return a->at > b->at;
    }
    return strcmp(a->node, b->node) > 0;
}

int absw_switch_is_edited(const absw_policy_t *policy, const absw_switch_t *in_force,
                          const absw_switch_t *rec)
{
    return !absw_switch_newer(rec, in_force) && !absw_switch_newer(in_force, rec)
           && !absw_switch_says(policy, in_force, rec->weight);
}

int absw_switch_says(const absw_policy_t *policy, const absw_switch_t *rec,
                     const apr_uint32_t *weight)
{
    int only = only_side(policy, weight);

    if (rec->generation == 0) {
        return 0;
    }
    if (only != ABSW_NO_SIDE) {
        return only_side(policy, rec->weight) == only;
    }
    for (int i = 0; i < policy->sides_n; i++) {
        if (weight[i] != rec->weight[i]) {
            return 0;
        }
    }
    return 1;
}

int absw_switch_complete(const absw_policy_t *policy, const absw_switch_t *prev,
                         const absw_switch_who_t *who, absw_switch_t *rec)
{
    int filled = 0;

    if (rec->at == 0) {
        rec->at = who->now;
        if (rec->by[0] == '\0') {
            absw_text_clean(rec->by, sizeof(rec->by), who->by);
        }
        if (rec->node[0] == '\0') {
            absw_text_clean(rec->node, sizeof(rec->node), who->node);
        }
        filled = 1;
    }
    for (int i = 0; i < policy->sides_n; i++) {
        absw_sec_t since = prev->weight[i] > 0 ? rec->at : prev->since[i];

        if (rec->weight[i] == 0 && rec->since[i] == 0 && since > 0) {
            rec->since[i] = since;
            filled = 1;
        }
    }
    return filled;
}

/* *next is prev with the words of a change to it. 0 if no generation is left. */
static int begin(const absw_switch_t *prev, const absw_switch_who_t *who, absw_switch_t *next)
{
    if (prev->generation >= ABSW_SWITCH_GEN_MAX) {
        return 0;
    }
    *next = *prev;
    next->generation++;
    next->at = who->now < 0 ? 0 : who->now > ABSW_SWITCH_TIME_MAX ? ABSW_SWITCH_TIME_MAX
                                                                   : who->now;
    absw_text_clean(next->by, sizeof(next->by), who->by);
    absw_text_clean(next->node, sizeof(next->node), who->node);
    absw_text_clean(next->note, sizeof(next->note), who->note);
    return 1;
}

/* Closed and since follow from what happened to the weights. */
static void settle(const absw_policy_t *policy, const absw_switch_t *prev, absw_switch_t *next)
{
    for (int i = 0; i < policy->sides_n; i++) {
        if (next->weight[i] > 0) {
            next->closed &= ~(1U << i);
            next->since[i] = 0;
        }
        else if (prev->weight[i] > 0) {
            next->since[i] = next->at;
        }
    }
}

absw_switch_result_e absw_switch_weights(const absw_policy_t *policy, const absw_switch_t *prev,
                                         const apr_uint32_t *weight, const absw_switch_who_t *who,
                                         absw_switch_t *next)
{
    if (total_weight(policy, weight) == 0) {
        return ABSW_SWITCH_NONE_OPEN;
    }
    if (absw_switch_says(policy, prev, weight)) {
        return ABSW_SWITCH_SAME;
    }
    if (!begin(prev, who, next)) {
        return ABSW_SWITCH_EXHAUSTED;
    }
    memcpy(next->weight, weight, (apr_size_t)policy->sides_n * sizeof(weight[0]));
    settle(policy, prev, next);
    return ABSW_SWITCH_DONE;
}

absw_switch_result_e absw_switch_flip(const absw_policy_t *policy, const absw_switch_t *prev,
                                      int side, const absw_switch_who_t *who, absw_switch_t *next)
{
    apr_uint32_t weight[ABSW_SIDES_MAX] = { 0 };

    weight[side] = 1;
    return absw_switch_weights(policy, prev, weight, who, next);
}

absw_switch_result_e absw_switch_rollback(const absw_policy_t *policy, const absw_switch_t *prev,
                                          const absw_switch_t *target,
                                          const absw_switch_who_t *who, absw_switch_t *next)
{
    apr_uint32_t closed = target->closed;

    for (int i = 0; i < policy->sides_n; i++) {
        if (target->weight[i] > 0) {
            closed &= ~(1U << i);
        }
    }
    if (total_weight(policy, target->weight) == 0) {
        return ABSW_SWITCH_NONE_OPEN;
    }
    if (absw_switch_says(policy, prev, target->weight) && prev->closed == closed) {
        return ABSW_SWITCH_SAME;
    }
    if (!begin(prev, who, next)) {
        return ABSW_SWITCH_EXHAUSTED;
    }
    memcpy(next->weight, target->weight, sizeof(next->weight));
    next->closed = closed;
    for (int i = 0; i < policy->sides_n; i++) {
        if (prev->closed & ~closed & (1U << i)) {
            next->since[i] = next->at;      /* as if reopened */
        }
    }
    settle(policy, prev, next);
    return ABSW_SWITCH_DONE;
}

absw_switch_result_e absw_switch_close(const absw_policy_t *policy, const absw_switch_t *prev,
                                       int side, const absw_switch_who_t *who, absw_switch_t *next)
{
    if (prev->closed & (1U << side)) {
        return ABSW_SWITCH_SAME;
    }
    if (total_weight(policy, prev->weight) == prev->weight[side]) {
        return ABSW_SWITCH_NONE_OPEN;
    }
    if (!begin(prev, who, next)) {
        return ABSW_SWITCH_EXHAUSTED;
    }
    next->weight[side] = 0;
    next->closed |= 1U << side;
    settle(policy, prev, next);
    return ABSW_SWITCH_DONE;
}

absw_switch_result_e absw_switch_reopen(const absw_policy_t *policy, const absw_switch_t *prev,
                                        int side, const absw_switch_who_t *who,
                                        absw_switch_t *next)
{
    if (absw_switch_state(policy, prev, side, who->now) != ABSW_SIDE_CLOSED) {
        return ABSW_SWITCH_NOT_CLOSED;
    }
    if (!begin(prev, who, next)) {
        return ABSW_SWITCH_EXHAUSTED;
    }
    next->closed &= ~(1U << side);
    next->since[side] = next->at;
    return ABSW_SWITCH_DONE;
}

absw_sec_t absw_switch_deadline(const absw_policy_t *policy, const absw_switch_t *rec, int side)
{
    absw_sec_t limit = policy->max_login;

    if (rec->weight[side] > 0 || (rec->closed & (1U << side)) || rec->since[side] <= 0) {
        return 0;
    }
    if (policy->drain_timeout > 0 && (limit == 0 || policy->drain_timeout < limit)) {
        limit = policy->drain_timeout;
    }
    return limit > 0 ? rec->since[side] + limit : 0;
}

absw_side_state_e absw_switch_state(const absw_policy_t *policy, const absw_switch_t *rec,
                                    int side, absw_sec_t now)
{
    absw_sec_t deadline;

    if (rec->weight[side] > 0) {
        return ABSW_SIDE_OPEN;
    }
    if (rec->closed & (1U << side)) {
        return ABSW_SIDE_CLOSED;
    }
    deadline = absw_switch_deadline(policy, rec, side);
    return (deadline > 0 && now >= deadline) ? ABSW_SIDE_CLOSED : ABSW_SIDE_DRAINING;
}

int absw_switch_only(const absw_policy_t *policy, const absw_switch_t *rec)
{
    return only_side(policy, rec->weight);
}

int absw_switch_choose(const absw_policy_t *policy, const absw_switch_t *rec, apr_uint32_t random)
{
    /* the weights share the range of random bits; what is left over is below 2^-8 of a share */
    apr_uint64_t at = random * total_weight(policy, rec->weight) >> 32;

    for (int i = 0; i < policy->sides_n; i++) {
        if (at < rec->weight[i]) {
            return i;
        }
        at -= rec->weight[i];
    }
    return policy->default_side;
}
