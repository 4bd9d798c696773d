/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "log.h"

/* The next line of *text, which is shortened by it. 0: there is none. */
static int next_line(const char **text, apr_size_t *len, const char **line, apr_size_t *line_len)
{
    const char *end;

    if (*len == 0) {
        return 0;
    }
    end = memchr(*text, '\n', *len);
    *line = *text;
    *line_len = end ? (apr_size_t)(end - *text) : *len;
    *text += *line_len + (end ? 1 : 0);
    *len -= *line_len + (end ? 1 : 0);
    return 1;
}

static int is_same(const absw_switch_t *a, const absw_switch_t *b)
{
    return !absw_switch_newer(a, b) && !absw_switch_newer(b, a);
}

static int has(const absw_log_entry_t *entries, int n, const absw_switch_t *rec)
{
    for (int i = 0; i < n; i++) {
        if (is_same(&entries[i].rec, rec)) {
            return 1;
        }
    }
    return 0;
}

/* Enter *entry among the n that are there, newest first. Lines are in order, so this is short. */
static void insert(absw_log_entry_t *entries, int n, const absw_log_entry_t *entry)
{
    int i = n;

    while (i > 0 && absw_switch_newer(&entry->rec, &entries[i - 1].rec)) {
        entries[i] = entries[i - 1];
        i--;
    }
    entries[i] = *entry;
}

/* What was in force before each entry: the next one's weights, or before the first the default. */
static void link_up(const absw_policy_t *policy, absw_log_entry_t *entries, int n)
{
    for (int i = 0; i < n; i++) {
        absw_log_entry_t *entry = &entries[i];

        if (i + 1 < n) {
            entry->has_from = entry->valid && entries[i + 1].valid;
            memcpy(entry->from, entries[i + 1].rec.weight, sizeof(entry->from));
        }
        else if (entry->rec.generation == 1) {
            entry->has_from = entry->valid;
            entry->from[policy->default_side] = 1;
        }
    }
}

int absw_log_parse(const absw_policy_t *policy, const char *text, apr_size_t len,
                   absw_log_entry_t *entries)
{
    const char *line;
    apr_size_t line_len;
    int n = 0;

    while (n < ABSW_LOG_MAX && next_line(&text, &len, &line, &line_len)) {
        absw_log_entry_t entry;
        unsigned gone;

        memset(&entry, 0, sizeof(entry));
        if (absw_switch_parse_past(policy, line, line_len, &entry.rec, &gone)
                != ABSW_SWITCH_FULL || has(entries, n, &entry.rec)) {
            continue;
        }
        entry.valid = gone == 0;
        insert(entries, n++, &entry);
    }
    link_up(policy, entries, n);
    return n;
}

/* A line of a log that is written anew. */
typedef struct {
    absw_switch_t rec;
    const char *text;
    apr_size_t len;
} line_t;

/* Enter it among the *n newest lines, which are in order. */
static void enter(line_t *lines, int *n, const line_t *line)
{
    int at = *n;

    while (at > 0 && absw_switch_newer(&line->rec, &lines[at - 1].rec)) {
        at--;
    }
    if (at == ABSW_LOG_MAX || (at > 0 && is_same(&line->rec, &lines[at - 1].rec))) {
        return;
    }
    *n += *n < ABSW_LOG_MAX;
    memmove(&lines[at + 1], &lines[at], (apr_size_t)(*n - 1 - at) * sizeof(*lines));
    lines[at] = *line;
}

apr_size_t absw_log_unite(const absw_policy_t *policy, const absw_log_text_t *logs, int n,
                          char *buf, apr_pool_t *pool)
{
    line_t *lines = apr_palloc(pool, ABSW_LOG_MAX * sizeof(*lines));
    apr_size_t len = 0;
    int lines_n = 0;

    for (int i = 0; i < n; i++) {
        absw_log_text_t rest = logs[i];
        line_t line;
        unsigned gone;

        while (next_line(&rest.bytes, &rest.len, &line.text, &line.len)) {
            if (absw_switch_parse_past(policy, line.text, line.len, &line.rec, &gone)
                == ABSW_SWITCH_FULL) {
                enter(lines, &lines_n, &line);
            }
        }
    }
    /* no older line in place of one that does not fit */
    for (int i = 0; i < lines_n && len + lines[i].len + 1 <= ABSW_LOG_TEXT_MAX; i++) {
        memcpy(buf + len, lines[i].text, lines[i].len);
        len += lines[i].len;
        buf[len++] = '\n';
    }
    buf[len] = '\0';
    return len;
}

int absw_log_is_whole(const absw_policy_t *policy, const absw_log_text_t *log)
{
    absw_log_text_t rest = *log;
    absw_switch_t rec;
    const char *line;
    apr_size_t len;
    unsigned gone;

    while (next_line(&rest.bytes, &rest.len, &line, &len)) {
        if (absw_switch_parse_past(policy, line, len, &rec, &gone) != ABSW_SWITCH_FULL) {
            return 0;
        }
    }
    return 1;
}
