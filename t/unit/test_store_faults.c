/* SPDX-License-Identifier: Apache-2.0 */
#include "store_room.h"

/* --- a server that breaks --- */

/* Within a pause, for the clock stands still; memcached may take a moment. */
static void assert_seen_again(room_t *room, const char *value)
{
    absw_store_item_t item = { .key = SWITCH };

    for (int i = 0; i < 1000 && !room->store->ops->get(room->store, &item, 1, room->pool); i++) {
        apr_sleep(apr_time_from_msec(10));
    }
    assert_value(&item, value);
}

static void test_killed(void **state)
{
    room_t *room = *state;
    apr_uint32_t losses;
    absw_store_item_t item;

    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    item = get(room, SWITCH);
    child_kill(&room->servers[0]);
    assert_unknown(room, "127.0.0.1");
    assert_state(room, ABSW_STORE_DOWN, "D");
    assert_int_equal(set(room, SWITCH, "C"), ABSW_STORE_FAILED);
    assert_true(room->store->why[0] != '\0');
    assert_int_equal(add(room, SWITCH, "C"), ABSW_STORE_FAILED);
    assert_int_equal(cas(room, item.cas, "C"), ABSW_STORE_FAILED);

    pass(1);
    assert_unknown(room, "it cannot be reached");       /* tried again */

    losses = room->store->losses;
    assert_int_equal(child_start(&room->servers[0]), 0);
    assert_seen_again(room, NULL);
    assert_true(room->store->losses > losses);
    assert_state(room, ABSW_STORE_UP, "U");
    /* a restarted server counts its tokens from 1: an old one means nothing */
    assert_int_equal(set(room, SWITCH, "D"), ABSW_STORE_DONE);
    assert_int_equal(cas(room, item.cas, "C"), ABSW_STORE_CONFLICT);
    assert_holds(room, SWITCH, "D");
}

/* Killed and back between two gets: nobody need wait. */
static void test_restarted(void **state)
{
    room_t *room = *state;
    apr_uint32_t losses;

    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    losses = room->store->losses;
    child_kill(&room->servers[0]);
    assert_int_equal(child_start(&room->servers[0]), 0);
    assert_holds(room, SWITCH, NULL);
    assert_true(room->store->losses > losses);
    assert_state(room, ABSW_STORE_UP, "U");
}

/* A write to a server that was restarted is proven or fails. */
static void test_restarted_write(void **state)
{
    room_t *room = *state;

    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    child_kill(&room->servers[0]);
    assert_int_equal(child_start(&room->servers[0]), 0);
    assert_int_equal(set(room, SWITCH, "C"), ABSW_STORE_FAILED);
    pass(1);
    assert_int_equal(set(room, SWITCH, "C"), ABSW_STORE_DONE);
    assert_holds(room, SWITCH, "C");
}

/* The breaker: 1, 2, 4, 5, 5 s, and 1 again after a success. */
static void test_breaker(void **state)
{
    static const int pauses[] = { 1, 2, 4, 5, 5 };
    room_t *room = *state;
    apr_uint32_t losses;

    start(room, 1);
    assert_holds(room, SWITCH, NULL);
    child_stop(&room->servers[0]);
    for (size_t i = 0; i < COUNT_OF(pauses); i++) {
        watch();
        assert_unknown(room, "no answer within " APR_STRINGIFY(TIMEOUT) " ms");
        assert_true(apr_time_now() - started >= apr_time_from_msec(TIMEOUT - 5));
        assert_took_at_most(TIMEOUT + SLACK);
        now += apr_time_from_sec(pauses[i]) - 1;
        for (int asked = 1, attempt = 1; asked; attempt++) {
            watch();
            assert_unknown(room, "no answer within " APR_STRINGIFY(TIMEOUT) " ms");
            assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_FAILED);
            asked = !did_not_wait(attempt);
        }
        now += 1;
    }
    kill(room->servers[0].pid, SIGCONT);
    assert_holds(room, SWITCH, NULL);
    child_stop(&room->servers[0]);
    assert_unknown(room, "no answer");
    losses = room->store->losses;
    kill(room->servers[0].pid, SIGCONT);
    pass(1);
    assert_holds(room, SWITCH, NULL);
    assert_true(room->store->losses > losses);  /* it was not empty, but writes went past it */
}

