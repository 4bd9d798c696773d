/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "policy.h"
#include "shared.h"
#include "store_local.h"

#define MODE        0640
#define YOUNG       apr_time_from_sec(2)    /* a file so young may change without showing it */
#define EMPTY_LONG  apr_time_from_sec(5)    /* an empty file so old is not being written */
#define LOCK_TRIES  100
#define LOCK_PAUSE  apr_time_from_msec(5)
#define WANTED      (APR_FINFO_LINK | APR_FINFO_TYPE | APR_FINFO_SIZE | APR_FINFO_MTIME \
                     | APR_FINFO_CTIME | APR_FINFO_INODE | APR_FINFO_DEV)

/* A file and what was last read of it. */
typedef struct {
    const char *name;
    const char *lock;
    apr_pool_t *pool;           /* for text */
    apr_finfo_t stamp;          /* of the text; stamp.valid is 0: nothing was read */
    char *text;
    apr_size_t len;
    apr_uint64_t token;         /* of the text; 0: there is none */
} local_file_t;

typedef struct {
    absw_store_t store;
    const char *dir;
    apr_pool_t *pool;
    apr_hash_t *files;          /* by key */
    apr_uint64_t tokens;        /* handed out so far */
} local_t;

/* The file of a key; NULL for a key that has none. */
static local_file_t *file_of(local_t *local, const char *key)
{
    local_file_t *file = apr_hash_get(local->files, key, APR_HASH_KEY_STRING);
    const char *app;
    const char *what;

    if (file) {
        return file;
    }
    if (strncmp(key, "abswitch:", 9) != 0) {
        return NULL;
    }
    app = key + 9;
    what = strchr(app, ':');
    if (!what || !absw_policy_is_name(app, (apr_size_t)(what - app), ABSW_APP_NAME_MAX, "")
        || (strcmp(what, ":switch") != 0 && strcmp(what, ":log") != 0
            && strcmp(what, ":drained") != 0)) {
        return NULL;
    }
    file = apr_pcalloc(local->pool, sizeof(*file));
    app = apr_pstrmemdup(local->pool, app, (apr_size_t)(what - app));
    file->name = apr_pstrcat(local->pool, app, ".", what + 1, NULL);
    file->lock = apr_pstrcat(local->pool, local->dir, "/", app, ".lock", NULL);
    apr_pool_create(&file->pool, local->pool);
    apr_hash_set(local->files, apr_pstrdup(local->pool, key), APR_HASH_KEY_STRING, file);
    return file;
}

static void forget(local_file_t *file)
{
    file->stamp.valid = 0;
    file->token = 0;
}

/*
 * A clock tick may hide a second change of the same size, and a writer may set the time of
 * modification back; neither hides from both times, once they are old.
 */
static int is_unchanged(const local_file_t *file, const apr_finfo_t *stamp, apr_time_t now)
{
    const apr_finfo_t *old = &file->stamp;

    return file->token != 0 && old->inode == stamp->inode && old->device == stamp->device
           && old->size == stamp->size && old->mtime == stamp->mtime
           && old->ctime == stamp->ctime && now - stamp->mtime >= YOUNG
           && now - stamp->ctime >= YOUNG;
}

static apr_status_t stat_file(const local_t *local, const local_file_t *file,
                              apr_finfo_t *stamp, apr_pool_t *pool)
{
    apr_status_t rv = apr_stat(stamp, apr_pstrcat(pool, local->dir, "/", file->name, NULL),
                               WANTED, pool);

    return rv == APR_INCOMPLETE ? APR_SUCCESS : rv;
}

/* Read the file as it is now. Of one that is too long only that is said, in as many bytes. */
static apr_status_t read_file(const local_t *local, const local_file_t *file,
                              const apr_finfo_t *stamp, apr_pool_t *pool, char **text,
                              apr_size_t *len)
{
    if (stamp->filetype == APR_REG && stamp->size > ABSW_STORE_VALUE_MAX) {
        *len = ABSW_STORE_VALUE_MAX + 1;
        *text = apr_palloc(pool, *len);
        memset(*text, '?', *len);
        return APR_SUCCESS;
    }
    return absw_shared_read(local->dir, file->name, ABSW_STORE_VALUE_MAX, pool, text, len);
}

static apr_status_t load(local_t *local, local_file_t *file, const apr_finfo_t *stamp)
{
    apr_status_t rv;

    forget(file);
    apr_pool_clear(file->pool);
    rv = read_file(local, file, stamp, file->pool, &file->text, &file->len);
    if (rv == APR_SUCCESS) {
        file->stamp = *stamp;
        file->token = ++local->tokens;
    }
    return rv;
}

/* Fill in item. 0 if it cannot be said what is there. */
static int get_one(local_t *local, absw_store_item_t *item, apr_pool_t *pool)
{
    local_file_t *file = file_of(local, item->key);
    apr_time_t now = apr_time_now();
    apr_finfo_t stamp;
    apr_status_t rv;
    char words[120];

    item->found = ABSW_STORE_ABSENT;
    if (!file) {
        return 1;
    }
    rv = stat_file(local, file, &stamp, pool);
    if (rv == APR_SUCCESS && !is_unchanged(file, &stamp, now)) {
        rv = load(local, file, &stamp);
    }
    if (APR_STATUS_IS_ENOENT(rv)) {
        forget(file);
        return 1;
    }
    if (rv != APR_SUCCESS) {
        forget(file);
        item->found = ABSW_STORE_UNKNOWN;
        item->why = apr_pstrcat(pool, local->dir, "/", file->name, " cannot be read: ",
                                apr_strerror(rv, words, sizeof(words)), NULL);
        return 0;
    }
    if (file->len == 0) {
        item->found = now - stamp.mtime < EMPTY_LONG ? ABSW_STORE_BUSY : ABSW_STORE_ABSENT;
        return 1;
    }
    item->found = ABSW_STORE_FOUND;
    item->value = file->text;
    item->len = file->len;
    item->cas = file->token;
    return 1;
}

