/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"
#include "children.h"
#include "process.h"
#include "shared_map.h"
#include "state_dir.h"
#include "table.h"

#define NOW     SAMPLE_NOW

static absw_table_t *table(void)
{
    return absw_table_attach(pool, shared->table, shared->dims.sessions);
}

static absw_children_t *children(void)
{
    return absw_children_attach(pool, shared->children, shared->dims.children, shared->dims.apps);
}

static absw_board_app_t board_app(const char *name)
{
    absw_policy_t policy = sample_policy();
    absw_board_app_t app;

    policy.name = name;
    assert_int_equal(absw_board_enter(absw_board_attach(shared->board, shared->dims.apps), &policy,
                                      &app), 1);
    return app;
}

static absw_table_session_t session(unsigned number)
{
    absw_table_session_t s = { .login = NOW, .place = 1, .home = 1, .kid = 'k' };

    memset(s.id, 1, sizeof(s.id));
    memcpy(s.id, &number, sizeof(number));
    return s;
}

static void touch(unsigned number)
{
    absw_table_session_t s = session(number);

    assert_int_not_equal(absw_table_touch(table(), &s, NOW), ABSW_TABLE_FULL);
}

static int count(void *baton, const absw_table_seen_t *seen)
{
    (void)seen;
    ++*(unsigned *)baton;
    return 0;
}

static unsigned sessions(void)
{
    unsigned n = 0;

    absw_table_scan(table(), count, &n);
    return n;
}

/* --- first, kept, lost --------------------------------------------------------------- */

static void test_first(void **state)
{
    char *end;
    char *text;
    apr_size_t len;

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    assert_null(notice);
    assert_string_equal(shared->dir, dir);
    assert_int_equal(stat_of(dir).st_mode & 07777, 0750);
    assert_int_equal(stat_of(dir).st_uid, user());
    assert_int_equal(stat_of(in_dir("table")).st_mode & 07777, 0600);
    assert_int_equal(stat_of(in_dir("table")).st_uid, geteuid());
    assert_false(exists(in_dir("table.new")));
    assert_int_equal(absw_shared_read(dir, "lock", 100, pool, &text, &len), APR_SUCCESS);
    assert_int_equal(strtol(text, &end, 10), getpid());
    assert_string_equal(end, "\n");

    /* each section whole and apart, and every byte there */
    assert_true((char *)shared->board + absw_board_size(DIMS.apps) <= (char *)shared->children);
    assert_true((char *)shared->children + absw_children_size(DIMS.children, DIMS.apps)
                <= (char *)shared->table);
    assert_int_equal((uintptr_t)shared->table % 64, 0);
    assert_int_equal((uintptr_t)shared->children % 64, 0);
    assert_true(stat_of(in_dir("table")).st_blocks * 512 >= stat_of(in_dir("table")).st_size);
    memset(shared->board, 0, absw_board_size(DIMS.apps));
    memset(shared->children, 0, absw_children_size(DIMS.children, DIMS.apps));
    memset(shared->table, 0, absw_table_size(DIMS.sessions));
    absw_shared_close(shared);
}

static void open_touch_and_die(void)
{
    open_of(DIMS);
    touch(1);
    touch(2);
    kill(getpid(), SIGKILL);
}

static void test_kept_over_a_kill(void **state)
{
    absw_table_session_t s = session(2);

    (void)state;
    assert_true(WIFSIGNALED(in_process(open_touch_and_die)));
    open_and_expect(ABSW_SHARED_KEPT);
    assert_null(notice);
    assert_int_equal(sessions(), 2);
    assert_int_equal(absw_table_verified(table(), &s, NULL), 1);
    absw_shared_close(shared);
    open_and_expect(ABSW_SHARED_KEPT);
    assert_int_equal(sessions(), 2);
    absw_shared_close(shared);
}

/* As if the machine had been started anew since. */
static void reboot(void)
{
    int fd = open(in_dir("table"), O_WRONLY);

    assert_int_equal(pwrite(fd, "0000", 4, (off_t)offsetof(absw_shared_header_t, boot)), 4);
    close(fd);
}

static void mark_clean(void)
{
    absw_shared_mark_clean(shared);
}

