/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#include "children.h"
#include "process.h"
#include "shared_map.h"
#include "table.h"

/*
 * The life of the state file: found, believed or set aside, put right, converted, handed on. Its
 * format and when to believe it: shared_map.c. The directory and the lock: shared_dir.c.
 */

static int are_same(const absw_shared_dims_t *a, const absw_shared_dims_t *b)
{
    return a->sessions == b->sessions && a->apps == b->apps && a->children == b->children;
}

static void set_aside(const absw_shared_dir_t *dir, int dir_fd, const char *fault,
                      const char **notice)
{
    int kept = renameat(dir_fd, ABSW_SHARED_TABLE, dir_fd, ABSW_SHARED_TABLE_BAD) == 0;

    *notice = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s/%s\" %s; it is %s, and the sessions "
                           "are learned anew as they return", dir->path, ABSW_SHARED_TABLE, fault,
                           kept ? "set aside as \"" ABSW_SHARED_TABLE_BAD "\"" : "replaced");
}

/* --- taking over --------------------------------------------------------------------- */

static absw_table_t *table_in(const absw_shared_map_t *map, apr_pool_t *pool)
{
    return absw_table_attach(pool, absw_shared_section(map, &map->is.table), map->is.sessions);
}

static absw_children_t *children_in(const absw_shared_map_t *map, apr_pool_t *pool)
{
    return absw_children_attach(pool, absw_shared_section(map, &map->is.rows), map->is.children,
                                map->is.apps);
}

/** Put right what processes that are gone have left half done. Returns how many slots were in a
 * state that no process leaves. */
static apr_uint32_t recover(const absw_shared_map_t *map, apr_pool_t *pool)
{
    absw_children_t *children = children_in(map, pool);
    absw_table_t *table = table_in(map, pool);

    absw_children_recover(children);
    absw_board_recover(absw_shared_board(map));
    if (absw_children_any(children, absw_process_lives)) {
        /* A parent was killed and its children serve on: they are at work on the table. */
        absw_table_recover(table, absw_process_lives);
        return 0;
    }
    absw_table_recover(table, NULL);
    return absw_table_validate(table, map->is.apps * ABSW_SIDES_MAX, 1);
}

static void lose(void *baton, apr_uint16_t place, absw_sec_t last)
{
    absw_board_uncounted_place(baton, place, last);
}

static void convert(const absw_shared_map_t *old, const absw_shared_map_t *made, apr_pool_t *pool)
{
    absw_board_t *board = absw_shared_board(made);

    absw_board_take_over(board, absw_shared_board(old));
    absw_children_take_over(children_in(made, pool), children_in(old, pool));
    absw_table_take_over(table_in(made, pool), table_in(old, pool), lose, board);
    memcpy(absw_shared_section(made, &made->is.ends), absw_shared_section(old, &old->is.ends),
           (size_t)old->is.ends.size);      /* any bytes are valid there */
}

/** The dimensions to use: no application that has a place loses it. */
static absw_shared_dims_t dims_for(const absw_shared_dims_t *asked, const absw_shared_map_t *old)
{
    absw_shared_dims_t dims = *asked;

    if (old->header && absw_board_used(absw_shared_board(old)) > dims.apps) {
        dims.apps = old->is.apps;
    }
    return dims;
}

/** A new file in place of old, if there is one, with all that old holds. */
static apr_status_t replace(const absw_shared_dir_t *dir, int dir_fd,
                            const absw_shared_dims_t *dims, absw_shared_map_t *old,
                            absw_shared_map_t *map)
{
    apr_status_t rv = absw_shared_map_new(dir, dir_fd, dims, map);

    if (rv == APR_SUCCESS) {
        if (old->header) {
            convert(old, map, dir->pool);
        }
        absw_shared_begin_use(map->header);     /* complete, before it has its name */
        if (renameat(dir_fd, ABSW_SHARED_TABLE_NEW, dir_fd, ABSW_SHARED_TABLE) != 0) {
            rv = absw_shared_dir_fail(dir, errno, "keeps its old state file");
            absw_shared_unmap(map);
        }
    }
    absw_shared_unmap(old);
    return rv;
}

