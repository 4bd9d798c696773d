/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <libmemcached/memcached.h>

#include "store_breaker.h"
#include "store_link.h"
#include "store_scout.h"
#include "text.h"

#define PROOF_KEY   "abswitch-proof:"   /* and the owner; no application's key begins so */
#define PROOF_VALUE "1"
#define MEMORY_MAX  (64u << 20)         /* bytes at once: an answer may claim any length */
#define WAITS_MAX   4                   /* waits for all the values of one answer */

/*
 * libmemcached copies the key of an answer, which is as long as the server likes within a line of
 * 350 bytes, into a field of 251 at the end of its result. What follows there tells it whether to
 * free the result, so its free() must not believe it.
 */
typedef struct {
    memcached_result_st result;
    char spill[128];
} roomy_result_t;

struct absw_store_link_t {
    const absw_store_place_t *place;
    absw_store_link_terms_t terms;
    const char *proof;          /* our key */
    memcached_st *memc;         /* NULL: there is no connection, nor an attempt at one */
    roomy_result_t answer;      /* of memc */
    apr_uint16_t session;
    apr_uint32_t losses;
    int is_proven;              /* this connection leads to a memcached */
    int is_up;
    int has_failed;             /* since it was last up */
    int has_waited;             /* and that took a time-out */
    absw_store_breaker_t breaker;
    absw_store_scout_t *scout;
    char why[ABSW_STORE_WHY_MAX];       /* it is not up */
    char refusal[ABSW_STORE_WHY_MAX];   /* it did not take the last write; "": it did */
};

/* A signal makes libmemcached begin its wait anew. */
static void hold_signals(sigset_t *old)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

