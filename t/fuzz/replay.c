/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/dice.h"
#include "fuzz.h"

/*
 * A fuzz target without libFuzzer, for any compiler:
 *
 *     fuzz_cookie [-m N] FILE|FOLDER...     each file once, and N changed at random of each
 *     fuzz_cookie < FILE                    the same for standard input
 *
 * The last input is kept in the file fuzz_cookie.crash (beside the program) if it was the end of
 * it; the exit status is not 0 then.
 */

#define INPUT_MAX 262144

static apr_pool_t *root;
static unsigned long inputs;
static const char *crash_file;

/* The input at work, for the signal handler. */
static const char *current;
static size_t current_len;

static void keep(int signal)
{
    FILE *file = fopen(crash_file, "wb");

    if (file) {
        fwrite(current, 1, current_len, file);
        fclose(file);
        fprintf(stderr, "kept: %s\n", crash_file);
    }
    raise(signal);              /* the handler is gone */
}

static void keep_crashes(const char *program)
{
    struct sigaction action = { .sa_handler = keep, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
    size_t len = strlen(program);
    char *name = malloc(len + sizeof(".crash"));

    if (!name) {
        abort();
    }
    memcpy(name, program, len);
    memcpy(name + len, ".crash", sizeof(".crash"));
    crash_file = name;
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

static void run(const char *bytes, size_t len)
{
    fuzz_t in = { bytes, len, NULL };

    current = bytes;
    current_len = len;
    apr_pool_create(&in.pool, root);
    fuzz(&in);
    apr_pool_destroy(in.pool);
    inputs++;
}

/* --- changing an input ----------------------------------------------------------------- */

static size_t cut_out(dice_t *d, char *bytes, size_t len)
{
    size_t from = dice_below(d, (apr_uint32_t)len + 1);
    size_t n = dice_below(d, (apr_uint32_t)(len - from) + 1);

    memmove(bytes + from, bytes + from + n, len - from - n);
    return len - n;
}

static size_t repeat(dice_t *d, char *bytes, size_t len)
{
    size_t from = dice_below(d, (apr_uint32_t)len + 1);
    size_t n = dice_below(d, (apr_uint32_t)(len - from) + 1);

    if (len + n > INPUT_MAX) {
        return len;
    }
    memmove(bytes + from + n, bytes + from, len - from);
    return len + n;
}

static size_t change(dice_t *d, char *bytes, size_t len)
{
    static const char odd[] = "\0\xff\x7f\x80 \t\r\n%/\\.;,=&+-09aAzZ\"<>#?:@'";

    if (len == 0) {
        bytes[0] = (char)dice(d);
        return 1;
    }
    switch (dice_below(d, 6)) {
    case 0:
        bytes[dice_below(d, (apr_uint32_t)len)] ^= (char)(1u << dice_below(d, 8));
        return len;
    case 1:
        bytes[dice_below(d, (apr_uint32_t)len)] = (char)dice(d);
        return len;
    case 2:
    case 3:
        bytes[dice_below(d, (apr_uint32_t)len)] = odd[dice_below(d, sizeof(odd) - 1)];
        return len;
    case 4:
        return cut_out(d, bytes, len);
    default:
        return repeat(d, bytes, len);
    }
}

static void run_changed(const char *bytes, size_t len, unsigned long times)
{
    dice_t d = { len };
    char *changed = malloc(INPUT_MAX);

    if (!changed) {
        abort();
    }
    while (times-- > 0) {
        size_t now = len;

        memcpy(changed, bytes, len);
        for (apr_uint32_t n = 1 + dice_below(&d, 4); n > 0; n--) {
            now = change(&d, changed, now);
        }
        run(changed, now);
    }
    free(changed);
}

/* --- files ----------------------------------------------------------------------------- */

static void run_file(FILE *file, unsigned long times)
{
    char *bytes = malloc(INPUT_MAX);
    size_t len;

    if (!bytes) {
        abort();
    }
    len = fread(bytes, 1, INPUT_MAX, file);
    run(bytes, len);
    run_changed(bytes, len, times);
    free(bytes);
}

static int run_path(const char *path, unsigned long times)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int ok = 1;

    if (!folder) {
        FILE *file = fopen(path, "rb");

        if (!file) {
            fprintf(stderr, "%s: %s\n", path, strerror(errno));
            return 0;
        }
        run_file(file, times);
        fclose(file);
        return 1;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] != '.') {
            char name[1024];

            snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            ok &= run_path(name, times);
        }
    }
    closedir(folder);
    return ok;
}

int main(int argc, char **argv)
{
    unsigned long times = 0;
    int first = 1;
    int ok = 1;

    keep_crashes(argv[0]);
    apr_initialize();
    apr_pool_create(&root, NULL);
    if (argc > 2 && !strcmp(argv[1], "-m")) {
        times = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    if (first == argc) {
        run_file(stdin, times);
    }
    for (int i = first; i < argc; i++) {
        ok &= run_path(argv[i], times);
    }
    printf("%lu inputs\n", inputs);
    apr_pool_destroy(root);
    apr_terminate();
    return ok ? 0 : 1;
}
