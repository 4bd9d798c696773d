/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cookie.h"

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where c is next, or the end. */
static const char *find(const char *at, const char *end, int c)
{
    const char *found = memchr(at, c, (apr_size_t)(end - at));

    return found ? found : end;
}

void absw_cookie_begin(absw_cookies_t *cookies, const char *header)
{
    cookies->next = header;
    cookies->comma = strchrnul(header, ',');
    cookies->end = *cookies->comma ? cookies->comma + strlen(cookies->comma) : cookies->comma;
}

/* The piece that comes next ends at a ";", or a comma before it; two searches of one byte are less
 * work for libc than one of two. The comma is remembered, so that no byte is looked at again and
 * again. */
static const char *take_piece(absw_cookies_t *cookies)
{
    const char *end = find(cookies->next, cookies->comma, ';');

    cookies->next = end < cookies->end ? end + 1 : end;
    if (end == cookies->comma) {
        cookies->comma = find(cookies->next, cookies->end, ',');
    }
    return end;
}

/* What follows the "=", if the piece at..end is the cookie of that name, else NULL. A piece ends
 * with a byte that is no blank and no "=". */
static const char *value_of(const char *at, const char *end, const char *name, apr_size_t len)
{
    while (is_blank(*at)) {
        at++;
    }
    if (*at != *name || end - at <= (apr_ssize_t)len || memcmp(at, name, len) != 0) {
        return NULL;
    }
    at += len;
    while (is_blank(*at)) {
        at++;
    }
    return *at == '=' ? at + 1 : NULL;
}

int absw_cookie_next(absw_cookies_t *cookies, const char *name, apr_size_t name_len,
                     const char **value, apr_size_t *len)
{
    while (absw_cookie_more(cookies)) {
        const char *at = cookies->next;
        const char *end = take_piece(cookies);
        const char *from = value_of(at, end, name, name_len);

        if (from) {
            while (is_blank(*from)) {
                from++;
            }
            while (end > from && is_blank(end[-1])) {
                end--;
            }
            *value = from;
            *len = (apr_size_t)(end - from);
            return 1;
        }
    }
    return 0;
}
