/* SPDX-License-Identifier: Apache-2.0 */
#include "node_world.h"

/*
 * A node at random: users click and leave, hands flip, requests hang, processes take over, httpd
 * restarts or loses its table, the table is full, the store fails. A model knows the truth. The
 * node never says drained while somebody is there, and counts exactly whenever it says it does.
 */

#define RUNS    150
#define STEPS   400
#define USERS   12
#define IDLE    60

typedef struct {
    world_t *w;
    unsigned seed;
    absw_sec_t last[USERS][SAMPLE_SIDES];   /* 0: not counted there */
    absw_sec_t login[USERS];
    int in_flight[SAMPLE_SIDES];
    int drained;                            /* how often it was said */
} model_t;

static unsigned draw(model_t *m, unsigned below)
{
    m->seed = m->seed * 1103515245u + 12345u;
    return (m->seed >> 16) % below;
}

static absw_sec_t now_of(const model_t *m)
{
    return apr_time_sec(m->w->now);
}

static int truth(const model_t *m, int side)
{
    int n = 0;

    for (int user = 0; user < USERS; user++) {
        n += m->last[user][side] > 0 && now_of(m) < m->last[user][side] + IDLE
             && now_of(m) < m->login[user] + m->w->policy.max_login;
    }
    return n;
}

static void click(model_t *m, int user, int side)
{
    const absw_report_app_t *app = world_status(m->w);
    absw_table_session_t session = world_session(m->w, user, side);

    if (app->sides[side].state == ABSW_SIDE_CLOSED) {
        return;                             /* nobody is let in */
    }
    if (m->login[user] == 0 || now_of(m) >= m->login[user] + m->w->policy.max_login) {
        m->login[user] = now_of(m);
        memset(m->last[user], 0, sizeof(m->last[user]));
        absw_table_end(m->w->node.table, session.id, m->w->app.place.place, SAMPLE_SIDES);
    }
    session.login = m->login[user];
    if (draw(m, 200) == 0) {
        absw_board_uncounted(&m->w->app.place, side, now_of(m));    /* as if the table were full */
        absw_table_end(m->w->node.table, session.id, &session.place, 1);
    }
    else {
        absw_table_touch(m->w->node.table, &session, now_of(m));
    }
    m->last[user][side] = now_of(m);
}

static void leave(model_t *m, int user)
{
    absw_table_session_t session = world_session(m->w, user, 0);

    absw_table_end(m->w->node.table, session.id, m->w->app.place.place, SAMPLE_SIDES);
    memset(m->last[user], 0, sizeof(m->last[user]));
    m->login[user] = 0;
}

static void hand(model_t *m)
{
    static const char *const values[] = {
        "A", "B", "C", "A=1 B=1", "rubbish", "A=0 B=0", "B gen=3", "A=0 B=1 C=0 gen=900 closed=A",
        "C gen=950 at=1763790000", "",
    };
    const char *value = values[draw(m, COUNT_OF(values))];

    if (*value) {
        world_hand(m->w, value);
    }
    else {
        fake_drop(&m->w->fake, KEY_SWITCH);
    }
}

static void request(model_t *m, int side, int by)
{
    if (m->in_flight[side] + by >= 0) {
        m->in_flight[side] += by;
        absw_child_in_flight(m->w->child, m->w->app.place.place[side], by);
    }
}

static void lose_table(model_t *m)
{
    memset(m->w->memory[2], 0, absw_table_size(SESSIONS));
    world_start(m->w, ABSW_SHARED_LOST);
}

/* A sync that sees a side closed ends its sessions for good. */
static void next_sync(model_t *m)
{
    const absw_report_app_t *app;

    world_tick(m->w, 1);
    app = world_status(m->w);
    for (int side = 0; side < SAMPLE_SIDES; side++) {
        for (int user = 0; user < USERS && app->sides[side].state == ABSW_SIDE_CLOSED; user++) {
            m->last[user][side] = 0;
        }
    }
}

static void step(model_t *m)
{
    int user = (int)draw(m, USERS);
    int side = (int)draw(m, SAMPLE_SIDES);
    unsigned what = draw(m, 100);

    if (what < 12) {
        click(m, user, side);
    }
    else if (what < 20) {
        leave(m, user);
    }
    else if (what < 23) {
        hand(m);
    }
    else if (what < 26) {
        request(m, side, what < 25 ? -1 : 1);
    }
    else if (what < 28) {
        m->w->now += apr_time_from_sec(draw(m, 90));
    }
    else if (what < 30) {
        world_take_over(m->w);
    }
    else if (what < 31) {
        world_start(m->w, ABSW_SHARED_KEPT);
    }
    else if (what < 32 && draw(m, 10) == 0) {
        lose_table(m);
    }
    else if (what < 34) {
        m->w->fake.down = draw(m, 4) == 0;
    }
    else if (what < 36) {
        m->w->fake.fail_writes = draw(m, 3) == 0;
    }
    else if (what < 38) {
        m->w->fake.conflicts = 1;
    }
    else {
        next_sync(m);
    }
}

static void check(model_t *m, int run, int at)
{
    const absw_report_app_t *app = world_status(m->w);
    int open = 0;

    for (int side = 0; side < SAMPLE_SIDES; side++) {
        const absw_report_side_t *one = &app->sides[side];
        int real = one->state == ABSW_SIDE_CLOSED ? 0 : truth(m, side);

        open += one->state == ABSW_SIDE_OPEN;
        m->drained += one->drain == ABSW_DRAIN_DRAINED;
        if (one->drain == ABSW_DRAIN_DRAINED && (real > 0 || m->in_flight[side] > 0)) {
            fail_msg("run %d, step %d: %s is drained, %d sessions", run, at, one->name, real);
        }
        if (one->known && one->exact && (int)one->sessions != real) {
            fail_msg("run %d, step %d: %s has %d sessions, says %u", run, at, one->name, real,
                     one->sessions);
        }
        if (one->known && !one->exact && (int)one->sessions > real) {
            fail_msg("run %d, step %d: %s has %d sessions, says at least %u", run, at, one->name,
                     real, one->sessions);
        }
        assert_int_equal(one->drain == ABSW_DRAIN_UNKNOWN, one->reason[0] != '\0');
        assert_int_equal(one->drain == ABSW_DRAIN_OPEN, one->state == ABSW_SIDE_OPEN);
    }
    assert_true(open > 0);
}

static void test_at_random(void **state)
{
    int drained = 0;
    int told = 0;

    (void)state;
    for (int run = 0; run < RUNS; run++) {
        void *room;
        model_t m = { .seed = 20251122u + (unsigned)run };
        apr_int64_t generation = 0;

        assert_int_equal(world_set_up(&room), 0);
        m.w = room;
        m.w->policy.idle = IDLE;
        m.w->policy.max_login = 300;
        m.w->policy.drain_timeout = run % 2 ? 120 : 0;
        m.w->app.auto_close = run % 3 == 0;
        for (int at = 0; at < STEPS; at++) {
            absw_switch_t rec;

            step(&m);
            check(&m, run, at);
            rec = world_in_force(m.w);
            assert_true(rec.generation >= generation);      /* no generation is ever lost */
            generation = rec.generation;
            if (at % 50 == 0) {
                told += m.w->drained[0] != '\0';
                m.w->drained[0] = '\0';
                world_hush(m.w);
            }
        }
        drained += m.drained;
        world_tear_down(&room);
    }
    assert_true(drained > 1000);
    assert_true(told > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_random),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
