/* SPDX-License-Identifier: Apache-2.0 */
#include "form.h"
#include "fuzz.h"
#include "order.h"
#include "roster.h"
#include "text.h"

/*
 * Orders of the manager's forms. In: the body.
 *
 * An order that is read has each field once, none but its own, and values that may go into a
 * record; a body that is refused is refused in words that quote nothing of it.
 */

#define NAME_ROOM 16

static int is_given(const char *body, const char *name)
{
    absw_form_pair_t pair;
    int n = 0;

    while (absw_form_next(&body, &pair)) {
        char decoded[NAME_ROOM];

        n += absw_form_decode(pair.name, pair.name_len, decoded, sizeof(decoded))
             && !strcmp(decoded, name);
    }
    return n;
}

static int fields(const char *body)
{
    absw_form_pair_t pair;
    int n = 0;

    while (absw_form_next(&body, &pair)) {
        n++;
    }
    return n;
}

static void is_plain(const char *words)
{
    FUZZ_HOLDS(*words && strlen(words) < 300);
    for (; *words; words++) {
        FUZZ_HOLDS(*words >= ' ' && *words < 0x7f && !strchr("<>&", *words));
    }
}

static void is_once(const char *body, const absw_order_t *order)
{
    static const char *const always[] = { "app", "action", "generation", "token" };
    int n = 0;

    for (int i = 0; i < 4; i++) {
        FUZZ_HOLDS(is_given(body, always[i]) == 1);
    }
    n += is_given(body, "side") + is_given(body, "weights") + is_given(body, "node");
    FUZZ_HOLDS(n == (order->side || order->weights || order->node));
    FUZZ_HOLDS(is_given(body, "note") <= 1);
    FUZZ_HOLDS(fields(body) == 4 + n + is_given(body, "note"));
}

static void change(const absw_order_t *order)
{
    const absw_policy_t *policy = fuzz_policy();
    absw_change_t wanted;
    apr_uint32_t total = 0;
    const char *why;

    memset(&wanted, 0, sizeof(wanted));
    why = absw_order_change(order, policy, &wanted);
    if (why) {
        is_plain(why);
        return;
    }
    FUZZ_HOLDS(wanted.generation == order->generation);
    switch (wanted.what) {
    case ABSW_CHANGE_WEIGHTS:
        for (int i = 0; i < policy->sides_n; i++) {
            FUZZ_HOLDS(wanted.weight[i] <= ABSW_SWITCH_WEIGHT_MAX);
            total += wanted.weight[i];
        }
        FUZZ_HOLDS(total > 0);
        break;
    case ABSW_CHANGE_ROLLBACK:
        break;
    case ABSW_CHANGE_FLIP:
    case ABSW_CHANGE_CLOSE:
    case ABSW_CHANGE_REOPEN:
    default:
        FUZZ_HOLDS(wanted.side >= 0 && wanted.side < policy->sides_n);
        FUZZ_HOLDS(!strcmp(policy->sides[wanted.side].name, order->side));
        break;
    }
}

void fuzz(fuzz_t *in)
{
    const char *body = fuzz_copy(in, in->at, in->len, 1);
    absw_order_t order;
    const char *why;

    memset(&order, 0, sizeof(order));
    why = absw_order_read(body, in->len, &order, in->pool);
    if (why) {
        is_plain(why);
        return;
    }
    FUZZ_HOLDS(strlen(body) == in->len);
    FUZZ_HOLDS(order.action < ABSW_ORDER_COUNT);
    FUZZ_HOLDS(order.generation >= 0 && order.generation <= ABSW_SWITCH_GEN_MAX);
    FUZZ_HOLDS(order.app && order.token && order.note);
    FUZZ_HOLDS(absw_text_is_clean(order.note, strlen(order.note)));
    FUZZ_HOLDS(strlen(order.note) <= ABSW_NOTE_MAX);
    FUZZ_HOLDS(!order.node || absw_roster_is_name(order.node, strlen(order.node)));
    is_once(body, &order);
    if (order.action != ABSW_ORDER_RETIRE) {
        change(&order);
    }
}
