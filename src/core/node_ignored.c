/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "node_parts.h"
#include "text.h"

/* Values that cannot be taken, under other keys than the switch's: said once, and shown for a
 * while, for by then their writers have put good ones in their place. */

#define EXCERPT_MAX 60      /* bytes of a bad value that are shown */

void absw_tick_ignore(const absw_tick_t *tick, absw_known_t *known, const char *key,
                      const char *why, int *said)
{
    absw_board_cluster_t *cluster = &known->cluster;
    char text[ABSW_BOARD_TROUBLE_MAX];
    int is_news;

    absw_text_clean(text, sizeof(text), apr_pstrcat(tick->pool, key, " is not taken: ", why, NULL));
    is_news = said ? !*said
                   : strcmp(text, cluster->ignored) != 0
                     || tick->sec - cluster->ignored_at > ABSW_NODE_IGNORED_SHOWN;
    memcpy(cluster->ignored, text, sizeof(cluster->ignored));
    cluster->ignored_at = tick->sec;
    if (said) {
        *said = 1;
    }
    if (is_news) {
        absw_tick_say(tick, ABSW_SAY_ERROR, known->app, ABSW_NO_SIDE, "cluster of %s: %s",
                      known->app->policy->name, text);
    }
}

void absw_tick_ignore_bytes(const absw_tick_t *tick, absw_known_t *known,
                            const absw_store_item_t *item, const char *why)
{
    char quoted[EXCERPT_MAX];

    absw_tick_ignore(tick, known, item->key,
                     apr_pstrcat(tick->pool, why, ": ",
                                 absw_text_quote(quoted, sizeof(quoted), item->value, item->len),
                                 NULL), NULL);
}
