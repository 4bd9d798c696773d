/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_REPORT_FACTS_H
#define ABSW_REPORT_FACTS_H

#include "report.h"

/**
 * For the writers of a report: its simple facts by name, once for all of them, in the order in
 * which they are written.
 */

typedef enum {
    ABSW_FACT_END,              /* of a list */
    ABSW_FACT_NONE,             /* does not apply */
    ABSW_FACT_UNKNOWN,
    ABSW_FACT_WORD,
    ABSW_FACT_NUMBER,
    ABSW_FACT_FLAG,             /* number is 0 or 1 */
    ABSW_FACT_TIME              /* number is microseconds, to be written as seconds */
} absw_fact_kind_e;

typedef struct {
    const char *name;
    absw_fact_kind_e kind;
    const char *word;
    apr_int64_t number;
} absw_fact_t;

#define ABSW_FACTS_MAX 16       /* of one list, with its end */

void absw_report_facts_of_node(const absw_report_t *report, absw_fact_t *facts);
void absw_report_facts_of_side(const absw_report_side_t *side, absw_fact_t *facts);
/** Classes, median and 95th percentile: of a side's responses, or its recent ones. */
void absw_report_facts_of_tally(const absw_tally_t *tally, absw_fact_t *facts);
void absw_report_facts_of_peer(const absw_report_node_t *peer, absw_fact_t *facts);

/** What is written of the switch before its weights, and after its closed sides. */
void absw_report_facts_of_switch(const absw_switch_t *rec, absw_fact_t *before,
                                 absw_fact_t *after);

/** s, or in pool a copy of it without what is not clean; NULL is "". */
const char *absw_report_clean(const char *s, apr_pool_t *pool);

#endif
