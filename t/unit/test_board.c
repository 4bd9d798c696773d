/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "board_world.h"

/* --- the switch ---------------------------------------------------------------------- */

static void test_switch_is_kept_by_side(void **state)
{
    world_t w = make();
    absw_board_app_t abc = enter(&w, "one", "ABC");
    absw_board_app_t cab = enter(&w, "one", "CAB");
    absw_board_app_t bd = enter(&w, "one", "BD");
    absw_switch_t rec = record(12);
    absw_switch_t seen;
    absw_switch_t view;

    (void)state;
    assert_int_equal(absw_board_get_switch(&abc, &seen), 0);
    assert_int_equal(absw_board_view(&abc, &view), 0);
    rec.weight[0] = 10;
    rec.weight[1] = 20;
    rec.since[2] = NOW;
    rec.closed = 4;
    assert_int_equal(absw_board_set_switch(&abc, &rec), 1);
    assert_int_equal(absw_board_get_switch(&abc, &seen), 1);
    assert_memory_equal(&seen, &rec, sizeof(rec));

    assert_int_equal(absw_board_get_switch(&cab, &seen), 1);
    assert_int_equal(seen.weight[0], 0);
    assert_int_equal(seen.weight[1], 10);
    assert_int_equal(seen.weight[2], 20);
    assert_int_equal(seen.since[0], NOW);
    assert_int_equal(seen.closed, 1);
    assert_string_equal(seen.note, "why");

    assert_int_equal(absw_board_view(&bd, &view), 1);
    assert_int_equal(view.generation, 12);
    assert_int_equal(view.weight[0], 20);
    assert_int_equal(view.weight[1], 0);
    assert_int_equal(view.closed, 0);
    assert_int_equal(view.since[0], 0);

    /* Of one side alone. */
    memset(&view, 0xee, sizeof(view));
    assert_int_equal(absw_board_view_side(&cab, 0, &view), 1);
    assert_int_equal(view.generation, 12);
    assert_int_equal(view.weight[0], 0);
    assert_int_equal(view.since[0], NOW);
    assert_int_equal(view.closed, 1);
    assert_int_equal(absw_board_view_side(&cab, 1, &view), 1);
    assert_int_equal(view.weight[1], 10);
    assert_int_equal(view.closed, 0);
    drop(&w);
}

static void test_older_switch_never_wins(void **state)
{
    static const struct {
        apr_int64_t generation;
        absw_sec_t at;
        const char *node;
        int done;
    } ROWS[] = {
        { 5, NOW, "b", 1 }, { 5, NOW, "b", 1 }, { 4, NOW + 9, "c", 0 }, { 5, NOW - 1, "c", 0 },
        { 5, NOW, "a", 0 }, { 5, NOW, "c", 1 }, { 5, NOW + 1, "a", 1 }, { 6, NOW - 9, "a", 1 },
    };
    world_t w = make();
    absw_board_app_t app = enter(&w, "one", "AB");

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        absw_switch_t rec = record(ROWS[i].generation);
        absw_switch_t seen;

        rec.at = ROWS[i].at;
        rec.weight[0] = i + 1;
        strcpy(rec.node, ROWS[i].node);
        assert_int_equal(absw_board_set_switch(&app, &rec), ROWS[i].done);
        assert_int_equal(absw_board_get_switch(&app, &seen), 1);
        assert_int_equal(seen.weight[0] == i + 1, ROWS[i].done);
    }
    drop(&w);
}

