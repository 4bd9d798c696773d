/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_LOG_H
#define ABSW_LOG_H

#include "switch.h"

/**
 * The log: the switch records that were accepted, newest first, a full record on each line.
 * Pure; the text comes from a store or a file and is hostile until parsed.
 */

#define ABSW_LOG_SHOWN    64            /* changes that are told of */
#define ABSW_LOG_MAX      (ABSW_LOG_SHOWN + 1)  /* records: what the oldest of them changed, too */
#define ABSW_LOG_TEXT_MAX 49152         /* bytes of the text */

typedef struct {
    absw_switch_t rec;
    int valid;                          /* 0: it names a side that is gone; no from, no to */
    int has_from;                       /* what was in force before it is known */
    apr_uint32_t from[ABSW_SIDES_MAX];
} absw_log_entry_t;

/**
 * Parse a log into entries (room for ABSW_LOG_MAX), newest first; lines that are no records
 * are left out, as is a record's second line. Returns how many.
 */
int absw_log_parse(const absw_policy_t *policy, const char *text, apr_size_t len,
                   absw_log_entry_t *entries);

/** A log, or a record that is to be in one, as it came. */
typedef struct {
    const char *bytes;
    apr_size_t len;
} absw_log_text_t;

/**
 * Write the newest records of n logs as one to buf (ABSW_LOG_TEXT_MAX + 1 bytes, NUL-terminated);
 * where two are of the same (generation, at, node) the earlier log's holds, and lines that are no
 * records go. A log that has been written so comes out as it is. pool: for the work. Returns the length.
 */
apr_size_t absw_log_unite(const absw_policy_t *policy, const absw_log_text_t *logs, int n,
                          char *buf, apr_pool_t *pool);

/** Are all its lines records? */
int absw_log_is_whole(const absw_policy_t *policy, const absw_log_text_t *log);

#endif
