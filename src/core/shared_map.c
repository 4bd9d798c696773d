/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "children.h"
#include "ends.h"
#include "shared_map.h"
#include "table.h"

/*
 * The file:
 *
 *     header    one page: what the file is (checksummed), then what state it is in
 *     board     } each begins at a page
 *     children  }
 *     table     }
 *     ends      }
 *
 * When to believe a file. After a clean stop its flag says that all of it is on the disk. Else it
 * is believed only while the machine has not been started anew: then what the processes wrote
 * last is in the page cache, however they ended. After a crash of the machine any of its pages may
 * be of any age, so it is set aside.
 *
 * Its blocks are allocated before it is mapped, so that a full disk is an error here and not a
 * SIGBUS in a request. A new file is complete before it gets its name.
 */

#define MAGIC       "mod_abswitch tbl"      /* 16 bytes */
#define LAYOUT      3u      /* raise it whenever what a section's bytes mean changes */
#define BYTE_ORDER_MARK 0x01020304u

#define SESSIONS_MAX    16777216u
#define CHILDREN_MAX    1048576u

/* --- what a file is ------------------------------------------------------------------ */

static apr_uint64_t pages(apr_uint64_t size)
{
    return (size + ABSW_SHARED_PAGE - 1) / ABSW_SHARED_PAGE * ABSW_SHARED_PAGE;
}

absw_shared_identity_t absw_shared_identity(const absw_shared_dims_t *dims)
{
    absw_shared_identity_t is;

    memset(&is, 0, sizeof(is));
    memcpy(is.magic, MAGIC, sizeof(is.magic));
    is.byte_order = BYTE_ORDER_MARK;
    is.layout = LAYOUT;
    is.sessions = dims->sessions;
    is.apps = dims->apps;
    is.children = dims->children;
    is.board.offset = ABSW_SHARED_PAGE;
    is.board.size = absw_board_size(dims->apps);
    is.rows.offset = is.board.offset + pages(is.board.size);
    is.rows.size = absw_children_size(dims->children, dims->apps);
    is.table.offset = is.rows.offset + pages(is.rows.size);
    is.table.size = absw_table_size(dims->sessions);
    is.ends.offset = is.table.offset + pages(is.table.size);
    is.ends.size = absw_ends_size();
    is.file_size = is.ends.offset + pages(is.ends.size);
    return is;
}

int absw_shared_are_possible(const absw_shared_dims_t *dims)
{
    return dims->sessions >= 1 && dims->sessions <= SESSIONS_MAX
           && dims->apps >= 1 && dims->apps <= ABSW_BOARD_APPS_MAX
           && dims->children >= 1 && dims->children <= CHILDREN_MAX;
}

/** FNV-1a. Against accidents, not against malice. */
static apr_uint64_t checksum_of(const absw_shared_identity_t *is)
{
    const unsigned char *byte = (const unsigned char *)is;
    apr_uint64_t hash = APR_UINT64_C(0xcbf29ce484222325);

    for (apr_size_t i = 0; i < sizeof(*is); i++) {
        hash = (hash ^ byte[i]) * APR_UINT64_C(0x100000001b3);
    }
    return hash;
}

int absw_shared_header_is(const absw_shared_header_t *header, const absw_shared_dims_t *dims)
{
    absw_shared_identity_t is = absw_shared_identity(dims);

    return memcmp(&is, &header->is, sizeof(is)) == 0 && header->checksum == checksum_of(&is);
}

