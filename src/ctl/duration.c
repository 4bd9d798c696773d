/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "duration.h"
#include "text.h"

int ctl_duration_parse(const char *word, apr_interval_time_t *time)
{
    static const struct {
        const char *name;
        apr_interval_time_t length;
    } units[] = {
        { "", APR_USEC_PER_SEC },
        { "ms", 1000 },
        { "s", APR_USEC_PER_SEC },
        { "mi", 60 * APR_USEC_PER_SEC },
        { "min", 60 * APR_USEC_PER_SEC },
        { "h", 3600 * APR_USEC_PER_SEC },
    };
    apr_size_t digits = strspn(word, "0123456789");
    apr_int64_t number;

    for (apr_size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (!strcmp(word + digits, units[i].name)) {
            if (!absw_text_number(word, digits, CTL_DURATION_MAX / units[i].length, &number)) {
                return 0;
            }
            *time = number * units[i].length;
            return 1;
        }
    }
    return 0;
}

const char *ctl_duration_text(absw_sec_t seconds, apr_pool_t *pool)
{
    static const struct {
        const char *name;
        absw_sec_t length;
    } units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
    absw_sec_t left = seconds > 0 ? seconds : 0;
    int i = 0;

    while (i < 3 && left < units[i].length) {
        i++;
    }
    if (i == 3 || left % units[i].length < units[i + 1].length) {
        return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s", left / units[i].length,
                            units[i].name);
    }
    return apr_psprintf(pool, "%" APR_INT64_T_FMT " %s %" APR_INT64_T_FMT " %s",
                        left / units[i].length, units[i].name,
                        left % units[i].length / units[i + 1].length, units[i + 1].name);
}
