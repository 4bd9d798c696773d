/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_NODE_CHANGE_H
#define ABSW_NODE_CHANGE_H

#include "change.h"
#include "node.h"

/**
 * What an operator asks of the node: changes of the switch, and striking a silent node off the
 * roster. Any thread of any process of the node, with a store handle of its own (not
 * node->store); it waits for the store as often as store.h's time-out allows, and not for the
 * sync. node->say tells of what was done.
 */

/**
 * Make the change in the store and put it in force on this node at once; the sync carries what
 * follows from it. app: of node->apps. newest and what follows it in change are set here.
 */
absw_change_result_e absw_node_change(const absw_node_t *node, const absw_node_app_t *app,
                                      absw_store_t *store, absw_change_t *change,
                                      const absw_switch_who_t *who, apr_time_t now,
                                      absw_change_made_t *made, apr_pool_t *pool);

/**
 * Strike the node of that name off app's roster. generation: the one that the sender saw; *present
 * gets the one in force. The sync of every node forgets it; absw_node_has_peer() tells when this
 * one's has.
 */
absw_change_result_e absw_node_retire(const absw_node_t *node, const absw_node_app_t *app,
                                      absw_store_t *store, const char *name,
                                      apr_int64_t generation, const absw_switch_who_t *who,
                                      apr_time_t now, apr_int64_t *present, apr_pool_t *pool);

/** Is a node of that name in the roster, as the last sync knew it? */
int absw_node_has_peer(const absw_node_app_t *app, const char *name);

#endif
