/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "memcached_child.h"
#include "sample.h"
#include "store_memcached.h"

/** Up to two servers, and the store on them. */

#define SWITCH  "abswitch:contact:switch"
#define EPOCH   "abswitch:contact:epoch"
#define RECORD  "abswitch:contact:node:web1:80"
#define PROOF   "abswitch-proof:web1:80"
#define TIMEOUT 1000            /* ms */
#define SLACK   15000           /* ms: of a loaded machine */

typedef struct {
    apr_pool_t *pool;
    child_t servers[2];
    absw_store_address_t address;
    absw_store_t *store;
} room_t;

/* The breaker's clock stands still unless a test moves it on. */
static apr_time_t now;

static inline apr_time_t clock_of_test(void)
{
    return now;
}

static inline int set_up(void **state)
{
    room_t *room = calloc(1, sizeof(*room));

    apr_initialize();
    apr_pool_create(&room->pool, NULL);
    now = apr_time_from_sec(1000);
    *state = room;
    return 0;
}

static inline int tear_down(void **state)
{
    room_t *room = *state;

    apr_pool_destroy(room->pool);
    for (size_t i = 0; i < COUNT_OF(room->servers); i++) {
        child_kill(&room->servers[i]);
        if (room->servers[i].path[0]) {
            unlink(room->servers[i].path);
        }
    }
    apr_terminate();
    free(room);
    return 0;
}

/* Another handle on the servers that run: another node, or a later one. */
static inline absw_store_t *handle(room_t *room, const char *owner)
{
    const absw_store_memcached_terms_t terms = {
        .address = &room->address, .timeout = apr_time_from_msec(TIMEOUT),
        .clock = clock_of_test, .owner = owner,
    };
    const char *value = "memcache:";

    for (size_t i = 0; i < COUNT_OF(room->servers) && room->servers[i].pid; i++) {
        const child_t *child = &room->servers[i];

        value = apr_pstrcat(room->pool, value, i ? "," : "",
                            child->path[0] ? child->path
                            : apr_psprintf(room->pool, "%s:%d",
                                           child->address ? "[::1]" : "127.0.0.1", child->port),
                            NULL);
    }
    assert_null(absw_store_address_parse(room->pool, value, &room->address));
    return absw_store_memcached_make(room->pool, &terms);
}

static inline void start(room_t *room, int n)
{
    for (int i = 0; i < n; i++) {
        assert_int_equal(child_start(&room->servers[i]), 0);
    }
    room->store = handle(room, "web1:80");
}

static inline absw_store_item_t get_from(const room_t *room, absw_store_t *store, const char *key,
                                  int complete)
{
    absw_store_item_t item = { .key = key };

    assert_int_equal(store->ops->get(store, &item, 1, room->pool), complete);
    return item;
}

static inline absw_store_item_t get(const room_t *room, const char *key)
{
    return get_from(room, room->store, key, 1);
}

static inline void assert_value(const absw_store_item_t *item, const char *value)
{
    assert_int_equal(item->found, value ? ABSW_STORE_FOUND : ABSW_STORE_ABSENT);
    if (value) {
        assert_int_equal(item->len, strlen(value));
        assert_memory_equal(item->value, value, item->len);
        assert_true(item->cas != 0);
    }
    else {
        assert_true(item->cas == 0);
    }
}

static inline void assert_holds(const room_t *room, const char *key, const char *value)
{
    absw_store_item_t item = get(room, key);

    assert_value(&item, value);
}

static inline void assert_unknown(const room_t *room, const char *words)
{
    absw_store_item_t item = get_from(room, room->store, SWITCH, 0);

    assert_int_equal(item.found, ABSW_STORE_UNKNOWN);
    assert_non_null(item.why);
    if (!strstr(item.why, words)) {
        fail_msg("%s, not %s", item.why, words);
    }
}

static inline absw_store_result_e set(const room_t *room, const char *key, const char *value)
{
    return room->store->ops->set(room->store, key, value, strlen(value), 0, room->pool);
}

static inline absw_store_result_e add(const room_t *room, const char *key, const char *value)
{
    return room->store->ops->add(room->store, key, value, strlen(value), 0, room->pool);
}

static inline absw_store_result_e cas(const room_t *room, apr_uint64_t token, const char *value)
{
    return room->store->ops->cas(room->store, SWITCH, token, value, strlen(value), 0, room->pool);
}

/* The store's state, and "U" or "D" of every server. */
static inline void assert_state(const room_t *room, absw_store_state_e state, const char *each)
{
    const absw_store_server_t *servers;
    int n;

    assert_int_equal(room->store->ops->state(room->store, room->pool, &servers, &n), state);
    assert_int_equal(n, strlen(each));
    for (int i = 0; i < n; i++) {
        assert_int_equal(servers[i].state, each[i] == 'U' ? ABSW_STORE_UP : ABSW_STORE_DOWN);
        assert_string_equal(servers[i].server, room->address.servers[i].name);
        assert_true(each[i] == 'U' || servers[i].why != NULL);
    }
}

static apr_time_t started;

static inline void watch(void)
{
    started = apr_time_now();
}

static inline void assert_took_at_most(int ms)
{
    assert_in_range(apr_time_as_msec(apr_time_now() - started), 0, ms);
}

/* Has what was watched not waited for a server? A machine that is busy may be late all the
 * same, so there are some tries; who waits does so at each. */
static inline int did_not_wait(int attempt)
{
    int quick = apr_time_now() - started < apr_time_from_msec(TIMEOUT - 10);

    assert_true(quick || attempt < 8);
    return quick;
}

static inline void pass(int seconds)
{
    now += apr_time_from_sec(seconds);
}

#endif
