/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_RECORD_H
#define ABSW_RECORD_H

#include "buckets.h"
#include "ends.h"
#include "policy.h"
#include "tally.h"

/**
 * What one node says of one application, whole, every sync.
 */

#define ABSW_EPOCH_MAX 32   /* characters of an epoch: lower-case hex */
#define ABSW_RECORD_ENDS 256    /* ends of sessions in one record, see absw_ends_recent() */

typedef struct {
    apr_uint32_t sessions;          /* counted (contract section 1); testers apart */
    apr_uint32_t testers;
    apr_uint32_t in_flight;
    absw_sec_t uncounted_until;     /* sessions without a slot may be there until; 0: none */
    absw_sec_t empty_at;            /* no session is left then if nobody clicks; 0: none is there */
    apr_uint64_t members_sequence;  /* of the sheet that lists the sessions; 0: none */
    int members_sketch;             /* that sheet is a sketch */
    absw_hist_t hist;               /* when the sessions end; n 0: not said */
    absw_tally_t responses;         /* since the node began to count */
    absw_tally_t recent;            /* of them, those of the last minutes (responses.h) */
} absw_record_side_t;

typedef struct {
    char node[ABSW_NODE_NAME_MAX + 1];
    char epoch[ABSW_EPOCH_MAX + 1]; /* of the store it last saw; "": none */
    apr_uint64_t boot;              /* of the node's life; a later one is greater */
    apr_uint64_t sequence;          /* of the record in that life */
    apr_int64_t generation;         /* of the switch it has accepted */
    apr_time_t clock;               /* its own, when it wrote this */
    absw_sec_t relearning_until;    /* it may not know all its sessions until; 0: it does */
    int left;                       /* it was stopped in order: its sessions remain, no request */
    int blind;                      /* a process of it counts no requests in flight */
    int doubled;                    /* it has found another node of its name */
    absw_record_side_t sides[ABSW_SIDES_MAX];   /* by side of the policy */
    apr_uint32_t unsaid;            /* bit i: it said nothing of side i, for it has no such side */
    int ends_n;
    absw_end_t ends[ABSW_RECORD_ENDS];  /* of its sessions in the last ABSW_ENDS_KEPT seconds */
} absw_record_t;

/**
 * As text (record_encode.c, record_decode.c): one line of name=value fields, printable ASCII,
 * "v=1" first and "sum=", a checksum against accidents, last:
 *
 *     v=1 node=web1:80 epoch=0a1b… boot=1 seq=7 gen=12 clock=1763800000500000 relearn=0 left=0
 *     blind=0 width=57 side=A:10,0,3,0,1763801800,4,exact,30943890:7;1:3 side=B:…
 *     resp=A:rs.k..2.4cp1.rs.m:2i...f0.2i ends=00112233445566ff:12,…
 *     sum=0123456789abcdef
 *
 * side: name, sessions, testers, in flight, uncounted until, empty at, the sheet's sequence and
 * kind, histogram ("-": none): the first bucket and its count, then each bucket's distance from
 * the one before. ends: hashes, seconds before clock; the field is missing if there is none.
 * epoch "-": none. doubled=1 stands behind width, and is missing if it is 0. resp: a side's
 * responses and those of the last minutes (tally.h); missing if there was none. Two sides take
 * less than 1 KB, less ends.
 */
#define ABSW_RECORD_TEXT_MAX 49152      /* bytes, no NUL */
#define ABSW_RECORD_WHY      160        /* bytes of a reason, with its NUL */

/**
 * Write it to buf (ABSW_RECORD_TEXT_MAX + 1 bytes, NUL-terminated); returns the length. All sides
 * of the policy are said but those in `unsaid`. The histograms of all sides have one width, for
 * the application has one idle time-out; one that was never begun may have width 0.
 */
apr_size_t absw_record_encode(const absw_policy_t *policy, const absw_record_t *record,
                              char *buf);

/**
 * Read what is said to be a record: any bytes; white space at its end is no matter. 1: record is
 * all of it. 0: it is none; record is all zero, and why (ABSW_RECORD_WHY bytes) gets the
 * reason in printable ASCII, and what it quotes is cut short.
 *
 * Fields of unknown names are left out, as are sides that the policy has not; they must be well
 * formed none the less. Whether it is of the node one asked for, the caller compares.
 */
int absw_record_decode(const absw_policy_t *policy, const char *text, apr_size_t len,
                       absw_record_t *record, char *why);

/** Is a record newer than another one of the same node: a later boot, or sequence in it? */
int absw_record_newer(const absw_record_t *record, const absw_record_t *than);

#endif
