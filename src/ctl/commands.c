/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl.h"

/* One list: what is run, what is accepted, and what the help says. */
const ctl_command_t ctl_commands[] = {
    {
        .name = "status", .arguments = "[APP]", .most = 1, .run = ctl_status_run,
        .summary = "the sides, as a table",
        .help = "With --json it is the server's own JSON.\n",
    },
    {
        .name = "flip", .arguments = "APP SIDE", .least = 2, .most = 2, .takes = CTL_TAKES_NOTE,
        .run = ctl_flip_run,
        .summary = "new sessions land on SIDE",
        .help = "Whoever is on another side stays there. SIDE is opened if it was closed.\n"
                "Returns when every live node has the new switch, after ten seconds anyway.\n",
    },
    {
        .name = "weights", .arguments = "APP SIDE=N...", .least = 2, .most = 1000,
        .takes = CTL_TAKES_NOTE, .run = ctl_weights_run,
        .summary = "share new sessions out, as in A=75 B=25",
        .help = "N is 0 to 1000000. A side that is not named gets 0.\n",
    },
    {
        .name = "rollback", .arguments = "APP", .least = 1, .most = 1, .takes = CTL_TAKES_NOTE,
        .run = ctl_rollback_run,
        .summary = "back to the switch before this one",
        .help = "Twice: forth again.\n",
    },
    {
        .name = "close", .arguments = "APP SIDE", .least = 2, .most = 2, .takes = CTL_TAKES_NOTE,
        .run = ctl_close_run,
        .summary = "nobody gets to SIDE any more",
        .help = "Whoever is on it is sent to the current side. The only open side stays open.\n",
    },
    {
        .name = "reopen", .arguments = "APP SIDE", .least = 2, .most = 2,
        .takes = CTL_TAKES_NOTE, .run = ctl_reopen_run,
        .summary = "a closed SIDE drains again, from now",
        .help = "To give it new sessions, flip to it.\n",
    },
    {
        .name = "wait", .arguments = "APP SIDE", .least = 2, .most = 2,
        .takes = CTL_TAKES_FAIL_UNKNOWN, .run = ctl_wait_run,
        .summary = "until SIDE is drained",
        .help = "A progress line on a terminal, a line per change otherwise.\n"
                "  --timeout TIME   give up after TIME, with exit status 3 (never)\n"
                "  --fail-unknown   end with exit status 5 when the drain has been unknown for\n"
                "                   three seconds\n"
                "A server that does not answer is waited for, unless it never did.\n",
    },
    {
        .name = "watch", .arguments = "[APP]", .most = 1, .run = ctl_watch_run,
        .summary = "live view, until Ctrl-C",
        .help = "On a terminal the screen is drawn anew, otherwise every change is a block.\n",
    },
    {
        .name = "log", .arguments = "APP", .least = 1, .most = 1, .run = ctl_log_run,
        .summary = "the history of flips, newest first",
        .help = "",
    },
    {
        .name = "retire", .arguments = "APP NODE", .least = 2, .most = 2, .run = ctl_retire_run,
        .summary = "strike a silent NODE off the roster",
        .help = "Only when you know that it is gone: its sessions are no longer counted.\n",
    },
    {
        .name = "check", .arguments = "APP", .least = 1, .most = 1, .takes = CTL_TAKES_LIMITS,
        .run = ctl_check_run, .fail = ctl_check_fail,
        .summary = "monitoring plug-in: one line with data",
        .help = "  -w, --warning N    WARNING with more than N sessions left on a draining side\n"
                "  -c, --critical N   CRITICAL with more than N\n"
                "Exit status: 0 OK; 1 WARNING (also: a drain is unknown, the store is degraded);\n"
                "2 CRITICAL (also: the store is down); 3 UNKNOWN (no answer).\n",
    },
    /* for the shell's completion, and in no list */
    {
        .name = "names", .arguments = "apps|sides|nodes [APP]", .least = 1, .most = 2,
        .run = ctl_names_run, .help = "",
    },
    { .name = NULL }
};
