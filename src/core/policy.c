/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy.h"

const char *absw_policy_below(const char *base, apr_size_t base_len, const char *path)
{
    return strncmp(path, base, base_len) == 0
           && (path[base_len] == '/' || path[base_len] == '\0') ? path + base_len : NULL;
}

int absw_policy_side_of_path(const absw_policy_t *policy, const char *path, const char **rest)
{
    for (int i = 0; i < policy->sides_n; i++) {
        const char *below = absw_policy_below(policy->sides[i].path,
                                              policy->sides[i].path_len, path);
        if (below) {
            *rest = below;
            return i;
        }
    }
    return ABSW_NO_SIDE;
}

int absw_policy_side_of_name(const absw_policy_t *policy, const char *name, apr_size_t len)
{
    for (int i = 0; i < policy->sides_n; i++) {
        const char *side = policy->sides[i].name;

        if (strlen(side) == len && memcmp(side, name, len) == 0) {
            return i;
        }
    }
    return ABSW_NO_SIDE;
}

int absw_policy_is_name(const char *s, apr_size_t len, apr_size_t max, const char *extra)
{
    if (len < 1 || len > max) {
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        char c = s[i];
        int ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                 || c == '_' || c == '-' || (c != '\0' && strchr(extra, c));
        if (!ok) {
            return 0;
        }
    }
    return 1;
}
