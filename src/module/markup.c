/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include <apr_strings.h>

#include "duration.h"
#include "markup.h"
#include "report_facts.h"

void abswitch_markup_put(abswitch_markup_t *m, const char *html)
{
    apr_brigade_puts(m->bb, NULL, NULL, html);
}

void abswitch_markup_putf(abswitch_markup_t *m, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    apr_brigade_vprintf(m->bb, NULL, NULL, format, args);
    va_end(args);
}

const char *abswitch_markup_text(abswitch_markup_t *m, const char *s)
{
    return ap_escape_html(m->pool, absw_report_clean(s, m->pool));
}

const char *abswitch_markup_count(abswitch_markup_t *m, apr_uint64_t n)
{
    if (n < 1000) {
        return apr_psprintf(m->pool, "%d", (int)n);
    }
    return apr_psprintf(m->pool, "%s,%03d", abswitch_markup_count(m, n / 1000), (int)(n % 1000));
}

/* ---- times ---- */

static const char *formatted(apr_pool_t *pool, const char *format, const struct tm *tm)
{
    char text[64];

    return apr_pstrmemdup(pool, text, strftime(text, sizeof(text), format, tm));
}

const char *abswitch_markup_local(abswitch_markup_t *m, const char *format, absw_sec_t t)
{
    time_t seconds = (time_t)t;
    struct tm tm = { 0 };

    localtime_r(&seconds, &tm);
    return formatted(m->pool, format, &tm);
}

const char *abswitch_markup_time(abswitch_markup_t *m, absw_sec_t t)
{
    time_t seconds = (time_t)t;
    time_t today = (time_t)m->now;
    struct tm utc = { 0 }, local = { 0 }, now = { 0 };
    int same_day;

    gmtime_r(&seconds, &utc);
    localtime_r(&seconds, &local);
    localtime_r(&today, &now);
    same_day = local.tm_year == now.tm_year && local.tm_yday == now.tm_yday;
    return apr_psprintf(m->pool, "<time datetime=\"%s\">%s</time>",
                        formatted(m->pool, "%Y-%m-%dT%H:%M:%SZ", &utc),
                        formatted(m->pool, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local));
}

const char *abswitch_markup_ago(abswitch_markup_t *m, absw_sec_t t)
{
    return apr_psprintf(m->pool, "%s <span class=\"soft\">(%s ago)</span>",
                        abswitch_markup_time(m, t), absw_duration_words(m->now - t, m->pool));
}

const char *abswitch_markup_until(abswitch_markup_t *m, absw_sec_t t)
{
    return apr_psprintf(m->pool, "%s <span class=\"soft\">(%s%s)</span>",
                        abswitch_markup_time(m, t), t > m->now ? "in " : "",
                        t > m->now ? absw_duration_words(t - m->now, m->pool) : "passed");
}

/* ---- what several parts of the page have ---- */

void abswitch_markup_key(abswitch_markup_t *m, int side)
{
    abswitch_markup_putf(m, "<svg class=\"key\" viewBox=\"0 0 32 12\" aria-hidden=\"true\" "
                         "focusable=\"false\"><path class=\"line s%d\" d=\"M0 6H32\"/></svg>",
                         side);
}
