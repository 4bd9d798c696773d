/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cookie.h"

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **start, const char **end)
{
    while (*start < *end && is_blank(**start)) {
        (*start)++;
    }
    while (*end > *start && is_blank((*end)[-1])) {
        (*end)--;
    }
}

int absw_cookie_next(const char **pos, const char *name, const char **value, apr_size_t *len)
{
    apr_size_t name_len = strlen(name);

    while (**pos) {
        const char *start = *pos;
        const char *end = start + strcspn(start, ";,");
        const char *equals = memchr(start, '=', (apr_size_t)(end - start));

        *pos = *end ? end + 1 : end;
        if (equals) {
            const char *name_end = equals;
            const char *from = equals + 1;

            trim(&start, &name_end);
            if ((apr_size_t)(name_end - start) == name_len
                && memcmp(start, name, name_len) == 0) {
                trim(&from, &end);
                *value = from;
                *len = (apr_size_t)(end - from);
                return 1;
            }
        }
    }
    return 0;
}
