/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_BOARD_H
#define ABSW_BOARD_H

#include "history.h"
#include "switch.h"

/**
 * The board: what all processes of the node share about its applications. The directory gives
 * every application and side a lasting number; the switch in force; the drain's evidence; the
 * history of counts.
 *
 * The parent enters applications. One process at a time writes the rest (the parent before
 * children run, then whichever child syncs), but for the switch, which any may set; everyone reads
 * at any time without a lock, and a writer killed in the middle leaves the last good version in
 * force (cell.h). Of two that write at once, because one was stopped for a while, one does nothing:
 * its set function returns 0.
 */

/** A side's lasting number on this node. */
#define ABSW_PLACE(app, slot)   ((apr_uint16_t)((app) * ABSW_SIDES_MAX + (slot)))

/** More applications than this have no places: a place is 16 bits. */
#define ABSW_BOARD_APPS_MAX     (65536 / ABSW_SIDES_MAX)

typedef struct absw_board_t absw_board_t;       /* lives in shared memory */

apr_size_t absw_board_size(apr_uint32_t apps);

/**
 * A board in mem (8-byte aligned, zeroed when new). Checks what a kept board says of itself; NULL
 * if it makes no sense.
 */
absw_board_t *absw_board_attach(void *mem, apr_uint32_t apps);

/** At a start, while no other process of the node runs: void the lease and half-made writes. */
void absw_board_recover(absw_board_t *board);

/** So much room a board needs to take over this one. */
apr_uint32_t absw_board_used(const absw_board_t *board);

/** Copy all of from to a new board that has the room, place for place. Nobody else uses either. */
void absw_board_take_over(absw_board_t *board, const absw_board_t *from);

/**
 * An application's place on the board: made at configuration time, in the configuration's pool,
 * read only afterwards. When a later configuration has given the room of the application, or of
 * one of its sides, to another, whoever still uses this reads nothing of the other's and writes
 * nothing.
 */
typedef struct {
    absw_board_t *board;
    int app;                                    /* -1: the board has no room for it */
    int sides_n;
    apr_uint16_t place[ABSW_SIDES_MAX];         /* by side of the policy */

    /**
     * Places that meant something else until now, bit i: ABSW_PLACE(app, i). The caller frees
     * their sessions; and if all bits are set, forgets the application's verdicts (children.h).
     */
    apr_uint32_t reused;

    apr_uint32_t incarnation;                   /* the rest is the board's own */
    apr_uint32_t side_incarnation[ABSW_SIDES_MAX];
} absw_board_app_t;

/**
 * Say which applications the configuration has that is about to be entered, so that
 * absw_board_enter may give the room of others away. Parent only.
 */
void absw_board_expect(absw_board_t *board, const absw_policy_t *const *policies, int n);

/**
 * Find or enter an application and its sides by name. Applications and sides that are no longer
 * configured keep their numbers until the room is needed. Parent only. 1, or 0 when there is
 * no room (app is -1 then).
 */
int absw_board_enter(absw_board_t *board, const absw_policy_t *policy, absw_board_app_t *app);

/**
 * The switch in force, by side of the policy. 0: none was ever set (the default holds). A side
 * that the policy has no more is left out, so it may be that no weight is left.
 */
int absw_board_get_switch(const absw_board_app_t *app, absw_switch_t *rec);

/** Put it in force, unless a newer one (absw_switch_newer) is. Any thread. Returns 1 if done. */
int absw_board_set_switch(const absw_board_app_t *app, const absw_switch_t *rec);

/**
 * The same, but all that a request needs alone: the generation and, of each side or of that one,
 * weight, closed and since. The rest of rec means nothing.
 */
int absw_board_view(const absw_board_app_t *app, absw_switch_t *rec);
int absw_board_view_side(const absw_board_app_t *app, int side, absw_switch_t *rec);

/** A session could not be counted on that side at now: no room in the table. Any thread. */
void absw_board_uncounted(const absw_board_app_t *app, int side, absw_sec_t now);
absw_sec_t absw_board_uncounted_at(const absw_board_app_t *app, int side);     /* 0: never */

/** The same by place, when a file is converted. */
void absw_board_uncounted_place(absw_board_t *board, apr_uint16_t place, absw_sec_t now);

/** Node-wide words, kept over restarts. Times in microseconds since 1970 where apr_time_t. */
typedef struct {
    char epoch[33];                 /* of the local store: random hex, made with the file */
    absw_sec_t relearning_until;    /* 0: the node knows its sessions */
    apr_time_t synced;              /* when the last sync ended */
} absw_board_node_t;
void absw_board_get_node(const absw_board_t *board, absw_board_node_t *node);
int absw_board_set_node(absw_board_t *board, const absw_board_node_t *node);

/**
 * The right to sync: exactly one process of the node has it. Returns 1 if pid has it now, until
 * `until`; taken over when the holder's time is past or alive() says it is gone. A lease for more
 * than ten minutes ahead is past, too: the clock was set back.
 */
int absw_board_lease(absw_board_t *board, apr_uint32_t pid, apr_time_t now, apr_time_t until,
                     int (*alive)(apr_uint32_t pid));
void absw_board_release(absw_board_t *board, apr_uint32_t pid);

