/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "sample.h"
#include "store_local.h"

#define SWITCH "abswitch:contact:switch"

typedef struct {
    apr_pool_t *pool;
    char dir[32];
    absw_store_t *store;
} room_t;

static int set_up(void **state)
{
    room_t *room = calloc(1, sizeof(*room));

    apr_initialize();
    apr_pool_create(&room->pool, NULL);
    strcpy(room->dir, "/tmp/absw-store-XXXXXX");
    if (!mkdtemp(room->dir)) {
        return -1;
    }
    room->store = absw_store_local_make(room->pool, room->dir);
    *state = room;
    return 0;
}

static const char *path(const room_t *room, const char *name)
{
    return apr_pstrcat(room->pool, room->dir, "/", name, NULL);
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "contact.switch", "contact.log", "contact.lock", "contact.drained", "elsewhere"
    };
    room_t *room = *state;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (unlink(path(room, names[i])) != 0) {
            rmdir(path(room, names[i]));
        }
    }
    if (rmdir(room->dir) != 0) {
        return -1;              /* something was left behind */
    }
    apr_pool_destroy(room->pool);
    apr_terminate();
    free(room);
    return 0;
}

/* As a hand does it: in place. */
static void write_by_hand(const room_t *room, const char *name, const char *text, size_t len)
{
    int fd = open(path(room, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
}

static void by_hand(const room_t *room, const char *text)
{
    write_by_hand(room, "contact.switch", text, strlen(text));
}

/* Its time of modification is so many seconds ago. */
static void make_older(const room_t *room, int seconds)
{
    struct timespec times[2];

    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= seconds;
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, path(room, "contact.switch"), times, 0), 0);
}

static absw_store_item_t get_key(const room_t *room, const char *key, int complete)
{
    absw_store_item_t item = { .key = key };

    assert_int_equal(room->store->ops->get(room->store, &item, 1, room->pool), complete);
    return item;
}

static absw_store_item_t get(const room_t *room)
{
    return get_key(room, SWITCH, 1);
}

static void assert_holds(const room_t *room, const char *text)
{
    absw_store_item_t item = get(room);

    assert_int_equal(item.found, ABSW_STORE_FOUND);
    assert_int_equal(item.len, strlen(text));
    assert_memory_equal(item.value, text, item.len);
    assert_true(item.cas != 0);
}

static absw_store_result_e cas(const room_t *room, apr_uint64_t token, const char *text)
{
    return room->store->ops->cas(room->store, SWITCH, token, text, strlen(text), 0, room->pool);
}

static absw_store_result_e add(const room_t *room, const char *text)
{
    return room->store->ops->add(room->store, SWITCH, text, strlen(text), 0, room->pool);
}

static void test_get(void **state)
{
    static const char odd[] = "B\0\xff\n";
    room_t *room = *state;
    absw_store_item_t item = get(room);
    absw_store_item_t items[3] = {
        { .key = "abswitch:contact:log" }, { .key = SWITCH }, { .key = "abswitch:contact:epoch" }
    };

    assert_int_equal(item.found, ABSW_STORE_ABSENT);
    by_hand(room, "B\n");
    assert_holds(room, "B\n");
    by_hand(room, "A\n");                           /* of the same size, in the same second */
    assert_holds(room, "A\n");
    by_hand(room, "C\n");
    make_older(room, 3600);                         /* and its time put back */
    assert_holds(room, "C\n");

    write_by_hand(room, "contact.log", odd, sizeof(odd) - 1);
    assert_int_equal(room->store->ops->get(room->store, items, 3, room->pool), 1);
    assert_int_equal(items[0].found, ABSW_STORE_FOUND);
    assert_int_equal(items[0].len, sizeof(odd) - 1);
    assert_memory_equal(items[0].value, odd, sizeof(odd) - 1);
    assert_int_equal(items[1].found, ABSW_STORE_FOUND);
    assert_int_equal(items[2].found, ABSW_STORE_ABSENT);

    assert_int_equal(unlink(path(room, "contact.switch")), 0);
    assert_int_equal(get(room).found, ABSW_STORE_ABSENT);
}

/* A file that is two seconds old is not read again, until it is another. */
static void test_unchanged_costs_no_read(void **state)
{
    room_t *room = *state;
    apr_uint64_t token;

    by_hand(room, "B\n");
    token = get(room).cas;
    assert_true(get(room).cas != token);            /* young: every get reads, so has a new token */
    apr_sleep(apr_time_from_msec(2100));
    token = get(room).cas;
    assert_int_equal(get(room).cas, token);
    assert_holds(room, "B\n");
    by_hand(room, "A\n");
    assert_holds(room, "A\n");
}

static void test_empty(void **state)
{
    room_t *room = *state;

    by_hand(room, "");
    assert_int_equal(get(room).found, ABSW_STORE_BUSY);
    assert_int_equal(add(room, "B\n"), ABSW_STORE_CONFLICT);
    make_older(room, 4);
    assert_int_equal(get(room).found, ABSW_STORE_BUSY);
    make_older(room, 6);
    assert_int_equal(get(room).found, ABSW_STORE_ABSENT);
    assert_int_equal(add(room, "B\n"), ABSW_STORE_DONE);
    assert_holds(room, "B\n");
}

