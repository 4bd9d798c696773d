/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_VALUES_H
#define ABSWITCH_VALUES_H

#include "module.h"

/**
 * What directives are given, parsed. Each returns NULL, or one sentence for the administrator
 * that names the directive, the value and what is accepted.
 */

/** What most times may be. */
#define ABSWITCH_TIME_MIN   apr_time_from_sec(1)
#define ABSWITCH_TIME_MAX   apr_time_from_sec(365 * 24 * 3600)

/** A duration in httpd's syntax between min and max; a bare number is seconds. */
const char *abswitch_value_time(cmd_parms *cmd, const char *word, apr_interval_time_t min,
                                apr_interval_time_t max, apr_interval_time_t *time);

/** The same, or "none" as 0. */
const char *abswitch_value_time_or_none(cmd_parms *cmd, const char *word,
                                        apr_interval_time_t min, apr_interval_time_t max,
                                        apr_interval_time_t *time);

const char *abswitch_value_number(cmd_parms *cmd, const char *word, apr_int64_t min,
                                  apr_int64_t max, apr_int64_t *number);

/**
 * A URL path as it reads decoded: begins with "/", no empty, "." or ".." segment, no "%", "?",
 * "#", "\" or control character. *path is without trailing slash; "" for the root.
 */
const char *abswitch_value_path(cmd_parms *cmd, const char *word, const char **path);

/** A name of 1 to max bytes of [A-Za-z0-9_-]; what: "an application's name". */
const char *abswitch_value_name(cmd_parms *cmd, const char *word, apr_size_t max,
                                const char *what);

/** A cookie's name: a token of RFC 9110 section 5.6.2. */
const char *abswitch_value_cookie_name(cmd_parms *cmd, const char *word);

/** One of the words (NULL-terminated list), compared without case; *choice is its number. */
const char *abswitch_value_choice(cmd_parms *cmd, const char *word, const char *const *words,
                                  int *choice);

/** An httpd expression that is true or false. */
const char *abswitch_value_expr(cmd_parms *cmd, const char *text, ap_expr_info_t **expr);

#endif
