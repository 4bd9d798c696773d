/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "describe.h"
#include "duration.h"
#include "emit.h"
#include "interrupt.h"
#include "manager.h"

/*
 * An answer that would end the wait in vain has to hold for so long. A flip that was made by key
 * or file is in force after two syncs, and after a start or a flip the drain is unknown for some.
 */
#define HOLD_TIME   (3 * APR_USEC_PER_SEC)

/* Another node than the last that was asked may be behind; for longer it is not behind. */
#define BEHIND_TIME (10 * APR_USEC_PER_SEC)

#define SOON        APR_USEC_PER_SEC            /* between two questions */
#define LATER       (5 * APR_USEC_PER_SEC)      /* the same, after: */
#define PATIENCE    (600 * APR_USEC_PER_SEC)

#define GO_ON       (-1)

typedef struct {
    ctl_t *ctl;
    apr_pool_t *pool;               /* cleared before each question */
    const char *app;
    const char *side;
    apr_time_t start;
    apr_time_t end;                 /* 0: never */
    absw_drain_e vain;              /* what would end the wait in vain */
    apr_time_t vain_since;          /* 0: it does not */
    apr_int64_t generation;         /* the highest that was seen */
    apr_time_t behind_since;        /* 0: the last answer had it */
    int outage;                     /* the server did not answer the last question */
    int answered;                   /* it did once */
    char told[1024];                /* the last line about the drain */
    char seen[1024];                /* the last that was known of it, for the end */
} wait_t;

/* ---- what is shown ---- */

static void tell_json(wait_t *w, const ctl_side_t *side)
{
    ctl_emit(w->ctl, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o, s:o}",
        "app", w->app, "side", side->name, "state", absw_side_state_name(side->state),
        "drain", absw_drain_name(side->drain), "reason", side->reason,
        "sessions", side->sessions < 0 ? json_null() : json_integer(side->sessions),
        "in_flight", (json_int_t)side->in_flight,
        "deadline", side->deadline ? json_integer(side->deadline) : json_null(),
        "empty_if_idle", side->empty_if_idle ? json_integer(side->empty_if_idle) : json_null()));
}

/* What a line per change is about: requests come and go, and are told of when they are the last. */
static const char *change_of(const wait_t *w, const ctl_side_t *side)
{
    return apr_psprintf(w->pool, "%d %d %" APR_INT64_T_FMT " %" APR_INT64_T_FMT " %"
                        APR_INT64_T_FMT " %s", side->state, side->drain, side->sessions,
                        side->sessions == 0 ? side->in_flight : 0, side->deadline, side->reason);
}

static void tell(wait_t *w, const ctl_report_t *report, const ctl_side_t *side)
{
    ctl_say_t *out = &w->ctl->out;
    const char *text = ctl_describe_drain(report, side, w->pool);
    const char *change = change_of(w, side);
    const char *line = apr_psprintf(w->pool, "%s  %s %s: %s",
                                    ctl_describe_time(report, report->time, w->pool), w->app,
                                    w->side, text);

    apr_cpystrn(w->seen, text, sizeof(w->seen));
    if (out->is_terminal && !w->ctl->options->json) {
        ctl_say_over(out, line);
        return;
    }
    if (strncmp(change, w->told, sizeof(w->told) - 1)) {
        apr_cpystrn(w->told, change, sizeof(w->told));
        if (w->ctl->options->json) {
            tell_json(w, side);
        }
        else {
            ctl_say(out, "%s\n", line);
        }
    }
}

/* Once when it begins, and once when it is over. */
static void tell_outage(wait_t *w, const char *why)
{
    if (why && !w->outage) {
        ctl_say_leave(&w->ctl->out);
        ctl_say(&w->ctl->err, CTL_NAME ": %s; still waiting\n", why);
    }
    else if (!why && w->outage) {
        ctl_say_leave(&w->ctl->out);
        ctl_say(&w->ctl->err, CTL_NAME ": the server answers again\n");
    }
    w->outage = why != NULL;
}

/* ---- when it ends ---- */

/* Has the side been like this for long enough? */
static int holds(wait_t *w, absw_drain_e drain, apr_time_t now)
{
    if (w->vain != drain || !w->vain_since) {
        w->vain = drain;
        w->vain_since = now;
    }
    return now - w->vain_since >= HOLD_TIME || (w->end && now >= w->end);
}

