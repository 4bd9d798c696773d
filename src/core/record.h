/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_RECORD_H
#define ABSW_RECORD_H

#include "absw.h"

/**
 * What one node says of one application, whole, every sync.
 */

#define ABSW_EPOCH_MAX 32   /* characters of an epoch: lower-case hex */

typedef struct {
    apr_uint32_t sessions;          /* counted (contract section 1); testers apart */
    apr_uint32_t testers;
    apr_uint32_t in_flight;
    absw_sec_t uncounted_until;     /* sessions without a slot may be there until; 0: none */
    absw_sec_t empty_at;            /* no session is left then if nobody clicks; 0: none is there */
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
    absw_record_side_t sides[ABSW_SIDES_MAX];   /* by side of the policy */
} absw_record_t;

#endif
