/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATE_DIR_H
#define STATE_DIR_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "sample.h"
#include "shared.h"

/** A directory of a test's own, for a state directory in it, a pool, and opening its state. */

static apr_pool_t *pool;
static char *root;          /* the directory that the state directory is made in */
static const char *dir;     /* the state directory */

static inline const char *in_dir(const char *name)
{
    return apr_pstrcat(pool, dir, "/", name, NULL);
}

static inline int set_up(void **state)
{
    const char *temp = getenv("TMPDIR");

    (void)state;
    apr_pool_create(&pool, NULL);
    root = apr_pstrcat(pool, temp ? temp : "/tmp", "/abswitch-unit-XXXXXX", NULL);
    assert_non_null(mkdtemp(root));
    assert_int_equal(chmod(root, 0755), 0);
    dir = apr_pstrcat(pool, root, "/state", NULL);
    return 0;
}

/** Remove the files of a directory, and the directory. */
static inline void remove_dir(const char *path)
{
    DIR *list = opendir(path);

    for (struct dirent *entry; list && (entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            remove(apr_pstrcat(pool, path, "/", entry->d_name, NULL));
        }
    }
    if (list) {
        closedir(list);
    }
    rmdir(path);
}

static inline int tear_down(void **state)
{
    (void)state;
    if (unlink(dir) != 0) {
        remove_dir(dir);
    }
    remove_dir(root);
    apr_pool_destroy(pool);
    return 0;
}

static inline void make_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static inline struct stat stat_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st;
}

static inline int exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/** Run fn in a process of its own. Returns its wait status. */
static inline int in_process(void (*fn)(void))
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#define OWNER   33      /* not root, whoever it is */
#define OTHER   34

static const absw_shared_dims_t DIMS = { .sessions = 1024, .apps = 2, .children = 4 };

static absw_shared_t *shared;
static const char *why;
static const char *notice;

/** Root gives the directory to somebody else, anybody else keeps it. */
static inline apr_uid_t user(void)
{
    return geteuid() == 0 ? OWNER : geteuid();
}

static inline apr_status_t open_of(absw_shared_dims_t dims)
{
    return absw_shared_open(&shared, dir, user(), user(), &dims, pool, &why, &notice);
}

static inline void open_and_expect(absw_shared_how_e how)
{
    assert_int_equal(open_of(DIMS), APR_SUCCESS);
    assert_null(why);
    assert_int_equal(shared->how, how);
}

#endif
