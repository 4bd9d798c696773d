/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_SHARED_H
#define ABSW_SHARED_H

#include <apr_user.h>

#include <apr_user.h>

#include "absw.h"

/**
 * The node's state file, <state dir>/table, mapped into the parent and its children: the one
 * piece of shared memory. It holds the board (board.h), the children's rows (children.h), the
 * session table (table.h) and the ring of sessions that ended (ends.h), found by offsets in a
 * versioned, checksummed header.
 *
 * It outlives graceful restarts, a SIGKILL of every process, and a clean stop with a reboot. A
 * file that is torn, foreign, of another version, or left dirty by a crash of the machine is set
 * aside as table.bad and begun anew. Nobody but the parent opens it (it is root's if the parent
 * is, 0600), and it is never resized. Children write to the mapping, so the parent trusts no
 * index in it.
 *
 * Files in the directory are opened without following links and refused when they are not plain
 * files of our own with one name.
 */

typedef struct {
    apr_uint32_t sessions;      /* ABSwitchSessions */
    apr_uint32_t apps;          /* room for this many applications */
    apr_uint32_t children;      /* rows for this many child processes */
} absw_shared_dims_t;

typedef enum {
    ABSW_SHARED_FIRST,          /* a new directory: nothing was ever counted here */
    ABSW_SHARED_KEPT,           /* what was there goes on */
    ABSW_SHARED_LOST            /* the file was missing or set aside: relearn the sessions */
} absw_shared_how_e;

typedef struct {
    apr_size_t struct_size;     /* of the library that made it: see absw_shared_adopt */
    const char *dir;
    absw_shared_dims_t dims;    /* as mapped */
    absw_shared_how_e how;
    void *board;                /* absw_board_size(dims.apps) bytes */
    void *children;             /* absw_children_size(dims.children, dims.apps) bytes */
    void *table;                /* absw_table_size(dims.sessions) bytes */
    void *ends;                 /* absw_ends_size() bytes */

    void *map;                  /* the rest is the room's own; NULL once it is closed */
    int lock;
    apr_uint32_t opener;        /* pid */
} absw_shared_t;

/**
 * Open or make dir (its parent must exist; 0750, owned by uid:gid when we are root), take its
 * lock, map its file; a file of other dimensions is converted and its sessions, switches,
 * verdicts and history are taken along. What is mapped is fit for use: rows, slots and claims of
 * processes that are gone are free, no slot breaks an invariant. dims may be larger than asked,
 * for applications that are known already.
 *
 * pool must live as long as the process: nothing of it calls back into this library when it is
 * cleaned up, so the library may be unloaded before. The lock is fcntl's: it is the calling
 * process's, not its children's.
 *
 * Returns APR_SUCCESS, or an error with *why: one sentence for the error log. APR_EBUSY: another
 * httpd holds the directory. *notice (or NULL): a sentence to log as a warning, e.g. set aside.
 */
apr_status_t absw_shared_open(absw_shared_t **shared, const char *dir, apr_uid_t uid,
                              apr_gid_t gid, const absw_shared_dims_t *dims, apr_pool_t *pool,
                              const char **why, const char **notice);

/** The same mapping after the library was loaded again: checked, or NULL if it is another's. */
absw_shared_t *absw_shared_adopt(absw_shared_t *shared);

/** Note that the file is complete: call at a clean stop, when no child runs. By the opener only. */
void absw_shared_mark_clean(absw_shared_t *shared);

/** Forget the mapping and the lock (all children are gone), so that open may be called again. */
void absw_shared_close(absw_shared_t *shared);

/**
 * Read a small file of dir whole (NUL added, *len without it). APR_ENOENT if absent, EFBIG if it
 * has more than max bytes, ELOOP or EMLINK if it is a link, has several names or is no plain
 * file, APR_EACCES if its owner is not root, we, or the directory's. Any process and thread.
 */
apr_status_t absw_shared_read(const char *dir, const char *name, apr_size_t max,
                              apr_pool_t *pool, char **text, apr_size_t *len);

/**
 * Write it whole and atomically (a temporary file, fsync, rename), with mode (e.g. 0640). Written
 * by root, it is the directory owner's if its group may read it, else root's. Any process, any
 * thread.
 */
apr_status_t absw_shared_write(const char *dir, const char *name, int mode, const char *text,
                               apr_size_t len, apr_pool_t *pool);

#endif
