/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that change something: flip, weights, rollback, close, reopen, retire. */
#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include "describe.h"
#include "emit.h"
#include "interrupt.h"
#include "manager.h"
#include "switch.h"
#include "text.h"

#define SETTLE_TIME (10 * APR_USEC_PER_SEC)
#define SETTLE_STEP (APR_USEC_PER_SEC / 4)

/* ---- until the cluster has it ---- */

/* Those of the roster that are there and lag behind; "" if none does. */
static const char *laggards(const ctl_app_t *app, apr_int64_t generation, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < app->nodes_n; i++) {
        const ctl_node_t *node = &app->nodes[i];

        if (node->state == ABSW_NODE_LIVE && node->generation < generation) {
            text = apr_pstrcat(pool, text, *text ? ", " : "", node->name, NULL);
        }
    }
    return text;
}

/*
 * Behind a balancer the next question may go to a node that has not heard of the change. So
 * whoever waits for the drain next is to find every live node of the same mind. Returns those that
 * are not yet; answer is the last one that has the change, if any has.
 */
static const char *settle(ctl_t *ctl, const char *app, apr_int64_t generation,
                          ctl_answer_t *answer)
{
    apr_time_t end = ctl_interrupt_now() + SETTLE_TIME;
    const char *late;

    for (;;) {
        ctl_manager_ask(ctl, app, ctl->pool, answer);
        if (answer->status != CTL_DONE) {
            return "";
        }
        late = answer->app->now.generation < generation
               ? answer->report.node : laggards(answer->app, generation, ctl->pool);
        if (!*late || ctl_interrupt_now() >= end) {
            return late;
        }
        ctl_interrupt_sleep(ctl_interrupt_now() + SETTLE_STEP);
    }
}

/* ---- what is told ---- */

static void tell(ctl_t *ctl, const char *app, apr_int64_t generation)
{
    ctl_answer_t answer;
    const char *late = settle(ctl, app, generation, &answer);

    if (ctl->options->json) {
        ctl_emit(ctl, json_pack("{s:b, s:s, s:I, s:b}", "ok", 1, "app", app,
                                "generation", (json_int_t)generation, "everywhere",
                                answer.status == CTL_DONE && !*late));
        return;
    }
    if (answer.status == CTL_DONE && answer.app->now.generation == generation) {
        ctl_say(&ctl->out, "%s: %s\n", app,
                ctl_describe_switch(&answer.report, answer.app, ctl->pool));
    }
    else {
        ctl_say(&ctl->out, "%s: generation %" APR_INT64_T_FMT "\n", app, generation);
    }
    if (*late) {
        ctl_say(&ctl->err, CTL_NAME ": not in force yet on %s; \"" CTL_NAME " status\" tells\n",
                late);
    }
}

static int change(ctl_t *ctl, const ctl_answer_t *seen, ctl_change_form_t *form)
{
    const char *app = seen->app->name;
    apr_int64_t generation;
    const char *why;
    ctl_exit_e status;

    form->note = ctl->options->note;
    status = ctl_manager_change(ctl, seen, form, ctl->pool, &generation, &why);
    if (status != CTL_DONE) {
        return ctl_fail(ctl, status, "%s", why);
    }
    if (form->node) {
        if (ctl->options->json) {
            ctl_emit(ctl, json_pack("{s:b, s:s, s:s}", "ok", 1, "app", app, "node", form->node));
        }
        else {
            ctl_say(&ctl->out, "%s: %s is struck off the roster\n", app, form->node);
        }
        return CTL_DONE;
    }
    tell(ctl, app, generation);
    return CTL_DONE;
}

/* ---- the commands ---- */

static int change_side(ctl_t *ctl, const char *action)
{
    const char *const *arguments = ctl->options->arguments;
    ctl_change_form_t form = { .action = action, .side = arguments[1] };
    ctl_answer_t seen;

    ctl_manager_ask(ctl, arguments[0], ctl->pool, &seen);
    if (seen.status == CTL_DONE
        && !ctl_manager_side(seen.app, arguments[1], ctl->pool, &seen.why)) {
        seen.status = CTL_FAILED;
    }
    return seen.status == CTL_DONE ? change(ctl, &seen, &form)
                                   : ctl_fail(ctl, seen.status, "%s", seen.why);
}

int ctl_flip_run(ctl_t *ctl)
{
    return change_side(ctl, "flip");
}

