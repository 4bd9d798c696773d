/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "form.h"
#include "order.h"
#include "roster.h"
#include "text.h"

/* --- the fields ---------------------------------------------------------------------- */

typedef enum {
    FIELD_APP,
    FIELD_ACTION,
    FIELD_SIDE,
    FIELD_WEIGHTS,
    FIELD_NODE,
    FIELD_GENERATION,
    FIELD_TOKEN,
    FIELD_NOTE,
    FIELD_COUNT
} field_e;

static const char *const names[FIELD_COUNT] = {
    [FIELD_APP] = "app",
    [FIELD_ACTION] = "action",
    [FIELD_SIDE] = "side",
    [FIELD_WEIGHTS] = "weights",
    [FIELD_NODE] = "node",
    [FIELD_GENERATION] = "generation",
    [FIELD_TOKEN] = "token",
    [FIELD_NOTE] = "note",
};

/* What every order has. */
#define ALWAYS (1U << FIELD_APP | 1U << FIELD_ACTION | 1U << FIELD_GENERATION | 1U << FIELD_TOKEN)

static const struct {
    const char *name;
    unsigned fields;            /* besides those */
    absw_change_e change;       /* of all but retire */
} actions[ABSW_ORDER_COUNT] = {
    [ABSW_ORDER_FLIP] = { "flip", 1U << FIELD_SIDE, ABSW_CHANGE_FLIP },
    [ABSW_ORDER_WEIGHTS] = { "weights", 1U << FIELD_WEIGHTS, ABSW_CHANGE_WEIGHTS },
    [ABSW_ORDER_ROLLBACK] = { "rollback", 0, ABSW_CHANGE_ROLLBACK },
    [ABSW_ORDER_CLOSE] = { "close", 1U << FIELD_SIDE, ABSW_CHANGE_CLOSE },
    [ABSW_ORDER_REOPEN] = { "reopen", 1U << FIELD_SIDE, ABSW_CHANGE_REOPEN },
    [ABSW_ORDER_RETIRE] = { .name = "retire", .fields = 1U << FIELD_NODE },
};

const char *absw_order_name(absw_order_e action)
{
    return actions[action].name;
}

static int field_of(const char *name)
{
    int i = 0;

    while (i < FIELD_COUNT && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

/* The decoded values by field, NULL where there is none. NULL, or what is wrong. */
static const char *read_fields(const char *text, const char **values, apr_pool_t *pool)
{
    absw_form_pair_t pair;

    while (absw_form_next(&text, &pair)) {
        char name[16];
        char *value = apr_palloc(pool, pair.value_len + 1);
        int field = absw_form_decode(pair.name, pair.name_len, name, sizeof(name))
                    ? field_of(name) : FIELD_COUNT;

        if (field == FIELD_COUNT) {
            return "there is a field that no form of the manager has";
        }
        if (values[field]) {
            return apr_psprintf(pool, "\"%s\" is given more than once", names[field]);
        }
        if (!absw_form_decode(pair.value, pair.value_len, value, pair.value_len + 1)) {
            return apr_psprintf(pool, "\"%s\" is not encoded as a form's fields are",
                                names[field]);
        }
        values[field] = value;
    }
    return NULL;
}

/* Has the order the fields of its action, and no other? */
static const char *check_fields(const absw_order_t *order, const char *const *values,
                                apr_pool_t *pool)
{
    unsigned wanted = ALWAYS | actions[order->action].fields;

    for (int i = 0; i < FIELD_COUNT; i++) {
        if (wanted >> i & 1 && !values[i]) {
            return apr_psprintf(pool, "\"%s\" is missing", names[i]);
        }
        if (values[i] && !(wanted >> i & 1) && i != FIELD_NOTE) {
            return apr_psprintf(pool, "\"%s\" has no field \"%s\"", actions[order->action].name,
                                names[i]);
        }
    }
    return NULL;
}

/* --- the values ---------------------------------------------------------------------- */

static int action_of(const char *name)
{
    int i = 0;

    while (i < ABSW_ORDER_COUNT && strcmp(actions[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* Clean UTF-8; NULL if that has too many characters. */
static const char *clean_note(const char *note, apr_pool_t *pool)
{
    apr_size_t size = strlen(note) + 1;
    char *clean = apr_palloc(pool, size);
    int n = 0;

    absw_text_clean(clean, size, note);
    for (const char *c = clean; *c; c++) {
        n += (*c & 0xc0) != 0x80;
    }
    return n <= ABSW_ORDER_NOTE_MAX ? clean : NULL;
}

static const char *take_values(absw_order_t *order, const char *const *values, apr_pool_t *pool)
{
    const char *generation = values[FIELD_GENERATION];

    order->app = values[FIELD_APP];
    order->side = values[FIELD_SIDE];
    order->weights = values[FIELD_WEIGHTS];
    order->node = values[FIELD_NODE];
    order->token = values[FIELD_TOKEN];
    order->note = values[FIELD_NOTE] ? clean_note(values[FIELD_NOTE], pool) : "";
    if (!order->note) {
        return "\"note\" is longer than 200 characters";
    }
    /* check_fields() has seen it. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    if (!absw_text_number(generation, strlen(generation), ABSW_SWITCH_GEN_MAX,
                          &order->generation)) {
        return "\"generation\" is not the number of a generation";
    }
    if (order->node && !absw_roster_is_name(order->node, strlen(order->node))) {
        return "\"node\" is not the name of a node";
    }
    return NULL;
}

const char *absw_order_read(const char *text, apr_size_t len, absw_order_t *order,
                            apr_pool_t *pool)
{
    const char *values[FIELD_COUNT] = { NULL };
    const char *wrong = strlen(text) == len ? read_fields(text, values, pool)
                                            : "there is a NUL byte in the form";
    int action;

    memset(order, 0, sizeof(*order));
    if (wrong) {
        return wrong;
    }
    if (!values[FIELD_ACTION]) {
        return "\"action\" is missing";
    }
    action = action_of(values[FIELD_ACTION]);
    if (action == ABSW_ORDER_COUNT) {
        return "\"action\" is one of flip, weights, rollback, close, reopen and retire";
    }
    order->action = (absw_order_e)action;
    wrong = check_fields(order, values, pool);
    return wrong ? wrong : take_values(order, values, pool);
}

/* --- the change ---------------------------------------------------------------------- */

static int read_weights(const absw_policy_t *policy, const char *text, apr_uint32_t *weight)
{
    absw_switch_t rec;

    /* a name alone is a value of the switch, too, but no weights */
    if (!strchr(text, '=')
        || absw_switch_parse(policy, text, strlen(text), &rec, NULL, 0) != ABSW_SWITCH_BARE) {
        return 0;
    }
    memcpy(weight, rec.weight, sizeof(rec.weight));
    return 1;
}

const char *absw_order_change(const absw_order_t *order, const absw_policy_t *policy,
                              absw_change_t *change)
{
    memset(change, 0, sizeof(*change));
    change->what = actions[order->action].change;
    change->generation = order->generation;
    change->side = ABSW_NO_SIDE;
    if (order->side) {
        change->side = absw_policy_side_of_name(policy, order->side, strlen(order->side));
        if (change->side == ABSW_NO_SIDE) {
            return "the application has no side of that name";
        }
    }
    if (order->weights && !read_weights(policy, order->weights, change->weight)) {
        return "\"weights\" is like A=75 B=25: sides of the application, each once, with a number "
               "from 0 to 1000000, one of them above 0";
    }
    return NULL;
}
