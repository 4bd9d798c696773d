/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_SAY_H
#define ABSWITCH_SAY_H

#include "module.h"

/** What the engine has to say, as a line of s's error log. */
void abswitch_say(const server_rec *s, absw_say_e level, const char *text);

#endif
