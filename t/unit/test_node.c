/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "node_world.h"
#include "store_local.h"

/* How the node takes up the switch. */

static void assert_stored(world_t *w, const char *text)
{
    assert_string_equal(world_stored(w), text);
}

static void test_nothing_is_written_before_a_change(void **state)
{
    world_t *w = *state;

    world_tick(w, 5);
    world_assert(w, 0, SIDE_A);
    assert_stored(w, "(none)");
    assert_int_equal(w->fake.writes, 0);
    assert_string_equal(w->said, "");
}

static void test_bare_value(void **state)
{
    world_t *w = *state;

    world_click(w, 1, SIDE_A);                          /* so that A does not drain */
    world_hand(w, "B\r\n");
    world_tick(w, 1);
    world_assert(w, 1, SIDE_B);
    assert_int_equal(world_in_force(w).at, T0 + 1);
    assert_int_equal(world_in_force(w).since[SIDE_A], T0 + 1);
    assert_stored(w, "A=0 B=1 C=0 gen=1 at=1763790001 by=hand node=web1:80 "
                     "since=A:1763790001\n");
    assert_string_equal(w->said, "N switch of contact: A=0 B=1 C=0 (generation 1, by hand)\n");
    assert_int_equal(world_log_lines(w), 1);
    world_tick(w, 5);
    assert_int_equal(w->fake.writes, 2);

    /* what is so already only gets its record back */
    world_hush(w);
    world_hand(w, "B=7");
    world_tick(w, 2);
    world_assert(w, 1, SIDE_B);
    assert_stored(w, "A=0 B=1 C=0 gen=1 at=1763790001 by=hand node=web1:80 "
                     "since=A:1763790001\n");
    assert_string_equal(w->said, "");
    world_hand(w, "A=75 B=25");
    world_tick(w, 1);
    assert_int_equal(world_in_force(w).generation, 2);
    assert_int_equal(world_in_force(w).weight[SIDE_A], 75);
    assert_int_equal(world_in_force(w).since[SIDE_A], 0);
    assert_int_equal(world_log_lines(w), 2);
}

static void test_bare_default_makes_the_first_record(void **state)
{
    world_t *w = *state;

    world_hand(w, "A");
    world_tick(w, 1);
    world_assert(w, 1, SIDE_A);
}

static void test_full_records(void **state)
{
    static const char full[] = "A=0 B=1 gen=12 at=1763789999 by=ann since=A:1763789999 note=now";
    world_t *w = *state;

    world_hand(w, full);
    world_tick(w, 1);
    world_assert(w, 12, SIDE_B);
    assert_stored(w, full);                             /* it stays as it came */
    assert_string_equal(w->said,
                        "N switch of contact: A=0 B=1 C=0 (generation 12, by ann, now)\n");
    world_hush(w);

    world_hand(w, "A gen=11 at=1763799999 by=eve");     /* an older one is replayed */
    world_tick(w, 1);
    world_assert(w, 12, SIDE_B);
    assert_non_null(strstr(world_stored(w), "gen=12 "));
    assert_non_null(strstr(w->said, "generation 12 is put back"));
    assert_non_null(strstr(w->said, "generation 11"));
    assert_int_equal(world_log_lines(w), 1);
    world_hush(w);

    world_hand(w, "A gen=50");                          /* by a hand that knows no fields */
    world_tick(w, 1);
    world_assert(w, 50, SIDE_A);
    assert_stored(w, "A=1 B=0 C=0 gen=50 at=1763790003 by=hand node=web1:80 "
                     "since=B:1763790003\n");
    world_hush(w);

    world_hand(w, "A=0 B=1 C=0 gen=50 at=1763790003 by=hand node=web1:80");     /* edited */
    world_tick(w, 2);
    world_assert(w, 51, SIDE_B);
    assert_int_equal(world_in_force(w).since[SIDE_A], T0 + 4);

    world_hand(w, "B=1 gen=60 at=1 closed=A,C");
    world_tick(w, 1);
    assert_int_equal(world_in_force(w).closed, 1u << SIDE_A | 1u << SIDE_C);
    world_hush(w);
    world_hand(w, "B=1 A=1 gen=61 at=1 closed=A,C");    /* weight opens what was closed */
    world_tick(w, 1);
    assert_int_equal(world_in_force(w).closed, 1u << SIDE_C);
    assert_non_null(strstr(w->said, "A=1 B=1 C=0 (generation 61, closed C)"));
    world_hand(w, "A");
    world_tick(w, 1);
    world_assert(w, 62, SIDE_A);
}