static void release_signals(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* Close the connection. This does not wait for the server. */
static void drop(absw_store_link_t *link)
{
    if (link->memc) {
        memcached_result_free(&link->answer.result);
        memcached_free(link->memc);
        link->memc = NULL;
    }
    link->is_proven = 0;
}

static apr_status_t clean_up(void *data)
{
    drop(data);
    return APR_SUCCESS;
}

static const char *words_of(const absw_store_link_t *link, memcached_return_t rc,
                            char *buffer, apr_size_t size)
{
    switch (rc) {
    case MEMCACHED_TIMEOUT:
        apr_snprintf(buffer, size, "no answer within %d ms",
                     (int)apr_time_as_msec(link->terms.timeout));
        return buffer;
    case MEMCACHED_ERRNO:
    case MEMCACHED_CONNECTION_FAILURE:
    case MEMCACHED_SERVER_TEMPORARILY_DISABLED:     /* so it says when an attempt has just failed */
    case MEMCACHED_SERVER_MARKED_DEAD:
        if (link->memc && memcached_last_error_errno(link->memc)) {
            return apr_strerror(memcached_last_error_errno(link->memc), buffer, size);
        }
        return "it cannot be reached, or has closed the connection";
    case MEMCACHED_HOST_LOOKUP_FAILURE:
        return "its name cannot be looked up";
    case MEMCACHED_E2BIG:
        return "the value is too long for it (memcached -I)";
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return "it is out of memory (memcached -m)";
    case MEMCACHED_SUCCESS:
    case MEMCACHED_END:
    case MEMCACHED_NOTFOUND:
    case MEMCACHED_ERROR:
        return "it answered with an error or in part (too many connections, out of memory?)";
    default:
        apr_snprintf(buffer, size, "it answered what was not expected (%s)",
                     memcached_strerror(NULL, rc));
        return buffer;
    }
}

/* Say what is wrong, in dst (ABSW_STORE_WHY_MAX bytes). */
static void set_why(const absw_store_link_t *link, char *dst, const char *what)
{
    char line[ABSW_STORE_WHY_MAX];

    apr_snprintf(line, sizeof(line), "%s: %s", link->place->name, what);
    absw_text_clean(dst, ABSW_STORE_WHY_MAX, line);
}

/* The server is lost, for a while. Always 0. */
static int fail(absw_store_link_t *link, const char *what)
{
    set_why(link, link->why, what);
    link->refusal[0] = '\0';
    drop(link);
    link->is_up = 0;
    link->has_failed = 1;
    absw_store_breaker_trip(&link->breaker, link->terms.clock());
    return 0;
}

static int fail_rc(absw_store_link_t *link, memcached_return_t rc)
{
    char buffer[120];

    link->has_waited = rc == MEMCACHED_TIMEOUT;
    return fail(link, words_of(link, rc, buffer, sizeof(buffer)));
}

static void succeed(absw_store_link_t *link)
{
    if (link->has_failed) {
        link->losses++;
    }
    link->has_failed = 0;
    link->is_up = 1;
    link->is_proven = 1;
    absw_store_breaker_reset(&link->breaker);
    link->why[0] = '\0';
}

static void *take_memory(const memcached_st *memc, size_t size, void *context)
{
    (void)memc;
    (void)context;
    return size > MEMORY_MAX ? NULL : malloc(size);
}

static void *take_zeroed(const memcached_st *memc, size_t n, size_t size, void *context)
{
    (void)memc;
    (void)context;
    return calloc(n, size);
}

static void *take_more(const memcached_st *memc, void *memory, size_t size, void *context)
{
    (void)memc;
    (void)context;
    return size > MEMORY_MAX ? NULL : realloc(memory, size);
}

static void give_memory(const memcached_st *memc, void *memory, void *context)
{
    absw_store_link_t *link = context;

    (void)memc;
    if (memory != &link->answer) {
        free(memory);
    }
}

/* Have a handle. The connection itself is libmemcached's to make. */
static int open_link(absw_store_link_t *link)
{
    const struct {
        memcached_behavior_t name;
        apr_uint64_t value;
    } behaviors[] = {
        { MEMCACHED_BEHAVIOR_VERIFY_KEY, 1 },
        { MEMCACHED_BEHAVIOR_TCP_NODELAY, 1 },
        { MEMCACHED_BEHAVIOR_TCP_KEEPALIVE, 1 },
        { MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1 },
        { MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0 },
        { MEMCACHED_BEHAVIOR_POLL_TIMEOUT, (apr_uint64_t)apr_time_as_msec(link->terms.timeout) },
        { MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT,
          (apr_uint64_t)apr_time_as_msec(link->terms.timeout) },
    };
    memcached_return_t rc = MEMCACHED_SUCCESS;

    if (link->memc) {
        return 1;
    }
    link->memc = memcached_create(NULL);
    if (!link->memc) {
        return fail(link, "there is no memory for a connection");
    }
    memcached_set_memory_allocators(link->memc, take_memory, give_memory, take_more, take_zeroed,
                                    link);
    memcached_result_create(link->memc, &link->answer.result);
    for (size_t i = 0; i < sizeof(behaviors) / sizeof(behaviors[0]) && !rc; i++) {
        rc = memcached_behavior_set(link->memc, behaviors[i].name, behaviors[i].value);
    }
    if (rc == MEMCACHED_SUCCESS) {
        rc = link->place->path
             ? memcached_server_add_unix_socket(link->memc, link->place->path)
             : memcached_server_add(link->memc, link->place->host, link->place->port);
    }
    if (rc != MEMCACHED_SUCCESS) {
        return fail_rc(link, rc);
    }
    link->session = (apr_uint16_t)(link->session == 0xffff ? 1 : link->session + 1);
    return 1;
}

/* The next value of an answer, NULL and *rc at its end. */
static memcached_result_st *fetch(absw_store_link_t *link, memcached_return_t *rc)
{
    memcached_result_st *result = &link->answer.result;
    int there = memcached_fetch_result(link->memc, result, rc) != NULL;

    if (memcached_result_key_length(result) > ABSW_STORE_KEY_MAX) {
        if (!there) {
            memcached_result_create(link->memc, result);    /* it may have been freed */
        }
        *rc = MEMCACHED_PROTOCOL_ERROR;
        return NULL;
    }
    return there ? result : NULL;
}

static void take_value(absw_store_item_t *item, const memcached_result_st *result,
                       apr_pool_t *pool)
{
    apr_size_t len = memcached_result_length(result);

    item->found = ABSW_STORE_FOUND;
    item->cas = memcached_result_cas(result);
    item->len = len > ABSW_STORE_VALUE_MAX ? ABSW_STORE_VALUE_MAX + 1 : len;
    item->value = len ? apr_pstrmemdup(pool, memcached_result_value(result), item->len) : "";
}

/* Which of n keys (and the proof, the one after them) is it? They come in order. -1: none. */
static int which(const char *const *keys, int n, int from, const memcached_result_st *result)
{
    const char *key = memcached_result_key_value(result);
    apr_size_t len = memcached_result_key_length(result);

    for (int i = from; i <= n; i++) {
        if (strlen(keys[i]) == len && memcmp(keys[i], key, len) == 0) {
            return i;
        }
    }
    return -1;
}

typedef enum { ASK_FAILED, ASK_UNPROVEN, ASK_PROVEN } ask_e;

/* Read the answer. Nothing in it is believed before the proof has come. */
static ask_e read_answer(absw_store_link_t *link, const char *const *keys,
                         absw_store_item_t *items, int n, apr_pool_t *pool)
{
    apr_time_t late = link->terms.clock() + WAITS_MAX * link->terms.timeout;
    memcached_result_st *result;
    memcached_return_t rc;
    int at = 0;

    while ((result = fetch(link, &rc))) {
        int i = which(keys, n, at, result);

        if (i < 0) {
            return (ask_e)fail(link, "it answered with a key that was not asked for");
        }
        if (memcached_result_cas(result) == 0
            || memcached_result_cas(result) > ABSW_STORE_CAS_MAX) {
            return (ask_e)fail(link, "it gives no tokens for cas (memcached -C?)");
        }
        if (link->terms.clock() > late) {
            link->has_waited = 1;
            return (ask_e)fail(link, "it answers too slowly");
        }
        if (i < n) {
            take_value(&items[i], result, pool);
        }
        at = i + 1;
    }
    if (rc != MEMCACHED_END && rc != MEMCACHED_NOTFOUND) {
        return (ask_e)fail_rc(link, rc);
    }
    return at == n + 1 ? ASK_PROVEN : ASK_UNPROVEN;
}

static ask_e ask(absw_store_link_t *link, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    apr_size_t room = (apr_size_t)n + 1;
    const char **keys = apr_palloc(pool, room * sizeof(*keys));
    size_t *lens = apr_palloc(pool, room * sizeof(*lens));
    memcached_return_t rc;

    if (!open_link(link)) {
        return ASK_FAILED;
    }
    for (int i = 0; i <= n; i++) {
        keys[i] = i < n ? items[i].key : link->proof;
        lens[i] = strlen(keys[i]);
        if (i < n) {
            items[i] = (absw_store_item_t){ .key = keys[i], .found = ABSW_STORE_ABSENT };
        }
    }
    rc = memcached_mget(link->memc, keys, lens, room);
    if (rc != MEMCACHED_SUCCESS) {
        return (ask_e)fail_rc(link, rc);
    }
    return read_answer(link, keys, items, n, pool);
}

/* A connection that was good may have been closed meanwhile, which says nothing about now. */
static ask_e ask_twice(absw_store_link_t *link, absw_store_item_t *items, int n,
                       apr_pool_t *pool)
{
    int was_proven = link->is_proven;
    ask_e said;

    link->has_waited = 0;
    said = ask(link, items, n, pool);
    if (said == ASK_FAILED && was_proven && !link->has_waited) {
        absw_store_breaker_reset(&link->breaker);
        said = ask(link, items, n, pool);
    }
    return said;
}

static int get(absw_store_link_t *link, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    ask_e said = ask_twice(link, items, n, pool);
    memcached_return_t rc;

    if (said == ASK_UNPROVEN) {
        rc = memcached_set(link->memc, link->proof, strlen(link->proof), PROOF_VALUE,
                           strlen(PROOF_VALUE), 0, 0);
        if (rc != MEMCACHED_SUCCESS) {
            return fail_rc(link, rc);
        }
        said = ask(link, items, n, pool);
        if (said == ASK_UNPROVEN) {
            return fail_rc(link, MEMCACHED_NOTFOUND);
        }
        link->losses += said == ASK_PROVEN;
    }
    if (said == ASK_PROVEN) {
        succeed(link);
    }
    return said == ASK_PROVEN;
}

int absw_store_link_get(absw_store_link_t *link, absw_store_item_t *items, int n,
                        apr_pool_t *pool)
{
    sigset_t old;
    int done;

    hold_signals(&old);
    done = get(link, items, n, pool);
    release_signals(&old);
    return done;
}

static memcached_return_t send_write(const absw_store_link_t *link,
                                     const absw_store_write_t *write)
{
    apr_size_t len = strlen(write->key);
    time_t ttl = write->ttl < ABSW_STORE_TTL_MAX ? write->ttl : ABSW_STORE_TTL_MAX;

    switch (write->want) {
    case ABSW_STORE_WANT_NOTHING:
        return memcached_add(link->memc, write->key, len, write->value.bytes, write->value.len,
                             ttl, 0);
    case ABSW_STORE_WANT_OLD:
        return memcached_cas(link->memc, write->key, len, write->value.bytes, write->value.len,
                             ttl, 0, write->cas);
    case ABSW_STORE_WANT_ANYTHING:
    default:
        return memcached_set(link->memc, write->key, len, write->value.bytes, write->value.len,
                             ttl, 0);
    }
}

/* The server is there and does not take it. */
static absw_store_result_e refused(absw_store_link_t *link, memcached_return_t rc, char *why)
{
    char buffer[120];

    set_why(link, why, words_of(link, rc, buffer, sizeof(buffer)));
    drop(link);
    if (rc != MEMCACHED_E2BIG) {        /* that is about this value only */
        memcpy(link->refusal, why, sizeof(link->refusal));
    }
    return ABSW_STORE_FAILED;
}

static absw_store_result_e put(absw_store_link_t *link, const absw_store_write_t *write,
                               char *why, apr_pool_t *pool)
{
    memcached_return_t rc;

    if (!open_link(link) || (!link->is_proven && !get(link, NULL, 0, pool))) {
        memcpy(why, link->why, sizeof(link->why));
        return ABSW_STORE_FAILED;
    }
    rc = send_write(link, write);
    switch (rc) {
    case MEMCACHED_SUCCESS:
        link->refusal[0] = '\0';
        return ABSW_STORE_DONE;
    case MEMCACHED_NOTSTORED:
    case MEMCACHED_DATA_EXISTS:
        return ABSW_STORE_CONFLICT;
    case MEMCACHED_NOTFOUND:            /* or what libmemcached takes for it */
        drop(link);
        return ABSW_STORE_CONFLICT;
    case MEMCACHED_E2BIG:
    case MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE:
        return refused(link, rc, why);
    default:
        fail_rc(link, rc);
        memcpy(why, link->why, sizeof(link->why));
        return ABSW_STORE_FAILED;
    }
}

absw_store_result_e absw_store_link_put(absw_store_link_t *link, const absw_store_write_t *write,
                                        char *why, apr_pool_t *pool)
{
    absw_store_result_e result;
    sigset_t old;

    hold_signals(&old);
    result = put(link, write, why, pool);
    release_signals(&old);
    return result;
}

int absw_store_link_is_open(const absw_store_link_t *link)
{
    return absw_store_breaker_lets(&link->breaker, link->terms.clock());
}

void absw_store_link_look(absw_store_link_t *link)
{
    apr_time_t now = link->terms.clock();

    if (!absw_store_breaker_hears(&link->breaker, now)) {
        absw_store_scout_leave(link->scout);
    }
    else if (absw_store_scout_look(link->scout, now)) {
        absw_store_breaker_hear(&link->breaker);
    }
}

int absw_store_link_is_up(const absw_store_link_t *link)
{
    return link->is_up;
}

const char *absw_store_link_why(const absw_store_link_t *link)
{
    return link->is_up ? link->refusal : link->why;
}

apr_uint16_t absw_store_link_session(const absw_store_link_t *link)
{
    return link->session;
}

apr_uint32_t absw_store_link_losses(const absw_store_link_t *link)
{
    return link->losses;
}

absw_store_link_t *absw_store_link_make(apr_pool_t *pool, const absw_store_place_t *place,
                                        const absw_store_link_terms_t *terms)
{
    absw_store_link_t *link = apr_pcalloc(pool, sizeof(*link));

    link->place = place;
    link->terms = *terms;
    link->breaker = (absw_store_breaker_t){ .first = terms->pause, .longest = terms->pause_max };
    link->scout = absw_store_scout_make(pool, place);
    link->proof = apr_pstrcat(pool, PROOF_KEY, terms->owner, NULL);
    apr_pool_cleanup_register(pool, link, clean_up, apr_pool_cleanup_null);
    return link;
}
