/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "gate.h"

static apr_size_t common_len(const char *a, apr_size_t len, const char *b)
{
    apr_size_t same = 0;

    while (same < len && a[same] == b[same]) {
        same++;
    }
    return same;
}

void absw_gate_make(apr_pool_t *pool, const char *const *paths, int n, absw_gate_t *gate)
{
    *gate = (absw_gate_t) { .len = n ? strlen(paths[0]) : 0 };
    for (int i = 1; i < n; i++) {
        gate->len = common_len(paths[0], gate->len, paths[i]);
    }
    gate->common = n ? apr_pstrmemdup(pool, paths[0], gate->len) : "";
    for (int i = 0; i < n; i++) {
        unsigned char next = (unsigned char)paths[i][gate->len];

        gate->next[next] = 1;
        if (next == '\0') {
            gate->next['/'] = 1;    /* what lies below it */
        }
    }
}
