/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <curl/curl.h>

#include "help.h"
#include "interrupt.h"
#include "options.h"
#include "password.h"

/* The address, and whoever logs in there. 0: it cannot be; *status is the exit status. */
static int connect_to(ctl_t *ctl, int *status)
{
    const ctl_options_t *options = ctl->options;
    const ctl_http_setup_t setup = {
        .url = options->url, .user = options->user, .password = options->password,
        .netrc = options->netrc, .cacert = options->cacert,
        .connect_timeout = options->connect_timeout,
        .timeout = options->timeout > 0 ? options->timeout : CTL_ANSWER_TIME,
    };
    const char *user;
    const char *password;
    const char *why;

    if (options->cacert && access(options->cacert, R_OK) != 0) {
        *status = ctl_fail(ctl, CTL_USAGE, "--cacert: %s cannot be read: %s", options->cacert,
                           strerror(errno));
        return 0;
    }
    ctl->http = ctl_http_create(&setup, ctl->pool, &why);
    if (!ctl->http) {
        *status = ctl_fail(ctl, CTL_USAGE, "%s", why);
        return 0;
    }
    user = ctl_http_user_without_password(ctl->http);
    if (!user) {
        return 1;
    }
    /* nobody is asked for anything in the middle of a word that is being completed */
    password = options->command->run == ctl_names_run
               ? NULL : ctl_password_ask(user, ctl_http_url(ctl->http), ctl->pool);
    if (!password && !ctl_interrupt_got()) {
        *status = ctl_fail(ctl, CTL_USAGE, "there is no password for %s: give --user %s:PASSWORD, "
                           "or --netrc", user, user);
    }
    ctl_http_set_password(ctl->http, password);
    return password != NULL;
}

static int run(ctl_t *ctl, const char *wrong)
{
    const ctl_options_t *options = ctl->options;
    int status = CTL_DONE;

    if (wrong) {
        return ctl_fail(ctl, CTL_USAGE, "%s", wrong);
    }
    if (options->wants_help) {
        ctl_help(&ctl->out, options->command, ctl->pool);
        return CTL_DONE;
    }
    if (options->wants_version) {
        ctl_say(&ctl->out, CTL_NAME " " ABSW_VERSION "\n");
        return CTL_DONE;
    }
    return connect_to(ctl, &status) ? options->command->run(ctl) : status;
}

/* Returns the exit status of a command whose output is written, or not. */
static int finish(ctl_t *ctl, int status)
{
    if (!ctl_say_is_written(&ctl->out)) {
        int is_pipe = errno == EPIPE;

        if (!is_pipe) {
            ctl_say(&ctl->err, CTL_NAME ": the output could not be written: %s\n",
                    strerror(errno));
        }
        status = status ? status : CTL_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    ctl_options_t options;
    ctl_t ctl = { .options = &options };
    const char **words;
    const char *wrong;
    int status;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    apr_initialize();
    apr_pool_create(&ctl.pool, NULL);
    /* a reader that leaves is seen where output is written, a peer that leaves by libcurl */
    signal(SIGPIPE, SIG_IGN);
    words = apr_pcalloc(ctl.pool, ((apr_size_t)argc + 1) * sizeof(*words));
    for (int i = 0; i < argc; i++) {
        words[i] = apr_pstrdup(ctl.pool, argv[i]);
    }
    ctl_options_hide(argc, argv);
    ctl_say_init(&ctl.out, stdout);
    ctl_say_init(&ctl.err, stderr);
    wrong = ctl_options_read(argc, words, ctl.pool, &options);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    status = finish(&ctl, run(&ctl, wrong));
    apr_pool_destroy(ctl.pool);
    curl_global_cleanup();
    apr_terminate();
    if (ctl_interrupt_got()) {
        ctl_interrupt_die();
    }
    return status;
}
