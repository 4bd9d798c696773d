/* SPDX-License-Identifier: Apache-2.0 */
#include "store_room.h"

#define NODES "abswitch:contact:nodes"

/* What the server says by itself. */
static void assert_has(const room_t *room, int server, const char *key, const char *value)
{
    const char *said = child_say(&room->servers[server],
                                 apr_pstrcat(room->pool, "get ", key, "\r\n", NULL));

    assert_string_equal(said, value ? apr_psprintf(room->pool, "VALUE %s 0 %d\r\n%s\r\nEND\r\n",
                                                   key, (int)strlen(value), value)
                                    : "END\r\n");
}

static void assert_both_have(const room_t *room, const char *key, const char *value)
{
    assert_has(room, 0, key, value);
    assert_has(room, 1, key, value);
}

/* By hand, on one server. */
static void type(const room_t *room, int server, const char *key, const char *value)
{
    assert_string_equal(child_say(&room->servers[server],
                                  apr_psprintf(room->pool, "set %s 0 0 %d\r\n%s\r\n", key,
                                               (int)strlen(value), value)), "STORED\r\n");
}

/* Of two switches the greater text is the newer one. */
static absw_store_bytes_t newer(const void *baton, absw_store_bytes_t first,
                                absw_store_bytes_t second, apr_pool_t *pool)
{
    assert_string_equal(baton, "baton");
    (void)pool;
    return strcmp(second.bytes, first.bytes) > 0 ? second : first;
}

static absw_store_bytes_t both(const void *baton, absw_store_bytes_t first,
                               absw_store_bytes_t second, apr_pool_t *pool)
{
    char *text = apr_pstrcat(pool, first.bytes, "+", second.bytes, NULL);

    (void)baton;
    return (absw_store_bytes_t){ text, strlen(text) };
}

static absw_store_item_t get_with(const room_t *room, const char *key, absw_store_merge_t merge,
                                  int mend)
{
    absw_store_item_t item = { .key = key, .merge = merge, .baton = "baton", .mend = mend };

    assert_int_equal(room->store->ops->get(room->store, &item, 1, room->pool), 1);
    assert_true(item.merge == merge && item.mend == mend);      /* it can be asked again */
    return item;
}

static void test_writes(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    start(room, 2);
    assert_holds(room, SWITCH, NULL);
    assert_state(room, ABSW_STORE_UP, "UU");
    assert_int_equal(add(room, SWITCH, "A"), ABSW_STORE_DONE);
    assert_both_have(room, SWITCH, "A");
    assert_int_equal(add(room, SWITCH, "B"), ABSW_STORE_CONFLICT);
    assert_both_have(room, SWITCH, "A");
    item = get(room, SWITCH);
    assert_int_equal(cas(room, item.cas, "B"), ABSW_STORE_DONE);
    assert_both_have(room, SWITCH, "B");
    assert_int_equal(cas(room, item.cas, "C"), ABSW_STORE_CONFLICT);
    assert_both_have(room, SWITCH, "B");
    assert_int_equal(set(room, SWITCH, "C"), ABSW_STORE_DONE);
    assert_both_have(room, SWITCH, "C");
}

/* One is killed: all goes on, whichever it is; it comes back empty and is filled. */
static void test_one_killed(void **state)
{
    room_t *room = *state;

    start(room, 2);
    for (int lost = 0; lost < 2; lost++) {
        absw_store_item_t item;
        apr_uint32_t losses;

        assert_int_equal(set(room, SWITCH, "A"), ABSW_STORE_DONE);
        assert_int_equal(set(room, RECORD, "r1"), ABSW_STORE_DONE);
        child_kill(&room->servers[lost]);
        item = get(room, SWITCH);
        assert_value(&item, "A");
        assert_state(room, ABSW_STORE_DEGRADED, lost ? "UD" : "DU");
        assert_int_equal(cas(room, item.cas, "B"), ABSW_STORE_DONE);
        assert_int_equal(add(room, EPOCH, "e"), ABSW_STORE_DONE);
        assert_int_equal(set(room, RECORD, "r2"), ABSW_STORE_DONE);
        assert_holds(room, SWITCH, "B");
        assert_state(room, ABSW_STORE_DEGRADED, lost ? "UD" : "DU");

        losses = room->store->losses;
        assert_int_equal(child_start(&room->servers[lost]), 0);
        pass(5);
        item = get_with(room, SWITCH, newer, 1);
        assert_value(&item, "B");
        assert_both_have(room, SWITCH, "B");
        assert_true(room->store->losses > losses);
        assert_holds(room, RECORD, "r2");           /* from the other */
        assert_has(room, lost, RECORD, NULL);
        assert_int_equal(set(room, RECORD, "r3"), ABSW_STORE_DONE);
        assert_both_have(room, RECORD, "r3");
        assert_state(room, ABSW_STORE_UP, "UU");
        child_say(&room->servers[1 - lost], "delete " EPOCH "\r\n");
    }
}

