/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "children.h"

/*
 * A row goes from process to process: FREE, then its owner's while he counts in it, CLEARING
 * while the requests in flight of a dead owner are taken out, FREE again. Its verdicts stay in it
 * and the next owner counts on: so nothing is ever carried from one place to another, no
 * kill can lose or double a count, and no sum goes backwards. (Rows are merged only where a file is
 * converted, into a new one.)
 *
 * CLEARING is claimed under the pid of who clears. If he is killed the next one does it again; if
 * he is only stopped, the row waits for him: he must not wake and clear what a new owner counted.
 */

#define CACHE_LINE 64

#define FREE        APR_UINT64_C(0)
#define CLEARING    (APR_UINT64_C(1) << 32)     /* else: the low half is the owner's pid */

/** Processes without a row that we remember; with more of them we say so until the next start. */
#define LEFT_OUT_MAX 14

typedef struct {
    _Atomic apr_uint32_t left_out[LEFT_OUT_MAX];    /* pids */
    _Atomic apr_uint32_t many_left_out;
    apr_uint32_t unused;
} head_t;

struct absw_child_t {
    _Atomic apr_uint64_t owner;
    _Atomic apr_uint64_t born;      /* when the owner began; 0: not known */
    char unused[CACHE_LINE - 2 * sizeof(apr_uint64_t)];
    _Atomic apr_uint32_t in_flight[];   /* by place; behind them the verdicts, by application */
};

_Static_assert(sizeof(head_t) == CACHE_LINE && sizeof(absw_child_t) == CACHE_LINE,
               "rows begin at cache lines");
_Static_assert((int)ABSW_VERDICT_COUNT <= ABSW_CHILDREN_VERDICTS, "the file's format");

struct absw_children_t {
    head_t *head;
    char *rows;
    apr_uint32_t rows_n;
    apr_uint32_t apps;
};

static apr_size_t row_size(apr_uint32_t apps)
{
    apr_size_t app = ABSW_SIDES_MAX * sizeof(apr_uint32_t)
                     + ABSW_CHILDREN_VERDICTS * sizeof(apr_uint64_t);

    return sizeof(absw_child_t) + apps * app;   /* both are whole cache lines */
}

apr_size_t absw_children_size(apr_uint32_t children, apr_uint32_t apps)
{
    return sizeof(head_t) + children * row_size(apps);
}

absw_children_t *absw_children_attach(apr_pool_t *pool, void *mem, apr_uint32_t children,
                                      apr_uint32_t apps)
{
    absw_children_t *handle = apr_pcalloc(pool, sizeof(*handle));

    handle->head = mem;
    handle->rows = (char *)mem + sizeof(head_t);
    handle->rows_n = children;
    handle->apps = apps;
    return handle;
}

static absw_child_t *row(const absw_children_t *children, apr_uint32_t i)
{
    return (absw_child_t *)(void *)(children->rows + i * row_size(children->apps));
}

static apr_uint32_t places(const absw_children_t *children)
{
    return children->apps * ABSW_SIDES_MAX;
}

static _Atomic apr_uint64_t *verdicts_of(const absw_children_t *children, absw_child_t *child,
                                         int app)
{
    return (_Atomic apr_uint64_t *)(void *)(child->in_flight + places(children))
           + app * ABSW_CHILDREN_VERDICTS;
}

/** Is the row that of a process that counts in it and lives? */
static int is_living(absw_child_t *child, int (*alive)(apr_uint32_t pid))
{
    apr_uint64_t owner = atomic_load(&child->owner);

    return owner != FREE && !(owner & CLEARING) && alive && alive((apr_uint32_t)owner);
}

/* --- coming and going -------------------------------------------------------------- */

