/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/lsan_interface.h>

/*
 * Shows LeakSanitizer the memory of APR's pools. Debian's APR takes it from mmap, where
 * LeakSanitizer does not look for references: whatever only a pool refers to seemed to be lost.
 * Preloaded before libasan, or a part of a fuzz target; each block that libapr maps is a root until
 * it is unmapped. (_GNU_SOURCE comes from the command line, as APR has it.)
 */

#define BLOCKS_MAX 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    void *at;
    size_t size;
} blocks[BLOCKS_MAX];

static size_t blocks_n;

/* Of others not, LeakSanitizer's own least of all: it maps memory while it holds its locks. */
static int is_apr(const void *caller)
{
    Dl_info found;

    return dladdr(caller, &found) && found.dli_fname && strstr(found.dli_fname, "/libapr-");
}

static void enter(void *at, size_t size)
{
    pthread_mutex_lock(&lock);
    if (blocks_n < BLOCKS_MAX) {
        blocks[blocks_n].at = at;
        blocks[blocks_n++].size = size;
        __lsan_register_root_region(at, size);
    }
    pthread_mutex_unlock(&lock);
}

static void leave(const void *at)
{
    pthread_mutex_lock(&lock);
    for (size_t i = blocks_n; i-- > 0;) {
        if (blocks[i].at == at) {
            __lsan_unregister_root_region(at, blocks[i].size);
            blocks[i] = blocks[--blocks_n];
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset)
{
    void *(*next)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, "mmap");
    void *block = next(at, size, protection, flags, file, offset);

    if (block != MAP_FAILED && flags == (MAP_PRIVATE | MAP_ANONYMOUS)
        && is_apr(__builtin_return_address(0))) {
        enter(block, size);
    }
    return block;
}

int munmap(void *at, size_t size)
{
    int (*next)(void *, size_t) = dlsym(RTLD_NEXT, "munmap");

    if (is_apr(__builtin_return_address(0))) {
        leave(at);
    }
    return next(at, size);
}
