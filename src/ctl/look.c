/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that only look: status, log, names. */
#include <string.h>

#include <apr_strings.h>

#include "describe.h"
#include "manager.h"
#include "overview.h"
#include "table.h"

int ctl_status_run(ctl_t *ctl)
{
    ctl_answer_t answer;

    ctl_manager_ask(ctl, ctl->options->arguments[0], ctl->pool, &answer);
    if (answer.status != CTL_DONE) {
        return ctl_fail(ctl, answer.status, "%s", answer.why);
    }
    if (ctl->options->json) {
        ctl_say(&ctl->out, "%s\n",
                ctl_reading_excerpt(answer.text, answer.len, CTL_EXCERPT_WHOLE, ctl->pool));
    }
    else {
        ctl_say(&ctl->out, "%s", ctl_overview(&answer.report, ctl->pool));
    }
    return CTL_DONE;
}

/* ---- log ---- */

/* The log knows weights; what leaves them as they are is a side that was closed or reopened. */
static const char *what_became(const ctl_change_t *change)
{
    if (!change->to) {
        return "-";
    }
    return change->from && !strcmp(change->from, change->to) ? "(close or reopen)" : change->to;
}

static const char *log_text(const ctl_answer_t *answer, apr_pool_t *pool)
{
    static const char *const head[] = { "generation", "when", "who", "from", "to", "note" };
    ctl_table_t *table = ctl_table_create(pool, 6, 1);

    ctl_table_add(table, head);
    for (int i = 0; i < answer->app->log_n; i++) {
        const ctl_change_t *change = &answer->app->log[i];
        const char *const cells[] = {
            apr_psprintf(pool, "%" APR_INT64_T_FMT, change->generation),
            change->at ? ctl_describe_time(&answer->report, change->at, pool) : "-", change->by,
            change->from ? change->from : "-", what_became(change), change->note,
        };

        ctl_table_add(table, cells);
    }
    return ctl_table_text(table, "");
}

int ctl_log_run(ctl_t *ctl)
{
    ctl_answer_t answer;

    ctl_manager_ask(ctl, ctl->options->arguments[0], ctl->pool, &answer);
    if (answer.status != CTL_DONE) {
        return ctl_fail(ctl, answer.status, "%s", answer.why);
    }
    if (ctl->options->json) {
        ctl_say(&ctl->out, "%s\n",
                ctl_reading_excerpt(answer.text, answer.len, CTL_EXCERPT_LOG, ctl->pool));
    }
    else if (!answer.app->log_n) {
        ctl_say(&ctl->out, "%s: no flip yet\n", answer.app->name);
    }
    else {
        ctl_say(&ctl->out, "%s", log_text(&answer, ctl->pool));
    }
    return CTL_DONE;
}

/* ---- names ---- */

/* A shell will take it for a word: nothing but what a name has. */
static void say_name(ctl_t *ctl, const char *name)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

    if (*name && strspn(name, letters) == strlen(name)) {
        ctl_say(&ctl->out, "%s\n", name);
    }
}

/* For completion: what it cannot find out it does not mention. */
int ctl_names_run(ctl_t *ctl)
{
    const char *const *arguments = ctl->options->arguments;
    ctl_answer_t answer;

    ctl_manager_ask(ctl, arguments[1], ctl->pool, &answer);
    if (answer.status != CTL_DONE) {
        return (int)answer.status;
    }
    for (int i = 0; !strcmp(arguments[0], "apps") && i < answer.report.apps_n; i++) {
        say_name(ctl, answer.report.apps[i].name);
    }
    for (int i = 0; answer.app && !strcmp(arguments[0], "sides") && i < answer.app->sides_n; i++) {
        say_name(ctl, answer.app->sides[i].name);
    }
    for (int i = 0; answer.app && !strcmp(arguments[0], "nodes") && i < answer.app->nodes_n; i++) {
        say_name(ctl, answer.app->nodes[i].name);
    }
    return CTL_DONE;
}