static void test_both_killed(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    start(room, 2);
    assert_int_equal(set(room, SWITCH, "A"), ABSW_STORE_DONE);
    child_kill(&room->servers[0]);
    child_kill(&room->servers[1]);
    item = get_from(room, room->store, SWITCH, 0);
    assert_int_equal(item.found, ABSW_STORE_UNKNOWN);
    assert_non_null(strstr(item.why, room->address.servers[0].name));
    assert_non_null(strstr(item.why, room->address.servers[1].name));
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_FAILED);
    assert_state(room, ABSW_STORE_DOWN, "DD");
}

/* A hung one costs one time-out, then nothing for as long as it is left alone. */
static void test_one_stopped(void **state)
{
    room_t *room = *state;

    start(room, 2);
    assert_int_equal(set(room, SWITCH, "A"), ABSW_STORE_DONE);
    child_stop(&room->servers[0]);
    watch();
    assert_holds(room, SWITCH, "A");
    assert_took_at_most(TIMEOUT + SLACK);
    for (int waited = 1, attempt = 1; waited; attempt++) {
        watch();
        assert_holds(room, SWITCH, attempt == 1 ? "A" : "B");
        assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
        waited = !did_not_wait(attempt);
    }
    assert_state(room, ABSW_STORE_DEGRADED, "DU");
    kill(room->servers[0].pid, SIGCONT);
    pass(2 * TIMEOUT / 1000);       /* it is left alone for as long as both may take */
    /* it has what it had: without a merge it decides, with one the newer value does */
    assert_holds(room, SWITCH, "A");
    get_with(room, SWITCH, newer, 1);
    assert_both_have(room, SWITCH, "B");
}

/* The newer value counts, wherever it is, and is brought to both only if that is wanted. */
static void test_newer(void **state)
{
    static const struct {
        const char *first;
        const char *second;
        const char *newest;
    } rows[] = {
        { "gen=12", "gen=13", "gen=13" },
        { "gen=14", "gen=13", "gen=14" },
        { NULL, "gen=15", "gen=15" },
        { "gen=16", NULL, "gen=16" },
        { "gen=17", "gen=17", "gen=17" },
    };
    room_t *room = *state;

    start(room, 2);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int j = 0; j < 2; j++) {
            const char *value = j ? rows[i].second : rows[i].first;

            child_say(&room->servers[j], "delete " SWITCH "\r\n");
            if (value) {
                type(room, j, SWITCH, value);
            }
        }
        for (int mend = 0; mend < 2; mend++) {
            absw_store_item_t item = get_with(room, SWITCH, newer, mend);

            assert_value(&item, rows[i].newest);
            assert_has(room, 0, SWITCH, mend ? rows[i].newest : rows[i].first);
            assert_has(room, 1, SWITCH, mend ? rows[i].newest : rows[i].second);
        }
    }
}

