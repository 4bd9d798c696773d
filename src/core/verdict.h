/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_VERDICT_H
#define ABSW_VERDICT_H

#include "absw.h"

/**
 * Every verdict, once. The name is the environment's value, the metric's label, the JSON key
 * and the test row; the text is the log's.
 */
#define ABSW_VERDICTS(X) \
    X(PASS,      "pass",      "passes") \
    X(TESTER,    "tester",    "passes by a tester's token") \
    X(VISITOR,   "visitor",   "passes on a side that is not its session's") \
    X(ADOPT,     "adopt",     "came from inside without a session; gets one here") \
    X(ENTER,     "enter",     "arrives and gets a session here") \
    X(BOOKMARK,  "bookmark",  "arrives on the wrong side; is sent to the right one") \
    X(CUTOFF,    "cutoff",    "its session is older than ABSwitchMaxLoginTime") \
    X(CLOSED,    "closed",    "the side is closed") \
    X(LOGOUT,    "logout",    "logs out") \
    X(PREFETCH,  "prefetch",  "a prefetch that would not have passed as it is") \
    X(LAUNCHPAD, "launchpad", "enters at the launchpad") \
    X(DEEPLINK,  "deeplink",  "a link below the launchpad that names no side") \
    X(DOOR,      "door",      "uses the tester's door")

typedef enum {
    ABSW_UNTOUCHED,             /* row 1: no name, not counted */
#define ABSW_VERDICT_ENUM(id, name, text) ABSW_##id,
    ABSW_VERDICTS(ABSW_VERDICT_ENUM)
#undef ABSW_VERDICT_ENUM
    ABSW_VERDICT_COUNT
} absw_verdict_e;

/** The verdict's name; "" for ABSW_UNTOUCHED. Static. */
const char *absw_verdict_name(absw_verdict_e verdict);

/** What the verdict says, for a log line. Static. */
const char *absw_verdict_text(absw_verdict_e verdict);

#endif
