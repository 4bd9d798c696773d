/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "duration.h"

#define DIGITS_MAX 12

#define MS      1000
#define SECOND  (1000 * APR_INT64_C(1000))
#define HOUR    (3600 * SECOND)

static const struct {
    const char *name;
    apr_int64_t microseconds;
} units[] = {
    { .name = "", .microseconds = SECOND },
    { .name = "ms", .microseconds = MS },
    { .name = "s", .microseconds = SECOND },
    { .name = "mi", .microseconds = 60 * SECOND },
    { .name = "min", .microseconds = 60 * SECOND },
    { .name = "h", .microseconds = HOUR },
};

int absw_duration_parse(const char *word, apr_interval_time_t *duration)
{
    apr_size_t digits = strspn(word, "0123456789");
    apr_int64_t number = 0;

    if (digits < 1 || digits > DIGITS_MAX) {
        return 0;
    }
    for (apr_size_t i = 0; i < digits; i++) {
        number = number * 10 + (word[i] - '0');
    }
    for (apr_size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (!strcmp(word + digits, units[i].name)) {
            if (number > APR_INT64_MAX / units[i].microseconds) {
                return 0;
            }
            *duration = number * units[i].microseconds;
            return 1;
        }
    }
    return 0;
}

const char *absw_duration_text(apr_interval_time_t duration, char *buf)
{
    const char *unit = duration % HOUR == 0 ? "h" : duration % SECOND == 0 ? "s" : "ms";
    apr_int64_t of_unit = *unit == 'h' ? HOUR : *unit == 's' ? SECOND : MS;

    apr_snprintf(buf, ABSW_DURATION_TEXT_MAX, "%" APR_INT64_T_FMT "%s", duration / of_unit, unit);
    return buf;
}

const char *absw_duration_words(absw_sec_t seconds, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        absw_sec_t seconds;
    } words[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
    absw_sec_t left = seconds > 0 ? seconds : 0;
    int i = 0;

    while (i < 3 && left < words[i].seconds) {
        i++;
    }
    if (i == 3 || left % words[i].seconds < words[i + 1].seconds) {
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s", left / words[i].seconds,
                            words[i].name);
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s %" APR_INT64_T_FMT " %s",
                        left / words[i].seconds, words[i].name,
                        left % words[i].seconds / words[i + 1].seconds, words[i + 1].name);
}
