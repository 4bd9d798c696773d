/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_SHARED_DIR_H
#define ABSW_SHARED_DIR_H

#include <apr_user.h>

#include "absw.h"

/** The state directory and its lock: for the rooms of shared.h, nobody else. */

/** How the names of temporary files end. */
#define ABSW_SHARED_TEMPORARY ".tmp"

/** Who the directory is for, and where to say why something is refused (in pool). */
typedef struct {
    const char *path;
    apr_uid_t uid;
    apr_gid_t gid;
    apr_pool_t *pool;
    const char **why;
} absw_shared_dir_t;

/**
 * Make the directory if it is missing, check it, give it to uid:gid if we are root. *fd is to be
 * closed by the caller.
 */
apr_status_t absw_shared_dir_open(const absw_shared_dir_t *dir, int *fd);

/**
 * Take the lock: as long as *lock is open and we live, it is ours (so no other descriptor of the
 * file may ever be closed in this process). *is_new: nobody has ever finished a start here.
 */
apr_status_t absw_shared_dir_lock(const absw_shared_dir_t *dir, int fd, int *lock, int *is_new);

/** Remove temporary files that killed writers have left. */
void absw_shared_dir_tidy(int fd);

/** The start is finished: leave our pid in the lock file, for people. */
apr_status_t absw_shared_dir_sign(const absw_shared_dir_t *dir, int lock);

/** Sets *why: ABSwitchStateDir, the directory, what, and the error's words. Returns rv. */
apr_status_t absw_shared_dir_fail(const absw_shared_dir_t *dir, apr_status_t rv,
                                  const char *what);

/** May a file of this owner be ours? */
int absw_shared_dir_owns(const absw_shared_dir_t *dir, apr_uid_t owner);

#endif