static void test_kept_over_a_clean_stop(void **state)
{
    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    touch(1);
    absw_shared_mark_clean(shared);
    absw_shared_close(shared);
    reboot();
    open_and_expect(ABSW_SHARED_KEPT);
    assert_null(notice);
    assert_int_equal(sessions(), 1);

    /* a child may not say so, and from the start on it is in use */
    assert_int_equal(in_process(mark_clean), 0);
    absw_shared_close(shared);
    reboot();
    open_and_expect(ABSW_SHARED_LOST);
    absw_shared_close(shared);
}

typedef struct {
    const char *name;
    apr_size_t at;              /* a byte of the file that is made another */
    int grow;                   /* bytes more, or less */
} damage_t;

static void damage(const damage_t *what)
{
    struct stat st = stat_of(in_dir("table"));
    int fd = open(in_dir("table"), O_RDWR);
    char byte;

    assert_int_equal(pread(fd, &byte, 1, (off_t)what->at), 1);
    byte = (char)(byte ^ 1);
    if (what->grow == 0) {
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)what->at), 1);
    }
    assert_int_equal(ftruncate(fd, what->grow < -999999 ? 10 : st.st_size + what->grow), 0);
    close(fd);
}

static void test_damaged_files_are_set_aside(void **state)
{
#define IN_HEADER(field) offsetof(absw_shared_header_t, field)
    static const damage_t DAMAGES[] = {
        { "magic", IN_HEADER(is.magic), 0 },
        { "layout", IN_HEADER(is.layout), 0 },
        { "sessions", IN_HEADER(is.sessions), 0 },
        { "offset", IN_HEADER(is.table.offset), 0 },
        { "size", IN_HEADER(is.file_size), 0 },
        { "checksum", IN_HEADER(checksum), 0 },
        { "boot", IN_HEADER(boot), 0 },
        { "a byte short", 0, -1 },
        { "a page short", 0, -4096 },
        { "a byte long", 0, 1 },
        { "only the beginning", 0, -1000000 },
        { "the board's size", ABSW_SHARED_PAGE + 8, 0 },
    };

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    absw_shared_close(shared);
    for (unsigned i = 0; i < COUNT_OF(DAMAGES); i++) {
        struct stat bad;

        damage(&DAMAGES[i]);
        bad = stat_of(in_dir("table"));
        open_and_expect(ABSW_SHARED_LOST);
        assert_non_null(notice);
        assert_non_null(strstr(notice, dir));
        assert_int_equal(stat_of(in_dir("table.bad")).st_ino, bad.st_ino);
        assert_int_equal(sessions(), 0);
        touch(i);
        absw_shared_close(shared);
        open_and_expect(ABSW_SHARED_KEPT);
        assert_null(notice);
        absw_shared_close(shared);
    }
}

static void put_text(void)
{
    make_file(in_dir("table"), "this is no table\n", 0640);
}

static void put_nothing(void)
{
    make_file(in_dir("table"), "", 0640);
}

static void put_link(void)
{
    make_file(in_dir("victim"), "victim", 0600);
    assert_int_equal(symlink("victim", in_dir("table")), 0);
}

static void put_hard_link(void)
{
    assert_int_equal(link(in_dir("table.kept"), in_dir("table")), 0);
}

static void put_fifo(void)
{
    assert_int_equal(mkfifo(in_dir("table"), 0600), 0);
}

static void put_directory(void)
{
    assert_int_equal(mkdir(in_dir("table"), 0700), 0);
}

static void put_strangers(void)
{
    assert_int_equal(rename(in_dir("table.kept"), in_dir("table")), 0);
    assert_int_equal(chown(in_dir("table"), OTHER, OTHER), 0);
}

static void test_foreign_files_are_set_aside(void **state)
{
    static void (*const PUTS[])(void) = {
        put_text, put_nothing, put_link, put_hard_link, put_fifo, put_directory, put_strangers
    };

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    absw_shared_close(shared);
    for (unsigned i = 0; i < COUNT_OF(PUTS) - (geteuid() != 0); i++) {
        unlink(in_dir("table.kept"));
        assert_int_equal(rename(in_dir("table"), in_dir("table.kept")), 0);
        PUTS[i]();
        remove(in_dir("table.bad"));
        open_and_expect(ABSW_SHARED_LOST);
        assert_non_null(notice);
        assert_true(exists(in_dir("table.bad")));
        assert_true(S_ISREG(stat_of(in_dir("table")).st_mode));
        absw_shared_close(shared);
    }
    assert_int_equal(stat_of(in_dir("victim")).st_size, 6);
}

