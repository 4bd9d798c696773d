/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "page_parts.h"

/* Where new sessions land. */

static const char *share_of(abswitch_markup_t *m, const absw_policy_t *policy,
                            const apr_uint32_t *weight, int side)
{
    apr_uint64_t own = weight[side];
    apr_uint64_t all = 0;
    apr_uint64_t percent;

    for (int i = 0; i < policy->sides_n; i++) {
        all += weight[i];
    }
    percent = all ? (own * 100 + all / 2) / all : 0;
    /* what rounds to nothing or to everything is neither */
    if (own && percent == 0) {
        return "&lt; 1 %";
    }
    if (own < all && percent == 100) {
        return "&gt; 99 %";
    }
    return apr_psprintf(m->pool, "%d %%", (int)percent);
}

const char *abswitch_page_share(abswitch_markup_t *m, const absw_report_app_t *app, int side)
{
    return share_of(m, app->policy, app->rec.weight, side);
}

void abswitch_page_landing(abswitch_markup_t *m, const absw_policy_t *policy,
                           const apr_uint32_t *weight)
{
    int left = 0, first = 1;

    for (int i = 0; i < policy->sides_n; i++) {
        left += weight[i] != 0;
    }
    abswitch_markup_put(m, "New sessions land on ");
    for (int i = 0; i < policy->sides_n; i++) {
        if (!weight[i]) {
            continue;
        }
        abswitch_markup_putf(m, "%s<b>%s</b>", first ? "" : left == 1 ? " and " : ", ",
                             abswitch_markup_text(m, policy->sides[i].name));
        if (!first || left > 1) {
            abswitch_markup_putf(m, " (%s)", share_of(m, policy, weight, i));
        }
        first = 0;
        left--;
    }
    abswitch_markup_put(m, ".");
}
