/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "describe.h"
#include "manager.h"

#define FORMAT      "format"
#define FORMAT_JSON "json"
#define QUESTION    FORMAT "=" FORMAT_JSON

/* ---- what an answer means ---- */

static ctl_exit_e say(const char **why, ctl_exit_e status, const char *sentence)
{
    *why = sentence;
    return status;
}

/* Whoever moves a page keeps what it was asked, and we would ask that again. */
static const char *moved_to(const char *location, apr_pool_t *pool)
{
    const char *asked = strstr(location, QUESTION);

    return asked && asked > location && strchr("?&", asked[-1])
           ? apr_pstrmemdup(pool, location, (apr_size_t)(asked - 1 - location)) : location;
}

static const char *login_trouble(const ctl_t *ctl)
{
    if (ctl->options->netrc) {
        return "does not accept the login of ~/.netrc, or there is none for that host (401)";
    }
    return ctl_http_logs_in(ctl->http)
           ? "does not accept this name and password (401)"
           : "wants a login (401): give --user NAME or --netrc";
}

/* An answer that is not the manager's, by its status. */
static ctl_exit_e stranger(const ctl_t *ctl, const ctl_http_answer_t *http, apr_pool_t *pool,
                           const char **why)
{
    const char *url = ctl_http_url(ctl->http);

    switch (http->status) {
    case 401:
        return say(why, CTL_FAILED, apr_pstrcat(pool, url, " ", login_trouble(ctl), NULL));
    case 403:
        return say(why, CTL_FAILED, apr_psprintf(pool, "%s is forbidden from here (403): see the "
                   "Require of that Location", url));
    case 404:
        return say(why, CTL_UNREACHABLE, apr_psprintf(pool, "there is no manager at %s (404): "
                   "SetHandler abswitch-manager puts it there", url));
    }
    if (http->location) {
        return say(why, CTL_UNREACHABLE, apr_psprintf(pool, "%s is elsewhere (%ld): give --url %s",
                   url, http->status, moved_to(http->location, pool)));
    }
    return say(why, CTL_UNREACHABLE, apr_psprintf(pool, "%s does not answer as a manager does "
               "(%ld%s%s)", url, http->status, *http->type ? ", " : "", http->type));
}

static int is_json(const ctl_http_answer_t *http)
{
    return !http->why && !strncmp(http->type, "application/json", 16);
}

/* ---- questions ---- */

static void ask(ctl_t *ctl, const char *app, apr_pool_t *pool, ctl_http_answer_t *http)
{
    const char *const pairs[] = { FORMAT, FORMAT_JSON, app ? "app" : NULL, app, NULL };

    ctl_http_get(ctl->http, pairs, pool, http);
}

static void take(const ctl_t *ctl, const ctl_http_answer_t *http, apr_pool_t *pool,
                 ctl_answer_t *answer)
{
    const char *wrong;

    answer->status = CTL_UNREACHABLE;
    if (http->why) {
        answer->why = http->why;
    }
    else if (http->status != 200 || !is_json(http)) {
        answer->status = stranger(ctl, http, pool, &answer->why);
    }
    else if (!ctl_reading_report(http->body, http->len, pool, &answer->report, &wrong)) {
        answer->why = apr_psprintf(pool, "%s does not answer as a manager does: %s",
                                   ctl_http_url(ctl->http), ctl_say_clean(wrong, pool));
    }
    else {
        answer->status = CTL_DONE;
        answer->text = http->body;
        answer->len = http->len;
    }
}

static void no_such_app(const char *name, apr_pool_t *pool, ctl_answer_t *answer)
{
    const char *list = "";

    for (int i = 0; i < answer->report.apps_n; i++) {
        list = apr_pstrcat(pool, list, i ? ", " : "", answer->report.apps[i].name, NULL);
    }
    answer->status = CTL_FAILED;
    answer->why = apr_psprintf(pool, "there is no application \"%s\"; %s%s",
                               ctl_say_clean(name, pool), *list ? "there are: " : "there is none",
                               list);
}

