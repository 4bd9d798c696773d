/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "duration.h"
#include "options.h"
#include "text.h"

#define URL_DEFAULT     "http://localhost/abswitch-manager"
#define CONNECT_TIMEOUT (5 * APR_USEC_PER_SEC)
#define TIME_MAX        (APR_INT64_C(365) * 24 * 3600 * APR_USEC_PER_SEC)
#define NOTE_CHARACTERS 200
#define COUNT_MAX       APR_INT64_C(1000000000000)

typedef struct {
    apr_pool_t *pool;
    ctl_options_t *options;
    const char *given[CTL_TAKES_LIMITS + 1];    /* by CTL_TAKES_...: the option, as it was given */
} reader_t;

/* NULL, or what is wrong with the value. */
typedef const char *(*take_t)(reader_t *r, const char *value);

/* ---- values ---- */

static const char *take_url(reader_t *r, const char *value)
{
    r->options->url = value;
    return *value ? NULL : "it is empty";
}

static const char *take_user(reader_t *r, const char *value)
{
    const char *colon = strchr(value, ':');

    if (!*value || colon == value) {
        return "give NAME or NAME:PASSWORD";
    }
    r->options->user = colon ? apr_pstrmemdup(r->pool, value, (apr_size_t)(colon - value)) : value;
    r->options->password = colon ? apr_pstrdup(r->pool, colon + 1) : NULL;
    return NULL;
}

static const char *take_cacert(reader_t *r, const char *value)
{
    r->options->cacert = value;
    return *value ? NULL : "it is empty";
}

static const char *take_time(const char *value, apr_interval_time_t least,
                             apr_interval_time_t *time)
{
    return absw_duration_parse(value, time) && *time >= least && *time <= TIME_MAX
           ? NULL : "give a time up to 8760h, such as 500ms, 30s, 30min or 8h "
                    "(a bare number is seconds)";
}

static const char *take_connect_timeout(reader_t *r, const char *value)
{
    return take_time(value, 1, &r->options->connect_timeout);
}

static const char *take_timeout(reader_t *r, const char *value)
{
    return take_time(value, 0, &r->options->timeout);
}

static const char *take_note(reader_t *r, const char *value)
{
    apr_size_t len = strlen(value);

    r->options->note = value;
    if (!absw_text_is_clean(value, len)) {
        return "a note is text in UTF-8, without control characters";
    }
    return ctl_say_width(value) <= NOTE_CHARACTERS
           ? NULL : "a note has at most 200 characters";
}

static const char *take_count(const char *value, apr_int64_t *count)
{
    return absw_text_number(value, strlen(value), COUNT_MAX, count)
           ? NULL : "give a number of sessions";
}

static const char *take_warn(reader_t *r, const char *value)
{
    return take_count(value, &r->options->warn);
}

static const char *take_critical(reader_t *r, const char *value)
{
    return take_count(value, &r->options->critical);
}

static const char *take_netrc(reader_t *r, const char *value)
{
    r->options->netrc = value != NULL;
    return NULL;
}

static const char *take_json(reader_t *r, const char *value)
{
    r->options->json = value != NULL;
    return NULL;
}

static const char *take_fail_unknown(reader_t *r, const char *value)
{
    r->options->fail_unknown = value != NULL;
    return NULL;
}

static const char *take_help(reader_t *r, const char *value)
{
    r->options->wants_help = value != NULL;
    return NULL;
}

static const char *take_version(reader_t *r, const char *value)
{
    r->options->wants_version = value != NULL;
    return NULL;
}

/* ---- options ---- */

typedef struct {
    const char *name;
    char letter;                    /* 0: none */
    int has_value;
    unsigned takes;                 /* of a command; 0: every command takes it */
    take_t take;                    /* without a value it is given "" */
} option_t;

static const option_t options_known[] = {
    { .name = "url", .has_value = 1, .take = take_url },
    { .name = "user", .has_value = 1, .take = take_user },
    { .name = "netrc", .take = take_netrc },
    { .name = "json", .take = take_json },
    { .name = "cacert", .has_value = 1, .take = take_cacert },
    { .name = "connect-timeout", .has_value = 1, .take = take_connect_timeout },
    { .name = "timeout", .has_value = 1, .take = take_timeout },
    { .name = "note", .has_value = 1, .takes = CTL_TAKES_NOTE, .take = take_note },
    { .name = "fail-unknown", .takes = CTL_TAKES_FAIL_UNKNOWN, .take = take_fail_unknown },
    { .name = "warning", .letter = 'w', .has_value = 1, .takes = CTL_TAKES_LIMITS,
      .take = take_warn },
    { .name = "critical", .letter = 'c', .has_value = 1, .takes = CTL_TAKES_LIMITS,
      .take = take_critical },
    { .name = "help", .letter = 'h', .take = take_help },
    { .name = "version", .letter = 'V', .take = take_version },
    { .name = NULL }
};

static const option_t *find_long(const char *name, apr_size_t len)
{
    const option_t *option = options_known;

    while (option->name && (strlen(option->name) != len || strncmp(option->name, name, len))) {
        option++;
    }
    return option->name ? option : NULL;
}

static const option_t *find_letter(char letter)
{
    const option_t *option = options_known;

    while (option->name && (!option->letter || option->letter != letter)) {
        option++;
    }
    return option->name ? option : NULL;
}