static void test_lost_value_is_put_back(void **state)
{
    world_t *w = *state;

    world_click(w, 1, SIDE_A);                          /* so that A does not drain */
    world_hand(w, "B");
    world_tick(w, 1);
    world_hush(w);
    fake_drop(&w->fake, KEY_SWITCH);
    world_tick(w, 1);
    assert_non_null(strstr(world_stored(w), "B=1 C=0 gen=1 "));
    assert_non_null(strstr(w->said, "N switch of contact: generation 1 is put back"));
    world_assert(w, 1, SIDE_B);
    world_hush(w);
    world_tick(w, 3);
    assert_string_equal(w->said, "");
}

static void test_bad_values(void **state)
{
    static const char *const values[] = {
        "C x", "b", "A=0 B=0", "Z", "A=-1", "gen=5", "B gen=18446744073709551615", "\x01\x02",
        "B gen=9 note=%0aN%20all%20is%20well",
    };
    world_t *w = *state;

    world_click(w, 1, SIDE_A);                          /* so that A does not drain */
    world_hand(w, "B");
    world_tick(w, 1);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char quoted[64];

        world_hush(w);
        world_hand(w, values[i]);
        world_tick(w, 3);
        world_take_over(w);
        world_tick(w, 3);
        world_start(w, ABSW_SHARED_KEPT);
        world_tick(w, 1);
        world_assert(w, 1, SIDE_B);
        assert_stored(w, values[i]);
        snprintf(quoted, sizeof(quoted), "E switch of contact: \"%s\" is not taken: ", values[i]);
        assert_memory_equal(w->said, values[i][0] > ' ' ? quoted : "E switch of", 11);
        assert_ptr_equal(strchr(w->said, '\n'), w->said + strlen(w->said) - 1);     /* once */
        assert_non_null(strstr(world_status(w)->trouble, "generation 1 stays in force"));
    }
    world_hush(w);
    world_hand(w, "A");                                 /* the next good flip repairs it */
    world_tick(w, 1);
    world_assert(w, 2, SIDE_A);
    assert_string_equal(world_status(w)->trouble, "");
    world_hush(w);
    world_hand(w, values[0]);
    world_tick(w, 1);
    assert_non_null(strstr(w->said, "E "));             /* it is said again when it is new again */
}

static void test_huge_value(void **state)
{
    world_t *w = *state;
    char *text = malloc(1 << 20);

    memset(text, 'A', 1 << 20);
    fake_put(&w->fake, KEY_SWITCH, text, 1 << 20);
    world_tick(w, 2);
    world_assert(w, 0, SIDE_A);
    assert_non_null(strstr(w->said, "longer than"));
    free(text);
}

static void test_a_value_that_is_being_written(void **state)
{
    world_t *w = *state;

    world_hand(w, "B");
    w->fake.busy = 1;
    world_tick(w, 3);
    world_assert(w, 0, SIDE_A);
    assert_int_equal(w->fake.writes, 0);
    w->fake.busy = 0;
    world_tick(w, 1);
    world_assert(w, 1, SIDE_B);
}

/* Of several nodes that see a bare value one makes the record; the others take that. */
static void test_somebody_was_first(void **state)
{
    world_t *w = *state;

    world_hand(w, "B");
    w->fake.conflicts = 1;
    w->now += SYNC;
    absw_node_tick(&w->node, w->now, w->scratch);
    world_assert(w, 0, SIDE_A);
    assert_string_equal(w->said, "");
    world_hand(w, "A=0 B=1 gen=1 at=1763790000 by=key node=web0:80 since=A:1763790000");
    world_tick(w, 1);
    world_assert(w, 1, SIDE_B);
    assert_string_equal(world_in_force(w).node, "web0:80");
}