/** Map what is there, or what it has to be made into, or something new. *how is FIRST so far. */
static apr_status_t bring_up(const absw_shared_dir_t *dir, int dir_fd,
                             const absw_shared_dims_t *asked, absw_shared_map_t *map,
                             absw_shared_how_e *how, const char **notice)
{
    absw_shared_dims_t dims;
    absw_shared_dims_t found;
    const char *fault;
    absw_shared_map_t old = { 0 };
    apr_status_t rv = absw_shared_map_old(dir, dir_fd, &old, &fault);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (fault) {
        *how = ABSW_SHARED_LOST;
        set_aside(dir, dir_fd, fault, notice);
    }
    if (old.header) {
        apr_uint32_t faults = recover(&old, dir->pool);

        *how = ABSW_SHARED_KEPT;
        if (faults) {
            *notice = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s/%s\" had %u damaged slots; "
                                   "they are free now", dir->path, ABSW_SHARED_TABLE, faults);
        }
    }
    dims = dims_for(asked, &old);
    found = absw_shared_dims_of(&old);
    if (old.header && are_same(&dims, &found)) {
        absw_shared_begin_use(old.header);
        *map = old;
        return APR_SUCCESS;
    }
    return replace(dir, dir_fd, &dims, &old, map);
}

static void place_sections(absw_shared_t *shared, const absw_shared_map_t *map)
{
    shared->dims = absw_shared_dims_of(map);
    shared->board = absw_shared_section(map, &map->is.board);
    shared->children = absw_shared_section(map, &map->is.rows);
    shared->table = absw_shared_section(map, &map->is.table);
    shared->ends = absw_shared_section(map, &map->is.ends);
    shared->map = map->header;
}

/* --- the life of a mapping ----------------------------------------------------------- */

/** With the directory open: the lock, the file, our name on both. */
static apr_status_t open_in(const absw_shared_dir_t *dir, int dir_fd,
                            const absw_shared_dims_t *dims, absw_shared_t *shared,
                            const char **notice)
{
    absw_shared_map_t map = { 0 };
    int is_new = 0;
    apr_status_t rv = absw_shared_dir_lock(dir, dir_fd, &shared->lock, &is_new);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    absw_shared_dir_tidy(dir_fd);
    shared->how = is_new ? ABSW_SHARED_FIRST : ABSW_SHARED_LOST;
    rv = bring_up(dir, dir_fd, dims, &map, &shared->how, notice);
    if (rv == APR_SUCCESS) {
        rv = absw_shared_dir_sign(dir, shared->lock);
    }
    if (rv != APR_SUCCESS) {
        absw_shared_unmap(&map);
        close(shared->lock);
        return rv;
    }
    place_sections(shared, &map);
    return APR_SUCCESS;
}

apr_status_t absw_shared_open(absw_shared_t **shared, const char *path, apr_uid_t uid,
                              apr_gid_t gid, const absw_shared_dims_t *dims, apr_pool_t *pool,
                              const char **why, const char **notice)
{
    absw_shared_dir_t dir = {
        .path = apr_pstrdup(pool, path), .uid = uid, .gid = gid, .pool = pool, .why = why
    };
    absw_shared_t *made = apr_pcalloc(pool, sizeof(*made));
    apr_status_t rv;
    int dir_fd;

    *shared = NULL;
    *why = NULL;
    *notice = NULL;
    if (!absw_shared_are_possible(dims)) {
        return absw_shared_dir_fail(&dir, APR_EINVAL, "holds no file of these dimensions");
    }
    rv = absw_shared_dir_open(&dir, &dir_fd);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = open_in(&dir, dir_fd, dims, made, notice);
    close(dir_fd);
    if (rv == APR_SUCCESS) {
        made->dir = dir.path;
        made->struct_size = sizeof(*made);
        made->opener = (apr_uint32_t)getpid();
        *shared = made;
    }
    return rv;
}

absw_shared_t *absw_shared_adopt(absw_shared_t *shared)
{
    absw_shared_map_t map;

    /* Another version of this library may have made it: look at nothing behind the size first. */
    if (!shared || shared->struct_size != sizeof(*shared)
        || !absw_shared_are_possible(&shared->dims)
        || !absw_shared_header_is(shared->map, &shared->dims)) {
        return NULL;
    }
    map.header = shared->map;
    map.is = absw_shared_identity(&shared->dims);
    place_sections(shared, &map);
    return shared;
}

void absw_shared_mark_clean(absw_shared_t *shared)
{
    if (shared->map && shared->opener == (apr_uint32_t)getpid()) {
        absw_shared_end_use(shared->map, absw_shared_identity(&shared->dims).file_size);
    }
}

void absw_shared_close(absw_shared_t *shared)
{
    absw_shared_map_t map = {
        .header = shared->map, .is = absw_shared_identity(&shared->dims)
    };

    if (map.header) {
        absw_shared_unmap(&map);
        close(shared->lock);
        shared->map = NULL;
        shared->struct_size = 0;
    }
}
