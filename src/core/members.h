/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_MEMBERS_H
#define ABSW_MEMBERS_H

#include "buckets.h"

/**
 * Who is on a side: a set of sessions, known by 64-bit hashes, each with its expiry. Sets of
 * several nodes are united by the later expiry, so a session that ten nodes have seen is one.
 *
 * A set is exact, or a sketch. The sketch is linear counting with time: 131072 cells, a session's
 * hash names its cell, a cell keeps the latest expiry of its sessions. With m cells, e of them
 * empty (not live at the moment asked for), it estimates n = -m ln(e / m); the standard error is
 *
 *     sqrt(m (exp(t) - t - 1)) / n,  t = n / m
 *
 * of n: K.-Y. Whang, B. T. Vander-Zanden, H. M. Taylor, "A linear-time probabilistic counting
 * algorithm for database applications", ACM TODS 15 (1990) 2, 208-229, theorem 3. That is 0.21 %
 * at 50000, 0.22 % at 100000, 0.31 % at 300000, 1.6 % at 1000000; at 1.6 million the sketch is
 * full. It never takes somebody for nobody: it is 0 only if all have expired.
 *
 * Pure but for the memory, from the pool that is passed in. One thread at a time to an object.
 */

#ifndef ABSW_MEMBERS_CELLS              /* make fuzz: as few as fit into an input */
#define ABSW_MEMBERS_EXACT  8192        /* more than this on one side of one node: a sketch */
#define ABSW_MEMBERS_CELLS  131072      /* a power of 2 */
#endif

/** The hash of a session's id (ABSW_TOKEN_ID_LEN bytes); the same on every node and machine. */
apr_uint64_t absw_members_hash(const unsigned char *id);

/* --- a set in memory ------------------------------------------------------------------- */

typedef struct absw_members_t absw_members_t;
struct absw_sheet_t;

/**
 * An empty set. It is exact until it has more than `limit` members, and a sketch from then on;
 * limit 0: it stays exact, unless a sketch is added. A node's own sets have ABSW_MEMBERS_EXACT, the
 * union over nodes has 0. Its memory comes from pool: at most 100 bytes a member, or 512 KB.
 */
absw_members_t *absw_members_make(apr_pool_t *pool, apr_uint32_t limit);

/** Add a session that ends then (Unix seconds), or keep the later end. */
void absw_members_add(absw_members_t *members, apr_uint64_t hash, absw_sec_t ends);

/** Add all that another set has. */
void absw_members_unite(absw_members_t *members, const absw_members_t *other);

/** Add all that a node has published, less those that have ended (absw_sheet_end). */
void absw_members_unite_sheet(absw_members_t *members, const struct absw_sheet_t *sheet);

/**
 * How many are live (absw_bucket_is_live) at `at`, now or later. *exact (or NULL): 0 if the number
 * is an estimate. Ends count as they were added: exact ends, not buckets, until they are published.
 */
apr_uint32_t absw_members_count(const absw_members_t *members, absw_sec_t at, int *exact);

/** Is it still exact? */
int absw_members_are_exact(const absw_members_t *members);

/**
 * The histogram of those live at now. hist gets width. Of a sketch: cells by bucket, scaled up to
 * the estimate, no bar of a live cell left out.
 */
void absw_members_histogram(const absw_members_t *members, absw_sec_t width, absw_sec_t now,
                            absw_hist_t *hist);

/**
 * A number that two sets have in common if, in buckets of that width, the same sessions are
 * live at now: to see whether there is news to publish.
 */
apr_uint64_t absw_members_digest(const absw_members_t *members, absw_sec_t width,
                                 absw_sec_t now);

/* --- a set as it is published ------------------------------------------------------------ */

#define ABSW_MEMBERS_EPOCH 32           /* characters, lower-case hex */

/** Whose and when. */
typedef struct {
    char epoch[ABSW_MEMBERS_EPOCH + 1]; /* of the store it is written to; "": none */
    apr_uint64_t boot;                  /* of the node's life */
    apr_uint64_t sequence;              /* of the set in that life */
    absw_sec_t taken;                   /* when the node looked at its table, by its clock */
} absw_sheet_head_t;

#define ABSW_SHEET_HEAD     72          /* bytes before the members */
#define ABSW_SHEET_MAX      (ABSW_SHEET_HEAD + ABSW_MEMBERS_CELLS)
/** An exact one takes this and 9 bytes a member, at most 73800; a sketch ABSW_SHEET_MAX. */

/** A node's sheet, read back: at most 256 KB of the pool. The caller reads head, sets confirmed. */
typedef struct absw_sheet_t {
    absw_sheet_head_t head;
    apr_time_t confirmed;       /* what was heard before has reached the node: see below */
    absw_sec_t width;           /* seconds of a bucket */
    apr_uint32_t base;          /* an offset o means bucket base + o */
    int exact;
    apr_uint32_t n;             /* exact: members; else: cells in use */
    const apr_uint64_t *hashes; /* exact: n, ascending; else NULL */
    const unsigned char *offsets;   /* exact: n, from 1; else a cell each, 0: empty */
    apr_time_t *ended;          /* exact: when we heard that each ended, 0: not; NULL: none did */
    apr_pool_t *pool;
} absw_sheet_t;

/**
 * The bytes to publish, in pool: those live at now, in buckets of width (or wider ones, if
 * somebody ends too far ahead). Exact if they are and no more than ABSW_MEMBERS_EXACT. *len <=
 * ABSW_SHEET_MAX; *exact (or NULL) says which it is. Members' order of entry does not matter.
 */
const char *absw_sheet_encode(const absw_members_t *members, const absw_sheet_head_t *head,
                              absw_sec_t width, absw_sec_t now, apr_pool_t *pool,
                              apr_size_t *len, int *exact);

/**
 * Read what is said to be a sheet: any bytes. NULL: it is none, and *why says so in printable
 * ASCII (static). A sheet that is cut short or damaged is none: it has a checksum, against
 * accidents. confirmed is 0. value is not needed any more afterwards.
 */
absw_sheet_t *absw_sheet_decode(const char *value, apr_size_t len, apr_pool_t *pool,
                                const char **why);

/**
 * A session has ended (ends.h), as was heard at `heard` by the reader's clock. It is left out while
 * confirmed <= heard: the node may not have heard of it. Set confirmed to a moment such that the
 * node has looked for news after it, and vouched for the sheet after that: who is in its sheet
 * nevertheless has come back. No clock but the reader's is compared. (The time of the end against
 * the node's clock would not do: with a store that was away the end reaches nodes late. An
 * expiry less the idle time-out would not do as last activity: max-login-time may have cut it
 * short.) Who ended stays in a sketch until the expiry: too many, which is the safe side. Cheap
 * if the session is not in the sheet.
 */
void absw_sheet_end(absw_sheet_t *sheet, apr_uint64_t hash, apr_time_t heard);

/** How many of it are live, as absw_members_count() says. */
apr_uint32_t absw_sheet_count(const absw_sheet_t *sheet, absw_sec_t at, int *exact);

#endif
