/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "change.h"
#include "fuzz.h"
#include "node.h"

/*
 * A node whose store is in other hands. In: what happens to the store, sync after sync; each a
 * byte (what, and which key), then for a value its length (2 bytes) and the value.
 *
 * Whatever the store says, the generation in force never goes back, one side is open, and the side
 * on which somebody clicks every second is never drained unless it is closed.
 */

#define T0          APR_INT64_C(1763790000)
#define SESSIONS    64
#define APPS        1
#define CHILDREN    4

/** The keys whose values are hostile; all that is said to other ones is forgotten. */
static const char *const keys[] = {
    "abswitch:contact:switch", "abswitch:contact:epoch", "abswitch:contact:nodes",
    "abswitch:contact:log", "abswitch:contact:node:web1:80", "abswitch:contact:node:web2:80",
    "abswitch:contact:members:A:web2:80", "abswitch:contact:members:A:web1:80",
};
#define KEYS (sizeof(keys) / sizeof(*keys))

typedef struct {
    absw_store_t store;
    absw_store_ops_t ops;
    char *value[KEYS];
    apr_size_t len[KEYS];
    apr_uint64_t cas[KEYS];
    apr_uint64_t tokens;
    int down;
    int full;
} store_t;

typedef struct {
    store_t store;
    void *board;
    void *rows;
    void *table;
    absw_node_app_t app;
    absw_node_t node;
    apr_time_t now;
    apr_int64_t generation;
} world_t;

/* --- the store ------------------------------------------------------------------------- */

static int key_of(const char *key)
{
    for (unsigned i = 0; i < KEYS; i++) {
        if (!strcmp(keys[i], key)) {
            return (int)i;
        }
    }
    return -1;
}

static void put(store_t *store, int key, const char *value, apr_size_t len)
{
    free(store->value[key]);
    store->value[key] = malloc(len ? len : 1);
    if (!store->value[key]) {
        abort();
    }
    memcpy(store->value[key], value, len);
    store->len[key] = len;
    store->cas[key] = ++store->tokens;
}

static void flush(store_t *store)
{
    for (unsigned i = 0; i < KEYS; i++) {
        free(store->value[i]);
        store->value[i] = NULL;
    }
}

static int get(absw_store_t *self, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    const store_t *store = (const store_t *)self;

    for (int i = 0; i < n; i++) {
        int key = key_of(items[i].key);

        items[i].found = store->down ? ABSW_STORE_UNKNOWN : ABSW_STORE_ABSENT;
        items[i].why = store->down ? "it is down" : NULL;
        if (!store->down && key >= 0 && store->value[key]) {
            items[i].found = ABSW_STORE_FOUND;
            items[i].value = apr_pmemdup(pool, store->value[key], store->len[key]);
            items[i].len = store->len[key];
            items[i].cas = store->cas[key];
        }
    }
    return !store->down;
}

static absw_store_result_e write_if(absw_store_t *self, const char *name, int right,
                                    const char *value, apr_size_t len)
{
    store_t *store = (store_t *)self;
    int key = key_of(name);

    if (store->down || store->full) {
        strcpy(self->why, "it is down, or full");
        return ABSW_STORE_FAILED;
    }
    if (!right) {
        return ABSW_STORE_CONFLICT;
    }
    if (key >= 0) {
        put(store, key, value, len);
    }
    return ABSW_STORE_DONE;
}

static absw_store_result_e set(absw_store_t *self, const char *key, const char *value,
                               apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    (void)ttl;
    (void)pool;
    return write_if(self, key, 1, value, len);
}

static absw_store_result_e add(absw_store_t *self, const char *name, const char *value,
                               apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    int key = key_of(name);

    (void)ttl;
    (void)pool;
    return write_if(self, name, key < 0 || !((store_t *)self)->value[key], value, len);
}

static absw_store_result_e cas(absw_store_t *self, const char *name, apr_uint64_t token,
                               const char *value, apr_size_t len, apr_uint32_t ttl,
                               apr_pool_t *pool)
{
    const store_t *store = (const store_t *)self;
    int key = key_of(name);

    (void)ttl;
    (void)pool;
    return write_if(self, name, key < 0 || (store->value[key] && store->cas[key] == token), value,
                    len);
}

static absw_store_state_e state(const absw_store_t *self, apr_pool_t *pool,
                                const absw_store_server_t **servers, int *n)
{
    (void)pool;
    *servers = NULL;
    *n = 0;
    return ((const store_t *)self)->down ? ABSW_STORE_DOWN : ABSW_STORE_UP;
}

/* --- the node -------------------------------------------------------------------------- */

static int always(apr_uint32_t pid)
{
    (void)pid;
    return 1;
}

static void say(void *baton, absw_say_e level, const char *app, const char *side, const char *text)
{
    (void)baton;
    (void)level;
    (void)app;
    (void)side;
    for (; *text; text++) {
        FUZZ_HOLDS((unsigned char)*text >= ' ');
    }
}

