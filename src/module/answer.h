/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_ANSWER_H
#define ABSWITCH_ANSWER_H

#include "facts.h"

/** decision -> response: cookies, headers, environment, counts. */

/** A verdict's status for a hook: the request passes. */
#define ABSWITCH_PASSES 0

/**
 * Carry out the decision on r and count it. rest is what a redirect to a side keeps of the path
 * ("" or beginning with "/"). Returns ABSWITCH_PASSES or the HTTP status to answer with.
 */
int abswitch_answer(request_rec *r, abswitch_request_t *ours, abswitch_facts_t *facts,
                    const absw_decision_t *decision, const char *rest);

/** Headers of every answer that the module itself makes. */
void abswitch_answer_no_store(request_rec *r);

#endif
