/* SPDX-License-Identifier: Apache-2.0 */
#include "store_room.h"

/* --- one server --- */

static void test_operations(void **state)
{
    room_t *room = *state;
    absw_store_item_t old;
    absw_store_item_t item;

    start(room, 1);
    assert_holds(room, SWITCH, NULL);
    assert_state(room, ABSW_STORE_UP, "U");
    assert_int_equal(add(room, SWITCH, "A"), ABSW_STORE_DONE);
    assert_int_equal(add(room, SWITCH, "B"), ABSW_STORE_CONFLICT);
    old = get(room, SWITCH);
    assert_value(&old, "A");
    assert_int_equal(cas(room, old.cas, "B"), ABSW_STORE_DONE);
    assert_int_equal(cas(room, old.cas, "C"), ABSW_STORE_CONFLICT);
    item = get(room, SWITCH);
    assert_value(&item, "B");
    assert_int_equal(set(room, SWITCH, ""), ABSW_STORE_DONE);
    assert_int_equal(cas(room, item.cas, "C"), ABSW_STORE_CONFLICT);
    assert_holds(room, SWITCH, "");
    assert_int_equal(cas(room, 0, "C"), ABSW_STORE_CONFLICT);
    assert_string_equal(child_say(&room->servers[0], "delete " SWITCH "\r\n"), "DELETED\r\n");
    item = get(room, SWITCH);
    assert_value(&item, NULL);
    assert_int_equal(cas(room, old.cas, "C"), ABSW_STORE_CONFLICT);
    assert_string_equal(room->store->ops->type, "memcache");
    assert_state(room, ABSW_STORE_UP, "U");
}

/* What a hand types is found; what is found was typed. */
static void test_by_hand(void **state)
{
    room_t *room = *state;

    start(room, 1);
    assert_string_equal(child_say(&room->servers[0], "set " SWITCH " 7 0 3\r\nB\r\n\r\n"),
                        "STORED\r\n");
    assert_holds(room, SWITCH, "B\r\n");
    assert_int_equal(set(room, SWITCH, "A=1 B=0 gen=2"), ABSW_STORE_DONE);
    assert_string_equal(child_say(&room->servers[0], "get " SWITCH "\r\n"),
                        "VALUE " SWITCH " 0 13\r\nA=1 B=0 gen=2\r\nEND\r\n");
}

static void test_many(void **state)
{
    enum { N = 300 };
    room_t *room = *state;
    absw_store_item_t items[N + 1];

    start(room, 1);
    for (int i = 0; i < N; i++) {
        items[i] = (absw_store_item_t){ .key = apr_psprintf(room->pool, "%s.%d", RECORD, i) };
        if (i % 3) {
            assert_int_equal(set(room, items[i].key, items[i].key), ABSW_STORE_DONE);
        }
    }
    items[N] = (absw_store_item_t){ .key = items[1].key };  /* twice */
    assert_int_equal(room->store->ops->get(room->store, items, N + 1, room->pool), 1);
    for (int i = 0; i <= N; i++) {
        assert_value(&items[i], i == N || i % 3 ? items[i].key : NULL);
    }
    assert_int_equal(room->store->ops->get(room->store, items, 0, room->pool), 1);
}

static void test_bytes(void **state)
{
    static char long_value[ABSW_STORE_VALUE_MAX + 2];
    room_t *room = *state;
    const absw_store_ops_t *ops;
    absw_store_item_t item;

    start(room, 1);
    ops = room->store->ops;
    assert_int_equal(ops->set(room->store, RECORD, "a\0b\r\nEND\r\n", 10, 0, room->pool),
                     ABSW_STORE_DONE);
    item = get(room, RECORD);
    assert_int_equal(item.len, 10);
    assert_memory_equal(item.value, "a\0b\r\nEND\r\n", 11);

    memset(long_value, 'x', sizeof(long_value));
    assert_int_equal(ops->set(room->store, RECORD, long_value, ABSW_STORE_VALUE_MAX, 0,
                              room->pool), ABSW_STORE_DONE);
    assert_int_equal(get(room, RECORD).len, ABSW_STORE_VALUE_MAX);
    assert_int_equal(ops->set(room->store, RECORD, long_value, ABSW_STORE_VALUE_MAX + 1, 0,
                              room->pool), ABSW_STORE_FAILED);
    assert_non_null(strstr(room->store->why, "too long"));
    assert_int_equal(get(room, RECORD).len, ABSW_STORE_VALUE_MAX);     /* the old one is there */
    assert_state(room, ABSW_STORE_UP, "U");
}

/* Of what others wrote too long so much is handed out that it is known to be. */
static void test_long_by_others(void **state)
{
    static char text[1000100];
    room_t *room = *state;
    int head = sprintf(text, "set " SWITCH " 0 0 1000000\r\n");

    start(room, 1);
    memset(text + head, 'x', 1000000);
    strcpy(text + head + 1000000, "\r\n");
    assert_string_equal(child_say(&room->servers[0], text), "STORED\r\n");
    assert_int_equal(get(room, SWITCH).len, ABSW_STORE_VALUE_MAX + 1);
    assert_int_equal(get(room, SWITCH).value[ABSW_STORE_VALUE_MAX], 'x');
}

