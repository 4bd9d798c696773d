/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "store_memcached.h"

#define PAUSE       apr_time_from_sec(1)
#define PAUSE_MAX   apr_time_from_sec(5)

/*
 * A token that is handed out: of which server (from 1, 4 bits), of which connection to it (12
 * bits), and the server's own (48 bits), 0 if that server, though it decides, lacks the key.
 */
#define TOKEN_SERVER_SHIFT  60
#define TOKEN_SESSION_SHIFT 48
#define TOKEN_SESSION_MASK  0xfffU

typedef struct {
    absw_store_t store;
    const absw_store_address_t *address;
    absw_store_link_t *links[ABSW_STORE_SERVERS_MAX];
    int n;
} memcached_store_t;

/* What one server answered; items is NULL if it did not. */
typedef struct {
    absw_store_link_t *link;
    int index;
    absw_store_item_t *items;
} answer_t;

static apr_time_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_make((apr_time_t)now.tv_sec, (apr_time_t)now.tv_nsec / 1000);
}

static apr_uint64_t token_of(const memcached_store_t *mem, int index, apr_uint64_t cas)
{
    apr_uint64_t session = absw_store_link_session(mem->links[index]) & TOKEN_SESSION_MASK;

    return (apr_uint64_t)(index + 1) << TOKEN_SERVER_SHIFT | session << TOKEN_SESSION_SHIFT | cas;
}

static void count_losses(memcached_store_t *mem)
{
    mem->store.losses = 0;
    for (int i = 0; i < mem->n; i++) {
        mem->store.losses += absw_store_link_losses(mem->links[i]);
    }
}

/* All that is wrong with the servers, in pool. */
static const char *all_whys(const memcached_store_t *mem, apr_pool_t *pool)
{
    const char *text = NULL;

    for (int i = 0; i < mem->n; i++) {
        const char *why = absw_store_link_why(mem->links[i]);

        if (*why) {
            text = text ? apr_pstrcat(pool, text, "; ", why, NULL) : apr_pstrdup(pool, why);
        }
    }
    return text ? text : "no server was asked";
}

static int is_key(const char *key)
{
    apr_size_t len = strlen(key);

    for (const char *c = key; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f) {
            return 0;
        }
    }
    return len > 0 && len <= ABSW_STORE_KEY_MAX;
}

static int same(const absw_store_item_t *a, const absw_store_item_t *b)
{
    return a->found == b->found && a->len == b->len
           && (a->len == 0 || memcmp(a->value, b->value, a->len) == 0);
}

/* One key of all answers, of which there is one at least: answers[0] is the server that decides. */
static void merge_item(const memcached_store_t *mem, const answer_t *answers, int n, int which,
                       absw_store_item_t *item, apr_pool_t *pool)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign) */
    const absw_store_item_t *first = &answers[0].items[which];

    item->found = ABSW_STORE_ABSENT;
    for (int i = 0; i < n; i++) {
        const absw_store_item_t *one = &answers[i].items[which];
        absw_store_bytes_t best = { item->value, item->len };

        if (one->found != ABSW_STORE_FOUND) {
            continue;
        }
        if (item->found != ABSW_STORE_FOUND) {
            best = (absw_store_bytes_t){ one->value, one->len };
        }
        else if (item->merge && !same(item, one)) {
            best = item->merge(item->baton, best, (absw_store_bytes_t){ one->value, one->len },
                               pool);
        }
        item->found = ABSW_STORE_FOUND;
        item->value = best.bytes;
        item->len = best.len;
    }
    if (item->found == ABSW_STORE_FOUND) {
        item->cas = token_of(mem, answers[0].index,
                             first->found == ABSW_STORE_FOUND ? first->cas : 0);
    }
}

/* Bring the servers that have not what holds up to date. By token: a newer one stays. */
static void mend_item(const answer_t *answers, int n, int which, const absw_store_item_t *item,
                      apr_pool_t *pool)
{
    char why[ABSW_STORE_WHY_MAX];

    if (item->found != ABSW_STORE_FOUND || item->len > ABSW_STORE_VALUE_MAX) {
        return;
    }
    for (int i = 0; i < n; i++) {
        const absw_store_item_t *one = &answers[i].items[which];
        absw_store_write_t write = {
            .want = one->found == ABSW_STORE_FOUND ? ABSW_STORE_WANT_OLD
                                                   : ABSW_STORE_WANT_NOTHING,
            .cas = one->cas, .key = item->key, .value = { item->value, item->len },
        };

        if (!same(one, item) && absw_store_link_is_up(answers[i].link)) {
            absw_store_link_put(answers[i].link, &write, why, pool);
        }
    }
}

