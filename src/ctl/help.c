/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "help.h"

static const char options_of_all[] =
    "  --url URL                    of the manager: $ABSWITCH_URL, or\n"
    "                               http://localhost/abswitch-manager\n"
    "  --user NAME[:PASSWORD]       log in; a missing password is asked for\n"
    "  --netrc                      log in with what ~/.netrc says\n"
    "  --json                       output for programs\n"
    "  --cacert FILE                who signed the server's certificate\n"
    "  --connect-timeout TIME       for a connection (5s)\n"
    "  --timeout TIME               for an answer (10s); of wait, for the drain\n"
    "  -h, --help                   this, or more about a command\n"
    "  -V, --version\n";

static const char exit_statuses[] =
    "Exit status: 0 done, 1 refused or failed, 2 usage, 3 wait timed out,\n"
    "4 server unreachable, 5 wait --fail-unknown and the drain is unknown.\n";

static void list_commands(ctl_say_t *out, apr_pool_t *pool)
{
    for (const ctl_command_t *command = ctl_commands; command->name; command++) {
        const char *form = apr_psprintf(pool, "%s %s%s", command->name, command->arguments,
                                        command->takes & CTL_TAKES_NOTE ? " [--note TEXT]" : "");

        if (command->summary) {
            ctl_say(out, "  %-38s %s\n", form, command->summary);
        }
    }
}

void ctl_help(ctl_say_t *out, const ctl_command_t *command, apr_pool_t *pool)
{
    if (!command) {
        ctl_say(out, "usage: " CTL_NAME " [OPTION...] COMMAND\n\n"
                "Talks to mod_abswitch's manager: which side of an application new sessions land\n"
                "on, and who is still on the other one.\n\nCommands:\n");
        list_commands(out, pool);
        ctl_say(out, "\nOptions, before or after the command:\n%s\n"
                "A TIME is 500ms, 30s, 30min or 8h; a bare number is seconds.\n\n%s",
                options_of_all, exit_statuses);
        return;
    }
    ctl_say(out, "usage: " CTL_NAME " [OPTION...] %s%s%s%s\n\n", command->name,
            *command->arguments ? " " : "", command->arguments,
            command->takes & CTL_TAKES_NOTE ? " [--note TEXT]" : "");
    ctl_say(out, "%s.\n%s", command->summary ? command->summary : command->name, command->help);
    if (command->takes & CTL_TAKES_NOTE) {
        ctl_say(out, "  --note TEXT   why, for the log: at most 200 characters\n");
    }
    ctl_say(out, "\"" CTL_NAME " help\" lists the options that every command takes.\n");
}
