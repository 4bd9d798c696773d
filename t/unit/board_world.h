/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOARD_WORLD_H
#define BOARD_WORLD_H

#include <sys/mman.h>

#include "board_parts.h"
#include "sample.h"

#define NOW     SAMPLE_NOW
#define APPS    3u

typedef struct {
    void *mem;
    absw_board_t *board;
} world_t;

static inline world_t make_of(apr_uint32_t apps)
{
    world_t w;

    w.mem = mmap(NULL, absw_board_size(apps), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    assert_true(w.mem != MAP_FAILED);
    w.board = absw_board_attach(w.mem, apps);
    assert_non_null(w.board);
    return w;
}

static inline world_t make(void)
{
    return make_of(APPS);
}

static inline void drop(world_t *w)
{
    munmap(w->mem, absw_board_size(w->board->apps));
}

/** An application with sides named by the letters of a word. */
static inline absw_policy_t policy_of(const char *name, const char *sides)
{
    static const char LETTERS[] = "A\0B\0C\0D\0E\0F\0G\0H\0I\0J\0K\0L\0M\0N\0O\0P\0Q\0R\0S\0T";
    absw_policy_t policy = { .name = name, .launchpad = "/x", .sides_n = (int)strlen(sides) };

    for (int i = 0; i < policy.sides_n; i++) {
        policy.sides[i].name = &LETTERS[2 * (sides[i] - 'A')];
    }
    return policy;
}

static inline absw_board_app_t enter(world_t *w, const char *name, const char *sides)
{
    absw_policy_t policy = policy_of(name, sides);
    absw_board_app_t app;

    assert_int_equal(absw_board_enter(w->board, &policy, &app), 1);
    assert_true(app.app >= 0);
    return app;
}

static inline absw_switch_t record(apr_int64_t generation)
{
    absw_switch_t rec;

    memset(&rec, 0, sizeof(rec));
    rec.generation = generation;
    rec.at = NOW + generation;
    strcpy(rec.by, "you");
    strcpy(rec.node, "web1");
    strcpy(rec.note, "why");
    strcpy(rec.other, "x=y");
    return rec;
}

#endif
