/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_CLUSTER_H
#define ABSW_CLUSTER_H

#include "record.h"
#include "switch.h"

/**
 * All nodes' records, the switch and the store's condition -> what is known of a side right
 * now: contract section 7, last paragraphs. Pure.
 */

#define ABSW_CLUSTER_SKEW    5          /* seconds that clocks may differ */
#define ABSW_CLUSTER_SYNCS   3          /* a node that did not report for so many syncs is silent */
#define ABSW_CLUSTER_STREAK  3          /* syncs in a row that make "drained" */
#define ABSW_CLUSTER_REASON  160        /* bytes of a reason, with its NUL */

/** The reason of all drains until the store's epoch is believed. */
extern const char absw_cluster_unsettled[];

/** What is known of a side's drain. */
typedef enum {
    ABSW_DRAIN_OPEN,            /* the side is open: there is none */
    ABSW_DRAIN_DRAINING,        /* somebody is there, or was until now */
    ABSW_DRAIN_DRAINED,         /* nobody is there, proven */
    ABSW_DRAIN_UNKNOWN,
    ABSW_DRAIN_COUNT
} absw_drain_e;

/** "open", "draining", "drained", "unknown". Static. */
const char *absw_drain_name(absw_drain_e drain);

typedef enum {
    ABSW_NODE_LIVE,
    ABSW_NODE_LEFT,             /* stopped in order */
    ABSW_NODE_SILENT,           /* dead or cut off: that looks the same */
    ABSW_NODE_STATE_COUNT
} absw_node_state_e;

/** "live", "left", "silent". Static. */
const char *absw_node_state_name(absw_node_state_e state);

/** A node of the roster, as this node sees it. */
typedef struct {
    const char *name;
    const absw_record_t *record;    /* its newest; NULL: it has none in the store */
    apr_interval_time_t age;        /* since its newest record came, by this node's clock */
    apr_interval_time_t skew;       /* its clock less this node's; 0 for this node */
    int doubled;                    /* another node has the same name */
} absw_cluster_node_t;

/** The sessions of a side over all nodes that count there (absw_cluster_counts): the union. */
typedef struct {
    apr_uint32_t sessions;
    apr_uint32_t testers;
    int exact;                      /* 0: the number is an estimate */
    int unknown;                    /* sessions means nothing, but there are some */
} absw_cluster_union_t;

typedef struct {
    const absw_policy_t *policy;
    const absw_switch_t *rec;       /* in force on this node */
    apr_time_t now;
    apr_interval_time_t sync;
    int complete;                   /* the store answered completely */
    const char *trouble;            /* if it did not: why, or NULL */
    const char *epoch;              /* of the store; NULL: not known, or not settled yet */
    const absw_cluster_node_t *nodes;   /* the whole roster, this node among it */
    int nodes_n;
    const absw_cluster_union_t *sides;  /* by side of the policy */
} absw_cluster_facts_t;

typedef struct {
    absw_drain_e drain;             /* DRAINED: all its conditions hold right now, this once */
    char reason[ABSW_CLUSTER_REASON];   /* of UNKNOWN: what an administrator can act on; else "" */
    int known;                      /* 0: sessions means nothing */
    int exact;                      /* 0: sessions is an estimate, or "at least" */
    apr_uint32_t sessions;
    apr_uint32_t testers;
    apr_uint32_t in_flight;
    absw_sec_t empty_at;            /* nobody is left then if nobody clicks; 0: not known, or now */
} absw_cluster_side_t;

absw_node_state_e absw_cluster_state(const absw_cluster_node_t *node, apr_interval_time_t sync);

/**
 * Do a node's sessions and requests on a side count? Those of a silent node do not once the side
 * is 5 s past its deadline, if it had accepted this generation: it has closed the side by itself.
 * Nor do those of a node that was stopped, once the side is closed.
 */
int absw_cluster_counts(const absw_cluster_facts_t *facts, const absw_cluster_node_t *node,
                        int side);

void absw_cluster_judge(const absw_cluster_facts_t *facts, int side, absw_cluster_side_t *found);

#endif
