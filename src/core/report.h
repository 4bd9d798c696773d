/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_REPORT_H
#define ABSW_REPORT_H

#include "board.h"
#include "cluster.h"
#include "log.h"
#include "store.h"
#include "tally.h"

/**
 * A snapshot of everything a status page, a metric or a monitor can be told (contract section 7).
 * Made by absw_node_status(), in its pool. A time that does not apply is 0.
 */

typedef struct {
    const char *name;
    const char *path;
    absw_side_state_e state;
    absw_drain_e drain;
    const char *reason;             /* why drain is unknown, or "" */
    int known;                      /* 0: sessions is not known (null) */
    int exact;                      /* 0: an estimate, or at least so many */
    apr_uint32_t sessions;
    apr_uint32_t testers;
    apr_uint32_t in_flight;
    absw_sec_t draining_since;      /* 0: null */
    absw_sec_t deadline;            /* 0: null */
    absw_sec_t empty_if_idle;       /* 0: null */
    absw_tally_t responses;         /* of all nodes, since each began to count */
    absw_tally_t recent;            /* the same, of the last minutes */
    absw_tally_t own;               /* of this node */
} absw_report_side_t;

typedef struct {
    const char *name;
    absw_node_state_e state;
    apr_int64_t generation;         /* -1: not known */
    apr_interval_time_t age;        /* of its last report; -1: it never reported */
    apr_interval_time_t skew;       /* its clock less this node's */
    int doubled;                    /* another node has the same name */
    int known;                      /* 0: sessions and in_flight mean nothing */
    apr_uint32_t sessions[ABSW_SIDES_MAX];
    apr_uint32_t in_flight[ABSW_SIDES_MAX];
} absw_report_node_t;

typedef struct {
    const absw_policy_t *policy;
    absw_switch_t rec;              /* in force; rec.generation 0: by default */
    const char *trouble;            /* a value that could not be taken, or "" */
    const char *ignored;            /* one under another key than the switch's, some time ago; "" */
    int auto_close;                 /* a side closes by itself when it is drained */
    absw_report_side_t sides[ABSW_SIDES_MAX];
    absw_report_node_t *nodes;
    int nodes_n;
    int nodes_more;                 /* so many more are in the roster, which are not listed */
    apr_uint64_t verdicts[ABSW_VERDICT_COUNT];  /* that of ABSW_UNTOUCHED is 0 */
    const absw_history_entry_t *history;        /* oldest first */
    int history_n;
    const absw_log_entry_t *log;    /* newest first */
    int log_n;
} absw_report_app_t;

typedef struct {
    const char *module;             /* version */
    const char *node;
    apr_time_t time;
    const char *csrf;               /* NULL: read only */
    struct {
        const char *type;
        absw_store_state_e state;
        const char *epoch;          /* "": not known */
        const absw_store_server_t *servers;
        int servers_n;
    } store;
    absw_report_app_t *apps;
    int apps_n;
} absw_report_t;

/**
 * The report as text, whole, in pool; NULL if there is no memory. Words that are not clean
 * UTF-8 come out with "?" in place of what is not. Any thread.
 */

/**
 * What came of an order: {"ok":true,"generation":13}, or with an error (NULL: there is none)
 * {"ok":false,"error":"..."}.
 */
const char *absw_report_outcome(apr_int64_t generation, const char *error, apr_pool_t *pool);

/** Contract section 7, field by field; indented, with a newline at the end. */
const char *absw_report_json(const absw_report_t *report, apr_pool_t *pool);

/**
 * A line "key: value" for each fact of now: the history and the log are left out. Keys have no
 * space; a value that does not apply is "none", one that is not known "unknown".
 */
const char *absw_report_text(const absw_report_t *report, apr_pool_t *pool);

/** Prometheus text exposition format 0.0.4. */
const char *absw_report_prometheus(const absw_report_t *report, apr_pool_t *pool);

#endif
