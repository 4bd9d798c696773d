/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

void abswitch_say(const server_rec *s, absw_say_e level, const char *text)
{
    static const int levels[] = {
        [ABSW_SAY_NOTICE] = APLOG_NOTICE,
        [ABSW_SAY_WARNING] = APLOG_WARNING,
        [ABSW_SAY_ERROR] = APLOG_ERR,
    };

    ap_log_error(APLOG_MARK, levels[level], 0, s, "%s", text);
}