/* A cas on what the second server had replaces what the first has, or has not. */
static void test_cas_on_newer(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    start(room, 2);
    type(room, 0, SWITCH, "gen=12");
    type(room, 1, SWITCH, "gen=13");
    item = get_with(room, SWITCH, newer, 0);
    assert_int_equal(cas(room, item.cas, "gen=14"), ABSW_STORE_DONE);
    assert_both_have(room, SWITCH, "gen=14");

    child_say(&room->servers[0], "delete " SWITCH "\r\n");
    item = get_with(room, SWITCH, newer, 0);
    assert_value(&item, "gen=14");
    type(room, 0, SWITCH, "gen=20");            /* somebody is first */
    assert_int_equal(cas(room, item.cas, "gen=15"), ABSW_STORE_CONFLICT);
    child_say(&room->servers[0], "delete " SWITCH "\r\n");
    item = get_with(room, SWITCH, newer, 0);
    assert_int_equal(cas(room, item.cas, "gen=15"), ABSW_STORE_DONE);
    assert_both_have(room, SWITCH, "gen=15");
}

/* A token of a server that does not decide any more is worth nothing, nor one of another life. */
static void test_tokens(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    start(room, 2);
    assert_int_equal(set(room, SWITCH, "A"), ABSW_STORE_DONE);
    item = get(room, SWITCH);
    child_kill(&room->servers[0]);
    assert_holds(room, SWITCH, "A");
    assert_int_equal(cas(room, item.cas, "B"), ABSW_STORE_CONFLICT);
    item = get(room, SWITCH);
    assert_int_equal(child_start(&room->servers[0]), 0);
    pass(5);
    assert_holds(room, SWITCH, "A");
    assert_int_equal(cas(room, item.cas, "B"), ABSW_STORE_CONFLICT);
    assert_holds(room, SWITCH, "A");
}

/* Two lists become one, on both. */
static void test_union(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    start(room, 2);
    type(room, 0, NODES, "web1");
    type(room, 1, NODES, "web2");
    item = get_with(room, NODES, both, 1);
    assert_value(&item, "web1+web2");
    assert_both_have(room, NODES, "web1+web2");
    item = get_with(room, NODES, both, 1);
    assert_value(&item, "web1+web2");
}

/* What is too long to be read whole is not written anywhere. */
static void test_too_long_to_mend(void **state)
{
    static char text[300100];
    room_t *room = *state;
    int head = sprintf(text, "set " SWITCH " 0 0 300000\r\n");
    absw_store_item_t item;

    start(room, 2);
    memset(text + head, 'x', 300000);
    strcpy(text + head + 300000, "\r\n");
    assert_string_equal(child_say(&room->servers[0], text), "STORED\r\n");
    item = get_with(room, SWITCH, NULL, 1);
    assert_int_equal(item.len, ABSW_STORE_VALUE_MAX + 1);
    assert_has(room, 1, SWITCH, NULL);
    assert_int_equal(cas(room, item.cas, "B"), ABSW_STORE_DONE);
    assert_both_have(room, SWITCH, "B");
}

/* One is full, the other is not: what is written is found, and the administrator is told. */
static void test_one_full(void **state)
{
    static char value[ABSW_STORE_VALUE_MAX];
    room_t *room = *state;
    absw_store_state_e said = ABSW_STORE_UP;
    const absw_store_server_t *servers;
    int n;

    room->servers[0].args[0] = "-M";
    room->servers[0].args[1] = "-m";
    room->servers[0].args[2] = "2";
    start(room, 2);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    memset(value, 'x', sizeof(value));
    for (int i = 0; i < 100 && said == ABSW_STORE_UP; i++) {
        const char *key = apr_psprintf(room->pool, "%s.%d", RECORD, i);

        assert_int_equal(room->store->ops->set(room->store, key, value, sizeof(value), 0,
                                               room->pool), ABSW_STORE_DONE);
        assert_int_equal(get(room, key).len, sizeof(value));
        said = room->store->ops->state(room->store, room->pool, &servers, &n);
    }
    assert_int_equal(said, ABSW_STORE_DEGRADED);
    assert_non_null(strstr(servers[0].why, "out of memory"));
    assert_null(servers[1].why);
    assert_holds(room, SWITCH, "B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_writes),
        TEST(test_one_killed),
        TEST(test_both_killed),
        TEST(test_one_stopped),
        TEST(test_newer),
        TEST(test_cas_on_newer),
        TEST(test_tokens),
        TEST(test_union),
        TEST(test_too_long_to_mend),
        TEST(test_one_full),
#undef TEST
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