/* Is it the word of a node that has not heard of a change which another one had? */
static int is_behind(wait_t *w, const ctl_app_t *app, apr_time_t now)
{
    if (app->now.generation >= w->generation) {
        w->behind_since = 0;
    }
    else if (!w->behind_since) {
        w->behind_since = now;
    }
    if (w->behind_since && now - w->behind_since < BEHIND_TIME) {
        return 1;
    }
    w->generation = app->now.generation;
    w->behind_since = 0;
    return 0;
}

static int judge(wait_t *w, const ctl_answer_t *answer, const ctl_side_t *side, apr_time_t now)
{
    ctl_t *ctl = w->ctl;

    switch (side->drain) {
    case ABSW_DRAIN_DRAINED:
        if (ctl->out.is_terminal && !ctl->options->json) {
            ctl_say_leave(&ctl->out);
        }
        return CTL_DONE;
    case ABSW_DRAIN_OPEN:
        return !holds(w, ABSW_DRAIN_OPEN, now) ? GO_ON
               : ctl_fail(ctl, CTL_FAILED, "%s %s is open, so it does not drain: %s", w->app,
                          w->side, ctl_describe_change(&answer->report, answer->app, w->pool));
    case ABSW_DRAIN_UNKNOWN:
        if (ctl->options->fail_unknown && holds(w, ABSW_DRAIN_UNKNOWN, now)) {
            return ctl_fail(ctl, CTL_UNKNOWN, "the drain of %s %s is unknown: %s", w->app,
                            w->side, side->reason);
        }
        w->vain_since = ctl->options->fail_unknown ? w->vain_since : 0;
        return GO_ON;
    default:
        w->vain_since = 0;
        return GO_ON;
    }
}

/* ---- a question ---- */

static int ask(wait_t *w)
{
    ctl_t *ctl = w->ctl;
    const ctl_side_t *side;
    ctl_answer_t answer;
    apr_time_t now;

    apr_pool_clear(w->pool);
    ctl_manager_ask(ctl, w->app, w->pool, &answer);
    if (ctl_interrupt_got()) {
        return GO_ON;
    }
    if (answer.status == CTL_UNREACHABLE && w->answered) {
        tell_outage(w, answer.why);
        w->vain_since = 0;
        return GO_ON;
    }
    if (answer.status != CTL_DONE) {
        return ctl_fail(ctl, answer.status, "%s", answer.why);
    }
    tell_outage(w, NULL);
    w->answered = 1;
    side = ctl_manager_side(answer.app, w->side, w->pool, &answer.why);
    if (!side) {
        return ctl_fail(ctl, CTL_FAILED, "%s", answer.why);
    }
    now = ctl_interrupt_now();
    if (is_behind(w, answer.app, now)) {
        return GO_ON;
    }
    tell(w, &answer.report, side);
    return judge(w, &answer, side, now);
}

/* The last that was known is the answer to "why not". */
static int time_is_up(wait_t *w)
{
    return ctl_fail(w->ctl, CTL_TIMED_OUT, "%s %s is not drained after %s: %s", w->app, w->side,
                    absw_duration_words(apr_time_sec(w->ctl->options->timeout), w->pool),
                    w->outage ? "the server does not answer" : w->seen);
}

/* No answer is waited for beyond the end. */
static void limit_request(const wait_t *w)
{
    apr_interval_time_t most = CTL_ANSWER_TIME;
    apr_interval_time_t left = w->end ? w->end - ctl_interrupt_now() : most;

    left = left < APR_USEC_PER_SEC ? APR_USEC_PER_SEC : left;
    ctl_http_set_timeout(w->ctl->http, left < most ? left : most);
}

int ctl_wait_run(ctl_t *ctl)
{
    apr_interval_time_t timeout = ctl->options->timeout;
    wait_t w = {
        .ctl = ctl, .app = ctl->options->arguments[0], .side = ctl->options->arguments[1],
        .start = ctl_interrupt_now(),
    };
    int status;

    apr_pool_create(&w.pool, ctl->pool);
    w.end = timeout >= 0 ? w.start + timeout : 0;
    ctl_interrupt_catch();
    for (;;) {
        apr_time_t next;

        limit_request(&w);
        status = ask(&w);
        next = ctl_interrupt_now();
        if (status != GO_ON || ctl_interrupt_got() || !ctl_say_is_written(&ctl->out)) {
            break;
        }
        if (w.end && next >= w.end) {
            status = time_is_up(&w);
            break;
        }
        next += next - w.start < PATIENCE ? SOON : LATER;
        ctl_interrupt_sleep(w.end && next > w.end ? w.end : next);
    }
    ctl_say_leave(&ctl->out);
    return status == GO_ON ? CTL_FAILED : status;
}
