/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <openssl/crypto.h>

#include "config.h"
#include "secret.h"

#define SECRET_MAX  65536   /* bytes of a secret file: hundreds of keys */

#define SECRET_HELP "give a plain file, mode 0600, with a line KID HEX for each key, newest " \
                    "first, HEX at least 64 hex digits"

static const char *refuse(apr_pool_t *p, const char *file, const char *what)
{
    return apr_psprintf(p, "ABSwitchSecretFile: \"%s\" %s; " SECRET_HELP, file, what);
}

/** Read the file whole, unless others could have read it. NULL and *why on failure. */
static char *read_secret(apr_pool_t *p, const char *file, apr_size_t *len, const char **why)
{
    struct stat st;
    char *text = NULL;
    ssize_t got;
    int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        *why = refuse(p, file, errno == ELOOP ? "is a link"
                               : apr_psprintf(p, "cannot be read (%s)", strerror(errno)));
        return NULL;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        *why = refuse(p, file, "is not a plain file");
    }
    else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        *why = refuse(p, file, "is open to its group or to others");
    }
    else if (st.st_size > SECRET_MAX) {
        *why = refuse(p, file, "is larger than 64 KB");
    }
    else {
        text = apr_palloc(p, SECRET_MAX);
        got = read(fd, text, SECRET_MAX);
        *len = got > 0 ? (apr_size_t)got : 0;
    }
    close(fd);
    return text;
}

static absw_keys_t *load(apr_pool_t *p, const char *file, const char **why)
{
    const char *error = NULL;
    apr_size_t len = 0;
    char *text = read_secret(p, file, &len, why);
    absw_keys_t *keys = text ? absw_keys_parse(p, text, len, &error) : NULL;

    if (text && !keys) {
        *why = refuse(p, file, apr_pstrcat(p, "is not accepted: ", error, NULL));
    }
    if (text) {
        OPENSSL_cleanse(text, len);
    }
    return keys;
}

const char *abswitch_secret_check(apr_pool_t *p, server_rec *main_server)
{
    const char *file = abswitch_server_of(main_server)->global.secret_file;
    const char *why = NULL;

    if (file) {
        load(p, file, &why);
    }
    else if (abswitch_config_store(main_server)->n > 0) {
        why = "ABSwitchSecretFile: none is named, but ABSwitchStore names a memcached; all nodes of "
              "a cluster share their keys: " SECRET_HELP;
    }
    return why;
}

/** Make a secret where there is none; never over one that is there. */
static const char *make_secret(apr_pool_t *p, const char *file)
{
    const char *text = absw_keys_generate(p);
    apr_size_t len = text ? strlen(text) : 0;
    int fd = text ? open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    int ok = fd >= 0 && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;

    if (fd >= 0) {
        close(fd);
    }
    if (!ok && fd >= 0) {
        unlink(file);
    }
    return ok ? NULL : refuse(p, file, apr_psprintf(p, "cannot be made (%s)", strerror(errno)));
}

absw_keys_t *abswitch_secret_load(apr_pool_t *p, server_rec *main_server, const char *state_dir,
                                  const char **why)
{
    const char *file = abswitch_server_of(main_server)->global.secret_file;
    struct stat st;

    if (!file) {
        file = apr_pstrcat(p, state_dir, "/secret", NULL);
        if (lstat(file, &st) != 0 && errno == ENOENT && (*why = make_secret(p, file))) {
            return NULL;
        }
    }
    return load(p, file, why);
}
