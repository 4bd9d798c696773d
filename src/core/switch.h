/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_SWITCH_H
#define ABSW_SWITCH_H

#include "decide.h"
#include "policy.h"

/**
 * The switch record: which side(s) newly arriving users land on. Pure; values come from a store
 * or a file and are hostile until parsed.
 *
 * Grammar (contract section 8); white space at the end is ignored, fields are parted by spaces:
 *
 *     value   = NAME | weights | full
 *     weights = NAME "=" WEIGHT { " " NAME "=" WEIGHT }      WEIGHT 0 to 1000000, one above 0
 *     full    = ( NAME | weights ) " gen=" N { " " field }   field = name "=" percent-encoded
 *
 * Fields: gen at by note node since=SIDE:SECONDS[,...] closed=SIDE[,...]; unknown ones are kept.
 * The weights end where a field names no side, or one that had its weight already; so a side
 * may be called "gen". What is written names every side.
 */

#define ABSW_SWITCH_TEXT_MAX    8192        /* bytes of a record's text */
#define ABSW_SWITCH_OTHER_MAX   512         /* bytes of unknown fields that are kept */
#define ABSW_SWITCH_WEIGHT_MAX  1000000
#define ABSW_SWITCH_GEN_MAX     APR_INT64_C(1000000000000000)   /* 10^15: fits JSON's numbers */
#define ABSW_SWITCH_TIME_MAX    APR_INT64_C(253402300799)       /* the end of the year 9999 */

typedef struct {
    apr_int64_t generation;                 /* 0: there is no record yet */
    apr_uint32_t weight[ABSW_SIDES_MAX];    /* by side of the policy */
    apr_uint32_t closed;                    /* bit i: side i was closed by hand or AutoClose */
    absw_sec_t since[ABSW_SIDES_MAX];       /* draining since; 0: not known, or open */
    absw_sec_t at;
    char by[ABSW_BY_MAX + 1];
    char node[ABSW_NODE_NAME_MAX + 1];      /* the node that accepted it */
    char note[ABSW_NOTE_MAX + 1];           /* valid UTF-8 without control characters */
    char other[ABSW_SWITCH_OTHER_MAX + 1];  /* unknown fields as they came, parted by spaces */
} absw_switch_t;

typedef enum {
    ABSW_SWITCH_BAD,            /* does not parse; nothing changes */
    ABSW_SWITCH_BARE,           /* a name or weights alone: to be adopted */
    ABSW_SWITCH_FULL
} absw_switch_form_e;

/** The state before any record: all weight on the default side, generation 0, by "default". */
void absw_switch_default(const absw_policy_t *policy, absw_switch_t *rec);

/** The same for generation, weight, closed and since alone: all that a request needs. */
void absw_switch_default_weights(const absw_policy_t *policy, absw_switch_t *rec);

/**
 * Parse len bytes of text. For ABSW_SWITCH_BAD, why (size why_size) says what is wrong, in
 * printable ASCII, fit for a log line and a page; rec is then unspecified. For
 * ABSW_SWITCH_BARE only weight[] means anything.
 */
absw_switch_form_e absw_switch_parse(const absw_policy_t *policy, const char *text,
                                     apr_size_t len, absw_switch_t *rec,
                                     char *why, apr_size_t why_size);

/** What absw_switch_parse_past() found of sides that the policy no longer has. */
#define ABSW_SWITCH_GONE      1 /* one is named */
#define ABSW_SWITCH_GONE_OPEN 2 /* one has weight */

/**
 * Parse a full record that may name sides that are gone: a line of the log, or a record written
 * before the configuration lost a side. Their weights, since and closed are left out of rec, so rec
 * may open none; *gone says what was left out. Returns ABSW_SWITCH_FULL or ABSW_SWITCH_BAD.
 */
absw_switch_form_e absw_switch_parse_past(const absw_policy_t *policy, const char *text,
                                          apr_size_t len, absw_switch_t *rec, unsigned *gone);

/** Write rec as a full record to buf (ABSW_SWITCH_TEXT_MAX bytes, NUL-terminated); its length. */
apr_size_t absw_switch_format(const absw_policy_t *policy, const absw_switch_t *rec, char *buf);

