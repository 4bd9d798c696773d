/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "shared_dir.h"

#define LOCK "lock"

apr_status_t absw_shared_dir_fail(const absw_shared_dir_t *dir, apr_status_t rv, const char *what)
{
    char words[120];

    *dir->why = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s\" %s (%s)", dir->path, what,
                             apr_strerror(rv, words, sizeof(words)));
    return rv;
}

static apr_status_t refuse(const absw_shared_dir_t *dir, apr_status_t rv, const char *what)
{
    *dir->why = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s\" %s", dir->path, what);
    return rv;
}

int absw_shared_dir_owns(const absw_shared_dir_t *dir, apr_uid_t owner)
{
    return owner == 0 || owner == geteuid() || (geteuid() == 0 && owner == dir->uid);
}

/* --- the directory ------------------------------------------------------------------- */

static int ends_with(const char *name, const char *end)
{
    apr_size_t len = strlen(name);

    return len > strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

/** Names that say whose directory it is; beside them there may be anything. */
static int is_mark(const char *name)
{
    return strcmp(name, LOCK) == 0 || strcmp(name, "secret") == 0 || ends_with(name, ".switch");
}

static DIR *list_of(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;

    if (!list && copy >= 0) {
        close(copy);
    }
    return list;
}

/** Is there nothing in the directory, or something of ours? */
static int is_state_dir(int fd)
{
    DIR *list = list_of(fd);
    int is_empty = list != NULL;
    int is_marked = 0;

    for (struct dirent *entry; list && (entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            is_empty = 0;
            is_marked |= is_mark(entry->d_name);
        }
    }
    if (list) {
        closedir(list);
    }
    return is_empty || is_marked;
}

void absw_shared_dir_tidy(int fd)
{
    DIR *list = list_of(fd);

    for (struct dirent *entry; list && (entry = readdir(list)) != NULL;) {
        if (ends_with(entry->d_name, ABSW_SHARED_TEMPORARY)) {
            unlinkat(fd, entry->d_name, 0);
        }
    }
    if (list) {
        closedir(list);
    }
}

/**
 * Children write here, so it must be theirs. Root gives its own directories away, but not one
 * that holds other things: a slip of the pen must not make them a present of /etc.
 */
static apr_status_t hand_over(const absw_shared_dir_t *dir, int fd, const struct stat *st)
{
    if (geteuid() != 0 || st->st_uid == dir->uid) {
        return APR_SUCCESS;
    }
    if (!is_state_dir(fd)) {
        return refuse(dir, APR_EACCES, "is root's and holds other things; give the state a "
                      "directory of its own");
    }
    if (fchown(fd, dir->uid, dir->gid) != 0) {
        return absw_shared_dir_fail(dir, errno, "cannot be given to httpd's User");
    }
    return APR_SUCCESS;
}

static apr_status_t check_dir(const absw_shared_dir_t *dir, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return absw_shared_dir_fail(dir, errno, "cannot be looked at");
    }
    if (!absw_shared_dir_owns(dir, st.st_uid)) {
        return refuse(dir, APR_EACCES, "belongs to another user than httpd's; remove it or give "
                      "another one");
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        return refuse(dir, APR_EACCES, "can be written to by its group or by others; "
                      "chmod go-w it");
    }
    return hand_over(dir, fd, &st);
}

apr_status_t absw_shared_dir_open(const absw_shared_dir_t *dir, int *fd)
{
    apr_status_t rv;
    int made = mkdir(dir->path, 0750) == 0;

    if (!made && errno != EEXIST) {
        return absw_shared_dir_fail(dir, errno, "cannot be made");
    }
    *fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0) {
        return errno == ELOOP || errno == ENOTDIR
               ? refuse(dir, APR_ENOTDIR, "is not a directory, or a link to one")
               : absw_shared_dir_fail(dir, errno, "cannot be opened");
    }
    if (made && fchmod(*fd, 0750) != 0) {   /* whatever the umask */
        rv = absw_shared_dir_fail(dir, errno, "cannot be given its mode");
    }
    else {
        rv = check_dir(dir, *fd);
    }
    if (rv != APR_SUCCESS) {
        close(*fd);
    }
    return rv;
}

/* --- the lock ------------------------------------------------------------------------ */

static struct flock whole_file(void)
{
    struct flock range;

    memset(&range, 0, sizeof(range));
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    return range;
}

static apr_status_t say_busy(const absw_shared_dir_t *dir, int lock)
{
    struct flock range = whole_file();

    if (fcntl(lock, F_GETLK, &range) != 0 || range.l_type == F_UNLCK) {
        range.l_pid = 0;
    }
    *dir->why = apr_psprintf(dir->pool, "ABSwitchStateDir: \"%s\" is in use by another httpd "
                             "(process %ld); give each its own directory", dir->path,
                             (long)range.l_pid);
    return APR_EBUSY;
}

/** Take the lock of the file that is there now. APR_EAGAIN: it was replaced meanwhile. */
static apr_status_t try_lock(const absw_shared_dir_t *dir, int fd, int lock, int *is_new)
{
    struct flock range = whole_file();
    struct stat st;
    struct stat named;

    if (fstat(lock, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink > 1
        || !absw_shared_dir_owns(dir, st.st_uid)) {
        return refuse(dir, APR_EACCES, "has a lock file that is a link or not ours; remove it");
    }
    if (fcntl(lock, F_SETLK, &range) != 0) {
        return errno == EACCES || errno == EAGAIN
               ? say_busy(dir, lock) : absw_shared_dir_fail(dir, errno, "cannot be locked");
    }
    if (fstatat(fd, LOCK, &named, AT_SYMLINK_NOFOLLOW) != 0 || named.st_ino != st.st_ino) {
        return APR_EAGAIN;
    }
    *is_new = st.st_size == 0;
    return APR_SUCCESS;
}

apr_status_t absw_shared_dir_lock(const absw_shared_dir_t *dir, int fd, int *lock, int *is_new)
{
    apr_status_t rv = APR_EAGAIN;

    for (int attempt = 0; attempt < 3 && rv == APR_EAGAIN; attempt++) {
        *lock = openat(fd, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
        if (*lock < 0) {
            return errno == ELOOP ? refuse(dir, APR_EACCES, "has a lock file that is a link")
                                  : absw_shared_dir_fail(dir, errno, "has a lock file that cannot "
                                                         "be opened");
        }
        rv = try_lock(dir, fd, *lock, is_new);
        if (rv != APR_SUCCESS) {
            close(*lock);
        }
    }
    return rv == APR_EAGAIN ? refuse(dir, rv, "has a lock file that keeps changing") : rv;
}

apr_status_t absw_shared_dir_sign(const absw_shared_dir_t *dir, int lock)
{
    const char *pid = apr_psprintf(dir->pool, "%ld\n", (long)getpid());
    ssize_t len = (ssize_t)strlen(pid);

    if (ftruncate(lock, 0) != 0 || pwrite(lock, pid, (size_t)len, 0) != len) {
        return absw_shared_dir_fail(dir, errno, "has a lock file that cannot be written");
    }
    return APR_SUCCESS;
}