static void test_keys(void **state)
{
    char key_200[ABSW_STORE_KEY_MAX + 1];
    char key_201[ABSW_STORE_KEY_MAX + 2];
    const char *const bad[] = { "", "a b", "a\r\nflush_all", "a\tb", "a\x7f", "\xc3\xa4", key_201 };
    room_t *room = *state;

    memset(key_200, 'k', sizeof(key_200));
    key_200[ABSW_STORE_KEY_MAX] = '\0';
    memset(key_201, 'k', sizeof(key_201));
    key_201[ABSW_STORE_KEY_MAX + 1] = '\0';
    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    assert_int_equal(set(room, key_200, "long"), ABSW_STORE_DONE);
    assert_holds(room, key_200, "long");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        absw_store_item_t item = get_from(room, room->store, bad[i], 0);

        assert_int_equal(item.found, ABSW_STORE_UNKNOWN);
        assert_non_null(item.why);
        assert_int_equal(set(room, bad[i], "x"), ABSW_STORE_FAILED);
        assert_int_equal(add(room, bad[i], "x"), ABSW_STORE_FAILED);
    }
    assert_state(room, ABSW_STORE_UP, "U");
    assert_holds(room, SWITCH, "B");
}

/* A time to live above 30 days is no date of 1970: the value is there. */
static void test_ttl(void **state)
{
    room_t *room = *state;
    const absw_store_ops_t *ops;

    start(room, 1);
    ops = room->store->ops;
    assert_int_equal(ops->set(room->store, RECORD, "r", 1, 31 * 86400, room->pool),
                     ABSW_STORE_DONE);
    assert_holds(room, RECORD, "r");
    /* what is left of it: 30 days, or a tick less */
    assert_non_null(strstr(child_say(&room->servers[0], "mg " RECORD " t\r\nmn\r\n"), "HD t25"));
    assert_int_equal(ops->set(room->store, RECORD, "r", 1, 1, room->pool), ABSW_STORE_DONE);
    for (int i = 0; i < 400 && get(room, RECORD).found == ABSW_STORE_FOUND; i++) {
        apr_sleep(apr_time_from_msec(10));
    }
    assert_holds(room, RECORD, NULL);
}

static void test_flush(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;
    apr_uint32_t losses;

    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    item = get(room, SWITCH);
    losses = room->store->losses;
    assert_holds(room, SWITCH, "B");
    assert_int_equal(room->store->losses, losses);
    child_say(&room->servers[0], "flush_all\r\n");
    assert_int_equal(cas(room, item.cas, "C"), ABSW_STORE_CONFLICT);
    assert_holds(room, SWITCH, NULL);
    assert_int_equal(room->store->losses, losses + 1);
    assert_holds(room, SWITCH, NULL);
    assert_int_equal(room->store->losses, losses + 1);
    assert_state(room, ABSW_STORE_UP, "U");
}

/* Two owners notice the loss each. */
static void test_flush_owners(void **state)
{
    room_t *room = *state;
    absw_store_t *other;
    apr_uint32_t losses;

    start(room, 1);
    other = handle(room, "web2:80");
    assert_holds(room, SWITCH, NULL);
    get_from(room, other, SWITCH, 1);
    losses = other->losses;
    child_say(&room->servers[0], "flush_all\r\n");
    assert_holds(room, SWITCH, NULL);
    get_from(room, other, SWITCH, 1);
    assert_int_equal(other->losses, losses + 1);
}

static void test_socket(void **state)
{
    room_t *room = *state;

    sprintf(room->servers[0].path, "/tmp/absw-memcached-%d.sock", (int)getpid());
    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    assert_holds(room, SWITCH, "B");
    assert_state(room, ABSW_STORE_UP, "U");
    child_stop(&room->servers[0]);
    watch();
    assert_unknown(room, "no answer within");
    assert_took_at_most(TIMEOUT + SLACK);
    child_kill(&room->servers[0]);
    pass(5);
    assert_unknown(room, room->servers[0].path);
}

static void test_ipv6(void **state)
{
    room_t *room = *state;
    child_t probe = { .address = "::1" };
    int fd = child_listen(&probe);

    if (fd < 0) {
        skip();
    }
    close(fd);
    room->servers[0].address = "::1";
    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    assert_holds(room, SWITCH, "B");
    assert_state(room, ABSW_STORE_UP, "U");
}

static void test_name_unknown(void **state)
{
    room_t *room = *state;

    assert_int_equal(child_start(&room->servers[0]), 0);
    room->store = handle(room, "");
    room->address.servers[0].host = "no-such-host.invalid";
    assert_unknown(room, "127.0.0.1");
    assert_state(room, ABSW_STORE_DOWN, "D");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_operations),
        TEST(test_by_hand),
        TEST(test_many),
        TEST(test_bytes),
        TEST(test_long_by_others),
        TEST(test_keys),
        TEST(test_ttl),
        TEST(test_flush),
        TEST(test_flush_owners),
        TEST(test_socket),
        TEST(test_ipv6),
        TEST(test_name_unknown),
#undef TEST
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
