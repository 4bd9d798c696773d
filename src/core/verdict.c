/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

static const struct {
    const char *name;
    const char *text;
} verdicts[ABSW_VERDICT_COUNT] = {
    [ABSW_UNTOUCHED] = { "", "is not ours" },
#define ABSW_VERDICT_ROW(id, n, t) [ABSW_##id] = { n, t },
    ABSW_VERDICTS(ABSW_VERDICT_ROW)
#undef ABSW_VERDICT_ROW
};

const char *absw_verdict_name(absw_verdict_e verdict)
{
    return verdicts[verdict].name;
}

const char *absw_verdict_text(absw_verdict_e verdict)
{
    return verdicts[verdict].text;
}