/** Write weights as "A=0 B=1", for a log line (ABSW_SWITCH_WEIGHTS_MAX bytes). Returns buf. */
#define ABSW_SWITCH_WEIGHTS_MAX 512
const char *absw_switch_weights_text(const absw_policy_t *policy, const apr_uint32_t *weight,
                                     char *buf);

/** Does a come after b? By (generation, at, node); 0 if they are the same. */
int absw_switch_newer(const absw_switch_t *a, const absw_switch_t *b);

/** Is rec the record in force with its weights changed by a hand that left gen, at and node? */
int absw_switch_is_edited(const absw_policy_t *policy, const absw_switch_t *in_force,
                          const absw_switch_t *rec);

/**
 * Do these weights say what rec says already? Each is equal, or only one side has any and it is the
 * only one in rec, too. Never at generation 0: there is no record that could say it.
 */
int absw_switch_says(const absw_policy_t *policy, const absw_switch_t *rec,
                     const apr_uint32_t *weight);

/** Who and when, for a change. node, by and note are cut to size; by and note may be "". */
typedef struct {
    absw_sec_t now;
    const char *node;
    const char *by;
    const char *note;
} absw_switch_who_t;

/**
 * A full record written by hand may leave out what the module would have written: take at, by and
 * node from who if it has no at, and from prev, the record it replaces, since when sides drain (one
 * that loses its last weight drains since rec->at). Returns 1 if anything was filled in, so that
 * the record is to be written.
 */
int absw_switch_complete(const absw_policy_t *policy, const absw_switch_t *prev,
                         const absw_switch_who_t *who, absw_switch_t *rec);

typedef enum {
    ABSW_SWITCH_DONE,
    ABSW_SWITCH_SAME,           /* nothing would change */
    ABSW_SWITCH_NONE_OPEN,      /* no side would be open */
    ABSW_SWITCH_NOT_CLOSED,     /* reopen of a side that is not closed */
    ABSW_SWITCH_EXHAUSTED       /* no generation is left */
} absw_switch_result_e;

/**
 * The changes. Each makes *next from *prev: generation + 1, at and by and node and note set;
 * a side that gets weight is opened (not closed, since 0); one that loses its last weight drains
 * since now; a later change of something else leaves since alone. *next is unspecified unless
 * ABSW_SWITCH_DONE. At generation 0 an equal distribution is a change (it makes the record).
 */
absw_switch_result_e absw_switch_weights(const absw_policy_t *policy, const absw_switch_t *prev,
                                         const apr_uint32_t *weight, const absw_switch_who_t *who,
                                         absw_switch_t *next);
absw_switch_result_e absw_switch_flip(const absw_policy_t *policy, const absw_switch_t *prev,
                                      int side, const absw_switch_who_t *who, absw_switch_t *next);
/** Back to the weights and closed sides of target, whatever its generation. */
absw_switch_result_e absw_switch_rollback(const absw_policy_t *policy, const absw_switch_t *prev,
                                          const absw_switch_t *target,
                                          const absw_switch_who_t *who, absw_switch_t *next);
absw_switch_result_e absw_switch_close(const absw_policy_t *policy, const absw_switch_t *prev,
                                       int side, const absw_switch_who_t *who, absw_switch_t *next);
/** Of a side closed by hand or by its deadline: draining again, since now. */
absw_switch_result_e absw_switch_reopen(const absw_policy_t *policy, const absw_switch_t *prev,
                                        int side, const absw_switch_who_t *who,
                                        absw_switch_t *next);

/** When side closes by itself, in Unix seconds; 0: never (open, closed by hand, no limit, not
 * known since when). since + the smaller of max_login and drain_timeout (0 is none). */
absw_sec_t absw_switch_deadline(const absw_policy_t *policy, const absw_switch_t *rec, int side);

/** The state of a side at now. */
absw_side_state_e absw_switch_state(const absw_policy_t *policy, const absw_switch_t *rec,
                                    int side, absw_sec_t now);

/** The only side with weight, or ABSW_NO_SIDE if there are none or several. */
int absw_switch_only(const absw_policy_t *policy, const absw_switch_t *rec);

/** A side by weight, from 32 random bits. rec has weight somewhere. */
int absw_switch_choose(const absw_policy_t *policy, const absw_switch_t *rec, apr_uint32_t random);

#endif