static void test_a_store_that_cannot_be_written(void **state)
{
    world_t *w = *state;

    w->fake.fail_writes = 1;
    world_hand(w, "B");
    world_tick(w, 5);
    world_assert(w, 1, SIDE_B);                      /* once, though it stays bare */
    assert_int_equal(world_in_force(w).at, T0 + 1);
    assert_non_null(strstr(world_status(w)->trouble, "the fake is full"));
    assert_non_null(strstr(w->said, "E switch of contact: it cannot be written"));
    assert_non_null(strstr(w->said, "W log of contact cannot be kept: the fake is full"));
    world_hush(w);
    world_tick(w, 3);
    assert_string_equal(w->said, "");
    w->fake.fail_writes = 0;
    world_tick(w, 1);
    assert_non_null(strstr(world_stored(w), "gen=1 "));
    assert_string_equal(world_status(w)->trouble, "");
    assert_int_equal(world_log_lines(w), 1);
}

/* With others there a change is not in force before the store has it. */
static void test_a_shared_store_that_cannot_be_written(void **state)
{
    world_t *w = *state;

    w->fake.ops.solo = 0;
    absw_node_begin(&w->node, w->pool);
    world_tick(w, 4);                                   /* the store's epoch has settled */
    w->fake.fail_writes = 1;
    world_hand(w, "B");
    world_tick(w, 2);
    world_assert(w, 0, SIDE_A);
    w->fake.fail_writes = 0;
    world_tick(w, 1);
    world_assert(w, 1, SIDE_B);
}

static void test_a_store_that_does_not_answer(void **state)
{
    world_t *w = *state;

    world_hand(w, "B");
    world_tick(w, 1);
    world_hush(w);
    w->fake.down = 1;
    world_tick(w, 5);
    world_assert(w, 1, SIDE_B);
    assert_string_equal(w->said, "E switch of contact: the fake is down\n");
    assert_int_equal(world_drain(w, SIDE_A), ABSW_DRAIN_UNKNOWN);
    assert_string_equal(world_status(w)->sides[SIDE_A].reason, "the fake is down");
    assert_int_equal(world_drain(w, SIDE_B), ABSW_DRAIN_OPEN);
    w->fake.down = 0;
    world_hush(w);
    world_tick(w, 1);
    assert_string_equal(w->said,
                        "N switch of contact: its value is good again (generation 1)\n");
}

/* A restarted httpd begins with what is newest, before a child runs, and without writing. */
static void test_start(void **state)
{
    world_t *w = *state;
    int writes;

    world_hand(w, "B");
    world_tick(w, 1);
    writes = w->fake.writes;
    world_hand(w, "C gen=9 at=1763790005 since=B:1763790005,A:1763790001");
    world_start(w, ABSW_SHARED_KEPT);
    world_assert(w, 9, SIDE_C);
    world_hand(w, "A");
    world_start(w, ABSW_SHARED_KEPT);
    world_assert(w, 10, SIDE_A);
    fake_drop(&w->fake, KEY_SWITCH);
    world_start(w, ABSW_SHARED_KEPT);
    world_assert(w, 10, SIDE_A);
    world_hand(w, "B gen=9");
    world_start(w, ABSW_SHARED_KEPT);
    world_assert(w, 10, SIDE_A);
    assert_int_equal(w->fake.writes, writes);
    world_tick(w, 1);
    world_assert(w, 10, SIDE_A);
    assert_non_null(strstr(world_stored(w), "A=1 B=0 C=0 gen=10 "));
}

static void test_sides_that_are_gone(void **state)
{
    world_t *w = *state;

    world_hand(w, "B");
    world_tick(w, 1);
    assert_non_null(strstr(world_stored(w), "C=0"));
    world_hush(w);
    w->policy.sides_n = 2;                              /* C had nobody: no complaint */
    world_start(w, ABSW_SHARED_KEPT);
    world_tick(w, 1);
    world_assert(w, 1, SIDE_B);
    assert_stored(w, "A=0 B=1 gen=1 at=1763790001 by=hand node=web1:80 since=A:1763790001\n");
    assert_null(strstr(w->said, "E "));

    w->policy.sides_n = 3;
    world_start(w, ABSW_SHARED_KEPT);
    world_hand(w, "C");
    world_tick(w, 1);
    world_assert(w, 2, SIDE_C);
    world_hush(w);
    w->policy.sides_n = 2;                              /* C had everybody */
    world_start(w, ABSW_SHARED_KEPT);
    world_assert(w, 2, SIDE_A);
    assert_non_null(strstr(w->said, "W switch of contact: no open side"));
    world_tick(w, 1);
    world_assert(w, 2, SIDE_A);
    assert_non_null(strstr(w->said, "E switch of contact: "));
    world_hand(w, "B");
    world_tick(w, 1);
    world_assert(w, 3, SIDE_B);
}

