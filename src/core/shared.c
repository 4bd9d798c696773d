/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "board.h"
#include "children.h"
#include "shared.h"
#include "shared_dir.h"
#include "table.h"

/*
 * The file:
 *
 *     header    one page: what the file is (checksummed), then what state it is in
 *     board     } each begins at a page
 *     children  }
 *     table     }
 *
 * When to believe a file. After a clean stop its flag says that all of it is on the disk. Else it is
 * believed only while the machine has not been started anew: then what the processes wrote
 * last is in the page cache, however they ended. After a crash of the machine any of its pages may
 * be of any age, so it is set aside.
 *
 * Its blocks are allocated before it is mapped, so that a full disk is an error here and not a
 * SIGBUS in a request. A new file is complete before it gets its name.
 */

#define TABLE       "table"
#define TABLE_NEW   "table.new"
#define TABLE_BAD   "table.bad"

#define PAGE        4096u
#define MAGIC       "mod_abswitch tbl"      /* 16 bytes */
#define LAYOUT      1u      /* raise it whenever what a section's bytes mean changes */
#define BYTE_ORDER_MARK 0x01020304u

#define SESSIONS_MAX    16777216u
#define CHILDREN_MAX    1048576u

typedef struct {
    apr_uint64_t offset;
    apr_uint64_t size;
} section_t;

/** What a file is; never changes. */
typedef struct {
    char magic[16];
    apr_uint32_t byte_order;
    apr_uint32_t layout;
    apr_uint32_t sessions;
    apr_uint32_t apps;
    apr_uint32_t children;
    apr_uint32_t unused;
    section_t board;
    section_t rows;
    section_t table;
    apr_uint64_t file_size;
} identity_t;

typedef struct {
    identity_t is;
    apr_uint64_t checksum;      /* of is */
    _Atomic apr_uint32_t clean; /* all is on the disk */
    char boot[40];              /* of the machine's run in which it was opened last */
} header_t;

_Static_assert(sizeof(header_t) <= PAGE, "the header is one page");

/** A file that is open: its mapping. */
typedef struct {
    header_t *header;
    apr_size_t size;
} map_t;

/* --- what a file is ------------------------------------------------------------------ */

static apr_uint64_t pages(apr_uint64_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

static identity_t identity_of(const absw_shared_dims_t *dims)
{
    identity_t is;

    memset(&is, 0, sizeof(is));
    memcpy(is.magic, MAGIC, sizeof(is.magic));
    is.byte_order = BYTE_ORDER_MARK;
    is.layout = LAYOUT;
    is.sessions = dims->sessions;
    is.apps = dims->apps;
    is.children = dims->children;
    is.board.offset = PAGE;
    is.board.size = absw_board_size(dims->apps);
    is.rows.offset = is.board.offset + pages(is.board.size);
    is.rows.size = absw_children_size(dims->children, dims->apps);
    is.table.offset = is.rows.offset + pages(is.rows.size);
    is.table.size = absw_table_size(dims->sessions);
    is.file_size = is.table.offset + pages(is.table.size);
    return is;
}

static absw_shared_dims_t dims_of(const identity_t *is)
{
    absw_shared_dims_t dims = {
        .sessions = is->sessions, .apps = is->apps, .children = is->children
    };
    return dims;
}

static int are_possible(const absw_shared_dims_t *dims)
{
    return dims->sessions >= 1 && dims->sessions <= SESSIONS_MAX
           && dims->apps >= 1 && dims->apps <= ABSW_BOARD_APPS_MAX
           && dims->children >= 1 && dims->children <= CHILDREN_MAX;
}

static int are_same(const absw_shared_dims_t *a, const absw_shared_dims_t *b)
{
    return a->sessions == b->sessions && a->apps == b->apps && a->children == b->children;
}

/** FNV-1a. Against accidents, not against malice. */
static apr_uint64_t checksum_of(const identity_t *is)
{
    const unsigned char *byte = (const unsigned char *)is;
    apr_uint64_t hash = APR_UINT64_C(0xcbf29ce484222325);

    for (apr_size_t i = 0; i < sizeof(*is); i++) {
        hash = (hash ^ byte[i]) * APR_UINT64_C(0x100000001b3);
    }
    return hash;
}

/** Why the file with this header is not one of ours; NULL: it is, and the layout is this code's. */
static const char *find_fault(const header_t *header, apr_uint64_t file_size)
{
    absw_shared_dims_t dims = dims_of(&header->is);
    identity_t is;

    if (memcmp(header->is.magic, MAGIC, sizeof(header->is.magic)) != 0) {
        return "is no state file";
    }
    if (header->checksum != checksum_of(&header->is)) {
        return "has a damaged header";
    }
    if (header->is.byte_order != BYTE_ORDER_MARK || header->is.layout != LAYOUT
        || !are_possible(&dims)) {
        return "is of another version";
    }
    is = identity_of(&dims);
    if (memcmp(&is, &header->is, sizeof(is)) != 0) {
        return "is of another version";
    }
    return is.file_size == file_size ? NULL : "has not the size it should have";
}

/** The machine's run; "" if it does not say. */
static void read_boot(char *boot, apr_size_t size)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, boot, size - 1) : 0;

    if (fd >= 0) {
        close(fd);
    }
    boot[len > 0 ? len : 0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
}