/* A server that goes on is seen again within the pause, whether it was asked meanwhile or not. */
static void test_goes_on(void **state)
{
    room_t *room = *state;

    start(room, 1);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    for (int looks = 0; looks < 3; looks++) {
        child_stop(&room->servers[0]);
        assert_unknown(room, "no answer within " APR_STRINGIFY(TIMEOUT) " ms");
        for (int i = 0, attempt = 1; i < looks; attempt++) {
            watch();
            assert_unknown(room, "no answer within " APR_STRINGIFY(TIMEOUT) " ms");
            i += did_not_wait(attempt);
        }
        kill(room->servers[0].pid, SIGCONT);
        assert_seen_again(room, "B");
    }
}

/* Is it asked, and not only looked at? It does not answer. */
static int is_called(room_t *room)
{
    watch();
    assert_unknown(room, "no answer");
    return apr_time_now() - started >= apr_time_from_msec(TIMEOUT - 10);
}

/* One that says who it is and nothing else that is of use is not called at every get. */
static void test_answers_in_vain(void **state)
{
    room_t *room = *state;
    int calls;

    assert_int_equal(child_babble(&room->servers[0], "", "VERSION 1.6.18\r\n", 0), 0);
    room->store = handle(room, "web1:80");
    for (int i = 0; i < 3; i++) {
        assert_true(is_called(room));
        for (int look = 0; look < 1000 && !is_called(room); look++) {
            apr_sleep(apr_time_from_msec(10));
        }
        assert_true(apr_time_now() - started >= apr_time_from_msec(TIMEOUT - 10));
        calls = 0;
        for (int look = 0; look < 5; look++) {
            calls += is_called(room);
        }
        assert_true(calls < 2);         /* a busy machine may be late, too, for once */
        pass(5);
    }
}

/* A write that timed out may have been done. */
static void test_stopped_write(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    start(room, 1);
    assert_int_equal(set(room, SWITCH, "A"), ABSW_STORE_DONE);
    item = get(room, SWITCH);
    child_stop(&room->servers[0]);
    watch();
    assert_int_equal(cas(room, item.cas, "B"), ABSW_STORE_FAILED);
    assert_non_null(strstr(room->store->why, "no answer within"));
    assert_took_at_most(TIMEOUT + SLACK);
    kill(room->servers[0].pid, SIGCONT);
    pass(1);
    assert_holds(room, SWITCH, "B");
}

/* One that is too long for the socket's buffer waits once, too: not again for the good-bye. */
static void test_stopped_long_write(void **state)
{
    static char value[ABSW_STORE_VALUE_MAX];
    room_t *room = *state;
    apr_time_t least = APR_INT64_MAX;

    sprintf(room->servers[0].path, "/tmp/absw-memcached-%d.sock", (int)getpid());
    start(room, 1);
    memset(value, 'x', sizeof(value));
    for (int i = 0; i < 3 && least >= apr_time_from_msec(2 * TIMEOUT); i++) {
        assert_holds(room, SWITCH, NULL);
        child_stop(&room->servers[0]);
        watch();
        assert_int_equal(room->store->ops->set(room->store, RECORD, value, sizeof(value), 0,
                                               room->pool), ABSW_STORE_FAILED);
        least = apr_time_now() - started;
        kill(room->servers[0].pid, SIGCONT);
        pass(5);
    }
    assert_in_range(apr_time_as_msec(least), TIMEOUT - 5, 2 * TIMEOUT - 1);
}

static volatile sig_atomic_t alarms;

/* After the second one a long while nothing. */
static void on_alarm(int signal)
{
    static const struct itimerval late = { { 0, 0 }, { 30, 0 } };

    (void)signal;
    if (++alarms == 2) {
        setitimer(ITIMER_REAL, &late, NULL);
    }
}

/* Two signals in the second half of its time-out would make libmemcached wait for ever. */
static void test_signals(void **state)
{
    const struct itimerval twice = { { 0, TIMEOUT * 300 }, { 0, TIMEOUT * 600 } };
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };
    room_t *room = *state;

    start(room, 1);
    assert_holds(room, SWITCH, NULL);
    child_stop(&room->servers[0]);
    alarms = 0;
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &twice, NULL);
    watch();
    assert_unknown(room, "no answer");
    assert_took_at_most(TIMEOUT + SLACK);
    assert_true(alarms > 0);                    /* it was held, not lost */
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
}

