/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include <apr_strings.h>

#include "interrupt.h"
#include "password.h"
#include "say.h"

#define PASSWORD_MAX 1024

const char *ctl_password_ask(const char *user, const char *url, apr_pool_t *pool)
{
    FILE *terminal = fopen("/dev/tty", "r+");
    char line[PASSWORD_MAX] = "";
    struct termios shown;
    struct termios hidden;
    ctl_say_t say;
    const char *got;

    if (!terminal) {
        return NULL;
    }
    setvbuf(terminal, NULL, _IONBF, 0);
    if (tcgetattr(fileno(terminal), &shown) != 0) {
        fclose(terminal);
        return NULL;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    /* a Ctrl-C must not leave a terminal behind that shows nothing */
    ctl_interrupt_catch();
    ctl_say_init(&say, terminal);
    ctl_say(&say, "Password of %s for %s: ", user, url);
    tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
    got = fgets(line, sizeof(line), terminal);
    tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
    fputc('\n', terminal);
    fclose(terminal);
    line[strcspn(line, "\r\n")] = '\0';
    got = got && *line ? apr_pstrdup(pool, line) : NULL;
    explicit_bzero(line, sizeof(line));
    return got;
}