static int is_of_this_run(const header_t *header)
{
    char boot[sizeof(header->boot)];

    read_boot(boot, sizeof(boot));
    return boot[0] && strncmp(boot, header->boot, sizeof(boot)) == 0;
}

/* --- opening files ------------------------------------------------------------------- */

static void unmap(map_t *map)
{
    if (map->header) {
        munmap(map->header, map->size);
        map->header = NULL;
    }
}

static apr_status_t map_file(int fd, apr_uint64_t size, map_t *map)
{
    void *mem;
    int rv;

    if (size > APR_INT64_MAX || size > (apr_uint64_t)APR_SIZE_MAX) {
        return APR_FROM_OS_ERROR(EFBIG);
    }
    do {
        rv = posix_fallocate(fd, 0, (off_t)size);
    } while (rv == EINTR);
    if (rv != 0) {
        return APR_FROM_OS_ERROR(rv);
    }
    mem = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mem == MAP_FAILED) {
        return errno;
    }
    map->header = mem;
    map->size = (apr_size_t)size;
    return APR_SUCCESS;
}

/** Why this open file cannot be used, or NULL. */
static const char *check_file(const absw_shared_dir_t *dir, int fd, apr_uint64_t *size)
{
    header_t header;
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        return "is no plain file of one name";
    }
    if (!absw_shared_dir_owns(dir, st.st_uid)) {
        return "belongs to somebody else";
    }
    if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header)) {
        return "is too short";
    }
    *size = (apr_uint64_t)st.st_size;
    if (find_fault(&header, *size)) {
        return find_fault(&header, *size);
    }
    return header.clean || is_of_this_run(&header)
           ? NULL : "was in use when the machine went down";
}

/**
 * Map the file that is there. *fault: why it is to be set aside; NULL and no mapping: there is
 * none. An error is one of the machine, and no fault of the file.
 */
static apr_status_t open_old(const absw_shared_dir_t *dir, int dir_fd, map_t *map,
                             const char **fault)
{
    apr_uint64_t size = 0;
    apr_status_t rv = APR_SUCCESS;
    int fd = openat(dir_fd, TABLE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    *fault = NULL;
    if (fd < 0) {
        if (errno != ENOENT) {
            *fault = "cannot be opened, or is a link";
        }
        return APR_SUCCESS;
    }
    *fault = check_file(dir, fd, &size);
    if (!*fault) {
        rv = map_file(fd, size, map);
        if (rv != APR_SUCCESS) {
            absw_shared_dir_fail(dir, rv, "has a state file that cannot be mapped");
        }
        else if (!absw_board_attach((char *)map->header + map->header->is.board.offset,
                                    map->header->is.apps)) {
            *fault = "names impossible applications";
            unmap(map);
        }
    }
    close(fd);
    return rv;
}

static apr_status_t fill_new(const absw_shared_dir_t *dir, int fd,
                             const absw_shared_dims_t *dims, map_t *map)
{
    identity_t is = identity_of(dims);
    apr_status_t rv;

    if (fchmod(fd, 0640) != 0 || (geteuid() == 0 && fchown(fd, dir->uid, dir->gid) != 0)) {
        return absw_shared_dir_fail(dir, errno, "takes no state file of httpd's User");
    }
    rv = map_file(fd, is.file_size, map);
    if (rv != APR_SUCCESS) {
        return absw_shared_dir_fail(dir, rv, apr_psprintf(dir->pool, "has no room for a state "
                                    "file of %" APR_UINT64_T_FMT " bytes", is.file_size));
    }
    map->header->is = is;
    map->header->checksum = checksum_of(&is);
    return APR_SUCCESS;
}

static apr_status_t make_new(const absw_shared_dir_t *dir, int dir_fd,
                             const absw_shared_dims_t *dims, map_t *map)
{
    apr_status_t rv;
    int fd;

    unlinkat(dir_fd, TABLE_NEW, 0);
    fd = openat(dir_fd, TABLE_NEW, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return absw_shared_dir_fail(dir, errno, "takes no new state file");
    }
    rv = fill_new(dir, fd, dims, map);
    close(fd);
    if (rv != APR_SUCCESS) {
        unlinkat(dir_fd, TABLE_NEW, 0);
    }
    return rv;
}

static void set_aside(const absw_shared_dir_t *dir, int dir_fd, const char *fault,
                      const char **notice)
{
    int kept = renameat(dir_fd, TABLE, dir_fd, TABLE_BAD) == 0;

    *notice = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s/" TABLE "\" %s; it is %s, and the "
                           "sessions are learned anew as they return", dir->path, fault,
                           kept ? "set aside as \"" TABLE_BAD "\"" : "replaced");
}

