/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_SAY_H
#define CTL_SAY_H

#include <stdio.h>

#include "absw.h"

/**
 * Output. Everything that is printed goes through here, so that nothing reaches a terminal that
 * could move its cursor or change its mind: what is not clean text (text.h) becomes "?", on a
 * terminal that does not speak UTF-8 all but ASCII does. Line feeds stay. One thread.
 *
 * The marks of a style may stand anywhere in a text: they are escape sequences where colour is
 * wanted and nothing elsewhere. Words from outside cannot hold one once they are clean.
 */

#define CTL_PLAIN  "\001"
#define CTL_STRONG "\002"
#define CTL_GOOD   "\003"
#define CTL_BUSY   "\004"
#define CTL_BAD    "\005"
#define CTL_SOFT   "\006"

typedef struct {
    FILE *file;
    int is_terminal;            /* lines can be overwritten */
    int is_ascii;               /* a terminal of another character set */
    int colour;
    int shown;                  /* there is a line that ctl_say_over() may overwrite */
} ctl_say_t;

/** Find out what file is. Reads TERM, NO_COLOR and the locale, which main() has set. */
void ctl_say_init(ctl_say_t *say, FILE *file);

/** Print, behind a line that is being overwritten if there is one. */
void ctl_say(ctl_say_t *say, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** On a terminal: put this in place of the line that was put there before, cut to its width. */
void ctl_say_over(ctl_say_t *say, const char *line);

/** Leave the line that is being overwritten, for what somebody else prints. */
void ctl_say_leave(ctl_say_t *say);

/** On a terminal: a screen full of lines in place of the last one, cut to its size. */
void ctl_say_screen(ctl_say_t *say, const char *text);

/** Flush. 0: something could not be written, and errno says why. */
int ctl_say_is_written(ctl_say_t *say);

/** A copy in pool without control characters, line feeds included; NULL is "". */
const char *ctl_say_clean(const char *s, apr_pool_t *pool);

/** How many places a clean text takes, marks left out. */
apr_size_t ctl_say_width(const char *s);

#endif
