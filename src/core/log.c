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

typedef struct {
    char *buf;
    apr_size_t len;
    int lines;
} write_t;

static void put_line(write_t *w, const char *line, apr_size_t len)
{
    if (w->lines < ABSW_LOG_MAX && w->len + len + 1 <= ABSW_LOG_TEXT_MAX) {
        memcpy(w->buf + w->len, line, len);
        w->len += len;
        w->buf[w->len++] = '\n';
        w->lines++;
    }
    else {
        w->lines = ABSW_LOG_MAX;    /* no older line in place of one that did not fit */
    }
}

apr_size_t absw_log_add(const absw_policy_t *policy, const char *text, apr_size_t len,
                        const absw_switch_t *rec, char *buf)
{
    char own[ABSW_SWITCH_TEXT_MAX];
    write_t w = { .buf = buf };
    const char *line;
    apr_size_t line_len;
    int entered = 0;

    while (next_line(&text, &len, &line, &line_len)) {
        absw_switch_t old;
        unsigned gone;

        if (absw_switch_parse_past(policy, line, line_len, &old, &gone) != ABSW_SWITCH_FULL) {
            continue;
        }
        if (is_same(&old, rec)) {
            return 0;
        }
        if (!entered && absw_switch_newer(rec, &old)) {
            put_line(&w, own, absw_switch_format(policy, rec, own));
            entered = 1;
        }
        put_line(&w, line, line_len);
    }
    if (!entered) {
        put_line(&w, own, absw_switch_format(policy, rec, own));
    }
    buf[w.len] = '\0';
    return w.len;
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
    write_t w = { .buf = buf };
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
    for (int i = 0; i < lines_n; i++) {
        put_line(&w, lines[i].text, lines[i].len);
    }
    buf[w.len] = '\0';
    return w.len;
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
