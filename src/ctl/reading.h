/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_READING_H
#define CTL_READING_H

#include "cluster.h"
#include "decide.h"
#include "store.h"

/**
 * What the manager answers (contract section 7): JSON -> structs. Pure: text in, struct or a
 * sentence out. The text is hostile: whatever it is, the answer is one of both, and every
 * word in a struct is clean (text.h), fit for a terminal. A time that does not apply is 0, a
 * number that is not known -1.
 */

typedef struct {
    const char *name;
    const char *path;
    absw_side_state_e state;
    absw_drain_e drain;
    const char *reason;             /* why drain is unknown, or "" */
    apr_int64_t weight;
    apr_int64_t sessions;           /* -1: not known */
    int exact;                      /* 0: an estimate, or at least so many */
    apr_int64_t testers;
    apr_int64_t in_flight;
    absw_sec_t draining_since;
    absw_sec_t deadline;
    absw_sec_t empty_if_idle;
} ctl_side_t;

typedef struct {
    const char *name;
    absw_node_state_e state;
    apr_int64_t generation;         /* -1: not known */
    absw_sec_t age;                 /* of its last report, in seconds; -1: it never reported */
} ctl_node_t;

/** An accepted change of the switch. */
typedef struct {
    apr_int64_t generation;
    absw_sec_t at;
    const char *by;
    const char *note;
    const char *from;               /* "A=1 B=0"; NULL: not known */
    const char *to;
} ctl_change_t;

typedef struct {
    const char *name;
    const char *launchpad;
    ctl_change_t now;               /* the switch in force; from and to are NULL */
    int sides_n;
    ctl_side_t *sides;
    int nodes_n;
    ctl_node_t *nodes;
    int log_n;
    ctl_change_t *log;              /* newest first */
} ctl_app_t;

typedef struct {
    const char *name;
    absw_store_state_e state;
} ctl_server_t;

typedef struct {
    const char *module;             /* version of the server */
    const char *node;
    absw_sec_t time;                /* the server's clock */
    const char *csrf;               /* NULL: a page without controls */
    const char *store;              /* "local", "memcache" */
    absw_store_state_e store_state;
    int servers_n;
    ctl_server_t *servers;
    int apps_n;
    ctl_app_t *apps;
} ctl_report_t;

/** 1, and report in pool; or 0, and in why half a sentence in pool that says what is wrong. */
int ctl_reading_report(const char *text, apr_size_t len, apr_pool_t *pool, ctl_report_t *report,
                       const char **why);

/** What became of a change. */
typedef struct {
    int ok;
    apr_int64_t generation;         /* -1: it did not say */
    const char *error;              /* if not ok; "" if it did not say */
} ctl_outcome_t;

/** As above. */
int ctl_reading_outcome(const char *text, apr_size_t len, apr_pool_t *pool,
                        ctl_outcome_t *outcome, const char **why);

typedef enum {
    CTL_EXCERPT_WHOLE,              /* less the key for forms, which is nobody else's business */
    CTL_EXCERPT_NOW,                /* the same without history and log, on one line */
    CTL_EXCERPT_LOG                 /* the log of the first application */
} ctl_excerpt_e;

/** A report that was read before, as JSON in printable ASCII, in pool; NULL: it is none. */
const char *ctl_reading_excerpt(const char *text, apr_size_t len, ctl_excerpt_e which,
                                apr_pool_t *pool);

/** The application or side of that name, or NULL. */
const ctl_app_t *ctl_reading_app(const ctl_report_t *report, const char *name);
const ctl_side_t *ctl_reading_side(const ctl_app_t *app, const char *name);

#endif
