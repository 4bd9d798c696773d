/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "shared.h"
#include "shared_dir.h"

/* Small files of the state directory. Its owner serves requests and may have put anything there. */

static int open_dir(const char *dir, struct stat *st)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && fstat(fd, st) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/** A name of the directory itself. */
static int is_plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static apr_status_t check_file(int fd, const struct stat *dir)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode) || st.st_nlink > 1) {
        return APR_FROM_OS_ERROR(EMLINK);
    }
    if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != dir->st_uid) {
        return APR_EACCES;
    }
    return APR_SUCCESS;
}

static apr_status_t read_whole(int fd, apr_size_t max, apr_pool_t *pool, char **text,
                               apr_size_t *len)
{
    apr_size_t room = max + 1;
    char *buf = apr_palloc(pool, room);
    apr_size_t at = 0;
    ssize_t got;

    do {
        got = read(fd, buf + at, room - at);
        at += got > 0 ? (apr_size_t)got : 0;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0) {
        return errno;
    }
    if (at > max) {
        return APR_FROM_OS_ERROR(EFBIG);
    }
    buf[at] = '\0';
    *text = buf;
    *len = at;
    return APR_SUCCESS;
}

apr_status_t absw_shared_read(const char *dir, const char *name, apr_size_t max,
                              apr_pool_t *pool, char **text, apr_size_t *len)
{
    struct stat st;
    apr_status_t rv;
    int fd;
    int dir_fd;

    if (!is_plain_name(name)) {
        return APR_EINVAL;
    }
    dir_fd = open_dir(dir, &st);
    if (dir_fd < 0) {
        return errno;
    }
    fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    rv = fd < 0 ? errno : check_file(fd, &st);
    if (rv == APR_SUCCESS) {
        rv = read_whole(fd, max, pool, text, len);
    }
    if (fd >= 0) {
        close(fd);
    }
    close(dir_fd);
    return rv;
}

static apr_status_t write_whole(int fd, const char *text, apr_size_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, text, len);

        if (done < 0 && errno != EINTR) {
            return errno;
        }
        if (done > 0) {
            text += done;
            len -= (apr_size_t)done;
        }
    }
    return APR_SUCCESS;
}

/** Fill the new file fd. What its group may read is the directory's owner's, the rest is ours. */
static apr_status_t fill(int fd, const struct stat *dir, int mode, const char *text,
                         apr_size_t len)
{
    apr_status_t rv = write_whole(fd, text, len);

    if (rv == APR_SUCCESS && geteuid() == 0 && (mode & S_IRGRP)
        && fchown(fd, dir->st_uid, dir->st_gid) != 0) {
        rv = errno;
    }
    if (rv == APR_SUCCESS && (fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)) {
        rv = errno;
    }
    return rv;
}

apr_status_t absw_shared_write(const char *dir, const char *name, int mode, const char *text,
                               apr_size_t len, apr_pool_t *pool)
{
    struct stat st;
    unsigned char noise[8];
    apr_uint64_t number;
    const char *temporary;
    apr_status_t rv = apr_generate_random_bytes(noise, sizeof(noise));
    int dir_fd;
    int fd;

    if (rv != APR_SUCCESS || !is_plain_name(name)) {
        return rv != APR_SUCCESS ? rv : APR_EINVAL;
    }
    memcpy(&number, noise, sizeof(number));
    temporary = apr_psprintf(pool, "%s.%" APR_UINT64_T_HEX_FMT ABSW_SHARED_TEMPORARY, name,
                             number);
    dir_fd = open_dir(dir, &st);
    if (dir_fd < 0) {
        return errno;
    }
    fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    rv = fd < 0 ? errno : fill(fd, &st, mode, text, len);
    if (fd >= 0) {
        close(fd);
        if (rv == APR_SUCCESS && renameat(dir_fd, temporary, dir_fd, name) != 0) {
            rv = errno;
        }
        if (rv != APR_SUCCESS) {
            unlinkat(dir_fd, temporary, 0);
        }
        else {
            fsync(dir_fd);  /* it is done; if this fails a crash may bring the old one back */
        }
    }
    close(dir_fd);
    return rv;
}
