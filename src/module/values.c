/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_lib.h>
#include <apr_strings.h>

#include "duration.h"
#include "values.h"

static const char *time_error(cmd_parms *cmd, const char *word, apr_interval_time_t min,
                              apr_interval_time_t max, const char *or_none)
{
    char least[ABSW_DURATION_TEXT_MAX];
    char most[ABSW_DURATION_TEXT_MAX];

    return apr_psprintf(cmd->pool, "%s: \"%s\" is not accepted; give a time from %s to %s%s, "
                        "such as 500ms, 30s, 30min or 8h (a bare number is seconds)",
                        cmd->cmd->name, word, absw_duration_text(min, least),
                        absw_duration_text(max, most), or_none);
}

static int parse_time(const char *word, apr_interval_time_t min, apr_interval_time_t max,
                      apr_interval_time_t *time)
{
    return absw_duration_parse(word, time) && *time >= min && *time <= max;
}

const char *abswitch_value_time(cmd_parms *cmd, const char *word, apr_interval_time_t min,
                                apr_interval_time_t max, apr_interval_time_t *time)
{
    return parse_time(word, min, max, time) ? NULL : time_error(cmd, word, min, max, "");
}

const char *abswitch_value_time_or_none(cmd_parms *cmd, const char *word,
                                        apr_interval_time_t min, apr_interval_time_t max,
                                        apr_interval_time_t *time)
{
    if (!ap_cstr_casecmp(word, "none")) {
        *time = 0;
        return NULL;
    }
    return parse_time(word, min, max, time) ? NULL : time_error(cmd, word, min, max, " or none");
}

const char *abswitch_value_number(cmd_parms *cmd, const char *word, apr_int64_t min,
                                  apr_int64_t max, apr_int64_t *number)
{
    char *end;

    errno = 0;
    *number = apr_strtoi64(word, &end, 10);
    if (!apr_isdigit(*word) || *end || errno || *number < min || *number > max) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not accepted; give a whole number from %"
                            APR_INT64_T_FMT " to %" APR_INT64_T_FMT, cmd->cmd->name, word,
                            min, max);
    }
    return NULL;
}

/** Is the segment at s one that a URL path as httpd maps it cannot have? */
static int is_odd_segment(const char *s)
{
    apr_size_t len = strcspn(s, "/");

    return (len == 0 && s[0]) || (len == 1 && s[0] == '.')
           || (len == 2 && s[0] == '.' && s[1] == '.');
}

const char *abswitch_value_path(cmd_parms *cmd, const char *word, const char **path)
{
    apr_size_t len = strlen(word);
    int ok = *word == '/' && len <= 1024;

    for (apr_size_t i = 0; ok && i < len; i++) {
        ok = !apr_iscntrl(word[i]) && !strchr("%?#\\", word[i])
             && (word[i] != '/' || !is_odd_segment(word + i + 1));
    }
    if (!ok) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not accepted; give a URL path as it reads "
                            "decoded, such as /contact/A: it begins with \"/\" and has no empty, "
                            "\".\" or \"..\" segment and none of %% ? # \\",
                            cmd->cmd->name, word);
    }
    *path = apr_pstrmemdup(cmd->pool, word, word[len - 1] == '/' ? len - 1 : len);
    return NULL;
}

const char *abswitch_value_name(cmd_parms *cmd, const char *word, apr_size_t max,
                                const char *what)
{
    if (absw_policy_is_name(word, strlen(word), max, "")) {
        return NULL;
    }
    return apr_psprintf(cmd->pool, "%s: \"%s\" is not accepted; %s has 1 to %" APR_SIZE_T_FMT
                        " of the characters A-Z a-z 0-9 _ -", cmd->cmd->name, word, what, max);
}

const char *abswitch_value_cookie_name(cmd_parms *cmd, const char *word)
{
    int ok = *word != '\0' && strlen(word) <= 128;

    for (const char *c = word; ok && *c; c++) {
        ok = apr_isalnum(*c) || strchr("!#$%&'*+-.^_`|~", *c);
    }
    return ok ? NULL
              : apr_psprintf(cmd->pool, "%s: \"%s\" is not accepted; a cookie's name has 1 to 128 "
                             "letters, digits or any of !#$%%&'*+-.^_`|~", cmd->cmd->name, word);
}

const char *abswitch_value_choice(cmd_parms *cmd, const char *word, const char *const *words,
                                  int *choice)
{
    const char *list = words[0];

    for (int i = 0; words[i]; i++) {
        if (!ap_cstr_casecmp(word, words[i])) {
            *choice = i;
            return NULL;
        }
    }
    for (int i = 1; words[i]; i++) {
        list = apr_pstrcat(cmd->pool, list, words[i + 1] ? ", " : " or ", words[i], NULL);
    }
    return apr_psprintf(cmd->pool, "%s: \"%s\" is not accepted; give %s", cmd->cmd->name, word,
                        list);
}

const char *abswitch_value_expr(cmd_parms *cmd, const char *text, ap_expr_info_t **expr)
{
    const char *error = NULL;

    *expr = ap_expr_parse_cmd(cmd, text, 0, &error, NULL);
    return error ? apr_psprintf(cmd->pool, "%s: \"%s\" is not an httpd expression: %s; give one "
                                "that is true or false, such as \"-R '10.0.0.0/8'\"",
                                cmd->cmd->name, text, error)
                 : NULL;
}