int ctl_close_run(ctl_t *ctl)
{
    return change_side(ctl, "close");
}

int ctl_reopen_run(ctl_t *ctl)
{
    return change_side(ctl, "reopen");
}

int ctl_rollback_run(ctl_t *ctl)
{
    ctl_change_form_t form = { .action = "rollback" };
    ctl_answer_t seen;

    ctl_manager_ask(ctl, ctl->options->arguments[0], ctl->pool, &seen);
    return seen.status == CTL_DONE ? change(ctl, &seen, &form)
                                   : ctl_fail(ctl, seen.status, "%s", seen.why);
}

/* ---- weights ---- */

/* "A=75", in place. NULL: it is none; else its name. */
static const char *take_weight(char *word, apr_int64_t *weight)
{
    char *equals = strchr(word, '=');

    if (!equals || equals == word
        || !absw_text_number(equals + 1, strlen(equals + 1), ABSW_SWITCH_WEIGHT_MAX, weight)) {
        return NULL;
    }
    *equals = '\0';
    return word;
}

/* Is there already one for that name in the list? */
static int is_named(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(names, i, const char *), name)) {
            return 1;
        }
    }
    return 0;
}

/* What is wrong with the words whatever the sides are called, or NULL; and the sides' names. */
static const char *read_weights(const char *text, apr_array_header_t *names, apr_pool_t *pool)
{
    char *state;
    apr_int64_t total = 0;

    for (char *word = apr_strtok(apr_pstrdup(pool, text), " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        const char *given = apr_pstrdup(pool, word);
        apr_int64_t weight;
        const char *name = take_weight(word, &weight);

        if (!name) {
            return apr_psprintf(pool, "\"%s\" is not SIDE=N with N from 0 to %d",
                                ctl_say_clean(given, pool), ABSW_SWITCH_WEIGHT_MAX);
        }
        if (is_named(names, name)) {
            return apr_psprintf(pool, "%s is named twice", ctl_say_clean(name, pool));
        }
        APR_ARRAY_PUSH(names, const char *) = name;
        total += weight;
    }
    return total > 0 ? NULL : "one weight must be above 0";
}

int ctl_weights_run(ctl_t *ctl)
{
    const char *const *arguments = ctl->options->arguments;
    apr_array_header_t *names = apr_array_make(ctl->pool, 4, sizeof(char *));
    const char *text = arguments[1];
    ctl_change_form_t form = { .action = "weights" };
    ctl_answer_t seen;
    const char *wrong;

    for (const char *const *more = arguments + 2; *more; more++) {
        text = apr_pstrcat(ctl->pool, text, " ", *more, NULL);
    }
    wrong = read_weights(text, names, ctl->pool);
    if (wrong) {
        return ctl_fail(ctl, CTL_USAGE, "%s", wrong);
    }
    ctl_manager_ask(ctl, arguments[0], ctl->pool, &seen);
    for (int i = 0; seen.status == CTL_DONE && i < names->nelts; i++) {
        if (!ctl_manager_side(seen.app, APR_ARRAY_IDX(names, i, const char *), ctl->pool,
                              &seen.why)) {
            seen.status = CTL_FAILED;
        }
    }
    form.weights = text;
    return seen.status == CTL_DONE ? change(ctl, &seen, &form)
                                   : ctl_fail(ctl, seen.status, "%s", seen.why);
}

/* ---- retire ---- */

int ctl_retire_run(ctl_t *ctl)
{
    const char *const *arguments = ctl->options->arguments;
    ctl_change_form_t form = { .action = "retire", .node = arguments[1] };
    ctl_answer_t seen;
    int known = 0;

    ctl_manager_ask(ctl, arguments[0], ctl->pool, &seen);
    if (seen.status != CTL_DONE) {
        return ctl_fail(ctl, seen.status, "%s", seen.why);
    }
    for (int i = 0; i < seen.app->nodes_n; i++) {
        known |= !strcmp(seen.app->nodes[i].name, arguments[1]);
    }
    if (!known) {
        return ctl_fail(ctl, CTL_FAILED, "%s has no node \"%s\"; \"" CTL_NAME " status\" names "
                        "those that are not live", seen.app->name,
                        ctl_say_clean(arguments[1], ctl->pool));
    }
    return change(ctl, &seen, &form);
}
