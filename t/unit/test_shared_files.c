/* SPDX-License-Identifier: Apache-2.0 */
#include "state_dir.h"

static char *text;
static apr_size_t len;

static apr_status_t read_name(const char *name, apr_size_t max)
{
    text = NULL;
    return absw_shared_read(dir, name, max, pool, &text, &len);
}

static apr_status_t write_name(const char *name, const char *what)
{
    return absw_shared_write(dir, name, 0640, what, strlen(what), pool);
}

static int set_up_dir(void **state)
{
    set_up(state);
    assert_int_equal(mkdir(dir, 0750), 0);
    return 0;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_int_equal(read_name("x", 100), APR_ENOENT);
    assert_int_equal(write_name("x", "one"), APR_SUCCESS);
    assert_int_equal(read_name("x", 100), APR_SUCCESS);
    assert_string_equal(text, "one");
    assert_int_equal(len, 3);
    assert_int_equal(write_name("x", ""), APR_SUCCESS);
    assert_int_equal(read_name("x", 0), APR_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(absw_shared_write(dir, "x", 0600, "a\0b", 3, pool), APR_SUCCESS);
    assert_int_equal(read_name("x", 3), APR_SUCCESS);
    assert_memory_equal(text, "a\0b", 4);
    assert_int_equal(len, 3);
    assert_int_equal(stat_of(in_dir("x")).st_mode & 0777, 0600);
    assert_int_equal(write_name("x", "x"), APR_SUCCESS);
    assert_int_equal(stat_of(in_dir("x")).st_mode & 0777, 0640);
}

static void test_too_long(void **state)
{
    (void)state;
    assert_int_equal(write_name("x", "12345"), APR_SUCCESS);
    assert_int_equal(read_name("x", 5), APR_SUCCESS);
    assert_int_equal(read_name("x", 4), EFBIG);
    assert_null(text);
}

static void test_names(void **state)
{
    static const char *const NAMES[] = { "", ".", "..", "../x", "a/b", "/etc/passwd", ".x" };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(NAMES); i++) {
        assert_int_equal(read_name(NAMES[i], 100), APR_EINVAL);
        assert_int_equal(write_name(NAMES[i], "x"), APR_EINVAL);
    }
}

static void test_no_directory(void **state)
{
    (void)state;
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(read_name("x", 100), APR_ENOENT);
    assert_int_equal(write_name("x", "x"), APR_ENOENT);
    assert_int_equal(mkdir(apr_pstrcat(pool, root, "/else", NULL), 0700), 0);
    assert_int_equal(symlink("else", dir), 0);
    assert_int_equal(read_name("x", 100), ENOTDIR);
    assert_int_equal(write_name("x", "x"), ENOTDIR);
}

/* What somebody has put where a file should be is not read, nor waited for, and can be replaced. */
static void test_odd_files(void **state)
{
    (void)state;
    make_file(in_dir("victim"), "secret", 0600);

    assert_int_equal(symlink("victim", in_dir("link")), 0);
    assert_int_equal(read_name("link", 100), ELOOP);
    assert_int_equal(write_name("link", "new"), APR_SUCCESS);
    assert_int_equal(read_name("link", 100), APR_SUCCESS);
    assert_string_equal(text, "new");

    assert_int_equal(link(in_dir("victim"), in_dir("hard")), 0);
    assert_int_equal(read_name("hard", 100), EMLINK);
    assert_int_equal(write_name("hard", "new"), APR_SUCCESS);

    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    assert_int_equal(read_name("fifo", 100), EMLINK);
    assert_int_equal(mkdir(in_dir("dir"), 0700), 0);
    assert_int_equal(read_name("dir", 100), EMLINK);
    assert_int_not_equal(write_name("dir", "new"), APR_SUCCESS);

    assert_int_equal(read_name("victim", 100), APR_SUCCESS);
    assert_string_equal(text, "secret");
}

/* A write that fails leaves the old file, and nothing else. */
static void test_failed_write(void **state)
{
    DIR *list;
    int entries = 0;

    (void)state;
    assert_int_equal(mkdir(in_dir("dir"), 0700), 0);
    assert_int_not_equal(write_name("dir", "new"), APR_SUCCESS);
    list = opendir(dir);
    while (readdir(list)) {
        entries++;
    }
    closedir(list);
    assert_int_equal(entries, 3);
}

static void test_owners(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(dir, OWNER, OWNER), 0);
    assert_int_equal(write_name("public", "x"), APR_SUCCESS);
    assert_int_equal(stat_of(in_dir("public")).st_uid, OWNER);
    assert_int_equal(stat_of(in_dir("public")).st_gid, OWNER);
    assert_int_equal(absw_shared_write(dir, "private", 0600, "x", 1, pool), APR_SUCCESS);
    assert_int_equal(stat_of(in_dir("private")).st_uid, 0);

    make_file(in_dir("x"), "x", 0644);
    assert_int_equal(read_name("x", 100), APR_SUCCESS);
    assert_int_equal(chown(in_dir("x"), OWNER, OWNER), 0);
    assert_int_equal(read_name("x", 100), APR_SUCCESS);
    assert_int_equal(chown(in_dir("x"), OTHER, OTHER), 0);
    assert_int_equal(read_name("x", 100), APR_EACCES);
}

/* --- one writes, one reads ----------------------------------------------------------- */

static void write_on(void)
{
    char value[2001];

    for (unsigned i = 0;; i++) {
        memset(value, 'a' + (int)(i % 26), sizeof(value));
        value[i % 2 ? 2000 : 10] = '\0';
        write_name("x", value);
    }
}

/* At least so many reads, and for as long as the other process has not shown that it writes. */
#define READS       2000
#define DEADLINE    apr_time_from_sec(20)

static void test_whole_or_not_at_all(void **state)
{
    apr_time_t end = apr_time_now() + DEADLINE;
    pid_t pid;
    unsigned seen = 0;

    (void)state;
    assert_int_equal(write_name("x", "aaaaaaaaaa"), APR_SUCCESS);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        write_on();
    }
    for (int i = 0; i < READS || ((seen & (seen - 1)) == 0 && apr_time_now() < end); i++) {
        apr_pool_t *old = pool;
        apr_status_t rv;

        apr_pool_create(&pool, old);
        rv = read_name("x", 2000);
        assert_int_equal(rv, APR_SUCCESS);
        assert_true(len == 10 || len == 2000);
        assert_int_equal(strspn(text, (char[]){ text[0], '\0' }), len);
        seen |= 1u << (text[0] - 'a');
        apr_pool_destroy(pool);
        pool = old;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true((seen & (seen - 1)) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_no_directory, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_odd_files, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_write, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_owners, set_up_dir, tear_down),
        cmocka_unit_test_setup_teardown(test_whole_or_not_at_all, set_up_dir, tear_down),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
