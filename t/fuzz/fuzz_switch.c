/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "log.h"
#include "switch.h"

/*
 * Switch records. In, a line each: two values of the key; and all of it once more as a log.
 *
 * What parses formats back the same. Of two records one comes after the other, or they are the
 * same, and which it is does not depend on who asks; whatever is made of one has a later
 * generation, at least one open side, and formats back the same, too.
 */

static int is_same(const absw_switch_t *a, const absw_switch_t *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void formats_back(const absw_switch_t *rec)
{
    static absw_switch_t again;
    char text[ABSW_SWITCH_TEXT_MAX];
    char why[200] = "";
    apr_size_t len = absw_switch_format(fuzz_policy(), rec, text);

    FUZZ_HOLDS(len < sizeof(text) && strlen(text) == len);
    FUZZ_HOLDS(absw_switch_parse(fuzz_policy(), text, len, &again, why, sizeof(why))
               == ABSW_SWITCH_FULL);
    FUZZ_HOLDS(is_same(rec, &again));
}

static int has_open_side(const absw_switch_t *rec)
{
    for (int i = 0; i < fuzz_policy()->sides_n; i++) {
        if (rec->weight[i] > 0) {
            return absw_switch_state(fuzz_policy(), rec, i, FUZZ_NOW) == ABSW_SIDE_OPEN;
        }
    }
    return 0;
}

static void may_change(const absw_switch_t *rec, absw_switch_result_e result,
                       const absw_switch_t *next)
{
    if (result == ABSW_SWITCH_DONE) {
        FUZZ_HOLDS(next->generation == rec->generation + 1);
        FUZZ_HOLDS(absw_switch_newer(next, rec));
        FUZZ_HOLDS(has_open_side(next));
        formats_back(next);
    }
}

static void every_change(const absw_switch_t *rec, const absw_switch_t *other)
{
    static const absw_switch_who_t who = { FUZZ_NOW, "web1:80", "a b=%", "\xc3\xa4 = 100%" };
    static absw_switch_t next;
    const absw_policy_t *policy = fuzz_policy();

    may_change(rec, absw_switch_weights(policy, rec, other->weight, &who, &next), &next);
    may_change(rec, absw_switch_rollback(policy, rec, other, &who, &next), &next);
    for (int i = 0; i < policy->sides_n; i++) {
        may_change(rec, absw_switch_flip(policy, rec, i, &who, &next), &next);
        may_change(rec, absw_switch_close(policy, rec, i, &who, &next), &next);
        may_change(rec, absw_switch_reopen(policy, rec, i, &who, &next), &next);
    }
}

/* Two nodes that hear of both, in either order, end with the same, and not with the older. */
static void merge(const absw_switch_t *a, const absw_switch_t *b)
{
    const absw_switch_t *first = absw_switch_newer(b, a) ? b : a;
    const absw_switch_t *second = absw_switch_newer(a, b) ? a : b;

    FUZZ_HOLDS(!absw_switch_newer(a, b) || !absw_switch_newer(b, a));
    FUZZ_HOLDS(first->generation == second->generation && first->at == second->at
               && !strcmp(first->node, second->node));
    FUZZ_HOLDS(first->generation >= a->generation && first->generation >= b->generation);
}

static absw_switch_form_e parse(const char *text, absw_switch_t *rec)
{
    char why[160] = "";
    unsigned gone = 0;
    static absw_switch_t past;
    absw_switch_form_e form = absw_switch_parse(fuzz_policy(), text, strlen(text), rec, why,
                                                sizeof(why));

    FUZZ_HOLDS((form == ABSW_SWITCH_BAD) == (why[0] != '\0'));
    for (const char *c = why; *c; c++) {
        FUZZ_HOLDS(*c >= ' ' && *c < 0x7f);
    }
    for (int i = 0; form != ABSW_SWITCH_BAD && i < fuzz_policy()->sides_n; i++) {
        FUZZ_HOLDS(!rec->weight[i] || (!rec->since[i] && !(rec->closed >> i & 1)));
    }
    if (form != ABSW_SWITCH_BAD) {
        FUZZ_HOLDS(has_open_side(rec));
    }
    if (form == ABSW_SWITCH_FULL) {
        FUZZ_HOLDS(rec->generation > 0 && rec->generation <= ABSW_SWITCH_GEN_MAX);
        FUZZ_HOLDS(absw_switch_parse_past(fuzz_policy(), text, strlen(text), &past, &gone)
                   == ABSW_SWITCH_FULL);
        FUZZ_HOLDS(!gone && is_same(rec, &past));
        formats_back(rec);
    }
    return form;
}

static void read_log(fuzz_t *in, const char *text, size_t len, const absw_switch_t *rec)
{
    static absw_log_entry_t entries[ABSW_LOG_MAX];
    static char changed[ABSW_LOG_TEXT_MAX + 1];
    static char twice[ABSW_LOG_TEXT_MAX + 1];
    char line[ABSW_SWITCH_TEXT_MAX];
    const absw_log_text_t logs[] = {
        { text, len }, { line, rec ? absw_switch_format(fuzz_policy(), rec, line) : 0 },
    };
    int n = absw_log_parse(fuzz_policy(), text, len, entries);
    absw_log_text_t all = {
        changed, absw_log_unite(fuzz_policy(), logs, 2, changed, in->pool)
    };

    FUZZ_HOLDS(n >= 0 && n <= ABSW_LOG_MAX);
    FUZZ_HOLDS(all.len <= ABSW_LOG_TEXT_MAX && strlen(changed) == all.len);
    FUZZ_HOLDS(absw_log_is_whole(fuzz_policy(), &all));
    FUZZ_HOLDS(absw_log_unite(fuzz_policy(), &all, 1, twice, in->pool) == all.len);
    FUZZ_HOLDS(strcmp(changed, twice) == 0);
}

void fuzz(fuzz_t *in)
{
    static absw_switch_t rec[2];
    absw_switch_form_e form[2];
    const char *all = fuzz_copy(in, in->at, in->len, 0);
    size_t len = in->len;

    for (int i = 0; i < 2; i++) {
        form[i] = parse(fuzz_line(in), &rec[i]);
    }
    if (form[0] == ABSW_SWITCH_FULL && form[1] != ABSW_SWITCH_BAD) {
        every_change(&rec[0], &rec[1]);
    }
    if (form[0] == ABSW_SWITCH_FULL && form[1] == ABSW_SWITCH_FULL) {
        merge(&rec[0], &rec[1]);
    }
    read_log(in, all, len, form[0] == ABSW_SWITCH_FULL ? &rec[0] : NULL);
}
