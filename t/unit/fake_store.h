/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <stdlib.h>
#include <string.h>

#include "store.h"

/** A store in memory, with faults to order. Not for more than one thread. */

#define FAKE_KEYS 32

typedef struct {
    char key[ABSW_STORE_KEY_MAX];
    char *value;                /* NULL: absent */
    apr_size_t len;
    apr_uint64_t cas;
} fake_entry_t;

typedef struct {
    absw_store_t store;
    absw_store_ops_t ops;       /* its own, so that a test may say it is not alone */
    fake_entry_t entries[FAKE_KEYS];
    apr_uint64_t tokens;
    int down;                   /* no answer, and no write is done */
    int busy;                   /* whatever is there is being written */
    int fail_writes;            /* they fail, and are not done */
    int conflicts;              /* so many writes find that somebody was first */
    int writes;                 /* that were done */
} fake_store_t;

static inline fake_entry_t *fake_entry(fake_store_t *fake, const char *key)
{
    for (int i = 0; i < FAKE_KEYS; i++) {
        if (fake->entries[i].key[0] == '\0') {
            strcpy(fake->entries[i].key, key);
        }
        if (strcmp(fake->entries[i].key, key) == 0) {
            return &fake->entries[i];
        }
    }
    abort();
}

static inline void fake_put(fake_store_t *fake, const char *key, const char *value,
                            apr_size_t len)
{
    fake_entry_t *entry = fake_entry(fake, key);

    free(entry->value);
    entry->value = malloc(len + 1);
    memcpy(entry->value, value, len);
    entry->value[len] = '\0';
    entry->len = len;
    entry->cas = ++fake->tokens;
}

static inline void fake_drop(fake_store_t *fake, const char *key)
{
    fake_entry_t *entry = fake_entry(fake, key);

    free(entry->value);
    entry->value = NULL;
}

static inline void fake_clear(fake_store_t *fake)
{
    for (int i = 0; i < FAKE_KEYS; i++) {
        free(fake->entries[i].value);
        fake->entries[i].value = NULL;
    }
}

static inline int fake_get(absw_store_t *store, absw_store_item_t *items, int n,
                           apr_pool_t *pool)
{
    fake_store_t *fake = (fake_store_t *)store;

    (void)pool;
    for (int i = 0; i < n; i++) {
        const fake_entry_t *entry = fake_entry(fake, items[i].key);

        items[i] = (absw_store_item_t){ .key = items[i].key };
        if (fake->down) {
            items[i].why = "the fake is down";
        }
        else if (!entry->value) {
            items[i].found = ABSW_STORE_ABSENT;
        }
        else if (fake->busy) {
            items[i].found = ABSW_STORE_BUSY;
        }
        else {
            items[i].found = ABSW_STORE_FOUND;
            items[i].value = entry->value;
            items[i].len = entry->len;
            items[i].cas = entry->cas;
        }
    }
    return !fake->down;
}

static inline absw_store_result_e fake_write(fake_store_t *fake, const char *key, int right,
                                             const char *value, apr_size_t len)
{
    if (fake->down || fake->fail_writes) {
        strcpy(fake->store.why, "the fake is full");
        return ABSW_STORE_FAILED;
    }
    if (fake->conflicts > 0) {
        fake->conflicts--;
        return ABSW_STORE_CONFLICT;
    }
    if (!right) {
        return ABSW_STORE_CONFLICT;
    }
    fake->writes++;
    fake_put(fake, key, value, len);
    return ABSW_STORE_DONE;
}

static inline absw_store_result_e fake_set(absw_store_t *store, const char *key,
                                           const char *value, apr_size_t len, apr_uint32_t ttl,
                                           apr_pool_t *pool)
{
    (void)ttl;
    (void)pool;
    return fake_write((fake_store_t *)store, key, 1, value, len);
}

static inline absw_store_result_e fake_add(absw_store_t *store, const char *key,
                                           const char *value, apr_size_t len, apr_uint32_t ttl,
                                           apr_pool_t *pool)
{
    fake_store_t *fake = (fake_store_t *)store;

    (void)ttl;
    (void)pool;
    return fake_write(fake, key, fake_entry(fake, key)->value == NULL, value, len);
}

static inline absw_store_result_e fake_cas(absw_store_t *store, const char *key,
                                           apr_uint64_t token, const char *value,
                                           apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    fake_store_t *fake = (fake_store_t *)store;
    const fake_entry_t *entry = fake_entry(fake, key);

    (void)ttl;
    (void)pool;
    return fake_write(fake, key, entry->value != NULL && entry->cas == token, value, len);
}

static inline absw_store_state_e fake_state(const absw_store_t *store, apr_pool_t *pool,
                                            const absw_store_server_t **servers, int *n)
{
    (void)pool;
    *servers = NULL;
    *n = 0;
    return ((const fake_store_t *)store)->down ? ABSW_STORE_DOWN : ABSW_STORE_UP;
}

static inline void fake_make(fake_store_t *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->ops = (absw_store_ops_t){
        .type = "fake", .hand = "hand", .solo = 1, .get = fake_get, .set = fake_set,
        .add = fake_add, .cas = fake_cas, .state = fake_state,
    };
    fake->store.ops = &fake->ops;
}

#endif
