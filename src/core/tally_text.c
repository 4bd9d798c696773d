/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tally.h"

#define NUMBERS (ABSW_TALLY_CLASSES + 1 + ABSW_TALLY_BUCKETS)

_Static_assert(sizeof(absw_tally_t) == NUMBERS * sizeof(apr_uint64_t), "numbers, nothing else");
#define BASE       36
#define DIGITS_MAX 11       /* of ABSW_TALLY_MAX */

_Static_assert(ABSW_TALLY_TEXT_MAX > NUMBERS * (DIGITS_MAX + 1), "digits, dots and a NUL");

static const char DIGITS[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/** Write n, if it is not zero, to buf; returns how many digits. */
static apr_size_t put_number(apr_uint64_t n, char *buf)
{
    char backwards[DIGITS_MAX];
    apr_size_t len = 0;

    for (; n > 0; n /= BASE) {
        backwards[len++] = DIGITS[n % BASE];
    }
    for (apr_size_t i = 0; i < len; i++) {
        buf[i] = backwards[len - 1 - i];
    }
    return len;
}

static int get_number(const char *text, apr_size_t len, apr_uint64_t *number)
{
    apr_uint64_t n = 0;

    if (len > DIGITS_MAX || (len > 0 && text[0] == '0')) {
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        const char *digit = text[i] ? strchr(DIGITS, text[i]) : NULL;

        if (!digit) {
            return 0;
        }
        n = n * BASE + (apr_uint64_t)(digit - DIGITS);
    }
    *number = n;
    return n <= ABSW_TALLY_MAX;
}

apr_size_t absw_tally_format(const absw_tally_t *tally, char *buf)
{
    apr_uint64_t numbers[NUMBERS];
    apr_size_t len = 0, end = 0;

    memcpy(numbers, tally, sizeof(numbers));
    for (int i = 0; i < NUMBERS; i++) {
        apr_uint64_t n = numbers[i] < ABSW_TALLY_MAX ? numbers[i] : ABSW_TALLY_MAX;

        if (i > 0) {
            buf[len++] = '.';
        }
        len += put_number(n, buf + len);
        end = n > 0 ? len : end;
    }
    buf[end] = '\0';
    return end;
}

static int is_even(const absw_tally_t *tally)
{
    apr_uint64_t served = 0;

    for (int i = 0; i < ABSW_TALLY_BUCKETS; i++) {
        served += tally->buckets[i];
    }
    return served == absw_tally_count(tally);
}

int absw_tally_parse(const char *text, apr_size_t len, absw_tally_t *tally)
{
    apr_uint64_t numbers[NUMBERS] = { 0 };
    const char *end = text + len;
    int n = 0, ok = len == 0 || end[-1] != '.';

    for (const char *at = text; ok && at < end; n++) {
        const char *dot = memchr(at, '.', (apr_size_t)(end - at));
        apr_size_t digits = (apr_size_t)((dot ? dot : end) - at);

        ok = n < NUMBERS && get_number(at, digits, &numbers[n]);
        at += digits + (dot != NULL);
    }
    memcpy(tally, numbers, sizeof(numbers));
    if (!ok || !is_even(tally)) {
        memset(tally, 0, sizeof(*tally));
        return 0;
    }
    return 1;
}