static void test_too_many_connections(void **state)
{
    room_t *room = *state;
    int others[40];

    room->servers[0].args[0] = "-c";
    room->servers[0].args[1] = "16";            /* with less it does not start */
    room->servers[0].args[2] = "-o";
    room->servers[0].args[3] = "maxconns_fast";
    start(room, 1);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        char answer[64];

        others[i] = child_connect(&room->servers[0]);
        assert_int_equal(write(others[i], "mn\r\n", 4), 4);
        assert_true(read(others[i], answer, sizeof(answer)) > 0);   /* it is counted by now */
    }
    watch();
    assert_unknown(room, "127.0.0.1");
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_FAILED);
    assert_took_at_most(2 * TIMEOUT + SLACK);
    assert_state(room, ABSW_STORE_DOWN, "D");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        close(others[i]);
    }
    for (int i = 0; i < 100; i++) {
        absw_store_item_t item = { .key = SWITCH };

        pass(5);
        if (room->store->ops->get(room->store, &item, 1, room->pool)) {
            break;
        }
        apr_sleep(apr_time_from_msec(20));
    }
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    assert_holds(room, SWITCH, "B");
}

/* memcached -M: what it has can be read, and that it takes nothing more is said. */
static void test_full(void **state)
{
    static char value[ABSW_STORE_VALUE_MAX];
    room_t *room = *state;
    const absw_store_ops_t *ops;
    absw_store_result_e result = ABSW_STORE_DONE;
    const absw_store_server_t *servers;
    int n;

    room->servers[0].args[0] = "-M";
    room->servers[0].args[1] = "-m";
    room->servers[0].args[2] = "2";
    start(room, 1);
    ops = room->store->ops;
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    memset(value, 'x', sizeof(value));
    for (int i = 0; i < 1000 && result == ABSW_STORE_DONE; i++) {
        result = ops->set(room->store, apr_psprintf(room->pool, "%s.%d", RECORD, i), value,
                          sizeof(value), 0, room->pool);
    }
    assert_int_equal(result, ABSW_STORE_FAILED);
    assert_non_null(strstr(room->store->why, "out of memory"));
    assert_holds(room, SWITCH, "B");
    assert_int_equal(ops->state(room->store, room->pool, &servers, &n), ABSW_STORE_DEGRADED);
    assert_int_equal(servers[0].state, ABSW_STORE_UP);
    assert_non_null(strstr(servers[0].why, "out of memory"));
    child_say(&room->servers[0], "flush_all\r\n");
    assert_holds(room, SWITCH, NULL);
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_DONE);
    assert_state(room, ABSW_STORE_UP, "U");
}

/* memcached -C gives no tokens: nothing could be changed safely. */
static void test_without_cas(void **state)
{
    room_t *room = *state;

    room->servers[0].args[0] = "-C";
    start(room, 1);
    assert_unknown(room, "no tokens for cas");
    assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_FAILED);
}

/* --- servers that are none --- */

#define CHARS_50  "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define CHARS_300 CHARS_50 CHARS_50 CHARS_50 CHARS_50 CHARS_50 CHARS_50
#define PROVEN    "VALUE " PROOF " 0 1 9\r\n1\r\n"

static void test_hostile(void **state)
{
    static const struct {
        const char *answer;
        int drip;
    } rows[] = {
        { "", 0 },
        { PROVEN "END\r\n", 3 * TIMEOUT / 1000 },
        { "\r\n", 0 },
        { "\n", 0 },
        { "ERROR\r\n", 0 },
        { "ERROR Too many open connections\r\n", 0 },
        { "SERVER_ERROR\r\n", 0 },
        { "SERVER_ERROR out of memory writing get response\r\n", 0 },
        { "CLIENT_ERROR bad command line format\r\n", 0 },
        { "NOT_FOUND\r\n", 0 },
        { "VALUE abswitch:other:switch 0 1 5\r\nB\r\n" PROVEN "END\r\n", 0 },
        { PROVEN PROVEN "END\r\n", 0 },
        { PROVEN "VALUE " SWITCH " 0 1 5\r\nB\r\nEND\r\n", 0 },
        { "VALUE " SWITCH " 0 1 0\r\nB\r\n" PROVEN "END\r\n", 0 },
        { "VALUE " SWITCH " 0 1 18446744073709551615\r\nB\r\n" PROVEN "END\r\n", 0 },
        { "VALUE " SWITCH " 0 1\r\nB\r\n" PROVEN "END\r\n", 0 },
        { "VALUE " SWITCH " 0 1 5\r\nB\r\n", 0 },
        { "VALUE " SWITCH " 0 1 5\r\nB\r\nSERVER_ERROR out of memory\r\n", 0 },
        { PROVEN "SERVER_ERROR x\r\n", 0 },
        { "VALUE " SWITCH " 0 9 5\r\nB\r\n" PROVEN "END\r\n", 0 },
        { "VALUE " SWITCH " 0 4000000000 5\r\nB\r\n" PROVEN "END\r\n", 0 },
        { "VALUE " SWITCH " 0 99999999999999999999 5\r\nB\r\n", 0 },
        { "VALUE " CHARS_300 " 0 1 5\r\nB\r\nEND\r\n", 0 },
        { "VALUE " CHARS_300 "\r\nEND\r\n", 0 },
        { "VALUE " CHARS_300 " 0 99999999999999999999 5\r\nEND\r\n", 0 },
        { "VALUE " CHARS_300 CHARS_300 "\r\n", 0 },
        { "VALUE\r\n", 0 },
        { "STAT a b\r\n", 0 },
        { "220 mail.example ESMTP\r\n", 0 },
        { "-ERR unknown command\r\n", 0 },
        { "HTTP/1.1 400 Bad Request\r\nServer: x\r\nConnection: close\r\n\r\n<html>\r\n", 0 },
        { "SSH-2.0-OpenSSH_9.2\r\n", 0 },
    };
    room_t *room = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(child_babble(&room->servers[0], rows[i].answer, rows[i].answer,
                                      rows[i].drip), 0);
        room->store = handle(room, "web1:80");
        watch();
        assert_unknown(room, "127.0.0.1");
        pass(1);
        assert_int_equal(set(room, SWITCH, "B"), ABSW_STORE_FAILED);
        assert_took_at_most(4 * TIMEOUT + 2 * SLACK);
        assert_state(room, ABSW_STORE_DOWN, "D");
        child_kill(&room->servers[0]);
    }
}