/** What the last sync found of a side: the proof of a drain, and words for a page. */
typedef struct {
    int proven;                     /* all conditions of "drained" held in the last sync */
    apr_uint32_t streak;            /* for so many syncs in a row, at that generation */
    apr_int64_t generation;         /* of the switch: evidence of another one is none */
    apr_time_t since;               /* the first of them */
    absw_sec_t told;                /* the drain that began then is known to be told of; 0: none */
    char reason[160];               /* why it is unknown; "" */
} absw_board_drain_t;
void absw_board_get_drain(const absw_board_app_t *app, int side, absw_board_drain_t *drain);
int absw_board_set_drain(const absw_board_app_t *app, int side, const absw_board_drain_t *drain);

/** A value of the switch that could not be taken: words for the page; "" when there is none. */
#define ABSW_BOARD_TROUBLE_MAX 256
void absw_board_get_trouble(const absw_board_app_t *app, char *text);
int absw_board_set_trouble(const absw_board_app_t *app, const char *text);

/* --- the cluster: what the sync knows, for pages and for the next process that syncs --------- */

#ifndef ABSW_BOARD_PEERS_MAX            /* make fuzz: fewer */
#define ABSW_BOARD_PEERS_MAX    256     /* nodes that are remembered; of more the first */
#endif
#define ABSW_BOARD_SERVERS_MAX  8

/** The store, after the last sync. All zero: it was not asked yet. */
typedef struct {
    int asked;
    int state;                      /* absw_store_state_e */
    int servers_n;
    struct {
        char name[128];
        int state;
        char why[124];
    } servers[ABSW_BOARD_SERVERS_MAX];
} absw_board_store_t;
void absw_board_get_store(const absw_board_t *board, absw_board_store_t *store);
int absw_board_set_store(absw_board_t *board, const absw_board_store_t *store);

/** One application's words about its cluster, kept over restarts. */
typedef struct {
    char epoch[33];                 /* of the store as last seen; "": never */
    char roster[17];                /* mark of the roster as last seen (roster.h); "": never */
    apr_time_t settled;             /* the epoch is believed from then on */
    apr_time_t steady;              /* and what is counted in it, a sync after a loss at the earliest */
    apr_uint64_t boot;              /* of this node's life; 0: not chosen yet */
    apr_uint64_t sequence;          /* of its last record */
    absw_sec_t lost;                /* sessions were lost then, and the own record was not looked at
                                     * yet; 0: neither */
    absw_sec_t inherited_until;     /* sessions known by their hashes alone are there until */
    absw_sec_t relearning_until;    /* 0: the node knows its sessions */
    int complete;                   /* the last sync knew everything it needed */
    int peers_n;                    /* nodes of the roster, this one among them */
    absw_sec_t ignored_at;          /* when a value that cannot be taken was last found; 0: never */
    char ignored[ABSW_BOARD_TROUBLE_MAX];   /* under which key, and why: words for the page */
} absw_board_cluster_t;
void absw_board_get_cluster(const absw_board_app_t *app, absw_board_cluster_t *cluster);
int absw_board_set_cluster(const absw_board_app_t *app, const absw_board_cluster_t *cluster);

/** A node of the roster, as the last sync knew it. */
typedef struct {
    char name[ABSW_NODE_NAME_MAX + 8];
    apr_uint64_t boot;              /* of its newest record; 0: it has none */
    apr_uint64_t sequence;
    apr_time_t seen;                /* when that came, by this node's clock; 0: before we looked */
    apr_time_t clock;               /* its own, in that record */
    apr_interval_time_t skew;
    apr_time_t doubled_until;       /* two nodes of that name were there not long before */
    apr_int64_t generation;         /* -1: it has no record in this epoch */
    int left;
    apr_uint32_t sessions[ABSW_SIDES_MAX];      /* by side of the policy, as is the next */
    apr_uint32_t in_flight[ABSW_SIDES_MAX];
} absw_board_peer_t;
int absw_board_get_peer(const absw_board_app_t *app, int i, absw_board_peer_t *peer);
int absw_board_set_peer(const absw_board_app_t *app, int i, const absw_board_peer_t *peer);

/** A side over all nodes, at the last sync; and how much of it was this node's own. */
typedef struct {
    int known;
    int exact;
    apr_uint32_t sessions;
    apr_uint32_t testers;
    apr_uint32_t in_flight;
    absw_sec_t empty_at;            /* of the other nodes */
    apr_uint32_t inherited;         /* this node's, known by their hashes alone */
    apr_uint32_t own_sessions;      /* this node's, of its table, as are the next */
    apr_uint32_t own_testers;
    apr_uint32_t own_in_flight;
} absw_board_sum_t;
void absw_board_get_sum(const absw_board_app_t *app, int side, absw_board_sum_t *sum);
int absw_board_set_sum(const absw_board_app_t *app, int side, const absw_board_sum_t *sum);

/** History (history.h), with sessions[] by side of the policy, UNKNOWN behind the last. */
int absw_board_history_add(const absw_board_app_t *app, const absw_history_entry_t *entry);
int absw_board_history(const absw_board_app_t *app, absw_sec_t now, absw_history_entry_t *entries);

#endif
