/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/resource.h>

#include "state_dir.h"

/* --- one at a time ------------------------------------------------------------------- */

static int ready[2];

static void hold(void)
{
    char byte = open_of(DIMS) == APR_SUCCESS ? 'y' : 'n';

    if (write(ready[1], &byte, 1) == 1) {
        pause();
    }
}

static void test_busy(void **state)
{
    pid_t pid;
    char byte = 0;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        hold();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(open_of(DIMS), APR_EBUSY);
    assert_null(shared);
    assert_non_null(strstr(why, dir));
    assert_non_null(strstr(why, apr_psprintf(pool, "process %ld", (long)pid)));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    open_and_expect(ABSW_SHARED_KEPT);
    absw_shared_close(shared);
    close(ready[0]);
    close(ready[1]);
}

/* A child's end does not give up what the parent holds. */
static void close_all(void)
{
    absw_shared_close(shared);
}

static void open_again(void)
{
    _exit(open_of(DIMS) == APR_EBUSY ? 0 : 1);
}

static void test_lock_is_the_parents(void **state)
{
    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    assert_int_equal(in_process(close_all), 0);
    assert_int_equal(in_process(open_again), 0);
    absw_shared_close(shared);
    absw_shared_close(shared);      /* once is enough */
    assert_int_not_equal(in_process(open_again), 0);
}

/* --- directories that will not do ---------------------------------------------------- */

static void make_dir(mode_t mode)
{
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(chmod(dir, mode), 0);
}

static void no_parent(void)
{
    dir = apr_pstrcat(pool, root, "/no/such", NULL);
}

static void a_file(void)
{
    make_file(dir, "x", 0600);
}

static void a_link(void)
{
    assert_int_equal(symlink("/tmp", dir), 0);
}

static void group_writes(void)
{
    make_dir(0770);
}

static void all_write(void)
{
    make_dir(01777);
}

static void lock_is_a_link(void)
{
    make_dir(0750);
    assert_int_equal(symlink("elsewhere", in_dir("lock")), 0);
}

static void lock_has_two_names(void)
{
    make_dir(0750);
    make_file(in_dir("lock"), "", 0600);
    assert_int_equal(link(in_dir("lock"), in_dir("lock2")), 0);
}

static void lock_is_a_fifo(void)
{
    make_dir(0750);
    assert_int_equal(mkfifo(in_dir("lock"), 0600), 0);
}

static void belongs_to_another(void)
{
    make_dir(0750);
    assert_int_equal(chown(dir, OTHER, OTHER), 0);
}

static void holds_other_things(void)
{
    make_dir(0755);
    make_file(in_dir("passwd"), "x", 0644);
}

static void test_refused_directories(void **state)
{
    static const struct {
        void (*make)(void);
        int root_only;
    } ROWS[] = {
        { no_parent, 0 }, { a_file, 0 }, { a_link, 0 }, { group_writes, 0 }, { all_write, 0 },
        { lock_is_a_link, 0 }, { lock_has_two_names, 0 }, { lock_is_a_fifo, 0 },
        { belongs_to_another, 1 }, { holds_other_things, 1 },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        if (ROWS[i].root_only && geteuid() != 0) {
            continue;
        }
        ROWS[i].make();
        assert_int_not_equal(open_of(DIMS), APR_SUCCESS);
        assert_null(shared);
        assert_non_null(strstr(why, dir));
        assert_non_null(strstr(why, "ABSwitchStateDir"));
        if (ROWS[i].make == holds_other_things) {
            assert_int_equal(stat_of(dir).st_uid, 0);
        }
        if (unlink(dir) != 0) {
            remove_dir(dir);
        }
        dir = apr_pstrcat(pool, root, "/state", NULL);
    }
}

/* Directories that root has made by hand, empty or with a secret in it, are given to the user. */
static void test_directories_made_by_root(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    for (int with_secret = 0; with_secret < 2; with_secret++) {
        make_dir(0700);
        if (with_secret) {
            make_file(in_dir("secret"), "x", 0600);
        }
        open_and_expect(ABSW_SHARED_FIRST);
        assert_int_equal(stat_of(dir).st_uid, OWNER);
        absw_shared_close(shared);
        if (with_secret) {
            assert_int_equal(stat_of(in_dir("secret")).st_uid, 0);
        }
        remove_dir(dir);
    }
}

static void open_on_a_full_disk(void)
{
    struct rlimit limit = { 100000, 100000 };

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(open_of(DIMS) != APR_SUCCESS && why && !exists(in_dir("table.new")) ? 0 : 1);
}

/* No room is an error of the start, not a signal in a request. */
static void test_full_disk(void **state)
{
    (void)state;
    assert_int_equal(in_process(open_on_a_full_disk), 0);
    open_and_expect(ABSW_SHARED_FIRST);
    absw_shared_close(shared);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_busy),
        TEST(test_lock_is_the_parents),
        TEST(test_refused_directories),
        TEST(test_directories_made_by_root),
        TEST(test_full_disk),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
