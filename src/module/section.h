/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_SECTION_H
#define ABSWITCH_SECTION_H

#include "module.h"

/** <ABSwitch NAME> and the directives of an application, one function each, for the list. */

const char *abswitch_set_section(cmd_parms *cmd, void *dir, const char *raw);
const char *abswitch_set_launchpad(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *abswitch_set_side(cmd_parms *cmd, void *dir, const char *name, const char *path);
const char *abswitch_set_default(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_max_login(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_idle(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_drain_timeout(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_auto_close(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_deep_links(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_bookmarks(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_origin(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_logout(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_clear_cookies(cmd_parms *cmd, void *dir, const char *word);
const char *abswitch_set_override(cmd_parms *cmd, void *dir, const char *path, const char *expr);
const char *abswitch_set_route(cmd_parms *cmd, void *dir, const char *side, const char *expr);
const char *abswitch_set_cookie(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *abswitch_set_on_drained(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

#endif
