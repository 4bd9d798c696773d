/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "ends.h"
#include "members.h"

static unsigned room = 16384;
#define SIM_ROOM room

#include "sim.h"

/**
 * What a sync costs: sync NODES SESSIONS. Each of the nodes has so many sessions of its own on
 * side A, in a table with room for them; the store is memory in this process, so what is measured
 * is the module's CPU time, not libmemcached's. Prints the CPU milliseconds of a tick: the median
 * of the nodes' medians, and that of the node that also unites the members and writes the counts.
 */

#define TICKS 15

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    static sim_t sim;
    static double took[SIM_NODES][TICKS];
    double of_node[SIM_NODES];
    int nodes = argc > 2 ? atoi(argv[1]) : 0;
    unsigned sessions = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

    if (nodes < 1 || nodes > SIM_NODES || sessions == 0) {
        fprintf(stderr, "sync NODES SESSIONS\n");
        return 2;
    }
    while (room < sessions) {
        room *= 2;
    }
    apr_initialize();
    sim_begin(&sim, 1, nodes);
    for (int i = 0; i < nodes; i++) {
        sim_start(&sim, &sim.nodes[i], ABSW_SHARED_FIRST);
    }
    sim_run(&sim, 5);
    for (int tick = 0; tick < TICKS; tick++) {
        sim.now += apr_time_from_sec(1);
        sim.servers[0].now = sim.now;
        for (int i = 0; i < nodes; i++) {
            double start;

            /* A tenth of them is active in every second, and all in the first. */
            for (unsigned user = 0; user < sessions; user++) {
                if (tick == 0 || user % 10 == (unsigned)tick % 10) {
                    sim_click(&sim, &sim.nodes[i], (unsigned)i * sessions + user, SIM_T0, SIDE_A);
                }
            }
            start = cpu_ms();
            sim_tick(&sim, &sim.nodes[i]);
            took[i][tick] = cpu_ms() - start;
        }
    }
    for (int i = 0; i < nodes; i++) {
        of_node[i] = median(took[i], TICKS);
    }
    qsort(of_node, (size_t)nodes, sizeof(*of_node), by_value);
    printf("tick_ms %.2f\ntick_uniting_ms %.2f\n", of_node[nodes / 2], of_node[nodes - 1]);
    if (!sim_status(&sim, &sim.nodes[0])->sides[SIDE_A].known) {
        printf("error the_count_is_unknown\n");
    }
    else {
        printf("counted %u\n", sim_status(&sim, &sim.nodes[0])->sides[SIDE_A].sessions);
    }
    sim_end(&sim);
    return 0;
}