/* --- taking over --------------------------------------------------------------------- */

static void *section(const map_t *map, const section_t *where)
{
    return (char *)map->header + where->offset;
}

static absw_table_t *table_in(const map_t *map, apr_pool_t *pool)
{
    return absw_table_attach(pool, section(map, &map->header->is.table), map->header->is.sessions);
}

static absw_children_t *children_in(const map_t *map, apr_pool_t *pool)
{
    return absw_children_attach(pool, section(map, &map->header->is.rows),
                                map->header->is.children, map->header->is.apps);
}

static absw_board_t *board_in(const map_t *map)
{
    return absw_board_attach(section(map, &map->header->is.board), map->header->is.apps);
}

/** Everything that processes that are gone have left half done. */
static void recover(const map_t *map, apr_pool_t *pool, apr_uint32_t *faults)
{
    absw_children_t *children = children_in(map, pool);
    absw_table_t *table = table_in(map, pool);

    absw_children_recover(children);
    absw_board_recover(board_in(map));
    if (absw_children_any(children, absw_children_alive)) {
        /* A parent was killed and its children serve on: they are at work on the table. */
        absw_table_recover(table, absw_children_alive);
        return;
    }
    absw_table_recover(table, NULL);
    *faults = absw_table_validate(table, map->header->is.apps * ABSW_SIDES_MAX, 1);
}

static void lose(void *baton, apr_uint16_t place, absw_sec_t last)
{
    absw_board_uncounted_place(baton, place, last);
}

static void convert(const map_t *old, const map_t *made, apr_pool_t *pool)
{
    absw_board_t *board = board_in(made);

    absw_board_take_over(board, board_in(old));
    absw_children_take_over(children_in(made, pool), children_in(old, pool));
    absw_table_take_over(table_in(made, pool), table_in(old, pool), lose, board);
}

/** The dimensions to use: no application that has a place loses it. */
static absw_shared_dims_t dims_for(const absw_shared_dims_t *asked, const map_t *old)
{
    absw_shared_dims_t dims = *asked;

    if (old->header && absw_board_used(board_in(old)) > dims.apps) {
        dims.apps = old->header->is.apps;
    }
    return dims;
}

/** Map what is there, or what it has to be made into, or something new. */
static apr_status_t bring_up(const absw_shared_dir_t *dir, int dir_fd,
                             const absw_shared_dims_t *asked, map_t *map, int *kept,
                             const char **notice)
{
    absw_shared_dims_t dims;
    apr_uint32_t faults = 0;
    const char *fault;
    map_t old = { NULL, 0 };
    apr_status_t rv = open_old(dir, dir_fd, &old, &fault);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *kept = old.header != NULL;
    if (fault) {
        set_aside(dir, dir_fd, fault, notice);
    }
    if (old.header) {
        recover(&old, dir->pool, &faults);
        if (faults) {
            *notice = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s/" TABLE "\" had %u damaged "
                                   "slots; they are free now", dir->path, faults);
        }
        dims = dims_of(&old.header->is);
        if (are_same(asked, &dims) || (dims = dims_for(asked, &old), 0)) {
            *map = old;
            return APR_SUCCESS;
        }
    }
    return APR_SUCCESS;
}
