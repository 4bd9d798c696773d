/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "history.h"
#include "sample.h"

#define NOW (SAMPLE_NOW / 60 * 60)      /* a full minute */

static absw_history_entry_t listed[ABSW_HISTORY_MAX];

static absw_history_t *make(void)
{
    return calloc(1, sizeof(absw_history_t));
}

static int add(absw_history_t *history, absw_sec_t time)
{
    absw_history_entry_t entry = { .time = time };

    for (unsigned i = 0; i < ABSW_SIDES_MAX; i++) {
        entry.sessions[i] = (apr_uint32_t)time + i;
    }
    return absw_history_add(history, &entry);
}

static void assert_in_order(int n, absw_sec_t now)
{
    for (int i = 0; i < n; i++) {
        assert_true(listed[i].time <= now);
        assert_true(i == 0 || listed[i].time > listed[i - 1].time);
        for (unsigned side = 0; side < ABSW_SIDES_MAX; side++) {
            assert_int_equal(listed[i].sessions[side], (apr_uint32_t)listed[i].time + side);
        }
    }
}

static void test_due(void **state)
{
    static const struct {
        absw_sec_t time;
        int kept;
    } ROWS[] = {
        { NOW, 1 }, { NOW, 0 }, { NOW + 9, 0 }, { NOW + 10, 1 }, { NOW + 19, 0 },
        { NOW + 21, 1 }, { NOW + 20, 0 }, { NOW + 12, 0 },      /* a little back: jitter */
        { NOW + 11, 1 },                                        /* more: the clock was set */
        { 0, 0 }, { -5, 0 },
    };
    absw_history_t *history = make();

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        assert_int_equal(add(history, ROWS[i].time), ROWS[i].kept);
    }
    free(history);
}

static void test_empty(void **state)
{
    static const absw_sec_t TIMES[] = { NOW, 0, -1, 5, 5000 };
    absw_history_t *history = make();

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(TIMES); i++) {
        assert_int_equal(absw_history_list(history, TIMES[i], listed), 0);
    }
    add(history, NOW);
    assert_int_equal(absw_history_list(history, NOW, listed), 1);
    assert_int_equal(listed[0].time, NOW);
    free(history);
}

/* Two days of syncs every second: the last hour by tens, the 23 before by minutes. */
static void test_two_days(void **state)
{
    absw_history_t *history = make();
    int kept = 0;
    int n;

    (void)state;
    for (absw_sec_t t = NOW; t <= NOW + 2 * 86400; t++) {
        kept += add(history, t);
    }
    assert_int_equal(kept, 2 * 8640 + 1);
    n = absw_history_list(history, NOW + 2 * 86400, listed);
    assert_in_order(n, NOW + 2 * 86400);
    assert_int_equal(n, 360 + 23 * 60);
    assert_int_equal(listed[n - 1].time, NOW + 2 * 86400);
    assert_int_equal(listed[n - 1].time - listed[n - 360].time, 3590);
    for (int i = 1; i < n; i++) {
        absw_sec_t gap = listed[i].time - listed[i - 1].time;

        assert_true(i == n - 360 ? gap <= 60 : gap == (i < n - 360 ? 60 : 10));
    }
    free(history);
}

/* Syncs that keep other times leave no holes: every ten seconds and something. */
static void test_odd_pace(void **state)
{
    static const absw_sec_t PACES[] = { 1, 3, 7, 9, 10, 11, 13 };

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(PACES); i++) {
        absw_history_t *history = make();
        absw_sec_t end = NOW + 3;
        int n;

        for (; end < NOW + 86400 + 7; end += PACES[i]) {
            add(history, end);
        }
        n = absw_history_list(history, end, listed);
        assert_in_order(n, end);
        assert_true(n >= 1380 + 3600 / 20 && n <= ABSW_HISTORY_MAX);
        for (int k = 1; k < n; k++) {
            assert_true(listed[k].time - listed[k - 1].time < 60 + 2 * 13);
        }
        free(history);
    }
}

static void test_old_entries_fade(void **state)
{
    static const struct {
        absw_sec_t later;
        int n;
    } ROWS[] = {
        { 50, 6 }, { 3590, 6 }, { 3599, 6 }, { 3600, 6 }, { 3650, 1 }, { 86399, 1 },
        { 86400, 0 }, { 1000000, 0 },
    };
    absw_history_t *history = make();

    (void)state;
    for (absw_sec_t t = NOW; t < NOW + 60; t++) {
        add(history, t);
    }
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        int n = absw_history_list(history, NOW + ROWS[i].later, listed);

        assert_in_order(n, NOW + ROWS[i].later);
        assert_int_equal(n, ROWS[i].n);
    }
    free(history);
}

/* The clock goes back an hour: what was in the future is not shown, and is shown again later. */
static void test_clock_set_back(void **state)
{
    absw_history_t *history = make();
    int n;

    (void)state;
    for (absw_sec_t t = NOW; t < NOW + 7200; t += 10) {
        add(history, t);
    }
    for (absw_sec_t t = NOW + 3600; t < NOW + 5400; t += 10) {
        assert_int_equal(add(history, t), 1);
        n = absw_history_list(history, t, listed);
        assert_in_order(n, t);
        assert_int_equal(listed[n - 1].time, t);
    }
    free(history);
}

static void test_torn_entry_is_dropped(void **state)
{
    absw_history_t *history = make();
    absw_history_kept_t *kept;

    (void)state;
    add(history, NOW);
    add(history, NOW + 10);
    assert_int_equal(absw_history_list(history, NOW + 10, listed), 2);
    kept = &history->fine[NOW / 10 % ABSW_HISTORY_FINE];
    kept->sessions[3]++;
    assert_int_equal(absw_history_list(history, NOW + 10, listed), 1);
    assert_int_equal(listed[0].time, NOW + 10);
    kept->sessions[3]--;
    kept->time += 3600;
    assert_int_equal(absw_history_list(history, NOW + 3610, listed), 1);
    free(history);
}

static void test_rubbish(void **state)
{
    absw_history_t *history = make();
    unsigned char *bytes = (unsigned char *)history;

    (void)state;
    srand(1);
    for (size_t i = 0; i < sizeof(*history); i++) {
        bytes[i] = (unsigned char)(rand() >> 7);
    }
    assert_int_equal(absw_history_list(history, NOW, listed), 0);
    assert_int_equal(add(history, NOW), 1);
    assert_int_equal(absw_history_list(history, NOW, listed), 1);
    free(history);
}

static void test_forget_and_clear(void **state)
{
    absw_history_t *history = make();

    (void)state;
    add(history, NOW);
    add(history, NOW + 4000);
    absw_history_forget(history, 3);
    assert_int_equal(absw_history_list(history, NOW + 4000, listed), 2);
    for (int i = 0; i < 2; i++) {
        for (unsigned side = 0; side < ABSW_SIDES_MAX; side++) {
            assert_int_equal(listed[i].sessions[side],
                             side == 3 ? ABSW_HISTORY_UNKNOWN
                                       : (apr_uint32_t)listed[i].time + side);
        }
    }
    absw_history_clear(history);
    assert_int_equal(absw_history_list(history, NOW + 4000, listed), 0);
    assert_int_equal(add(history, NOW + 4001), 1);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_two_days),
        cmocka_unit_test(test_odd_pace),
        cmocka_unit_test(test_old_entries_fade),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_torn_entry_is_dropped),
        cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_forget_and_clear),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
