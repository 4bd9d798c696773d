/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_time.h>

#include "memcached_child.h"
#include "sample.h"
#include "store_scout.h"

typedef struct {
    apr_pool_t *pool;
    child_t server;
    absw_store_place_t place;
} room_t;

static int set_up(void **state)
{
    room_t *room = calloc(1, sizeof(*room));

    apr_initialize();
    apr_pool_create(&room->pool, NULL);
    *state = room;
    return 0;
}

static int tear_down(void **state)
{
    room_t *room = *state;

    apr_pool_destroy(room->pool);
    child_kill(&room->server);
    if (room->server.path[0]) {
        unlink(room->server.path);
    }
    apr_terminate();
    free(room);
    return 0;
}

static absw_store_scout_t *scout_to(room_t *room, const char *host)
{
    room->place = (absw_store_place_t){
        .name = "it", .host = room->server.path[0] ? NULL : host,
        .path = room->server.path[0] ? room->server.path : NULL,
        .port = (apr_uint16_t)room->server.port,
    };
    return absw_store_scout_make(room->pool, &room->place);
}

/* A server that is there may still take a moment. */
static int sees(absw_store_scout_t *scout, apr_time_t now)
{
    for (int i = 0; i < 1000; i++) {
        if (absw_store_scout_look(scout, now)) {
            return 1;
        }
        apr_sleep(apr_time_from_msec(10));
    }
    return 0;
}

static void test_comes_and_goes(void **state)
{
    room_t *room = *state;
    absw_store_scout_t *scout;

    assert_int_equal(child_start(&room->server), 0);
    scout = scout_to(room, "127.0.0.1");
    assert_true(sees(scout, 0));
    child_stop(&room->server);
    for (int i = 0; i < 5; i++) {
        assert_false(absw_store_scout_look(scout, 0));
    }
    kill(room->server.pid, SIGCONT);
    assert_true(sees(scout, 0));
    child_kill(&room->server);
    for (int i = 0; i < 5; i++) {
        assert_false(absw_store_scout_look(scout, 0));
    }
    assert_int_equal(child_start(&room->server), 0);
    assert_true(sees(scout, 0));
}

static void test_places(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "::1", "localhost" };
    room_t *room = *state;

    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        room->server = (child_t){ .address = hosts[i][0] == ':' ? hosts[i] : NULL };
        if (child_start(&room->server) == 0) {      /* there may be no IPv6 */
            assert_true(sees(scout_to(room, hosts[i]), 0));
        }
        else {
            assert_int_equal(hosts[i][0], ':');
        }
        child_kill(&room->server);
    }
    room->server = (child_t){ 0 };
    sprintf(room->server.path, "/tmp/absw-scout-%d.sock", (int)getpid());
    assert_int_equal(child_start(&room->server), 0);
    assert_true(sees(scout_to(room, NULL), 0));
}

static void test_nobody(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "nobody.invalid" };
    room_t *room = *state;
    int fd = child_listen(&room->server);

    close(fd);
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        absw_store_scout_t *scout = scout_to(room, hosts[i]);

        assert_false(absw_store_scout_look(scout, 0));
        assert_false(absw_store_scout_look(scout, 0));
    }
}

static void test_others(void **state)
{
    static const char *const answers[] = {
        "ERROR\r\n", "ERROR Too many open connections\r\n", "VERSION", "version 1\r\n", "\r\n",
        "-ERR unknown command\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
    };
    room_t *room = *state;

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        absw_store_scout_t *scout;

        assert_int_equal(child_babble(&room->server, answers[i], answers[i], 0), 0);
        scout = scout_to(room, "127.0.0.1");
        for (int look = 0; look < 3; look++) {
            assert_false(absw_store_scout_look(scout, 0));
            apr_sleep(apr_time_from_msec(5));
        }
        child_kill(&room->server);
    }
}

static int is_asked(int listener)
{
    struct pollfd ready = { .fd = listener, .events = POLLIN };

    return poll(&ready, 1, 0) == 1;
}

/* One question for a while, another one when it may have been lost, and none when it is told. */
static void test_asks_once(void **state)
{
    room_t *room = *state;
    int listener = child_listen(&room->server);
    absw_store_scout_t *scout = scout_to(room, "127.0.0.1");
    char question[32];
    int fd;

    assert_false(absw_store_scout_look(scout, 0));
    fd = accept(listener, NULL, NULL);
    assert_int_equal(read(fd, question, sizeof(question)), 9);
    assert_memory_equal(question, "version\r\n", 9);
    for (int second = 1; second <= 5; second++) {
        assert_false(absw_store_scout_look(scout, apr_time_from_sec(second)));
        assert_false(is_asked(listener));
    }
    assert_false(absw_store_scout_look(scout, apr_time_from_sec(6)));
    assert_int_equal(read(fd, question, sizeof(question)), 0);
    assert_false(absw_store_scout_look(scout, apr_time_from_sec(6)));
    assert_true(is_asked(listener));
    close(fd);
    fd = accept(listener, NULL, NULL);
    assert_int_equal(read(fd, question, sizeof(question)), 9);
    absw_store_scout_leave(scout);
    assert_int_equal(read(fd, question, sizeof(question)), 0);
    close(fd);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_comes_and_goes),
        TEST(test_places),
        TEST(test_nobody),
        TEST(test_others),
        TEST(test_asks_once),
#undef TEST
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