/* What a process gone wild has written is still a record of some kind. */
static void test_rubbish(void **state)
{
    world_t w = make();
    absw_board_app_t app = enter(&w, "one", "AB");
    absw_switch_t rec;
    absw_switch_t view;
    absw_board_drain_t drain;
    absw_board_node_t node;
    char trouble[ABSW_BOARD_TROUBLE_MAX];

    (void)state;
    memset(&w.board->entries[0].in_force, 0x7f, sizeof(w.board->entries[0].in_force));
    memset(&w.board->entries[0].trouble, 0x7f, sizeof(w.board->entries[0].trouble));
    memset(&w.board->entries[0].sides[0].drain, 0x7f, sizeof(w.board->entries[0].sides[0].drain));
    memset(&w.board->node, 0x7f, sizeof(w.board->node));
    assert_int_equal(absw_board_get_switch(&app, &rec), 0);     /* no such generation */
    assert_int_equal(absw_board_view(&app, &view), 0);
    absw_board_get_drain(&app, 0, &drain);
    absw_board_get_trouble(&app, trouble);
    absw_board_get_node(w.board, &node);
    assert_int_equal(strlen(rec.note), ABSW_NOTE_MAX);
    assert_int_equal(strlen(drain.reason), sizeof(drain.reason) - 1);
    assert_int_equal(strlen(trouble), sizeof(trouble) - 1);
    assert_int_equal(strlen(node.epoch), sizeof(node.epoch) - 1);

    absw_board_recover(w.board);
    rec = record(3);
    rec.weight[0] = APR_UINT32_MAX;
    rec.since[0] = -1;
    rec.since[1] = APR_INT64_MAX;
    rec.at = APR_INT64_MAX;
    assert_int_equal(absw_board_set_switch(&app, &rec), 1);
    assert_int_equal(absw_board_view(&app, &view), 1);
    assert_int_equal(view.weight[0], ABSW_SWITCH_WEIGHT_MAX);
    assert_int_equal(view.since[0], 0);
    assert_int_equal(view.since[1], 0);
    assert_int_equal(absw_board_get_switch(&app, &rec), 1);
    assert_int_equal(rec.at, 0);
    drop(&w);
}

/* --- words --------------------------------------------------------------------------- */

static void test_words(void **state)
{
    world_t w = make();
    absw_board_app_t app = enter(&w, "one", "AB");
    absw_board_node_t node = { .epoch = "0123456789abcdef0123456789abcdef",
                               .relearning_until = NOW, .synced = 77 };
    absw_board_node_t seen_node;
    absw_board_drain_t drain = { .proven = 1, .streak = 9, .reason = "x" };
    absw_board_drain_t seen;
    char longest[2 * ABSW_BOARD_TROUBLE_MAX];
    char trouble[ABSW_BOARD_TROUBLE_MAX];

    (void)state;
    assert_int_equal(absw_board_set_node(w.board, &node), 1);
    absw_board_get_node(w.board, &seen_node);
    assert_string_equal(seen_node.epoch, node.epoch);
    assert_int_equal(seen_node.relearning_until, NOW);
    assert_int_equal(seen_node.synced, 77);

    assert_int_equal(absw_board_set_drain(&app, 1, &drain), 1);
    absw_board_get_drain(&app, 1, &seen);
    assert_int_equal(seen.streak, 9);
    assert_string_equal(seen.reason, "x");
    absw_board_get_drain(&app, 0, &seen);
    assert_int_equal(seen.streak, 0);

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(absw_board_set_trouble(&app, longest), 1);
    absw_board_get_trouble(&app, trouble);
    assert_int_equal(strlen(trouble), ABSW_BOARD_TROUBLE_MAX - 1);
    assert_int_equal(absw_board_set_trouble(&app, ""), 1);
    absw_board_get_trouble(&app, trouble);
    assert_string_equal(trouble, "");
    drop(&w);
}

static void test_uncounted(void **state)
{
    world_t w = make();
    absw_board_app_t app = enter(&w, "one", "AB");

    (void)state;
    assert_int_equal(absw_board_uncounted_at(&app, 1), 0);
    absw_board_uncounted(&app, 1, NOW);
    absw_board_uncounted(&app, 1, NOW - 5);
    assert_int_equal(absw_board_uncounted_at(&app, 1), NOW);
    assert_int_equal(absw_board_uncounted_at(&app, 0), 0);
    drop(&w);
}

static void test_history_is_by_side(void **state)
{
    world_t w = make();
    absw_board_app_t ab = enter(&w, "one", "AB");
    absw_board_app_t bca = enter(&w, "one", "BCA");
    absw_history_entry_t entry = { .time = NOW, .sessions = { 100, 200, 999 } };
    absw_history_entry_t seen[ABSW_HISTORY_MAX];

    (void)state;
    assert_int_equal(absw_board_history_add(&ab, &entry), 1);
    assert_int_equal(absw_board_history_add(&ab, &entry), 0);
    assert_int_equal(absw_board_history(&bca, NOW, seen), 1);
    assert_int_equal(seen[0].time, NOW);
    assert_int_equal(seen[0].sessions[0], 200);
    assert_int_equal(seen[0].sessions[1], ABSW_HISTORY_UNKNOWN);
    assert_int_equal(seen[0].sessions[2], 100);
    assert_int_equal(seen[0].sessions[3], ABSW_HISTORY_UNKNOWN);
    drop(&w);
}