static void test_writes(void **state)
{
    room_t *room = *state;
    const absw_store_ops_t *ops = room->store->ops;
    struct stat st;
    apr_uint64_t token;

    assert_int_equal(cas(room, 0, "X"), ABSW_STORE_CONFLICT);
    assert_int_equal(cas(room, 1, "X"), ABSW_STORE_CONFLICT);
    assert_int_equal(add(room, "A"), ABSW_STORE_DONE);
    assert_int_equal(add(room, "B"), ABSW_STORE_CONFLICT);
    assert_holds(room, "A");
    assert_int_equal(stat(path(room, "contact.switch"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);

    token = get(room).cas;
    assert_int_equal(cas(room, token, "B"), ABSW_STORE_DONE);
    assert_int_equal(cas(room, token, "C"), ABSW_STORE_CONFLICT);   /* the token is spent */
    assert_holds(room, "B");
    token = get(room).cas;
    by_hand(room, "D");
    assert_int_equal(cas(room, token, "E"), ABSW_STORE_CONFLICT);   /* a hand was first */
    token = get(room).cas;
    assert_int_equal(unlink(path(room, "contact.switch")), 0);
    assert_int_equal(cas(room, token, "E"), ABSW_STORE_CONFLICT);
    assert_int_equal(get(room).found, ABSW_STORE_ABSENT);

    assert_int_equal(ops->set(room->store, SWITCH, "F", 1, 0, room->pool), ABSW_STORE_DONE);
    assert_int_equal(ops->set(room->store, SWITCH, "G", 1, 0, room->pool), ABSW_STORE_DONE);
    assert_holds(room, "G");
}

static void test_keys(void **state)
{
    static const char *const keys[] = {
        "abswitch:contact:epoch", "abswitch:../contact:switch", "abswitch::switch", "abswitch:",
        "contact:switch", "abswitch:contact:switch:x", "", "abswitch:contact",
    };
    room_t *room = *state;

    by_hand(room, "B");
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_int_equal(get_key(room, keys[i], 1).found, ABSW_STORE_ABSENT);
        room->store->why[0] = '\0';
        assert_int_equal(room->store->ops->set(room->store, keys[i], "x", 1, 0, room->pool),
                         ABSW_STORE_FAILED);
        assert_true(room->store->why[0]);
    }
}

static void test_odd_files(void **state)
{
    room_t *room = *state;
    absw_store_item_t item;

    write_by_hand(room, "elsewhere", "B", 1);
    for (int i = 0; i < 3; i++) {
        const char *name = path(room, "contact.switch");

        assert_int_equal(i == 0 ? symlink("elsewhere", name)
                         : i == 1 ? mkfifo(name, 0600) : mkdir(name, 0700), 0);
        item = get_key(room, SWITCH, 0);
        assert_int_equal(item.found, ABSW_STORE_UNKNOWN);
        assert_non_null(strstr(item.why, "contact.switch"));
        assert_int_equal(add(room, "B"), ABSW_STORE_FAILED);
        assert_true(room->store->why[0]);
        assert_int_equal(i == 2 ? rmdir(name) : unlink(name), 0);
        assert_int_equal(get(room).found, ABSW_STORE_ABSENT);
    }
}

/* Too long for a value: it is handed out too long, so it does not parse; a write repairs it. */
static void test_too_long(void **state)
{
    static char text[1 << 20];
    room_t *room = *state;
    absw_store_item_t item;

    memset(text, ' ', sizeof(text));
    text[0] = 'B';
    write_by_hand(room, "contact.switch", text, sizeof(text));
    item = get(room);
    assert_int_equal(item.found, ABSW_STORE_FOUND);
    assert_int_equal(item.len, ABSW_STORE_VALUE_MAX + 1);
    assert_int_equal(cas(room, item.cas, "A"), ABSW_STORE_DONE);
    assert_holds(room, "A");
}

static void test_lock(void **state)
{
    room_t *room = *state;
    int fd = open(path(room, "contact.lock"), O_RDWR | O_CREAT, 0600);

    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(add(room, "B"), ABSW_STORE_FAILED);
    assert_non_null(strstr(room->store->why, "contact.lock"));
    assert_int_equal(get(room).found, ABSW_STORE_ABSENT);   /* reading waits for nobody */
    close(fd);
    assert_int_equal(add(room, "B"), ABSW_STORE_DONE);
}

/* Several processes count up by cas: nothing is lost. */
static void count_up(const room_t *room, int times)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, room->pool);
    while (times > 0) {
        absw_store_item_t item = { .key = SWITCH };
        const char *next;

        apr_pool_clear(pool);
        if (!room->store->ops->get(room->store, &item, 1, pool)) {
            _exit(2);
        }
        next = apr_itoa(pool, atoi(apr_pstrmemdup(pool, item.value, item.len)) + 1);
        if (room->store->ops->cas(room->store, SWITCH, item.cas, next, strlen(next), 0, pool)
            == ABSW_STORE_DONE) {
            times--;
        }
    }
    _exit(0);
}

static void test_many_writers(void **state)
{
    enum { WRITERS = 4, TIMES = 25 };
    room_t *room = *state;
    pid_t pids[WRITERS];

    by_hand(room, "0");
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            count_up(room, TIMES);
        }
        assert_true(pids[i] > 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_holds(room, "100");
}

static void test_what_it_is(void **state)
{
    room_t *room = *state;
    const absw_store_server_t *servers;
    int n;

    assert_string_equal(room->store->ops->type, "local");
    assert_string_equal(room->store->ops->hand, "file");
    assert_true(room->store->ops->solo);
    assert_int_equal(room->store->ops->state(room->store, room->pool, &servers, &n),
                     ABSW_STORE_UP);
    assert_int_equal(n, 0);
    assert_string_equal(absw_store_state_name(ABSW_STORE_DEGRADED), "degraded");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get),
        TEST(test_unchanged_costs_no_read),
        TEST(test_empty),
        TEST(test_writes),
        TEST(test_keys),
        TEST(test_odd_files),
        TEST(test_too_long),
        TEST(test_lock),
        TEST(test_many_writers),
        TEST(test_what_it_is),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
