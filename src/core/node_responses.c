/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "node_parts.h"

/*
 * The responses of all nodes. Each says its own in its record: how many since it began, and how
 * many of late. So nobody has to remember what another node said minutes ago, nor whether it
 * has begun anew since.
 */

#define OTHERS_STALE    60      /* seconds: what others said of late is no news by then */

void absw_node_fill_responses(const absw_node_t *node, absw_known_t *known, apr_time_t now)
{
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        absw_record_side_t *side = &known->record.sides[i];
        apr_uint16_t place = known->app->place.place[i];

        absw_responses_sum(node->responses, place, &side->responses);
        absw_responses_recent(node->responses, place, apr_time_sec(now), &side->responses,
                              &side->recent);
    }
}

/* What a node that is not there any more said of late is long ago. */
void absw_tick_hear_responses(const absw_tick_t *tick, const absw_known_t *known)
{
    if (!known->complete) {
        return;
    }
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        absw_responses_others_t others = { .at = tick->sec };

        for (int k = 0; k < known->roster->n; k++) {
            const absw_cluster_node_t *node = &known->nodes[k];

            if (!node->record || node->record == &known->record) {
                continue;
            }
            absw_tally_add(&others.sum, &node->record->sides[i].responses);
            if (absw_cluster_state(node, tick->node->sync) == ABSW_NODE_LIVE) {
                absw_tally_add(&others.recent, &node->record->sides[i].recent);
            }
        }
        absw_responses_set_others(tick->node->responses, known->app->place.place[i], &others);
    }
}

void absw_tick_keep_responses(const absw_tick_t *tick, const absw_known_t *known)
{
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        absw_responses_keep(tick->node->responses, known->app->place.place[i], tick->sec);
    }
}

void absw_node_report_responses(const absw_node_t *node, const absw_known_t *known,
                                apr_time_t now, absw_report_app_t *out)
{
    for (int i = 0; i < known->app->policy->sides_n; i++) {
        const absw_record_side_t *own = &known->record.sides[i];
        absw_report_side_t *side = &out->sides[i];
        absw_responses_others_t others;

        side->own = own->responses;
        side->responses = own->responses;
        side->recent = own->recent;
        if (node->store->ops->solo) {
            continue;
        }
        absw_responses_get_others(node->responses, known->app->place.place[i], &others);
        absw_tally_add(&side->responses, &others.sum);
        if (apr_time_sec(now) - others.at <= OTHERS_STALE) {
            absw_tally_add(&side->recent, &others.recent);
        }
    }
}