/** When a process began, in clock ticks since the machine did (proc(5)); 0: there is none. */
static apr_uint64_t birth_of(apr_uint32_t pid)
{
    char name[32];
    char text[1024];
    const char *at;
    ssize_t len;
    int fd;

    apr_snprintf(name, sizeof(name), "/proc/%u/stat", pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';

    /* The 22nd field; the second is a name in parentheses, which may hold anything. */
    at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

static void leave_out(head_t *head, apr_uint32_t pid)
{
    for (int i = 0; i < LEFT_OUT_MAX; i++) {
        apr_uint32_t nobody = 0;

        if (atomic_compare_exchange_strong(&head->left_out[i], &nobody, pid)) {
            return;
        }
    }
    atomic_store(&head->many_left_out, 1);
}

/** Take the requests in flight out of a row whose owner is gone, and free it. 1: it was ours. */
static int clear_row(absw_children_t *children, absw_child_t *child, apr_uint64_t owner)
{
    apr_uint64_t ours = CLEARING | (apr_uint32_t)getpid();

    if (!atomic_compare_exchange_strong(&child->owner, &owner, ours)) {
        return 0;
    }
    for (apr_uint32_t i = 0; i < places(children); i++) {
        atomic_store_explicit(&child->in_flight[i], 0, memory_order_relaxed);
    }
    atomic_store(&child->owner, FREE);
    return 1;
}

absw_child_t *absw_children_join(absw_children_t *children, apr_uint32_t pid)
{
    for (apr_uint32_t i = 0; i < children->rows_n; i++) {
        absw_child_t *child = row(children, i);
        apr_uint64_t free_row = FREE;

        if (atomic_load(&child->owner) == pid) {
            clear_row(children, child, pid);    /* of one that is gone, whose pid came round */
        }
        if (atomic_compare_exchange_strong(&child->owner, &free_row, pid)) {
            atomic_store(&child->born, birth_of(pid));
            return child;
        }
    }
    leave_out(children->head, pid);
    return NULL;
}

apr_uint32_t absw_children_number(const absw_children_t *children, const absw_child_t *child)
{
    return (apr_uint32_t)((apr_size_t)((const char *)child - children->rows)
                          / row_size(children->apps));
}

void absw_children_leave(absw_children_t *children, absw_child_t *child)
{
    apr_uint64_t owner = child ? atomic_load(&child->owner) : FREE;

    for (apr_uint32_t i = 0; child && i < places(children); i++) {
        if (atomic_load(&child->in_flight[i]) != 0) {
            return;     /* a thread is at work still, and will count down in this row */
        }
    }
    if (owner != FREE) {
        atomic_compare_exchange_strong(&child->owner, &owner, FREE);
    }
}

apr_uint32_t absw_children_reap(absw_children_t *children, int (*alive)(apr_uint32_t pid))
{
    apr_uint32_t reaped = 0;

    for (apr_uint32_t i = 0; i < children->rows_n; i++) {
        absw_child_t *child = row(children, i);
        apr_uint64_t owner = atomic_load(&child->owner);

        /* Of a row that is being cleared the pid is the clearer's: he, too, may be gone. */
        if (owner != FREE && !(alive && alive((apr_uint32_t)owner))) {
            reaped += (apr_uint32_t)clear_row(children, child, owner);
        }
    }
    for (int i = 0; i < LEFT_OUT_MAX; i++) {
        apr_uint32_t pid = atomic_load(&children->head->left_out[i]);

        if (pid != 0 && !(alive && alive(pid))) {
            atomic_compare_exchange_strong(&children->head->left_out[i], &pid, 0);
        }
    }
    if (!alive) {
        atomic_store(&children->head->many_left_out, 0);
    }
    return reaped;
}

void absw_children_recover(absw_children_t *children)
{
    for (apr_uint32_t i = 0; i < children->rows_n; i++) {
        absw_child_t *child = row(children, i);
        apr_uint64_t owner = atomic_load(&child->owner);

        if (owner != FREE
            && ((owner & CLEARING) || atomic_load(&child->born) == 0
                || atomic_load(&child->born) != birth_of((apr_uint32_t)owner))) {
            clear_row(children, child, owner);
        }
    }
    memset(children->head, 0, sizeof(*children->head));
}

/* --- counting ---------------------------------------------------------------------- */

void absw_child_in_flight(absw_child_t *child, apr_uint16_t place, int by)
{
    if (child) {
        atomic_fetch_add_explicit(&child->in_flight[place], (apr_uint32_t)by,
                                  memory_order_seq_cst);
    }
}

void absw_child_verdict(absw_children_t *children, absw_child_t *child, int app,
                        absw_verdict_e verdict)
{
    if (child) {
        atomic_fetch_add_explicit(verdicts_of(children, child, app) + verdict, 1,
                                  memory_order_relaxed);
    }
}

apr_uint32_t absw_children_in_flight(absw_children_t *children, apr_uint16_t place,
                                     int (*alive)(apr_uint32_t pid))
{
    apr_uint32_t sum = 0;

    for (apr_uint32_t i = 0; i < children->rows_n; i++) {
        absw_child_t *child = row(children, i);
        apr_uint32_t in_flight = atomic_load(&child->in_flight[place]);

        if (in_flight != 0 && is_living(child, alive)) {
            sum += in_flight;
        }
    }
    return sum;
}

void absw_children_verdicts(absw_children_t *children, const absw_board_app_t *app,
                            apr_uint64_t *verdicts)
{
    memset(verdicts, 0, (apr_size_t)ABSW_VERDICT_COUNT * sizeof(*verdicts));
    for (apr_uint32_t i = 0; i < children->rows_n && app->app >= 0; i++) {
        _Atomic apr_uint64_t *counts = verdicts_of(children, row(children, i), app->app);

        for (int v = 0; v < (int)ABSW_VERDICT_COUNT; v++) {
            verdicts[v] += atomic_load_explicit(&counts[v], memory_order_relaxed);
        }
    }
}

void absw_children_forget(absw_children_t *children, int app)
{
    for (apr_uint32_t i = 0; i < children->rows_n; i++) {
        _Atomic apr_uint64_t *counts = verdicts_of(children, row(children, i), app);

        for (int v = 0; v < ABSW_CHILDREN_VERDICTS; v++) {
            atomic_store_explicit(&counts[v], 0, memory_order_relaxed);
        }
    }
}

void absw_children_take_over(absw_children_t *children, absw_children_t *from)
{
    apr_uint32_t apps = children->apps < from->apps ? children->apps : from->apps;

    for (apr_uint32_t i = 0; i < from->rows_n; i++) {
        for (apr_uint32_t app = 0; app < apps; app++) {
            _Atomic apr_uint64_t *old = verdicts_of(from, row(from, i), (int)app);
            _Atomic apr_uint64_t *sum = verdicts_of(children, row(children, 0), (int)app);

            for (int v = 0; v < ABSW_CHILDREN_VERDICTS; v++) {
                atomic_fetch_add(&sum[v], atomic_load(&old[v]));
            }
        }
    }
}

int absw_children_any(absw_children_t *children, int (*alive)(apr_uint32_t pid))
{
    for (apr_uint32_t i = 0; i < children->rows_n; i++) {
        if (is_living(row(children, i), alive)) {
            return 1;
        }
    }
    for (int i = 0; i < LEFT_OUT_MAX; i++) {
        apr_uint32_t pid = atomic_load(&children->head->left_out[i]);

        if (pid != 0 && alive(pid)) {
            return 1;
        }
    }
    return 0;
}

int absw_children_overflow(absw_children_t *children)
{
    int found = atomic_load(&children->head->many_left_out) != 0;

    for (int i = 0; i < LEFT_OUT_MAX; i++) {
        found |= atomic_load(&children->head->left_out[i]) != 0;
    }
    return found;
}
