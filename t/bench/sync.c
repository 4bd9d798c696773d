/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "ends.h"
#include "members.h"

static unsigned room = 16384;
#define SIM_ROOM room
#define SIM_TRUE_LINKS

#include "sim.h"

/**
 * What a sync costs: sync NODES SESSIONS STORE. Each of the nodes has so many sessions of its own
 * on side A, in a table with room for them; STORE is a real memcached, as in ABSwitchStore, asked
 * through the real libmemcached. Prints the CPU milliseconds that a tick takes in this process and
 * in the kernel for it: the median of the nodes' medians, and that of the node that also unites the
 * members and writes the counts. Of the former also what the store's operations take alone.
 */

#define TICKS 15

/* The store's operations pass by here, and their CPU time is added up. */
static struct {
    const absw_store_ops_t *real;
    absw_store_ops_t timed;
    double ms;
} store;

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int timed_get(absw_store_t *s, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    double start = cpu_ms();
    int done = store.real->get(s, items, n, pool);

    store.ms += cpu_ms() - start;
    return done;
}

static absw_store_result_e timed_set(absw_store_t *s, const char *key, const char *value,
                                     apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    double start = cpu_ms();
    absw_store_result_e done = store.real->set(s, key, value, len, ttl, pool);

    store.ms += cpu_ms() - start;
    return done;
}

static void time_store(absw_store_t *s)
{
    store.real = s->ops;
    store.timed = *s->ops;
    store.timed.get = timed_get;
    store.timed.set = timed_set;
    s->ops = &store.timed;
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

/* A tenth of the node's users is active in every second, and all in the first. */
static void click_around(const sim_t *sim, sim_node_t *node, unsigned first, unsigned sessions,
                         int tick)
{
    for (unsigned user = 0; user < sessions; user++) {
        if (tick == 0 || user % 10 == (unsigned)tick % 10) {
            sim_click(sim, node, first + user, SIM_T0, SIDE_A);
        }
    }
}

static void measure(sim_t *sim, unsigned sessions)
{
    static double took[SIM_NODES][TICKS], in_store[SIM_NODES][TICKS];
    double of_node[SIM_NODES], of_store[SIM_NODES];
    int n = sim->n;

    for (int i = 0; i < n; i++) {
        time_store(sim->nodes[i].node.store);
    }
    for (int tick = 0; tick < TICKS; tick++) {
        sim->now += apr_time_from_sec(1);
        for (int i = 0; i < n; i++) {
            double start;

            click_around(sim, &sim->nodes[i], (unsigned)i * sessions, sessions, tick);
            store.ms = 0;
            start = cpu_ms();
            sim_tick(sim, &sim->nodes[i]);
            took[i][tick] = cpu_ms() - start;
            in_store[i][tick] = store.ms;
        }
    }
    for (int i = 0; i < n; i++) {
        of_node[i] = median(took[i], TICKS);
        of_store[i] = median(in_store[i], TICKS);
    }
    printf("tick_ms %.2f\n", median(of_node, n));
    printf("tick_uniting_ms %.2f\n", of_node[n - 1]);
    printf("tick_store_ms %.2f\n", median(of_store, n));
}

int main(int argc, char **argv)
{
    static sim_t sim;
    int nodes = argc > 3 ? atoi(argv[1]) : 0;
    unsigned sessions = argc > 3 ? (unsigned)atoi(argv[2]) : 0;
    const absw_report_app_t *seen;
    const char *wrong;

    if (nodes < 1 || nodes > SIM_NODES || sessions == 0) {
        fprintf(stderr, "sync NODES SESSIONS memcache:HOST:PORT\n");
        return 2;
    }
    while (room < sessions) {
        room *= 2;
    }
    apr_initialize();
    sim_begin(&sim, 1, nodes);
    wrong = absw_store_address_parse(sim.pool, argv[3], &sim.address);
    if (wrong || sim.address.n != 1) {
        fprintf(stderr, "%s\n", wrong ? wrong : "one memcached, please");
        return 2;
    }
    for (int i = 0; i < nodes; i++) {
        sim_start(&sim, &sim.nodes[i], ABSW_SHARED_FIRST);
    }
    sim_run(&sim, 5);
    measure(&sim, sessions);
    seen = sim_status(&sim, &sim.nodes[0]);
    if (!seen->sides[SIDE_A].known) {
        printf("error the_count_is_unknown\n");
    }
    else {
        printf("counted %u\n", seen->sides[SIDE_A].sessions);
    }
    sim_end(&sim);
    return 0;
}