/* Its value begins at value (NULL: it has none) or is the next word. */
static const char *take_option(reader_t *r, const option_t *option, const char *given,
                               const char *value, const char *const *next, int *used)
{
    const char *wrong;

    if (!option) {
        return apr_psprintf(r->pool, "there is no option \"%s\"", given);
    }
    if (!option->has_value && value) {
        return apr_psprintf(r->pool, "the option \"%s\" takes no value", given);
    }
    if (option->has_value && !value) {
        if (!*next) {
            return apr_psprintf(r->pool, "the option \"%s\" needs a value", given);
        }
        value = *next;
        *used = 1;
    }
    r->given[option->takes] = given;
    wrong = option->take(r, value ? value : "");
    /* what stands behind --user may be a password: it is not shown */
    return wrong ? apr_psprintf(r->pool, "%s: %s", given, wrong) : NULL;
}

/* "--name=value", "--name value", "-wN", "-w N". *used: the next word was its value. */
static const char *read_option(reader_t *r, const char *word, const char *const *next, int *used)
{
    const char *equals = strchr(word, '=');
    apr_size_t len = equals ? (apr_size_t)(equals - word) : strlen(word);

    if (word[1] == '-') {
        return take_option(r, find_long(word + 2, len - 2), apr_pstrmemdup(r->pool, word, len),
                           equals ? equals + 1 : NULL, next, used);
    }
    return take_option(r, find_letter(word[1]), apr_pstrmemdup(r->pool, word, 2),
                       word[2] ? word + 2 : NULL, next, used);
}

/* ---- the command ---- */

static const ctl_command_t *find_command(const char *name)
{
    const ctl_command_t *command = ctl_commands;

    while (command->name && strcmp(command->name, name)) {
        command++;
    }
    return command->name ? command : NULL;
}

/* "help", "help flip" and "flip --help" are one. */
static const char *take_command(reader_t *r)
{
    ctl_options_t *options = r->options;
    const char *name = options->arguments[0];

    if (name && !strcmp(name, "help")) {
        options->wants_help = 1;
        options->arguments++;
        options->arguments_n--;
        name = options->arguments[0];
    }
    if (!name) {
        return options->wants_help || options->wants_version
               ? NULL : "no command; \"" CTL_NAME " help\" lists them";
    }
    options->command = find_command(name);
    if (!options->command) {
        return apr_psprintf(r->pool, "there is no command \"%s\"; \"" CTL_NAME " help\" lists "
                            "them", name);
    }
    options->arguments++;
    options->arguments_n--;
    return NULL;
}

static const char *check_command(reader_t *r)
{
    const ctl_options_t *options = r->options;
    const ctl_command_t *command = options->command;

    for (unsigned takes = 1; takes <= CTL_TAKES_LIMITS; takes++) {
        if (r->given[takes] && !(command->takes & takes)) {
            return apr_psprintf(r->pool, "\"%s\" does not take the option \"%s\"",
                                command->name, r->given[takes]);
        }
    }
    if (options->arguments_n < command->least || options->arguments_n > command->most) {
        return apr_psprintf(r->pool, "usage: " CTL_NAME " %s%s%s", command->name,
                            *command->arguments ? " " : "", command->arguments);
    }
    if (options->user && options->netrc) {
        return "--user and --netrc exclude each other";
    }
    if (options->timeout == 0 && !(command->takes & CTL_TAKES_FAIL_UNKNOWN)) {
        return "--timeout: nothing is answered in no time";
    }
    return NULL;
}

const char *ctl_options_read(int argc, const char *const *argv, apr_pool_t *pool,
                             ctl_options_t *options)
{
    reader_t r = { .pool = pool, .options = options };
    const char *url = getenv("ABSWITCH_URL");
    const char *wrong = NULL;
    const char *no_command;
    int only_words = 0;

    *options = (ctl_options_t) {
        .url = url && *url ? url : URL_DEFAULT, .connect_timeout = CONNECT_TIMEOUT,
        .timeout = -1, .note = "", .warn = -1, .critical = -1,
        .arguments = apr_pcalloc(pool, (apr_size_t)(argc + 1) * sizeof(char *)),
    };
    for (int i = 1; i < argc; i++) {
        if (!only_words && argv[i][0] == '-' && argv[i][1]) {
            int used = 0;
            const char *error;

            only_words = !strcmp(argv[i], "--");
            error = only_words ? NULL : read_option(&r, argv[i], argv + i + 1, &used);
            wrong = wrong ? wrong : error;
            i += used;
        }
        else {
            options->arguments[options->arguments_n++] = argv[i];
        }
    }
    no_command = take_command(&r);
    if (wrong || no_command) {
        return wrong ? wrong : no_command;
    }
    return options->command && !options->wants_help && !options->wants_version
           ? check_command(&r) : NULL;
}

/* ---- passwords ---- */

static void wipe(char *s)
{
    memset(s, 0, strlen(s));
}

/* Behind the colon of NAME:PASSWORD, or of https://NAME:PASSWORD@HOST/. */
static void hide_value(char *value, int is_url)
{
    char *scheme = is_url ? strstr(value, "://") : NULL;
    char *from = scheme ? scheme + 3 : value;
    char *end = is_url ? from + strcspn(from, "/?#") : from + strlen(from);
    char *at = is_url ? memrchr(from, '@', (size_t)(end - from)) : end;
    char *colon = at ? memchr(from, ':', (size_t)(at - from)) : NULL;

    if (colon) {
        wipe(colon);
    }
}

void ctl_options_hide(int argc, char **argv)
{
    static const char *const names[] = { "--user", "--url" };

    for (int i = 1; i < argc; i++) {
        for (int which = 0; which < 2; which++) {
            apr_size_t len = strlen(names[which]);

            if (strncmp(argv[i], names[which], len)) {
                continue;
            }
            if (argv[i][len] == '=') {
                hide_value(argv[i] + len + 1, which);
            }
            else if (!argv[i][len] && i + 1 < argc) {
                hide_value(argv[i + 1], which);
            }
        }
    }
}