/* A server that reads well, and answers this to a write. */
static void test_hostile_writes(void **state)
{
    static const struct {
        const char *answer;
        const char *why;
        absw_store_result_e cas;
        absw_store_state_e state;
    } rows[] = {
        { "SERVER_ERROR object too large for cache\r\n", "too long", ABSW_STORE_FAILED,
          ABSW_STORE_UP },
        { "SERVER_ERROR out of memory storing object\r\n", "out of memory", ABSW_STORE_FAILED,
          ABSW_STORE_DEGRADED },
        { "SERVER_ERROR x\r\n", "not expected", ABSW_STORE_FAILED, ABSW_STORE_DOWN },
        { "CLIENT_ERROR bad data chunk\r\n", "not expected", ABSW_STORE_FAILED,
          ABSW_STORE_DOWN },
        { "ERROR\r\n", "an error", ABSW_STORE_FAILED, ABSW_STORE_DOWN },
        { "EXISTS\r\n", "conflict", ABSW_STORE_CONFLICT, ABSW_STORE_UP },
        { "NOT_STORED\r\n", "conflict", ABSW_STORE_CONFLICT, ABSW_STORE_UP },
        { "NOT_FOUND\r\n", "conflict", ABSW_STORE_CONFLICT, ABSW_STORE_UP },
        { "\r\n", "not expected", ABSW_STORE_FAILED, ABSW_STORE_DOWN },
        { "HTTP/1.1 400 Bad Request\r\n", "not expected", ABSW_STORE_FAILED, ABSW_STORE_DOWN },
        { "", "no answer within", ABSW_STORE_FAILED, ABSW_STORE_DOWN },
    };
    room_t *room = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        absw_store_item_t item;

        assert_int_equal(child_babble(&room->servers[0], "VALUE " SWITCH " 0 1 5\r\nB\r\n"
                                      PROVEN "END\r\n", rows[i].answer, 0), 0);
        room->store = handle(room, "web1:80");
        item = get(room, SWITCH);
        assert_value(&item, "B");
        assert_int_equal(cas(room, item.cas, "C"), rows[i].cas);
        if (rows[i].cas == ABSW_STORE_FAILED && !strstr(room->store->why, rows[i].why)) {
            fail_msg("%s: %s", rows[i].answer, room->store->why);
        }
        assert_state(room, rows[i].state, rows[i].state == ABSW_STORE_DOWN ? "D" : "U");
        pass(1);
        assert_holds(room, SWITCH, "B");
        child_kill(&room->servers[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_killed),
        TEST(test_restarted),
        TEST(test_restarted_write),
        TEST(test_breaker),
        TEST(test_goes_on),
        TEST(test_answers_in_vain),
        TEST(test_stopped_write),
        TEST(test_stopped_long_write),
        TEST(test_signals),
        TEST(test_too_many_connections),
        TEST(test_full),
        TEST(test_hostile_writes),
        TEST(test_without_cas),
        TEST(test_hostile),
#undef TEST
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
