/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

const char *absw_store_state_name(absw_store_state_e state)
{
    static const char *const NAMES[ABSW_STORE_STATE_COUNT] = {
        [ABSW_STORE_UP] = "up",
        [ABSW_STORE_DEGRADED] = "degraded",
        [ABSW_STORE_DOWN] = "down",
    };
    return NAMES[state];
}
