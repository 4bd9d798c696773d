/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "change.h"
#include "log.h"
#include "node_parts.h"

/*
 * A node of a cluster keeps the switch and the log in its state directory, too: the one is its
 * memory when all else is lost, the other what its status page reads. With a store that is `solo`
 * these files are the store.
 */

#define MODE 0640

void absw_tick_keep_file(const absw_tick_t *tick, const absw_known_t *known, const char *what,
                         const char *text, apr_size_t len)
{
    const char *name = apr_pstrcat(tick->pool, known->app->policy->name, ".", what, NULL);
    apr_status_t rv;
    char words[100];

    if (!known->memory || !tick->node->dir || !absw_tick_is_ours(tick)) {
        return;
    }
    rv = absw_shared_write(tick->node->dir, name, MODE, text, len, tick->pool);
    if (rv == APR_SUCCESS) {
        known->memory->file_failed = 0;
    }
    else if (!known->memory->file_failed) {
        known->memory->file_failed = 1;
        absw_tick_say(tick, ABSW_SAY_WARNING, known->app, ABSW_NO_SIDE,
                      "%s cannot be written to the state directory: %s", name,
                      apr_strerror(rv, words, sizeof(words)));
    }
}

/* At a start. What a hand has put there while httpd was down is no wish: the key is for wishes. */
void absw_tick_recall_switch(const absw_tick_t *tick, absw_known_t *known)
{
    const absw_policy_t *policy = known->app->policy;
    absw_switch_t rec;
    apr_size_t len;
    char *text;

    absw_change_in_force(policy, &known->app->place, &known->rec);
    if (tick->node->dir
        && absw_shared_read(tick->node->dir, apr_pstrcat(tick->pool, policy->name, ".switch", NULL),
                            ABSW_SWITCH_TEXT_MAX, tick->pool, &text, &len) == APR_SUCCESS
        && absw_switch_parse(policy, text, len, &rec, NULL, 0) == ABSW_SWITCH_FULL
        && absw_switch_newer(&rec, &known->rec) && rec.at > 0) {
        absw_board_set_switch(&known->app->place, &rec);
        known->rec = rec;
    }
}