/* A process that has lost the right to sync does nothing, however late it comes. */
static void test_stale_process(void **state)
{
    world_t *w = *state;
    absw_board_node_t before;
    absw_board_node_t after;

    world_tick(w, 1);
    absw_board_get_node(w->node.board, &before);
    w->ours = 0;
    world_hand(w, "B");
    world_click(w, 1, SIDE_A);
    world_tick(w, 3);
    world_assert(w, 0, SIDE_A);
    assert_int_equal(w->fake.writes, 0);
    world_hand(w, "rubbish");
    world_tick(w, 1);
    assert_string_equal(w->said, "");
    absw_board_get_node(w->node.board, &after);
    assert_int_equal(after.synced, before.synced);
}

static void test_log(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < 5; i++) {
        world_hand(w, i % 2 ? "A" : "B");
        world_tick(w, 1);
        world_take_over(w);                             /* nothing is entered twice */
        world_tick(w, 1);
    }
    assert_int_equal(world_log_lines(w), 5);
    fake_drop(&w->fake, KEY_LOG);
    world_hand(w, "A");
    world_tick(w, 1);
    assert_int_equal(world_log_lines(w), 1);
}

/* The same on files: what a hand writes, what becomes of it, and what the page shows of the log. */
static void test_files(void **state)
{
    world_t *w = *state;
    char dir[] = "/tmp/absw-node-XXXXXX";
    const absw_report_app_t *app;
    char *text;
    apr_size_t len;

    assert_non_null(mkdtemp(dir));
    w->node.dir = dir;
    w->node.store = absw_store_local_make(w->pool, dir);
    world_tick(w, 3);
    assert_int_equal(absw_shared_read(dir, "contact.switch", 100, w->pool, &text, &len),
                     APR_ENOENT);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(absw_shared_write(dir, "contact.switch", 0644, i == 1 ? "A" : "B", 1,
                                           w->pool), APR_SUCCESS);
        world_tick(w, 1);
        world_assert(w, i + 1, i == 1 ? SIDE_A : SIDE_B);
    }
    assert_int_equal(absw_shared_read(dir, "contact.switch", 1000, w->pool, &text, &len),
                     APR_SUCCESS);
    assert_string_equal(text, "A=0 B=1 C=0 gen=3 at=1763790006 by=file node=web1:80 "
                              "since=A:1763790006\n");
    app = world_status(w);
    assert_int_equal(app->log_n, 3);
    assert_int_equal(app->log[0].rec.generation, 3);
    assert_true(app->log[0].valid && app->log[0].has_from);
    assert_int_equal(app->log[0].from[SIDE_A], 1);
    assert_int_equal(app->log[2].from[SIDE_A], 1);      /* by default */
    world_tick(w, 5);
    for (int i = 0; i < 4; i++) {
        static const char *const ends[] = { "switch", "log", "drained", "lock" };

        assert_int_equal(unlink(apr_pstrcat(w->pool, dir, "/contact.", ends[i], NULL)), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_nothing_is_written_before_a_change),
        WORLD_TEST(test_bare_value),
        WORLD_TEST(test_bare_default_makes_the_first_record),
        WORLD_TEST(test_full_records),
        WORLD_TEST(test_lost_value_is_put_back),
        WORLD_TEST(test_bad_values),
        WORLD_TEST(test_huge_value),
        WORLD_TEST(test_a_value_that_is_being_written),
        WORLD_TEST(test_somebody_was_first),
        WORLD_TEST(test_a_store_that_cannot_be_written),
        WORLD_TEST(test_a_shared_store_that_cannot_be_written),
        WORLD_TEST(test_a_store_that_does_not_answer),
        WORLD_TEST(test_start),
        WORLD_TEST(test_sides_that_are_gone),
        WORLD_TEST(test_stale_process),
        WORLD_TEST(test_log),
        WORLD_TEST(test_files),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
