/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "form.h"
#include "hex.h"

int absw_form_next(const char **pos, absw_form_pair_t *pair)
{
    const char *equals;
    apr_size_t len;

    *pos += strspn(*pos, "&");
    len = strcspn(*pos, "&");
    if (len == 0) {
        return 0;
    }
    equals = memchr(*pos, '=', len);
    pair->name = *pos;
    pair->name_len = equals ? (apr_size_t)(equals - *pos) : len;
    pair->value = equals ? equals + 1 : *pos + len;
    pair->value_len = equals ? len - pair->name_len - 1 : 0;
    *pos += len;
    return 1;
}

int absw_form_decode(const char *s, apr_size_t len, char *buf, apr_size_t size)
{
    apr_size_t used = 0;

    for (apr_size_t i = 0; i < len; i++) {
        int c = s[i] == '+' ? ' ' : (unsigned char)s[i];

        if (c == '%') {
            c = len - i > 2 ? absw_hex_byte(s + i + 1) : 0;
            i += 2;
        }
        if (c <= 0 || used + 1 >= size) {
            return 0;
        }
        buf[used++] = (char)c;
    }
    buf[used] = '\0';
    return 1;
}
