/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>

#include <apr_strings.h>

#include "emit.h"

int ctl_fail(ctl_t *ctl, ctl_exit_e status, const char *format, ...)
{
    const ctl_command_t *command = ctl->options->command;
    va_list args;
    const char *text;

    va_start(args, format);
    text = apr_pvsprintf(ctl->pool, format, args);
    va_end(args);
    if (command && command->fail) {
        return command->fail(ctl, text);
    }
    ctl_say_leave(&ctl->out);
    if (ctl->options->json) {
        ctl_emit(ctl, json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
                                ctl_say_clean(text, ctl->pool), "exit", (int)status));
    }
    ctl_say(&ctl->err, CTL_NAME ": %s\n", text);
    return (int)status;
}
