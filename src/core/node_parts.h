/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_NODE_PARTS_H
#define ABSW_NODE_PARTS_H

#include <apr_hash.h>

#include "census.h"
#include "members.h"
#include "node.h"
#include "roster.h"

/**
 * What the files of the node share: the parts of a sync. Nobody else includes this.
 */

/** One sync, or the start. */
typedef struct {
    absw_node_t *node;
    apr_time_t now;
    absw_sec_t sec;             /* now, in whole seconds */
    int starting;               /* the store is read only, and everything is ours */
    int leaving;                /* the last one: everything is ours, nobody is served */
    absw_board_node_t was;      /* what the board said of the node before */
    apr_pool_t *pool;
} absw_tick_t;

/* --- what is remembered between syncs, of a cluster only ------------------------------- */

/** Ends of sessions that a node tells of, and when this process heard of each. */
typedef struct {
    int n;
    absw_end_t ends[ABSW_RECORD_ENDS];
    apr_time_t at[ABSW_RECORD_ENDS];    /* 0: it was there when we first looked */
} absw_heard_t;

/** A node, as this process remembers it. */
typedef struct {
    const char *name;
    apr_pool_t *pool;           /* the peer's own */
    int known_before;           /* it was in the roster at an earlier sync */
    int has;                    /* record is there: the newest one heard of */
    int bad;                    /* it was said that its value is none */
    absw_record_t record;
    apr_uint64_t boot;          /* of the newest record, which may not be at hand; 0: none */
    apr_uint64_t sequence;
    apr_time_t clock;
    apr_time_t seen;            /* when it was seen to come; 0: it was there when we first looked */
    apr_time_t seen_before;     /* when the one before it was; 0: not known */
    absw_heard_t heard;
    apr_interval_time_t skew;
    apr_time_t doubled_until;
    struct {
        apr_pool_t *pool;
        absw_sheet_t *sheet;    /* NULL: not at hand */
        int bad;                /* it was said that its value is none */
    } sides[ABSW_SIDES_MAX];
} absw_peer_t;

/** What this process published of a side last. */
typedef struct {
    int written;
    apr_uint64_t digest;
    apr_uint64_t sequence;
    apr_time_t at;
} absw_own_sheet_t;

typedef struct absw_memory_t {
    apr_pool_t *pool;
    apr_hash_t *peers;          /* absw_peer_t by name, other nodes' */
    apr_uint64_t sequence;      /* of our last record; another on the board: others ticked */
    int awake;                  /* sequence means something */
    apr_time_t answered;        /* the last complete answer; 0: none yet */
    apr_time_t answers_since;   /* of a row of complete answers; 0: there is none */
    apr_uint32_t losses;        /* of the store, as last seen */
    int wrote;                  /* the last record was written for sure, with this clock */
    apr_time_t wrote_clock;
    apr_time_t strange_at;      /* when somebody else's record was last found under our name */
    apr_time_t doubled_until;
    absw_heard_t heard;         /* of our own record */
    int file_failed;            /* it was said that the files cannot be written */
    absw_own_sheet_t own[ABSW_SIDES_MAX];
    int own_bad;                /* it was said that our own record is none */
    int inherited_loaded;       /* what there is to inherit is at hand */
    apr_pool_t *inherited_pool;
    absw_sheet_t *inherited[ABSW_SIDES_MAX];    /* of before the loss of our table; or NULL */
} absw_memory_t;

/* --- what a sync knows of an application ------------------------------------------------ */

typedef struct {
    absw_node_app_t *app;
    absw_store_item_t item;     /* the switch's */
    absw_switch_t rec;          /* in force */
    int complete;               /* the store answered completely, and took what was written */
    const char *trouble;        /* if not: why, or NULL */
    absw_record_t record;       /* what this node says */
    absw_cluster_side_t sides[ABSW_SIDES_MAX];

    /* of a cluster; memory is NULL without one */
    absw_memory_t *memory;
    absw_board_cluster_t cluster;           /* as it is to be on the board */
    absw_store_item_t *counts;              /* by side */
    apr_int64_t newest;                     /* generation that any node is known to have */
    int newest_is_live;                     /* a live node has it */
    int doubled;                            /* another node has our name */
    absw_roster_t *roster;                  /* NULL: not known */
    int named;                              /* this node was in it before this sync */
    int parsed;                             /* the store's was one */
    absw_cluster_node_t *nodes;             /* by roster */
    absw_members_t *members[ABSW_SIDES_MAX];    /* this node's own */
    apr_uint32_t inherited[ABSW_SIDES_MAX];     /* of them, those that its table does not have */
} absw_known_t;