static void test_missing_table(void **state)
{
    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    absw_shared_close(shared);
    assert_int_equal(unlink(in_dir("table")), 0);
    open_and_expect(ABSW_SHARED_LOST);
    absw_shared_close(shared);

    /* a first start that failed half way has lost nothing */
    assert_int_equal(unlink(in_dir("table")), 0);
    assert_int_equal(truncate(in_dir("lock"), 0), 0);
    open_and_expect(ABSW_SHARED_FIRST);
    absw_shared_close(shared);
}

/* What a child gone wild has done to the names is found, and what it did to slots is put right. */
static void test_scribbles(void **state)
{
    absw_board_app_t app;
    absw_switch_t rec;

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    app = board_app("contact");
    rec = (absw_switch_t){ .generation = 3, .at = NOW, .node = "web1" };
    assert_int_equal(absw_board_set_switch(&app, &rec), 1);
    touch(1);
    memset(shared->table, 0xff, 480);       /* ten slots */
    touch(2);
    absw_shared_close(shared);

    open_and_expect(ABSW_SHARED_KEPT);
    assert_non_null(strstr(notice, "damaged slots"));
    assert_true(sessions() >= 1);
    app = board_app("contact");
    assert_int_equal(absw_board_get_switch(&app, &rec), 1);
    memset(shared->board, 0xff, absw_board_size(DIMS.apps));
    absw_shared_close(shared);

    open_and_expect(ABSW_SHARED_LOST);
    assert_non_null(strstr(notice, "applications"));
    absw_shared_close(shared);
}

/* What killed processes leave behind is gone after the start. */
static void test_recovered_at_start(void **state)
{
    absw_child_t *row;

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    row = absw_children_join(children(), 0x7ffffff0u);
    absw_child_in_flight(row, 1, 1);
    assert_int_equal(absw_board_lease(absw_board_attach(shared->board, 2), 5, apr_time_from_sec(1),
                                      apr_time_from_sec(9), absw_process_lives), 1);
    make_file(in_dir("contact.switch.0123.tmp"), "x", 0600);
    make_file(in_dir("table.new"), "x", 0600);
    absw_shared_close(shared);
    open_and_expect(ABSW_SHARED_KEPT);
    assert_int_equal(absw_children_any(children(), absw_process_lives), 0);
    assert_int_equal(absw_board_lease(absw_board_attach(shared->board, 2), 6, apr_time_from_sec(2),
                                      apr_time_from_sec(9), absw_process_lives), 1);
    assert_false(exists(in_dir("contact.switch.0123.tmp")));
    absw_shared_close(shared);
}

/* --- other dimensions ---------------------------------------------------------------- */

static void fill(unsigned n)
{
    absw_board_app_t app = board_app("contact");
    absw_board_app_t other = board_app("other");
    absw_switch_t rec = { .generation = 12, .weight = { 1, 2, 3 }, .at = NOW, .node = "web1" };
    absw_history_entry_t entry = { .time = NOW, .sessions = { 5, 6, 7 } };
    absw_child_t *row = absw_children_join(children(), 0x7ffffff0u);

    for (unsigned i = 0; i < n; i++) {
        touch(i);
    }
    assert_int_equal(other.app, 1);
    assert_int_equal(absw_board_set_switch(&app, &rec), 1);
    assert_int_equal(absw_board_history_add(&app, &entry), 1);
    absw_child_verdict(children(), row, app.app, ABSW_PASS);
    absw_child_verdict(children(), row, other.app, ABSW_DOOR);
}

static void assert_filled(unsigned n)
{
    absw_board_app_t app = board_app("contact");
    absw_board_app_t other = board_app("other");
    absw_history_entry_t entries[ABSW_HISTORY_MAX];
    apr_uint64_t verdicts[ABSW_VERDICT_COUNT];
    absw_switch_t rec;

    assert_int_equal(sessions(), n);
    assert_int_equal(app.app, 0);
    assert_int_equal(other.app, 1);
    assert_int_equal(absw_board_get_switch(&app, &rec), 1);
    assert_int_equal(rec.generation, 12);
    assert_int_equal(rec.weight[2], 3);
    assert_int_equal(absw_board_history(&app, NOW, entries), 1);
    assert_int_equal(entries[0].sessions[1], 6);
    absw_children_verdicts(children(), &app, verdicts);
    assert_int_equal(verdicts[ABSW_PASS], 1);
    absw_children_verdicts(children(), &other, verdicts);
    assert_int_equal(verdicts[ABSW_DOOR], 1);
}