/* --- the lease ----------------------------------------------------------------------- */

static apr_uint32_t dead_pid;

static int is_alive(apr_uint32_t pid)
{
    return pid != dead_pid;
}

#define AT(s) (apr_time_from_sec(NOW) + (apr_time_t)((s) * APR_USEC_PER_SEC))

static void test_lease(void **state)
{
    static const struct {
        apr_uint32_t pid;       /* 0: the one before releases it */
        double now, until;
        apr_uint32_t dead;
        int has;
    } ROWS[] = {
        { 10, 0, 2, 0, 1 },         /* nobody had it */
        { 11, 1, 3, 0, 0 },
        { 10, 1, 3, 0, 1 },         /* renewed */
        { 11, 2.9, 5, 0, 0 },
        { 11, 3.1, 5, 0, 1 },       /* past */
        { 10, 3.2, 5, 0, 0 },
        { 12, 3.3, 5.3, 11, 1 },    /* its holder is dead */
        { 12, 100, 100.1, 0, 1 },   /* held on to past its time, since nobody came */
        { 13, 100.05, 101, 0, 0 },
        { 13, 100.2, 101, 0, 1 },
        { 14, -5000, -4998, 0, 1 }, /* the clock was set back by more than any lease */
        { 13, -4999, -4990, 0, 0 },
    };
    world_t w = make();

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        dead_pid = ROWS[i].dead;
        assert_int_equal(absw_board_lease(w.board, ROWS[i].pid, AT(ROWS[i].now),
                                          AT(ROWS[i].until), is_alive), ROWS[i].has);
    }
    absw_board_release(w.board, 13);        /* not his to give up */
    assert_int_equal(absw_board_lease(w.board, 15, AT(-4999), AT(-4998), is_alive), 0);
    absw_board_release(w.board, 14);
    assert_int_equal(absw_board_lease(w.board, 15, AT(-4999), AT(-4998), is_alive), 1);
    absw_board_recover(w.board);
    assert_int_equal(absw_board_lease(w.board, 16, AT(-4999), AT(-4998), is_alive), 1);
    drop(&w);
}

/* --- writers that are killed --------------------------------------------------------- */

/* Records of ever newer generations, each of one piece: weight, at and note say the same. */
static void write_on(const absw_board_app_t *app)
{
    for (;;) {
        absw_switch_t rec;

        if (!absw_board_get_switch(app, &rec)) {
            memset(&rec, 0, sizeof(rec));
        }
        rec.generation++;
        rec.at = rec.generation;
        rec.weight[0] = (apr_uint32_t)rec.generation % 1000 + 1;
        snprintf(rec.note, sizeof(rec.note), "%ld", (long)rec.generation);
        absw_board_set_switch(app, &rec);
    }
}

static pid_t start(const absw_board_app_t *app)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        write_on(app);
    }
    return pid;
}

static void test_killed_writers(void **state)
{
    world_t w = make();
    absw_board_app_t app = enter(&w, "one", "AB");
    pid_t pid[2] = { start(&app), start(&app) };
    apr_int64_t last = 0;

    (void)state;
    /* on a busy machine a child may be killed before it has run */
    for (int kills = 0; kills < 200 || (last <= 200 && kills < 20000); kills++) {
        struct timespec pause = { .tv_nsec = 1000000 };

        for (int looks = 0; looks < 200; looks++) {
            absw_switch_t rec;
            absw_switch_t view;

            if (absw_board_get_switch(&app, &rec)) {
                assert_int_equal(rec.at, rec.generation);
                assert_int_equal(atol(rec.note), rec.generation);
                assert_int_equal(rec.weight[0], rec.generation % 1000 + 1);
                assert_true(rec.generation >= last);
                last = rec.generation;
                assert_int_equal(absw_board_view(&app, &view), 1);
                assert_true(view.generation >= last);
                assert_int_equal(view.weight[0], view.generation % 1000 + 1);
            }
        }
        nanosleep(&pause, NULL);
        kill(pid[kills % 2], SIGKILL);
        waitpid(pid[kills % 2], NULL, 0);
        pid[kills % 2] = start(&app);
    }
    assert_true(last > 200);
    for (int i = 0; i < 2; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_switch_is_kept_by_side),
        cmocka_unit_test(test_older_switch_never_wins),
        cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_uncounted),
        cmocka_unit_test(test_history_is_by_side),
        cmocka_unit_test(test_lease),
        cmocka_unit_test(test_killed_writers),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
