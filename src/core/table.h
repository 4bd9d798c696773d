/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_TABLE_H
#define ABSW_TABLE_H

#include "absw.h"
#include "token.h"

/**
 * The node's session table: fixed slots in shared memory, lock-free, kill-safe.
 *
 * A slot is one session on one side, keyed by (id, place). A place is a side's lasting number on
 * this node (board.h). Threads and processes call everything here at once; a process may be
 * killed between any two instructions, and no session is then counted twice or for ever.
 *
 * A session's slots lie in two of many small buckets, chosen by its id. There is room for the
 * promised number of sessions, whatever their ids; a session that finds both its buckets full is
 * not counted. The slots' format and moves, and why they are safe: table_slot.h and table.c.
 */

typedef struct absw_table_t absw_table_t;       /* a handle, private to a process */
typedef struct absw_slot_t absw_slot_t;         /* lives in shared memory */

/** Bytes of shared memory for room for `sessions` sessions; at most 64 a session, 3072 at least. */
apr_size_t absw_table_size(apr_uint32_t sessions);

/**
 * A handle on mem (absw_table_size(sessions) bytes, 64-byte aligned, zeroed when new). Whatever
 * the bytes are, no call reads or writes outside of them.
 */
absw_table_t *absw_table_attach(apr_pool_t *pool, void *mem, apr_uint32_t sessions);

/** What the request path remembers and asks: one session on one side. */
typedef struct {
    unsigned char id[ABSW_TOKEN_ID_LEN];
    unsigned char tag[ABSW_TOKEN_TAG_LEN];
    absw_sec_t login;
    apr_uint16_t place;         /* of the side it is activity on */
    apr_uint16_t home;          /* of the token's own side */
    char kid;
    apr_uint32_t key_check;     /* absw_keys_check() of kid */
    int tester;
} absw_table_session_t;

/** Where a session was on its token's own side. It may have gone from there since. */
typedef struct {
    absw_slot_t *slot;          /* NULL: nowhere */
    apr_uint64_t word;          /* the slot's, then */
} absw_table_spot_t;

/**
 * Is this session's token known here as verified? Finds the slot (id, home) and compares kid,
 * key check, login, tester flag and tag, in constant time. 1: verified, no MAC needed.
 * (session->place is not looked at.) Then *spot is where it is (spot may be NULL).
 */
int absw_table_verified(absw_table_t *table, const absw_table_session_t *session,
                        absw_table_spot_t *spot);

/** Is the session that was found there still there? */
int absw_table_is_at(const absw_table_spot_t *spot);

typedef enum {
    ABSW_TABLE_KNOWN,           /* it had its slot; last seen is now */
    ABSW_TABLE_NEW,             /* it got one */
    ABSW_TABLE_FULL             /* there is no room: not counted here */
} absw_table_touch_e;

/**
 * Activity of a session with a verified token, at now (Unix seconds). Last seen never goes back
 * by less than a minute, for threads may come in another order than their clocks; by more it
 * does, for then the clock was set back. In the slot's own second nothing is written.
 */
absw_table_touch_e absw_table_touch(absw_table_t *table, const absw_table_session_t *session,
                                    absw_sec_t now);

/** The same for a session that was found there. 0: it is there no more; touch it by its key. */
int absw_table_touch_at(const absw_table_spot_t *spot, absw_sec_t now);

/**
 * The session ends, on every side: places[] are the n places of its application. Activity that
 * comes later, or at the same time, revives it.
 */
void absw_table_end(absw_table_t *table, const unsigned char *id, const apr_uint16_t *places,
                    int n);

/** What a scan sees of one live slot. */
typedef struct {
    unsigned char id[ABSW_TOKEN_ID_LEN];
    absw_sec_t login;
    absw_sec_t last;
    apr_uint16_t place;
    apr_uint16_t home;          /* of the token's own side */
    int tester;
} absw_table_seen_t;

/**
 * Walk all live slots: fn(baton, seen) returns 0 to keep it, 1 to free it (it is freed only if
 * its last seen did not change meanwhile). Never blocks anyone. A session that ends and is revived
 * during the walk may be met twice, or not at all; any other is met once.
 */
void absw_table_scan(absw_table_t *table,
                     int (*fn)(void *baton, const absw_table_seen_t *seen), void *baton);

/**
 * The clock was set back: a session last seen more than a minute after now was last seen now, or
 * it would count until the clock has caught up. To be called when a walk met one.
 */
void absw_table_set_back(absw_table_t *table, absw_sec_t now);

/**
 * Free the slots that a killed process left half written, and count the sessions whose process
 * was killed just before it could. alive(pid) says whether a process still runs; NULL: none
 * does. May be called at any time. Returns how many.
 */
apr_uint32_t absw_table_recover(absw_table_t *table, int (*alive)(apr_uint32_t pid));

/**
 * Every invariant, for tests and after a start: no key twice among live slots, each in one of its
 * two buckets, no impossible field, no place that is not below places, nothing half written.
 * Returns the number of faults; with repair, faulty slots are freed. Not for use while others
 * write.
 */
apr_uint32_t absw_table_validate(absw_table_t *table, apr_uint32_t places, int repair);

/**
 * Copy all live slots of from, a table of another size, into table: when a file is converted.
 * Nobody else uses either. lost() is told of each that found no room.
 */
void absw_table_take_over(absw_table_t *table, absw_table_t *from,
                          void (*lost)(void *baton, apr_uint16_t place, absw_sec_t last),
                          void *baton);

#endif
