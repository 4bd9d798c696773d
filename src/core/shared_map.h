/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_SHARED_MAP_H
#define ABSW_SHARED_MAP_H

#include "board.h"
#include "shared.h"
#include "shared_dir.h"

/** The state file's format, and mapping it: for shared.c and the tests, nobody else. */

#define ABSW_SHARED_TABLE       "table"
#define ABSW_SHARED_TABLE_NEW   "table.new"
#define ABSW_SHARED_TABLE_BAD   "table.bad"

#define ABSW_SHARED_PAGE        4096u

typedef struct {
    apr_uint64_t offset;
    apr_uint64_t size;
} absw_shared_section_t;

/** What a file is; never changes. */
typedef struct {
    char magic[16];
    apr_uint32_t byte_order;
    apr_uint32_t layout;
    apr_uint32_t sessions;
    apr_uint32_t apps;
    apr_uint32_t children;
    apr_uint32_t unused;
    absw_shared_section_t board;
    absw_shared_section_t rows;
    absw_shared_section_t table;
    absw_shared_section_t ends;
    apr_uint64_t file_size;
} absw_shared_identity_t;

typedef struct {
    absw_shared_identity_t is;
    apr_uint64_t checksum;      /* of is */
    _Atomic apr_uint32_t clean; /* all is on the disk */
    char boot[40];              /* of the machine's run in which it was opened last */
} absw_shared_header_t;

_Static_assert(sizeof(absw_shared_header_t) <= ABSW_SHARED_PAGE, "the header is one page");

/** A file that is mapped. is: as it was checked, for what is mapped others can change. */
typedef struct {
    absw_shared_header_t *header;   /* NULL: none is */
    absw_shared_identity_t is;
} absw_shared_map_t;

/** Could a file have these dimensions? */
int absw_shared_are_possible(const absw_shared_dims_t *dims);

absw_shared_identity_t absw_shared_identity(const absw_shared_dims_t *dims);

/** Is the header that of a file of these dimensions, made by this code? */
int absw_shared_header_is(const absw_shared_header_t *header, const absw_shared_dims_t *dims);

static inline absw_shared_dims_t absw_shared_dims_of(const absw_shared_map_t *map)
{
    absw_shared_dims_t dims = {
        .sessions = map->is.sessions, .apps = map->is.apps, .children = map->is.children
    };
    return dims;
}

static inline void *absw_shared_section(const absw_shared_map_t *map,
                                        const absw_shared_section_t *where)
{
    return (char *)map->header + where->offset;
}

/** The file's board; NULL: it makes no sense, which absw_shared_map_old has checked. */
static inline absw_board_t *absw_shared_board(const absw_shared_map_t *map)
{
    return absw_board_attach(absw_shared_section(map, &map->is.board), map->is.apps);
}

/**
 * Map the file that is there. *fault: why it is to be set aside; NULL and no mapping: there is
 * none. An error is one of the machine, and no fault of the file.
 */
apr_status_t absw_shared_map_old(const absw_shared_dir_t *dir, int dir_fd,
                                 absw_shared_map_t *map, const char **fault);

/** Make TABLE_NEW and map it, all zero behind its header. */
apr_status_t absw_shared_map_new(const absw_shared_dir_t *dir, int dir_fd,
                                 const absw_shared_dims_t *dims, absw_shared_map_t *map);

void absw_shared_unmap(absw_shared_map_t *map);

/** From now on the file is as good as the page cache, which ends with the machine's run. */
void absw_shared_begin_use(absw_shared_header_t *header);

/** From now on all of it is on the disk. */
void absw_shared_end_use(absw_shared_header_t *header, apr_uint64_t file_size);

#endif