/* Ask every server that is open. Returns how many answered, in order. */
static int ask_all(memcached_store_t *mem, const absw_store_item_t *items, int n,
                   answer_t *answers, apr_pool_t *pool)
{
    int got = 0;

    for (int i = 0; i < mem->n; i++) {
        answer_t *answer = &answers[got];

        absw_store_link_look(mem->links[i]);
        if (!absw_store_link_is_open(mem->links[i])) {
            continue;
        }
        *answer = (answer_t){ .link = mem->links[i], .index = i };
        answer->items = apr_pmemdup(pool, items, (apr_size_t)n * sizeof(*items));
        got += absw_store_link_get(answer->link, answer->items, n, pool);
    }
    return got;
}

static int mem_get(absw_store_t *store, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    memcached_store_t *mem = (memcached_store_t *)store;
    answer_t answers[ABSW_STORE_SERVERS_MAX];
    const char *why = NULL;
    int got = 0;

    for (int i = 0; i < n; i++) {
        items[i] = (absw_store_item_t){ .key = items[i].key, .merge = items[i].merge,
                                        .baton = items[i].baton, .mend = items[i].mend };
        why = is_key(items[i].key) ? why : "a key is not one that memcached takes";
    }
    if (!why) {
        got = ask_all(mem, items, n, answers, pool);
        why = got ? NULL : all_whys(mem, pool);
    }
    for (int i = 0; i < n; i++) {
        if (why) {
            items[i].why = why;
            continue;
        }
        merge_item(mem, answers, got, i, &items[i], pool);
        if (items[i].mend) {
            mend_item(answers, got, i, &items[i], pool);
        }
    }
    count_losses(mem);
    return why == NULL;
}

static absw_store_result_e failed(memcached_store_t *mem, const char *why)
{
    apr_cpystrn(mem->store.why, why, sizeof(mem->store.why));
    return ABSW_STORE_FAILED;
}

/* Write to all servers but one (-1: to all). Returns on how many it was done. */
static int put_on_all(memcached_store_t *mem, int but, const absw_store_write_t *write,
                      apr_pool_t *pool)
{
    char why[ABSW_STORE_WHY_MAX];
    int done = 0;

    for (int i = 0; i < mem->n; i++) {
        if (i == but || !absw_store_link_is_open(mem->links[i])) {
            continue;
        }
        if (absw_store_link_put(mem->links[i], write, why, pool) == ABSW_STORE_DONE) {
            done++;
        }
        else {
            failed(mem, why);
        }
    }
    return done;
}

/* The first server that is up; before anything was asked, the first that may be; -1: none. */
static int decider(const memcached_store_t *mem)
{
    int open = -1;

    for (int i = 0; i < mem->n; i++) {
        if (absw_store_link_is_open(mem->links[i])) {
            if (absw_store_link_is_up(mem->links[i])) {
                return i;
            }
            open = open < 0 ? i : open;
        }
    }
    return open;
}

/* Write where it is decided, then elsewhere. */
static absw_store_result_e put(memcached_store_t *mem, int index, absw_store_write_t *write,
                               apr_pool_t *pool)
{
    absw_store_result_e result;
    char why[ABSW_STORE_WHY_MAX];

    result = absw_store_link_put(mem->links[index], write, why, pool);
    if (result == ABSW_STORE_FAILED) {
        failed(mem, why);
    }
    if (result == ABSW_STORE_DONE) {
        write->want = ABSW_STORE_WANT_ANYTHING;
        put_on_all(mem, index, write, pool);
    }
    count_losses(mem);
    return result;
}

static int is_writable(memcached_store_t *mem, const char *key, apr_size_t len, apr_pool_t *pool)
{
    if (!is_key(key) || len > ABSW_STORE_VALUE_MAX) {
        failed(mem, is_key(key) ? apr_psprintf(pool, "the value of %s is too long: %"
                                               APR_SIZE_T_FMT " bytes", key, len)
                                : "a key is not one that memcached takes");
        return 0;
    }
    if (decider(mem) < 0) {
        failed(mem, all_whys(mem, pool));
        return 0;
    }
    return 1;
}