static int local_get(absw_store_t *store, absw_store_item_t *items, int n, apr_pool_t *pool)
{
    int complete = 1;

    for (int i = 0; i < n; i++) {
        items[i] = (absw_store_item_t){ .key = items[i].key };
        complete &= get_one((local_t *)store, &items[i], pool);
    }
    return complete;
}

static absw_store_result_e failed(local_t *local, const char *what, const char *name,
                                  apr_status_t rv)
{
    char words[100];

    apr_snprintf(local->store.why, sizeof(local->store.why), "%s %s: %s", name, what,
                 apr_strerror(rv, words, sizeof(words)));
    return ABSW_STORE_FAILED;
}

/* Open and lock the lock file; -1 and errno if that cannot be had. */
static int lock(const local_file_t *file)
{
    int fd = open(file->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        int error = errno;

        if ((error != EWOULDBLOCK && error != EINTR) || i >= LOCK_TRIES) {
            close(fd);
            errno = error;
            return -1;
        }
        apr_sleep(LOCK_PAUSE);
    }
    return fd;
}

/* What a write wants to find. */
typedef enum { WANT_ANYTHING, WANT_NOTHING, WANT_OLD } want_e;

/* Does the file hold what is wanted? Under the lock. */
static absw_store_result_e check(local_t *local, const local_file_t *file, want_e want,
                                 apr_pool_t *pool)
{
    apr_status_t rv;
    apr_finfo_t stamp;
    apr_size_t len;
    char *text;

    if (want == WANT_ANYTHING) {
        return ABSW_STORE_DONE;
    }
    rv = stat_file(local, file, &stamp, pool);
    if (rv == APR_SUCCESS) {
        rv = read_file(local, file, &stamp, pool, &text, &len);
    }
    if (APR_STATUS_IS_ENOENT(rv)) {
        return want == WANT_NOTHING ? ABSW_STORE_DONE : ABSW_STORE_CONFLICT;
    }
    if (rv != APR_SUCCESS) {
        return failed(local, "cannot be read", file->name, rv);
    }
    if (want == WANT_OLD) {
        return len == file->len && memcmp(text, file->text, len) == 0 ? ABSW_STORE_DONE
                                                                      : ABSW_STORE_CONFLICT;
    }
    return len == 0 && apr_time_now() - stamp.mtime >= EMPTY_LONG ? ABSW_STORE_DONE
                                                                  : ABSW_STORE_CONFLICT;
}

static absw_store_result_e put(absw_store_t *store, const char *key, apr_uint64_t token,
                               want_e want, const char *value, apr_size_t len, apr_pool_t *pool)
{
    local_t *local = (local_t *)store;
    local_file_t *file = file_of(local, key);
    absw_store_result_e result;
    apr_status_t rv;
    int fd;

    if (!file) {
        return failed(local, "is no key of the local store", key, APR_ENOTIMPL);
    }
    if (want == WANT_OLD && (token == 0 || token != file->token)) {
        return ABSW_STORE_CONFLICT;
    }
    fd = lock(file);
    if (fd < 0) {
        return failed(local, "cannot be locked", file->lock, APR_FROM_OS_ERROR(errno));
    }
    result = check(local, file, want, pool);
    if (result == ABSW_STORE_DONE) {
        rv = absw_shared_write(local->dir, file->name, MODE, value, len, pool);
        if (rv != APR_SUCCESS) {
            result = failed(local, "cannot be written", file->name, rv);
        }
        forget(file);
    }
    close(fd);
    return result;
}

static absw_store_result_e local_set(absw_store_t *store, const char *key, const char *value,
                                     apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    (void)ttl;
    return put(store, key, 0, WANT_ANYTHING, value, len, pool);
}

static absw_store_result_e local_add(absw_store_t *store, const char *key, const char *value,
                                     apr_size_t len, apr_uint32_t ttl, apr_pool_t *pool)
{
    (void)ttl;
    return put(store, key, 0, WANT_NOTHING, value, len, pool);
}

static absw_store_result_e local_cas(absw_store_t *store, const char *key, apr_uint64_t token,
                                     const char *value, apr_size_t len, apr_uint32_t ttl,
                                     apr_pool_t *pool)
{
    (void)ttl;
    return put(store, key, token, WANT_OLD, value, len, pool);
}

/* A directory is there or httpd does not start: contract section 7 wants "up" and no servers. */
static absw_store_state_e local_state(const absw_store_t *store, apr_pool_t *pool,
                                      const absw_store_server_t **servers, int *n)
{
    (void)store;
    (void)pool;
    *servers = NULL;
    *n = 0;
    return ABSW_STORE_UP;
}

static const absw_store_ops_t LOCAL_OPS = {
    .type = "local",
    .hand = "file",
    .solo = 1,
    .get = local_get,
    .set = local_set,
    .add = local_add,
    .cas = local_cas,
    .state = local_state,
};

absw_store_t *absw_store_local_make(apr_pool_t *pool, const char *dir)
{
    local_t *local = apr_pcalloc(pool, sizeof(*local));

    local->store.ops = &LOCAL_OPS;
    local->dir = apr_pstrdup(pool, dir);
    local->pool = pool;
    local->files = apr_hash_make(pool);
    return &local->store;
}