static void test_converted(void **state)
{
    static const struct {
        absw_shared_dims_t asked, got;
    } ROWS[] = {
        { { 4096, 2, 4 }, { 4096, 2, 4 } },
        { { 1024, 2, 4 }, { 1024, 2, 4 } },
        { { 1024, 9, 4 }, { 1024, 9, 4 } },
        { { 1024, 3, 4 }, { 1024, 3, 4 } },
        { { 1024, 1, 4 }, { 1024, 3, 4 } },     /* two are known */
        { { 1024, 1, 1 }, { 1024, 3, 1 } },
        { { 2000, 2, 40 }, { 2000, 2, 40 } },
    };

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    fill(700);
    absw_shared_close(shared);
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        assert_int_equal(open_of(ROWS[i].asked), APR_SUCCESS);
        assert_null(notice);
        assert_int_equal(shared->how, ABSW_SHARED_KEPT);
        assert_memory_equal(&shared->dims, &ROWS[i].got, sizeof(DIMS));
        assert_filled(700);
        assert_false(exists(in_dir("table.new")));
        absw_shared_close(shared);
        assert_int_equal(open_of(ROWS[i].got), APR_SUCCESS);
        assert_int_equal(shared->how, ABSW_SHARED_KEPT);
        assert_filled(700);
        absw_shared_close(shared);
    }
}

/* Sessions that a smaller table has no room for are not forgotten: their side cannot be drained. */
static void test_converted_to_less(void **state)
{
    absw_shared_dims_t less = { .sessions = 100, .apps = 2, .children = 4 };
    absw_board_app_t app;

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    fill(1000);
    app = board_app("contact");
    assert_int_equal(absw_board_uncounted_at(&app, SIDE_B), 0);
    absw_shared_close(shared);
    assert_int_equal(open_of(less), APR_SUCCESS);
    assert_true(sessions() >= 100 && sessions() < 1000);
    app = board_app("contact");
    assert_int_equal(absw_board_uncounted_at(&app, SIDE_B), NOW);
    assert_int_equal(absw_board_uncounted_at(&app, SIDE_A), 0);
    absw_shared_close(shared);
}

static void test_dimensions_that_cannot_be(void **state)
{
    static const absw_shared_dims_t ROWS[] = {
        { 0, 1, 1 }, { 16777217, 1, 1 }, { 1024, 0, 1 }, { 1024, 4097, 1 }, { 1024, 1, 0 },
    };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        assert_int_equal(open_of(ROWS[i]), APR_EINVAL);
        assert_non_null(why);
        assert_false(exists(dir));
    }
}

static void test_adopt(void **state)
{
    absw_shared_t other;

    (void)state;
    open_and_expect(ABSW_SHARED_FIRST);
    touch(1);
    assert_null(absw_shared_adopt(NULL));
    assert_ptr_equal(absw_shared_adopt(shared), shared);
    assert_int_equal(sessions(), 1);
    other = *shared;
    other.struct_size--;
    assert_null(absw_shared_adopt(&other));
    other = *shared;
    other.dims.sessions *= 2;
    assert_null(absw_shared_adopt(&other));
    other = *shared;
    other.table = NULL;
    assert_ptr_equal(absw_shared_adopt(&other), &other);
    assert_ptr_equal(other.table, shared->table);
    ((absw_shared_header_t *)shared->map)->is.file_size++;
    assert_null(absw_shared_adopt(shared));
    absw_shared_close(shared);
    assert_null(absw_shared_adopt(shared));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_first),
        TEST(test_kept_over_a_kill),
        TEST(test_kept_over_a_clean_stop),
        TEST(test_damaged_files_are_set_aside),
        TEST(test_foreign_files_are_set_aside),
        TEST(test_missing_table),
        TEST(test_scribbles),
        TEST(test_recovered_at_start),
        TEST(test_converted),
        TEST(test_converted_to_less),
        TEST(test_dimensions_that_cannot_be),
        TEST(test_adopt),
    };

    apr_initialize();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
