/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "node_change.h"
#include "sim_model.h"

/** What happens to a simulated cluster, by chance. */

/* --- hands --------------------------------------------------------------------------- */

static inline void hand(model_t *m)
{
    static const char *const values[] = {
        "A", "B", "C", "B", "A", "A=1 B=1", "rubbish", "A=0 B=0", "B gen=3", "",
    };

    sim_hand(&m->sim, values[draw(m, COUNT_OF(values))]);
}

static inline void change(model_t *m)
{
    sim_node_t *node = any_node(m);
    absw_switch_t rec;
    absw_change_made_t made;
    absw_change_t wish = {
        .what = (absw_change_e[]){ ABSW_CHANGE_FLIP, ABSW_CHANGE_FLIP, ABSW_CHANGE_CLOSE,
                                   ABSW_CHANGE_REOPEN }[draw(m, 4)],
        .side = (int)draw(m, SAMPLE_SIDES)
    };
    absw_switch_who_t who = { .by = "ann", .note = "" };

    if (node) {
        rec = sim_in_force(&m->sim, node);
        wish.generation = rec.generation;
        who.now = apr_time_sec(sim_clock(&m->sim, node));
        who.node = node->name;
        absw_node_change(&node->node, &node->app, node->node.store, &wish, &who,
                         sim_clock(&m->sim, node), &made, m->sim.scratch);
    }
}

/* --- servers ------------------------------------------------------------------------- */

static inline sim_server_t *any_server(model_t *m)
{
    return &m->sim.servers[m->sim.address.n > 1 ? draw(m, (unsigned)m->sim.address.n) : 0];
}

static inline void evict(model_t *m)
{
    sim_server_t *server = any_server(m);
    sim_entry_t *entry;

    if (server->n > 0) {
        entry = &server->entries[draw(m, (unsigned)server->n)];
        if (m->losses && strstr(entry->key, ":nodes")) {
            return;             /* who knew the roster may be gone with his memory */
        }
        sim_evict(entry);
    }
}

/* --- nodes --------------------------------------------------------------------------- */

static inline void kill_node(model_t *m, sim_node_t *node)
{
    note(m, node, "killed: node", (int)(node - m->sim.nodes));
    end_requests(m, node, 1);
    sim_kill(node);
}

static inline void kill_or_start(model_t *m, sim_node_t *node)
{
    if (!node->life) {
        note(m, node, "started: node", (int)(node - m->sim.nodes));
        sim_start(&m->sim, node, ABSW_SHARED_KEPT);
        m->losses += m->twin >= 0 && node == &m->sim.nodes[m->twin];
    }
    else if (draw(m, 3) == 0) {
        note(m, node, "stopped: node", (int)(node - m->sim.nodes));
        end_requests(m, node, 1);
        sim_stop(&m->sim, node);
    }
    else {
        kill_node(m, node);
    }
}

/* Without its table, and nothing else that it remembers. Whoever is left knows the roster. */
static inline void lose(model_t *m)
{
    sim_node_t *node = &m->sim.nodes[draw(m, (unsigned)m->sim.n)];

    if (node->life && !m->sim.servers[0].down && !node->wires.cut) {
        kill_node(m, node);
        sim_start(&m->sim, node, draw(m, 2) ? ABSW_SHARED_LOST : ABSW_SHARED_FIRST);
        m->losses++;
        note(m, node, "table lost: node", (int)(node - m->sim.nodes));
    }
}

/* Somebody sets a node's clock, by up to ten seconds. */
static inline void set_clock(model_t *m, sim_node_t *node)
{
    static const int seconds[] = { 0, 0, -2, 2, -10, 10 };

    if (m->exact || !m->apart || node->wires.cut) {
        return;
    }
    node->skew = apr_time_from_sec(seconds[draw(m, COUNT_OF(seconds))]);
    note(m, node, "clock set: node", (int)(node - m->sim.nodes));
    for (int i = 0; i < USERS; i++) {
        user_t *user = &m->users[i];

        if (user->node == (int)(node - m->sim.nodes) && node->skew > user->ahead) {
            user->ahead = node->skew;
        }
    }
}

static inline void fault_of_node(model_t *m, sim_node_t *node)
{
    switch (draw(m, 4)) {
    case 0:
        node->wires.cut = node->wires.cut ? 0 : 1 + draw(m, (1U << m->sim.address.n) - 1);
        note(m, node, "cut off, by servers:", (int)node->wires.cut);
        break;
    case 1:
        sim_take_over(&m->sim, node);
        break;
    case 2:
        set_clock(m, node);
        break;
    default:
        if (m->twin >= 0) {
            kill_or_start(m, &m->sim.nodes[m->twin]);
        }
        break;
    }
}

static inline void fault_of_server(model_t *m)
{
    sim_server_t *server = any_server(m);
    unsigned what = draw(m, 7);

    note(m, NULL, (const char *[]){ "flushed: server", "down or up: server", "full or not: server",
                                    "torn or not: server", "conflicts or none: server",
                                    "evicts: server", "evicts: server" }[what],
         (int)(server - m->sim.servers));
    switch (what) {
    case 0:
        sim_flush(server);
        break;
    case 1:
        server->down = !server->down;
        break;
    case 2:
        server->full = !server->full;
        break;
    case 3:
        server->torn = server->torn ? 0 : 10;
        break;
    case 4:
        server->conflicts = server->conflicts ? 0 : 3;
        break;
    default:
        evict(m);
        break;
    }
}

static inline void fault(model_t *m)
{
    sim_node_t *node = any_node(m);
    unsigned what = draw(m, 12);

    if (what < 6) {
        fault_of_server(m);
    }
    else if (what < 9 && node) {
        fault_of_node(m, node);
    }
    else if (what == 9 && draw(m, 4) == 0 && m->seed % 3 == 0) {
        lose(m);
    }
    else {
        kill_or_start(m, &m->sim.nodes[draw(m, (unsigned)m->sim.n - (m->twin >= 0))]);
    }
}

/** What happens in a tenth of a second. */
static inline void act(model_t *m)
{
    unsigned what = draw(m, 100);

    if (what < 14) {
        click(m, &m->users[draw(m, USERS)]);
    }
    else if (what < 16) {
        log_out(m, &m->users[draw(m, USERS)]);
    }
    else if (what < 17) {
        hand(m);
    }
    else if (what < 18) {
        change(m);
    }
    else if (what < 21) {
        fault(m);
    }
}

#endif