void ctl_manager_ask(ctl_t *ctl, const char *app, apr_pool_t *pool, ctl_answer_t *answer)
{
    ctl_http_answer_t http;

    memset(answer, 0, sizeof(*answer));
    ask(ctl, app, pool, &http);
    /* a manager that does not know the application, or no manager at all? */
    if (app && !http.why && http.status == 404) {
        ask(ctl, NULL, pool, &http);
    }
    take(ctl, &http, pool, answer);
    if (answer->status == CTL_DONE && app) {
        answer->app = ctl_reading_app(&answer->report, app);
        if (!answer->app) {
            no_such_app(app, pool, answer);
        }
    }
}

const ctl_side_t *ctl_manager_side(const ctl_app_t *app, const char *name, apr_pool_t *pool,
                                   const char **why)
{
    const ctl_side_t *side = ctl_reading_side(app, name);
    const char *list = "";

    if (!side) {
        for (int i = 0; i < app->sides_n; i++) {
            list = apr_pstrcat(pool, list, i ? ", " : "", app->sides[i].name, NULL);
        }
        *why = apr_psprintf(pool, "%s has no side \"%s\"; there are: %s", app->name,
                            ctl_say_clean(name, pool), list);
    }
    return side;
}

/* ---- changes ---- */

static void fill(const char **pairs, const ctl_answer_t *seen, const ctl_change_form_t *form,
                 apr_pool_t *pool)
{
    const char *const all[][2] = {
        { "app", seen->app->name },
        { "action", form->action },
        { "side", form->side },
        { "weights", form->weights },
        { "node", form->node },
        { "note", *form->note ? form->note : NULL },
        { "generation", apr_psprintf(pool, "%" APR_INT64_T_FMT, seen->app->now.generation) },
        { "token", seen->report.csrf },
    };

    for (apr_size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (all[i][1]) {
            *pairs++ = all[i][0];
            *pairs++ = all[i][1];
        }
    }
    *pairs = NULL;
}

/* Refused because the generation has passed? Then who was first is more than the server said. */
static const char *refusal(ctl_t *ctl, const ctl_answer_t *seen, const char *error,
                           apr_pool_t *pool)
{
    ctl_answer_t now;

    ctl_manager_ask(ctl, seen->app->name, pool, &now);
    if (now.status != CTL_DONE || now.app->now.generation == seen->app->now.generation) {
        return error;
    }
    return apr_psprintf(pool, "%s was changed meanwhile, to %s; nothing was done now: look at it "
                        "and repeat the command if you still want it", now.app->name,
                        ctl_describe_change(&now.report, now.app, pool));
}

static ctl_exit_e outcome_of(ctl_t *ctl, const ctl_answer_t *seen, const ctl_http_answer_t *http,
                             apr_pool_t *pool, apr_int64_t *generation, const char **why)
{
    ctl_outcome_t outcome;
    const char *wrong;

    if (http->why) {
        return say(why, CTL_UNREACHABLE, apr_psprintf(pool, "%s; the change may have been made "
                   "all the same, \"" CTL_NAME " status\" tells", http->why));
    }
    if (!is_json(http)) {
        return stranger(ctl, http, pool, why);
    }
    if (!ctl_reading_outcome(http->body, http->len, pool, &outcome, &wrong)) {
        return say(why, CTL_UNREACHABLE, apr_psprintf(pool, "%s does not answer as a manager "
                   "does: %s", ctl_http_url(ctl->http), ctl_say_clean(wrong, pool)));
    }
    *generation = outcome.generation;
    if (outcome.ok) {
        return CTL_DONE;
    }
    if (!*outcome.error) {
        outcome.error = apr_psprintf(pool, "the server refuses it (%ld)", http->status);
    }
    return say(why, CTL_FAILED, http->status == 409
               ? refusal(ctl, seen, outcome.error, pool) : outcome.error);
}

ctl_exit_e ctl_manager_change(ctl_t *ctl, const ctl_answer_t *seen, const ctl_change_form_t *form,
                              apr_pool_t *pool, apr_int64_t *generation, const char **why)
{
    const char *pairs[17];
    ctl_http_answer_t http;

    *generation = -1;
    if (!seen->report.csrf) {
        *why = apr_psprintf(pool, "%s is a status page, which changes nothing; give the --url of "
                            "the manager", ctl_http_url(ctl->http));
        return CTL_FAILED;
    }
    fill(pairs, seen, form, pool);
    ctl_http_post(ctl->http, pairs, pool, &http);
    return outcome_of(ctl, seen, &http, pool, generation, why);
}
