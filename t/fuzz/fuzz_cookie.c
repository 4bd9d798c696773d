/* SPDX-License-Identifier: Apache-2.0 */
#include "cookie.h"
#include "fuzz.h"

/* The scan of a Cookie header. In: the header. Compared with a second scan, byte by byte. */

#define NAME        "abswitch_contact"
#define FOUND_MAX   64

typedef struct {
    const char *at;
    size_t len;
} span_t;

static span_t trimmed(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    return (span_t){ from, (size_t)(to - from) };
}

/* What a reader of the header's documentation would do. */
static int scan(const char *header, span_t *found)
{
    int n = 0;

    for (const char *end = header; *header; header = end) {
        const char *equals = NULL;

        for (end = header; *end && *end != ';' && *end != ','; end++) {
            if (*end == '=' && !equals) {
                equals = end;
            }
        }
        if (equals && n < FOUND_MAX) {
            span_t name = trimmed(header, equals);

            if (name.len == strlen(NAME) && !strncmp(name.at, NAME, name.len)) {
                found[n++] = trimmed(equals + 1, end);
            }
        }
        if (*end) {
            end++;
        }
    }
    return n;
}

void fuzz(fuzz_t *in)
{
    const char *header = fuzz_copy(in, in->at, in->len, 1);
    absw_cookies_t cookies;
    span_t expected[FOUND_MAX];
    span_t value;
    int n = scan(header, expected);
    int i = 0;

    absw_cookie_begin(&cookies, header);
    while (i < FOUND_MAX
           && absw_cookie_next(&cookies, NAME, sizeof(NAME) - 1, &value.at, &value.len)) {
        FUZZ_HOLDS(i < n);
        FUZZ_HOLDS(value.at == expected[i].at || (value.len == 0 && expected[i].len == 0));
        FUZZ_HOLDS(value.len == expected[i].len);
        FUZZ_HOLDS(cookies.next > header && cookies.next <= header + strlen(header));
        i++;
    }
    FUZZ_HOLDS(i == n);
    FUZZ_HOLDS(i == FOUND_MAX || !absw_cookie_more(&cookies));
}