/** node_tick.c: has this process still the right to write to the board? */
int absw_tick_is_ours(const absw_tick_t *tick);

void absw_tick_say(const absw_tick_t *tick, absw_say_e level, const absw_node_app_t *app,
                   int side, const char *format, ...) __attribute__((format(printf, 5, 6)));

/** "the store did not answer", or better words. */
const char *absw_tick_why(const absw_tick_t *tick, const absw_store_item_t *items, int n);

/** Give up on the store for this sync. why: or NULL for what it says of its last write. */
void absw_tick_fail(const absw_tick_t *tick, absw_known_t *known, const char *why);

/** Get what is in the store. Of a cluster everything is learnt but the switch. */
void absw_tick_ask(const absw_tick_t *tick, absw_known_t *known);

/** node_cluster.c: the epoch, the roster's names and records. After the first get. */
void absw_tick_learn(const absw_tick_t *tick, absw_known_t *known, absw_store_item_t *items, int n);

/** Put text in the item's place: what was found there is gone, or there was nothing. */
absw_store_result_e absw_tick_replace(const absw_tick_t *tick, const absw_store_item_t *item,
                                      const char *text);

/**
 * node_ignored.c: what is under a key cannot be taken. said: 1 once the error log says so, until
 * the caller sets it back, for the value is good again; NULL for one that is replaced at once.
 */
void absw_tick_ignore(const absw_tick_t *tick, absw_known_t *known, const char *key,
                      const char *why, int *said);
/** The same for a value that is replaced, with the beginning of it. */
void absw_tick_ignore_bytes(const absw_tick_t *tick, absw_known_t *known,
                            const absw_store_item_t *item, const char *why);

/** For so long after it was found last, the page shows it: seconds. */
#define ABSW_NODE_IGNORED_SHOWN 600

/**
 * node_roster.c: the store's roster as it ought to be, and its mark. *same: that is what the store
 * has. NULL: there are no random bytes.
 */
absw_roster_t *absw_tick_find_roster(const absw_tick_t *tick, absw_known_t *known,
                                     const absw_store_item_t *item, int is_lost, int *same);
/** Bring the store's roster to what it ought to be: sets known->roster. */
void absw_tick_write_roster(const absw_tick_t *tick, absw_known_t *known,
                            absw_store_item_t *item, int is_lost);

/** node_peers.c: what is heard of another node; found is 0 if it has no record. */
absw_peer_t *absw_peer_of(absw_memory_t *memory, const char *name);
void absw_peer_recall(const absw_tick_t *tick, absw_known_t *known);
void absw_peer_hear(const absw_tick_t *tick, absw_known_t *known, const absw_store_item_t *item,
                    absw_peer_t *peer);
void absw_peer_forget(absw_memory_t *memory, absw_peer_t *peer);
/** The ends that a record tells of are heard now (0: who knows when), but those heard before. */
void absw_peer_hear_ends(absw_heard_t *heard, const absw_record_t *record, apr_time_t now);
void absw_peer_hear_self(const absw_tick_t *tick, absw_known_t *known,
                         const absw_store_item_t *item);

/** How many sessions of the node are left on a side, by its record. */
apr_uint32_t absw_peer_sessions(const absw_tick_t *tick, const absw_cluster_node_t *node,
                                int side);

/** node_publish.c: this node's own record and sheets, for all. */
void absw_tick_publish(const absw_tick_t *tick, absw_known_t *known);

/** node_union.c: what all nodes have together, and the verdict. */
void absw_tick_unite(const absw_tick_t *tick, absw_known_t *known);

