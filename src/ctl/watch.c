/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "describe.h"
#include "interrupt.h"
#include "manager.h"
#include "overview.h"

#define STEP APR_USEC_PER_SEC

/* The last that was shown outlives the pool of a question. */
typedef struct {
    ctl_t *ctl;
    apr_pool_t *pool;
    char *shown;
    int answered;
} watch_t;

static void show(watch_t *w, const char *head, const char *text)
{
    ctl_t *ctl = w->ctl;

    if (ctl->out.is_terminal && !ctl->options->json) {
        ctl_say_screen(&ctl->out, apr_pstrcat(w->pool, head, "\n\n", text, NULL));
    }
    else if (!w->shown || strcmp(text, w->shown)) {
        ctl_say(&ctl->out, "%s%s%s\n", ctl->options->json ? "" : head,
                ctl->options->json ? "" : "\n", text);
    }
    free(w->shown);
    w->shown = strdup(text);
}

static void show_answer(watch_t *w, const ctl_answer_t *answer)
{
    const char *head = apr_psprintf(w->pool, "%s  %s",
                                    ctl_describe_time(&answer->report, answer->report.time,
                                                      w->pool), answer->report.node);

    if (w->ctl->options->json) {
        show(w, "", ctl_reading_excerpt(answer->text, answer->len, CTL_EXCERPT_NOW, w->pool));
    }
    else {
        show(w, head, ctl_overview(&answer->report, w->pool));
    }
}

/* Returns the exit status, or -1 to go on. */
static int look(watch_t *w)
{
    ctl_answer_t answer;

    apr_pool_clear(w->pool);
    ctl_manager_ask(w->ctl, w->ctl->options->arguments[0], w->pool, &answer);
    if (ctl_interrupt_got()) {
        return -1;
    }
    if (answer.status == CTL_UNREACHABLE && w->answered) {
        if (w->ctl->options->json) {
            show(w, "", "{\"ok\": false}");
        }
        else {
            show(w, CTL_BAD "no answer" CTL_PLAIN,
                 apr_pstrcat(w->pool, answer.why, "\n", NULL));
        }
        return -1;
    }
    if (answer.status != CTL_DONE) {
        return ctl_fail(w->ctl, answer.status, "%s", answer.why);
    }
    w->answered = 1;
    show_answer(w, &answer);
    return -1;
}

int ctl_watch_run(ctl_t *ctl)
{
    watch_t w = { .ctl = ctl };
    int status;

    apr_pool_create(&w.pool, ctl->pool);
    ctl_interrupt_catch();
    for (;;) {
        status = look(&w);
        if (status >= 0 || ctl_interrupt_got() || !ctl_say_is_written(&ctl->out)) {
            break;
        }
        ctl_interrupt_sleep(ctl_interrupt_now() + STEP);
    }
    free(w.shown);
    if (ctl_interrupt_got() == SIGINT) {
        ctl_interrupt_forget();
    }
    return status < 0 ? CTL_DONE : status;
}
