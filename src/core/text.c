/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "text.h"

/* Bytes of the clean character at s (left bytes remain), 0 if there is none. */
static apr_size_t clean_char(const unsigned char *s, apr_size_t left)
{
    static const apr_uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
    apr_size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
    apr_uint32_t c;

    if (n < 1 || n > left) {
        return 0;
    }
    if (n == 1) {
        return s[0] >= 0x20 && s[0] != 0x7f;
    }
    c = s[0] & (0xffU >> (n + 1));
    for (apr_size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3fU);
    }
    /* of two bytes, what is below U+00A0 is overlong or a C1 control */
    return (c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) ? 0 : n;
}

int absw_text_is_clean(const char *s, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; ) {
        apr_size_t n = clean_char((const unsigned char *)s + i, len - i);

        if (n == 0) {
            return 0;
        }
        i += n;
    }
    return 1;
}

void absw_text_clean(char *dst, apr_size_t size, const char *s)
{
    apr_size_t left = s ? strlen(s) : 0;
    apr_size_t used = 0;

    memset(dst, 0, size);
    while (left > 0) {
        apr_size_t n = clean_char((const unsigned char *)s, left);
        apr_size_t step = n ? n : 1;

        if (used + step >= size) {
            return;
        }
        memcpy(dst + used, n ? s : "?", step);
        used += step;
        s += step;
        left -= step;
    }
}

const char *absw_text_quote(char *dst, apr_size_t size, const char *s, apr_size_t len)
{
    apr_size_t room = size - 3;     /* two quotes and the NUL */
    int cut = len > room;
    apr_size_t n = cut ? room - 3 : len;
    char *out = dst;

    *out++ = '"';
    for (apr_size_t i = 0; i < n; i++) {
        *out++ = (s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"') ? s[i] : '?';
    }
    strcpy(out, cut ? "...\"" : "\"");
    return dst;
}

int absw_text_number(const char *s, apr_size_t len, apr_int64_t max, apr_int64_t *number)
{
    apr_int64_t n = 0;

    if (len < 1 || len > 18) {      /* 18 nines fit */
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }
        n = n * 10 + (s[i] - '0');
    }
    *number = n;
    return n <= max;
}