/** Keep what was learnt on the board. */
void absw_tick_remember(const absw_tick_t *tick, const absw_known_t *known);
void absw_tick_remember_store(const absw_tick_t *tick);

/** node_count.c: requests in flight and rules, before a walk over the table; records after it. */
void absw_node_prepare(const absw_node_t *node, absw_known_t *known, int n, apr_time_t now,
                       absw_census_rule_t *rules, apr_uint32_t places);
void absw_node_fill_record(const absw_node_t *node, absw_known_t *known,
                           const absw_census_count_t *counts, apr_uint32_t places,
                           apr_time_t now);

/** node_responses.c: this node's into its record; what the others say, for pages; snapshots. */
void absw_node_fill_responses(const absw_node_t *node, absw_known_t *known, apr_time_t now);
void absw_tick_hear_responses(const absw_tick_t *tick, const absw_known_t *known);
void absw_tick_keep_responses(const absw_tick_t *tick, const absw_known_t *known);
void absw_node_report_responses(const absw_node_t *node, const absw_known_t *known,
                                apr_time_t now, absw_report_app_t *out);

/** node_files.c: the switch and the log in the state directory. */
void absw_tick_keep_file(const absw_tick_t *tick, const absw_known_t *known, const char *what,
                         const char *text, apr_size_t len);
void absw_tick_recall_switch(const absw_tick_t *tick, absw_known_t *known);

/** A node of the roster, as the last sync knew it: for a page, and whoever wants to retire it. */
void absw_node_describe_peer(const absw_node_t *node, const absw_board_peer_t *peer,
                             apr_time_t now, absw_report_node_t *out, apr_pool_t *pool);

/** "A=0 B=1 (generation 12, by web1, closed C, the note)" in pool. */
const char *absw_node_describe_switch(const absw_policy_t *policy, const absw_switch_t *rec,
                                      apr_pool_t *pool);

/** node_items.c: items for a get. */
absw_store_item_t absw_node_roster_item(const absw_policy_t *policy, apr_pool_t *pool);
absw_store_item_t absw_node_record_item(const absw_policy_t *policy, const char *name,
                                        apr_pool_t *pool);
absw_store_item_t absw_node_epoch_item(const absw_policy_t *policy, apr_pool_t *pool);
absw_store_item_t absw_node_count_item(const absw_policy_t *policy, int side, apr_pool_t *pool);

/** Fill out with n random bytes in hex. */
apr_status_t absw_node_random(char *out, apr_size_t n);

/** "abswitch:<app>:node:<name>" and "abswitch:<app>:members:<side>:<name>" in pool. */
const char *absw_node_key(const absw_tick_t *tick, const absw_known_t *known, const char *name);
const char *absw_node_members_key(const absw_tick_t *tick, const absw_known_t *known, int side,
                                  const char *name);

/** Take up the switch: sets known->rec. After absw_tick_ask(). */
void absw_tick_take_switch(const absw_tick_t *tick, absw_known_t *known);

/** The record in force, into the state directory. */
void absw_tick_keep_switch(const absw_tick_t *tick, const absw_known_t *known);

/** node_log.c: see to it that the record in force is in the log, and nothing of it is lost. */
void absw_tick_log(const absw_tick_t *tick, absw_known_t *known);

/**
 * Count for the n applications in known: sets record and sides (by rec, complete and
 * trouble). With sweep, slots of no use are freed. Returns what absw_census_take() does. Of a
 * cluster, sides are as at the last sync, with this node's own counts of this moment.
 */
int absw_node_count(const absw_node_t *node, absw_known_t *known, int n, apr_time_t now,
                    int sweep, apr_pool_t *pool);

/** The same for a sync in a cluster: record and members, but no sides. */
int absw_tick_call_roll(const absw_tick_t *tick, absw_known_t *known, int n);

/** After absw_node_count(): the evidence of drains, what is told of them, and AutoClose. */
void absw_tick_drains(const absw_tick_t *tick, absw_known_t *known);

/** Longer than this without a sync, and what the last one found is no evidence. */
apr_interval_time_t absw_node_stale_after(const absw_node_t *node);

#endif