static absw_store_result_e mem_set(absw_store_t *store, const char *key, const char *value,
                                   apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    memcached_store_t *mem = (memcached_store_t *)store;
    const absw_store_write_t write = { .key = key, .value = { value, len }, .ttl = ttl };
    int done = is_writable(mem, key, len, pool) && put_on_all(mem, -1, &write, pool) > 0;

    count_losses(mem);
    return done ? ABSW_STORE_DONE : ABSW_STORE_FAILED;
}

static absw_store_result_e mem_add(absw_store_t *store, const char *key, const char *value,
                                   apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    memcached_store_t *mem = (memcached_store_t *)store;
    absw_store_write_t write = {
        .want = ABSW_STORE_WANT_NOTHING, .key = key, .value = { value, len }, .ttl = ttl
    };

    return is_writable(mem, key, len, pool) ? put(mem, decider(mem), &write, pool)
                                            : ABSW_STORE_FAILED;
}

static absw_store_result_e mem_cas(absw_store_t *store, const char *key, apr_uint64_t token,
                                   const char *value, apr_size_t len, apr_uint32_t ttl,
                                   apr_pool_t *pool)
{
    memcached_store_t *mem = (memcached_store_t *)store;
    absw_store_write_t write = { .key = key, .value = { value, len }, .ttl = ttl };
    int index;

    if (!is_writable(mem, key, len, pool)) {
        return ABSW_STORE_FAILED;
    }
    index = decider(mem);
    write.cas = token & ABSW_STORE_CAS_MAX;
    write.want = write.cas ? ABSW_STORE_WANT_OLD : ABSW_STORE_WANT_NOTHING;
    if (token != token_of(mem, index, write.cas)) {
        return ABSW_STORE_CONFLICT;     /* another server decides now, or it was restarted */
    }
    return put(mem, index, &write, pool);
}

static absw_store_state_e mem_state(const absw_store_t *store, apr_pool_t *pool,
                                    const absw_store_server_t **servers, int *n)
{
    const memcached_store_t *mem = (const memcached_store_t *)store;
    absw_store_server_t *list = apr_pcalloc(pool, (apr_size_t)mem->n * sizeof(*list));
    int up = 0;
    int whole = 0;

    for (int i = 0; i < mem->n; i++) {
        const char *why = absw_store_link_why(mem->links[i]);
        int is_up = absw_store_link_is_up(mem->links[i]);

        list[i].server = mem->address->servers[i].name;
        list[i].state = is_up ? ABSW_STORE_UP : ABSW_STORE_DOWN;
        list[i].why = *why ? apr_pstrdup(pool, why) : NULL;
        up += is_up;
        whole += is_up && !*why;
    }
    *servers = list;
    *n = mem->n;
    return whole == mem->n ? ABSW_STORE_UP : up > 0 ? ABSW_STORE_DEGRADED : ABSW_STORE_DOWN;
}

static const absw_store_ops_t MEMCACHED_OPS = {
    .type = "memcache",
    .hand = "key",
    .solo = 0,
    .get = mem_get,
    .set = mem_set,
    .add = mem_add,
    .cas = mem_cas,
    .state = mem_state,
};

absw_store_t *absw_store_memcached_make(apr_pool_t *pool,
                                        const absw_store_memcached_terms_t *terms)
{
    memcached_store_t *mem = apr_pcalloc(pool, sizeof(*mem));
    apr_interval_time_t round = terms->timeout * terms->address->n;
    const absw_store_link_terms_t link_terms = {
        .timeout = terms->timeout,
        .pause = round > PAUSE ? round : PAUSE,
        .pause_max = round > PAUSE_MAX ? round : PAUSE_MAX,
        .clock = terms->clock ? terms->clock : monotonic,
        .owner = apr_pstrdup(pool, terms->owner),
    };

    mem->store.ops = &MEMCACHED_OPS;
    mem->address = terms->address;
    mem->n = terms->address->n;
    for (int i = 0; i < mem->n; i++) {
        mem->links[i] = absw_store_link_make(pool, &mem->address->servers[i], &link_terms);
    }
    return &mem->store;
}
