/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdlib.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "sample.h"
#include "sim_chance.h"
#include "store_link.h"

/**
 * memcacheds with faults to order, and store_link.h on top of them in place of the real one: so
 * what runs on them is the true store_memcached.c, mirrors and all. There is no circuit breaker.
 * With SIM_TRUE_LINKS the real links are left in place, and the servers are real ones.
 */

#define SIM_KEYS    512
#define SIM_SERVERS 2

typedef struct {
    char key[ABSW_STORE_KEY_MAX];
    apr_uint32_t hash;
    char *value;                /* NULL: absent */
    apr_size_t len;
    apr_uint64_t cas;
    apr_time_t until;           /* 0: for ever */
} sim_entry_t;

typedef struct {
    sim_entry_t entries[SIM_KEYS];
    int n;
    apr_uint64_t tokens;
    apr_uint32_t flushes;
    apr_time_t now;
    int down;                   /* nobody gets an answer */
    int full;                   /* sets fail, and what was there is gone */
    apr_uint32_t torn;          /* once in so many a write's answer is lost, done or not */
    apr_uint32_t conflicts;     /* once in so many somebody was first */
    sim_chance_t *chance;
} sim_server_t;

/* --- what is in it ------------------------------------------------------------------- */

static inline sim_entry_t *sim_entry(sim_server_t *s, const char *key)
{
    apr_uint32_t hash = 5381;
    sim_entry_t *entry;

    for (const char *c = key; *c; c++) {
        hash = hash * 33 + (unsigned char)*c;
    }
    for (int i = 0; i < s->n; i++) {
        entry = &s->entries[i];
        if (entry->hash == hash && strcmp(entry->key, key) == 0) {
            if (entry->until && s->now >= entry->until) {
                free(entry->value);
                entry->value = NULL;
            }
            return entry;
        }
    }
    assert_true(s->n < SIM_KEYS);
    entry = &s->entries[s->n++];
    apr_cpystrn(entry->key, key, ABSW_STORE_KEY_MAX);
    entry->hash = hash;
    return entry;
}

static inline void sim_evict(sim_entry_t *entry)
{
    free(entry->value);
    entry->value = NULL;
}

static inline void sim_flush(sim_server_t *s)
{
    for (int i = 0; i < s->n; i++) {
        sim_evict(&s->entries[i]);
    }
    s->flushes++;
}

static inline void sim_put(sim_server_t *s, const char *key, const char *value, apr_size_t len,
                           apr_uint32_t ttl)
{
    sim_entry_t *entry = sim_entry(s, key);

    free(entry->value);
    entry->value = malloc(len + 1);
    memcpy(entry->value, value, len);
    entry->value[len] = '\0';
    entry->len = len;
    entry->cas = ++s->tokens;
    entry->until = ttl ? s->now + apr_time_from_sec(ttl) : 0;
}

/* --- a link to it -------------------------------------------------------------------- */

/** What a node reaches. Whose links are made next is in sim_wires. */
typedef struct {
    sim_server_t *servers;
    unsigned cut;               /* bit i: not server i */
} sim_wires_t;

static sim_wires_t *sim_wires;

#ifndef SIM_TRUE_LINKS

struct absw_store_link_t {
    sim_wires_t *wires;
    sim_server_t *server;
    unsigned bit;
    int up;
    const char *why;
    apr_uint16_t session;
    apr_uint32_t losses;
    apr_uint32_t flushes;       /* of the server, as last seen */
};

/** place->port is the server's number. */
absw_store_link_t *absw_store_link_make(apr_pool_t *pool, const absw_store_place_t *place,
                                        const absw_store_link_terms_t *terms)
{
    absw_store_link_t *link = apr_pcalloc(pool, sizeof(*link));

    (void)terms;
    link->wires = sim_wires;
    link->server = &sim_wires->servers[place->port];
    link->bit = 1U << place->port;
    link->why = "";
    link->session = 1;
    link->flushes = link->server->flushes;
    return link;
}

int absw_store_link_is_open(const absw_store_link_t *link)
{
    (void)link;
    return 1;
}

void absw_store_link_look(absw_store_link_t *link)
{
    (void)link;
}

int absw_store_link_is_up(const absw_store_link_t *link)
{
    return link->up;
}

const char *absw_store_link_why(const absw_store_link_t *link)
{
    return link->why;
}

apr_uint16_t absw_store_link_session(const absw_store_link_t *link)
{
    return link->session;
}

apr_uint32_t absw_store_link_losses(const absw_store_link_t *link)
{
    return link->losses;
}

static inline int sim_link_fails(absw_store_link_t *link, const char *why)
{
    link->up = 0;
    link->why = why;
    return 0;
}

/* 1: there is somebody at the other end. */
static inline int sim_link_call(absw_store_link_t *link)
{
    if (link->server->down || (link->wires->cut & link->bit)) {
        return sim_link_fails(link, "the server timed out");
    }
    if ((!link->up && *link->why) || link->flushes != link->server->flushes) {
        link->losses++;
        link->session++;
    }
    link->flushes = link->server->flushes;
    link->up = 1;
    link->why = "";
    return 1;
}

int absw_store_link_get(absw_store_link_t *link, absw_store_item_t *items, int n,
                        apr_pool_t *pool)
{
    if (!sim_link_call(link)) {
        return 0;
    }
    if (sim_once_in(link->server->chance, link->server->torn)) {
        return sim_link_fails(link, "the server timed out");
    }
    for (int i = 0; i < n; i++) {
        const sim_entry_t *entry = sim_entry(link->server, items[i].key);

        items[i].found = entry->value ? ABSW_STORE_FOUND : ABSW_STORE_ABSENT;
        items[i].value = entry->value ? apr_pmemdup(pool, entry->value, entry->len + 1) : NULL;
        items[i].len = entry->value ? entry->len : 0;
        items[i].cas = entry->value ? entry->cas : 0;
    }
    return 1;
}

static inline absw_store_result_e sim_refuse(absw_store_link_t *link, const char *text, char *why)
{
    link->why = text;
    apr_cpystrn(why, text, ABSW_STORE_WHY_MAX);
    return ABSW_STORE_FAILED;
}

absw_store_result_e absw_store_link_put(absw_store_link_t *link, const absw_store_write_t *write,
                                        char *why, apr_pool_t *pool)
{
    sim_server_t *s = link->server;
    sim_entry_t *entry;
    int torn;

    (void)pool;
    if (!sim_link_call(link)) {
        return sim_refuse(link, link->why, why);
    }
    entry = sim_entry(s, write->key);
    if (s->full && write->value.len > 8) {
        if (write->want != ABSW_STORE_WANT_NOTHING) {
            sim_evict(entry);
        }
        return sim_refuse(link, "the server is out of memory", why);
    }
    if ((write->want == ABSW_STORE_WANT_NOTHING && entry->value)
        || (write->want == ABSW_STORE_WANT_OLD
            && (!entry->value || entry->cas != write->cas
                || sim_once_in(s->chance, s->conflicts)))) {
        return ABSW_STORE_CONFLICT;
    }
    torn = sim_once_in(s->chance, s->torn);
    if (!torn || sim_draw(s->chance, 2)) {
        sim_put(s, write->key, write->value.bytes, write->value.len, write->ttl);
    }
    if (!torn) {
        return ABSW_STORE_DONE;
    }
    sim_link_fails(link, "the server timed out");
    return sim_refuse(link, link->why, why);
}

#endif

#endif