static void *zeroed(apr_size_t size)
{
    void *mem = aligned_alloc(64, (size + 63) / 64 * 64);

    if (!mem) {
        abort();
    }
    return memset(mem, 0, size);
}

static void begin(world_t *w, apr_pool_t *pool)
{
    memset(w, 0, sizeof(*w));
    w->now = apr_time_from_sec(T0);
    w->store.ops = (absw_store_ops_t){
        .type = "fuzz", .hand = "key", .get = get, .set = set, .add = add, .cas = cas,
        .state = state,
    };
    w->store.store.ops = &w->store.ops;
    w->board = zeroed(absw_board_size(APPS));
    w->rows = zeroed(absw_children_size(CHILDREN, APPS));
    w->table = zeroed(absw_table_size(SESSIONS));
    w->app.policy = fuzz_policy();
    w->node = (absw_node_t){
        .name = "web1:80", .store = &w->store.store, .board_apps = APPS,
        .board = absw_board_attach(w->board, APPS),
        .children = absw_children_attach(pool, w->rows, CHILDREN, APPS),
        .table = absw_table_attach(pool, w->table, SESSIONS),
        .sync = apr_time_from_sec(1), .apps = &w->app, .apps_n = 1, .alive = always, .say = say,
    };
    FUZZ_HOLDS(absw_board_enter(w->node.board, fuzz_policy(), &w->app.place));
    FUZZ_HOLDS(absw_node_start(&w->node, ABSW_SHARED_FIRST, w->now, pool) == APR_SUCCESS);
    absw_node_begin(&w->node, pool);
    FUZZ_HOLDS(absw_children_join(w->node.children, 4711) != NULL);
}

static void click(const world_t *w)
{
    absw_table_session_t s = {
        .id = { 1, 2, 3 }, .login = T0, .place = w->app.place.place[0],
        .home = w->app.place.place[0], .kid = 'k', .key_check = 1,
    };

    FUZZ_HOLDS(absw_table_touch(w->node.table, &s, apr_time_sec(w->now)) != ABSW_TABLE_FULL);
}

static void look(world_t *w, apr_pool_t *pool)
{
    const absw_report_t *report = absw_node_status(&w->node, NULL, w->now, pool);
    const absw_report_side_t *side = &report->apps[0].sides[0];
    absw_switch_t rec;
    int open = 0;

    absw_change_in_force(fuzz_policy(), &w->app.place, &rec);
    FUZZ_HOLDS(rec.generation >= w->generation);
    w->generation = rec.generation;
    for (int i = 0; i < fuzz_policy()->sides_n; i++) {
        open += absw_switch_state(fuzz_policy(), &rec, i, apr_time_sec(w->now)) == ABSW_SIDE_OPEN;
    }
    FUZZ_HOLDS(open > 0);
    FUZZ_HOLDS(report->apps_n == 1);
    if (absw_switch_state(fuzz_policy(), &rec, 0, apr_time_sec(w->now)) != ABSW_SIDE_CLOSED) {
        FUZZ_HOLDS(side->drain != ABSW_DRAIN_DRAINED);
        FUZZ_HOLDS(!side->known || side->sessions > 0);
    }
}

/* --- what happens ---------------------------------------------------------------------- */

static const char *with_sum(fuzz_t *in, const char *text, apr_size_t *len)
{
    apr_uint64_t sum = APR_UINT64_C(0xcbf29ce484222325);

    for (apr_size_t i = 0; i < *len; i++) {
        sum = (sum ^ (unsigned char)text[i]) * APR_UINT64_C(0x100000001b3);
    }
    text = apr_psprintf(in->pool, "%.*s sum=%016" APR_UINT64_T_HEX_FMT, (int)*len, text, sum);
    *len = strlen(text);
    return text;
}

static void happen(store_t *store, fuzz_t *in)
{
    unsigned what = (unsigned)fuzz_number(in, 1);
    int key = (int)(what % KEYS);

    if (what < 128) {
        apr_size_t len = fuzz_number(in, 2);
        const char *value = in->at;

        len = len < in->len ? len : in->len;
        in->at += len;
        in->len -= len;
        if (what >= 64) {
            value = with_sum(in, value, &len);
        }
        put(store, key, value, len);
    }
    else if (what < 144) {
        flush(store);
    }
    else if (what < 160) {
        store->down = what & 1;
    }
    else if (what < 176) {
        store->full = what & 1;
    }
    else if (what < 192) {
        free(store->value[key]);
        store->value[key] = NULL;
    }
}

void fuzz(fuzz_t *in)
{
    static world_t w;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, in->pool);
    begin(&w, in->pool);
    for (int syncs = 0; in->len > 0 && syncs < 64; syncs++) {
        happen(&w.store, in);
        w.now += w.node.sync;
        click(&w);
        absw_node_tick(&w.node, w.now, scratch);
        look(&w, scratch);
        apr_pool_clear(scratch);
    }
    flush(&w.store);
    free(w.board);
    free(w.rows);
    free(w.table);
}
