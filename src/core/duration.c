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