/** Why a file with this header is not one of ours; NULL: it is, and its layout is this code's. */
static const char *find_fault(const absw_shared_header_t *header, apr_uint64_t file_size)
{
    absw_shared_dims_t dims = {
        .sessions = header->is.sessions, .apps = header->is.apps, .children = header->is.children
    };

    if (memcmp(header->is.magic, MAGIC, sizeof(header->is.magic)) != 0) {
        return "is no state file";
    }
    if (header->checksum != checksum_of(&header->is)) {
        return "has a damaged header";
    }
    if (header->is.byte_order != BYTE_ORDER_MARK || header->is.layout != LAYOUT
        || !absw_shared_are_possible(&dims) || !absw_shared_header_is(header, &dims)) {
        return "is of another version";
    }
    return header->is.file_size == file_size ? NULL : "has not the size it should have";
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

static int is_of_this_run(const absw_shared_header_t *header)
{
    char boot[sizeof(header->boot)];

    read_boot(boot, sizeof(boot));
    return boot[0] && strncmp(boot, header->boot, sizeof(boot)) == 0;
}

/* --- opening files ------------------------------------------------------------------- */

void absw_shared_unmap(absw_shared_map_t *map)
{
    if (map->header) {
        munmap(map->header, (size_t)map->is.file_size);
        map->header = NULL;
    }
}

static apr_status_t map_file(int fd, const absw_shared_identity_t *is, absw_shared_map_t *map)
{
    void *mem;
    int rv;

    do {
        rv = posix_fallocate(fd, 0, (off_t)is->file_size);
    } while (rv == EINTR);
    if (rv != 0) {
        return APR_FROM_OS_ERROR(rv);
    }
    mem = mmap(NULL, (size_t)is->file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mem == MAP_FAILED) {
        return errno;
    }
    map->header = mem;
    map->is = *is;
    return APR_SUCCESS;
}

/** Why this open file cannot be used, or NULL. */
static const char *check_file(const absw_shared_dir_t *dir, int fd, absw_shared_identity_t *is)
{
    absw_shared_header_t header;
    const char *fault;
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
    *is = header.is;
    fault = find_fault(&header, (apr_uint64_t)st.st_size);
    if (!fault && !header.clean && !is_of_this_run(&header)) {
        fault = "was in use when the machine went down";
    }
    return fault;
}

apr_status_t absw_shared_map_old(const absw_shared_dir_t *dir, int dir_fd,
                                 absw_shared_map_t *map, const char **fault)
{
    absw_shared_identity_t is;
    apr_status_t rv = APR_SUCCESS;
    int fd = openat(dir_fd, ABSW_SHARED_TABLE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    *fault = NULL;
    if (fd < 0) {
        if (errno != ENOENT) {
            *fault = "cannot be opened, or is a link";
        }
        return APR_SUCCESS;
    }
    *fault = check_file(dir, fd, &is);
    if (!*fault) {
        rv = map_file(fd, &is, map);
        if (rv != APR_SUCCESS) {
            absw_shared_dir_fail(dir, rv, "has a state file that cannot be mapped");
        }
        else if (!absw_shared_board(map)) {
            *fault = "names impossible applications";
            absw_shared_unmap(map);
        }
    }
    close(fd);
    return rv;
}

static apr_status_t fill_new(const absw_shared_dir_t *dir, int fd,
                             const absw_shared_dims_t *dims, absw_shared_map_t *map)
{
    absw_shared_identity_t is = absw_shared_identity(dims);
    apr_status_t rv;

    /* It stays ours: children inherit the mapping, and who cannot open the file cannot cut it
     * short under the parent's feet. */
    rv = map_file(fd, &is, map);
    if (rv != APR_SUCCESS) {
        return absw_shared_dir_fail(dir, rv, apr_psprintf(dir->pool, "has no room for a state "
                                    "file of %" APR_UINT64_T_FMT " bytes", is.file_size));
    }
    map->header->is = is;
    map->header->checksum = checksum_of(&is);
    return APR_SUCCESS;
}

apr_status_t absw_shared_map_new(const absw_shared_dir_t *dir, int dir_fd,
                                 const absw_shared_dims_t *dims, absw_shared_map_t *map)
{
    apr_status_t rv;
    int fd;

    unlinkat(dir_fd, ABSW_SHARED_TABLE_NEW, 0);     /* of a start that was killed */
    fd = openat(dir_fd, ABSW_SHARED_TABLE_NEW,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return absw_shared_dir_fail(dir, errno, "takes no new state file");
    }
    rv = fill_new(dir, fd, dims, map);
    close(fd);
    if (rv != APR_SUCCESS) {
        unlinkat(dir_fd, ABSW_SHARED_TABLE_NEW, 0);
    }
    return rv;
}

/* --- its state ----------------------------------------------------------------------- */

void absw_shared_begin_use(absw_shared_header_t *header)
{
    atomic_store(&header->clean, 0);
    read_boot(header->boot, sizeof(header->boot));
    msync(header, ABSW_SHARED_PAGE, MS_SYNC);
}

void absw_shared_end_use(absw_shared_header_t *header, apr_uint64_t file_size)
{
    if (msync(header, (size_t)file_size, MS_SYNC) == 0) {
        atomic_store(&header->clean, 1);
        msync(header, ABSW_SHARED_PAGE, MS_SYNC);
    }
}
