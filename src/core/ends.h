/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_ENDS_H
#define ABSW_ENDS_H

#include "absw.h"

/**
 * Ends of sessions (tombstones): a logout or an entering anew, which the other nodes must hear of.
 * A session ends on all sides of its application at once. Activity later than the end revives
 * it. An end that gets lost leaves a session counted until its idle time-out: too many, which is
 * the safe side; so nothing here waits or makes sure.
 */

/** Ends are told to others for so long; a node that did not hear of one in time counts too many. */
#define ABSW_ENDS_KEPT 120          /* seconds */

typedef struct {
    apr_uint64_t hash;              /* absw_members_hash() of the session's id */
    absw_sec_t at;                  /* when it ended, by the clock of the node where it did */
} absw_end_t;

/* --- this node's own: a ring in shared memory --------------------------------------------- */

/**
 * A section of its own in the state file, beside board, children and table: absw_ends_size()
 * bytes (under 100 KB), 8-byte aligned, zeroed when new. Any bytes are valid contents: an entry
 * counts only if its check value fits. When a file is converted it may be begun anew.
 *
 * Any thread of any process adds and reads, without a lock. An entry whose writer was killed is
 * dropped, one that is being written is seen at the next look.
 */
typedef struct absw_ends_t absw_ends_t;

#ifndef ABSW_ENDS_RING              /* make fuzz: fewer */
#define ABSW_ENDS_RING 4096         /* entries, of all applications together */
#endif

apr_size_t absw_ends_size(void);
absw_ends_t *absw_ends_attach(void *mem);

/** A session ended. app: the application's number on the board (absw_board_app_t.app), >= 0. */
void absw_ends_add(absw_ends_t *ends, int app, apr_uint64_t hash, absw_sec_t at);

/**
 * What ended since then and until now (both included; ends of the future are those of a clock that
 * was set back), newest first, each session once, at most max. Reads the whole ring each time: no
 * cursor, so it matters not which process looked last. *lost (or NULL) is 1 if there were more
 * than list or ring could hold. Returns how many.
 */
int absw_ends_recent(const absw_ends_t *ends, int app, absw_sec_t since, absw_sec_t now,
                     absw_end_t *list, int max, int *lost);

/* --- other nodes': a set to look sessions up in --------------------------------------------- */

typedef struct absw_ended_t absw_ended_t;

/** An empty set with room for so many. pool: its memory. */
absw_ended_t *absw_ended_make(apr_pool_t *pool, apr_uint32_t room);

/**
 * Add one of an application, or keep the later end. One that is more than 5 s after now is left
 * out: it would end what is still to come. 0: no room.
 */
int absw_ended_add(absw_ended_t *ended, int app, const absw_end_t *end, absw_sec_t now);

/** When the session ended; 0: it did not. ended may be NULL. */
absw_sec_t absw_ended_at(const absw_ended_t *ended, int app, apr_uint64_t hash);

#endif
