/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "board_parts.h"

/* What is on the board of the store and of the other nodes. */

void absw_board_get_store(const absw_board_t *board, absw_board_store_t *store)
{
    READ(&((absw_board_t *)board)->store, store);
    if (store->servers_n < 0 || store->servers_n > ABSW_BOARD_SERVERS_MAX) {
        store->servers_n = 0;
    }
    for (int i = 0; i < store->servers_n; i++) {
        END_TEXT(store->servers[i].name);
        END_TEXT(store->servers[i].why);
    }
}

int absw_board_set_store(absw_board_t *board, const absw_board_store_t *store)
{
    absw_board_store_t before;

    return WRITE(&board->store, store, READ(&board->store, &before));
}

void absw_board_get_cluster(const absw_board_app_t *app, absw_board_cluster_t *cluster)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);

    memset(cluster, 0, sizeof(*cluster));
    if (entry) {
        READ(&entry->cluster, cluster);
        END_TEXT(cluster->epoch);
        END_TEXT(cluster->roster);
        END_TEXT(cluster->ignored);
        if (cluster->peers_n < 0) {
            cluster->peers_n = 0;
        }
    }
}

int absw_board_set_cluster(const absw_board_app_t *app, const absw_board_cluster_t *cluster)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_board_cluster_t before;

    return entry && WRITE(&entry->cluster, cluster, READ(&entry->cluster, &before));
}

/** From slots to sides of the policy, or back. */
static void turn(const absw_board_app_t *app, const apr_uint32_t *from, apr_uint32_t *to,
                 int to_slots)
{
    memset(to, 0, ABSW_SIDES_MAX * sizeof(*to));
    for (int i = 0; i < app->sides_n; i++) {
        int slot = app->place[i] % ABSW_SIDES_MAX;

        to[to_slots ? slot : i] = from[to_slots ? i : slot];
    }
}

int absw_board_get_peer(const absw_board_app_t *app, int i, absw_board_peer_t *peer)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_board_peer_t kept;

    if (!entry || i < 0 || i >= ABSW_BOARD_PEERS_MAX) {
        return 0;
    }
    READ(&entry->peers[i], &kept);
    END_TEXT(kept.name);
    *peer = kept;
    turn(app, kept.sessions, peer->sessions, 0);
    turn(app, kept.in_flight, peer->in_flight, 0);
    return kept.name[0] != '\0';
}

int absw_board_set_peer(const absw_board_app_t *app, int i, const absw_board_peer_t *peer)
{
    absw_board_entry_t *entry = absw_board_entry_of(app);
    absw_board_peer_t next = *peer;
    absw_board_peer_t before;

    if (!entry || i < 0 || i >= ABSW_BOARD_PEERS_MAX) {
        return 0;
    }
    turn(app, peer->sessions, next.sessions, 1);
    turn(app, peer->in_flight, next.in_flight, 1);
    return WRITE(&entry->peers[i], &next, READ(&entry->peers[i], &before));
}

void absw_board_get_sum(const absw_board_app_t *app, int side, absw_board_sum_t *sum)
{
    absw_board_side_t *found = absw_board_side_of(app, side);

    memset(sum, 0, sizeof(*sum));
    if (found) {
        READ(&found->sum, sum);
    }
}

int absw_board_set_sum(const absw_board_app_t *app, int side, const absw_board_sum_t *sum)
{
    absw_board_side_t *found = absw_board_side_of(app, side);
    absw_board_sum_t before;

    return found && WRITE(&found->sum, sum, READ(&found->sum, &before));
}
