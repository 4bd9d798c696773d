/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_H
#define CTL_H

#include "http.h"
#include "reading.h"
#include "say.h"

/**
 * What every command of the tool has: its command line, its output, its server.
 */

#define CTL_NAME "abswitchctl"

/** An answer takes no longer, unless --timeout says so. */
#define CTL_ANSWER_TIME (10 * APR_USEC_PER_SEC)

/** Contract section 9. `check` has its own. */
typedef enum {
    CTL_DONE,
    CTL_FAILED,                     /* refused: by the server, or because it makes no sense */
    CTL_USAGE,
    CTL_TIMED_OUT,                  /* wait */
    CTL_UNREACHABLE,                /* no answer, or one that is not the manager's */
    CTL_UNKNOWN                     /* wait --fail-unknown */
} ctl_exit_e;

typedef struct ctl_t ctl_t;

/** Options that only some commands take. */
#define CTL_TAKES_NOTE         1
#define CTL_TAKES_FAIL_UNKNOWN 2
#define CTL_TAKES_LIMITS       4    /* -w and -c */

typedef struct {
    const char *name;
    const char *arguments;          /* for people: "APP SIDE" */
    int least;                      /* number of arguments */
    int most;
    unsigned takes;
    const char *summary;            /* half a line */
    const char *help;               /* more of it, whole lines */
    int (*run)(ctl_t *ctl);         /* returns the exit status */
    /* says why it failed, and returns the exit status; NULL: as everybody does */
    int (*fail)(ctl_t *ctl, const char *text);
} ctl_command_t;

/** In the order in which they are told of; the last has no name. */
extern const ctl_command_t ctl_commands[];

/** The command line, read. */
typedef struct {
    const ctl_command_t *command;   /* NULL: only help or version is wanted */
    int wants_help;
    int wants_version;
    const char **arguments;         /* of the command, NULL behind the last */
    int arguments_n;
    const char *url;
    const char *user;               /* NULL: none */
    const char *password;           /* NULL: to be asked for */
    int netrc;
    int json;
    const char *cacert;
    apr_interval_time_t connect_timeout;
    apr_interval_time_t timeout;    /* -1: not given */
    const char *note;               /* "" */
    int fail_unknown;
    apr_int64_t warn;               /* sessions; -1: not given */
    apr_int64_t critical;
} ctl_options_t;

struct ctl_t {
    apr_pool_t *pool;
    const ctl_options_t *options;
    ctl_say_t out;
    ctl_say_t err;
    ctl_http_t *http;
};

int ctl_status_run(ctl_t *ctl);
int ctl_flip_run(ctl_t *ctl);
int ctl_weights_run(ctl_t *ctl);
int ctl_rollback_run(ctl_t *ctl);
int ctl_close_run(ctl_t *ctl);
int ctl_reopen_run(ctl_t *ctl);
int ctl_wait_run(ctl_t *ctl);
int ctl_watch_run(ctl_t *ctl);
int ctl_log_run(ctl_t *ctl);
int ctl_retire_run(ctl_t *ctl);
int ctl_check_run(ctl_t *ctl);
int ctl_check_fail(ctl_t *ctl, const char *text);
int ctl_names_run(ctl_t *ctl);

/**
 * Say why a command ends: a sentence to stderr, with --json an object to stdout, for `check` its
 * one line. Returns the exit status that belongs to it.
 */
int ctl_fail(ctl_t *ctl, ctl_exit_e status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
