/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "ctl.h"
#include "describe.h"
#include "emit.h"
#include "manager.h"

/* The exit statuses of a monitoring plug-in. */
typedef enum {
    CTL_CHECK_OK,
    CTL_CHECK_WARNING,
    CTL_CHECK_CRITICAL,
    CTL_CHECK_UNKNOWN
} ctl_check_e;

static const char *const words[] = {
    [CTL_CHECK_OK] = "OK", [CTL_CHECK_WARNING] = "WARNING", [CTL_CHECK_CRITICAL] = "CRITICAL",
    [CTL_CHECK_UNKNOWN] = "UNKNOWN",
};

typedef struct {
    apr_pool_t *pool;
    ctl_check_e status;
    const char *text;
} finding_t;

static void find(finding_t *finding, ctl_check_e status, const char *sentence)
{
    if (status > finding->status) {
        finding->status = status;
    }
    finding->text = apr_pstrcat(finding->pool, finding->text, *finding->text ? "; " : "",
                                sentence, NULL);
}

static void look_at_store(finding_t *finding, const ctl_report_t *report)
{
    if (report->store_state == ABSW_STORE_DOWN) {
        find(finding, CTL_CHECK_CRITICAL, "the store is down");
    }
    else if (report->store_state != ABSW_STORE_UP) {
        find(finding, CTL_CHECK_WARNING, "the store is degraded");
    }
}

static void look_at_side(finding_t *finding, const ctl_options_t *options, const ctl_side_t *side)
{
    int is_draining = side->state == ABSW_SIDE_DRAINING;
    const char *count = apr_psprintf(finding->pool, "%s %s, %s", side->name,
                                     absw_side_state_name(side->state),
                                     ctl_describe_sessions(side, finding->pool));
    ctl_check_e status = CTL_CHECK_OK;

    if (is_draining && options->warn >= 0 && side->sessions > options->warn) {
        status = CTL_CHECK_WARNING;
    }
    if (is_draining && options->critical >= 0 && side->sessions > options->critical) {
        status = CTL_CHECK_CRITICAL;
    }
    find(finding, status, count);
    if (side->drain == ABSW_DRAIN_UNKNOWN) {
        find(finding, CTL_CHECK_WARNING,
             apr_psprintf(finding->pool, "the drain of %s is unknown: %s", side->name,
                          side->reason));
    }
}

static const char *performance(const ctl_app_t *app, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < app->sides_n; i++) {
        const ctl_side_t *side = &app->sides[i];
        const char *count = side->sessions < 0
            ? "U" : apr_psprintf(pool, "%" APR_INT64_T_FMT, side->sessions);

        text = apr_pstrcat(pool, text, i ? " " : "", app->name, "_", side->name, "=", count, NULL);
    }
    return text;
}

static int check_say(ctl_t *ctl, ctl_check_e status, const char *text, const char *data)
{
    char *c = apr_pstrdup(ctl->pool, text);

    /* what stands behind a bar is data, and the text is nobody's to end */
    for (text = c; *c; c++) {
        *c = *c == '|' ? '/' : *c;
    }
    if (ctl->options->json) {
        ctl_emit(ctl, json_pack("{s:s, s:i, s:s, s:s}", "status", words[status],
                                "exit", (int)status, "text", text, "performance", data));
    }
    else {
        ctl_say(&ctl->out, "ABSWITCH %s - %s%s%s\n", words[status], text, *data ? " | " : "",
                data);
    }
    return (int)status;
}

int ctl_check_fail(ctl_t *ctl, const char *text)
{
    return check_say(ctl, CTL_CHECK_UNKNOWN, text, "");
}

int ctl_check_run(ctl_t *ctl)
{
    finding_t finding = { .pool = ctl->pool, .text = "" };
    ctl_answer_t answer;

    ctl_manager_ask(ctl, ctl->options->arguments[0], ctl->pool, &answer);
    if (answer.status != CTL_DONE) {
        return ctl_fail(ctl, answer.status, "%s", answer.why);
    }
    look_at_store(&finding, &answer.report);
    for (int i = 0; i < answer.app->sides_n; i++) {
        look_at_side(&finding, ctl->options, &answer.app->sides[i]);
    }
    return check_say(ctl, finding.status,
                         apr_psprintf(ctl->pool, "%s: %s", answer.app->name, finding.text),
                         performance(answer.app, ctl->pool));
}
