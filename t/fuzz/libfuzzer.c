/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

/* What libFuzzer calls: fuzz() with a pool that is new for each input. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    fuzz_t in = { (const char *)data, size, NULL };

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&in.pool, root);
    fuzz(&in);
    apr_pool_destroy(in.pool);
    return 0;
}
