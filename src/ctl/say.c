/* SPDX-License-Identifier: Apache-2.0 */
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "say.h"
#include "text.h"

static const char *const escapes[] = {
    [1] = "\033[0m", [2] = "\033[1m", [3] = "\033[32m", [4] = "\033[33m", [5] = "\033[1;31m",
    [6] = "\033[2m",
};

static int is_mark(char c)
{
    return c >= 1 && c < (char)(sizeof(escapes) / sizeof(*escapes));
}

/* The second and later bytes of a character in UTF-8. */
static int is_inner(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

void ctl_say_init(ctl_say_t *say, FILE *file)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    int terminal = isatty(fileno(file));

    memset(say, 0, sizeof(*say));
    say->file = file;
    say->is_ascii = terminal && strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    say->is_terminal = terminal && term && *term && strcmp(term, "dumb") != 0;
    say->colour = say->is_terminal && !(no_color && *no_color);
}

/* ---- clean text ---- */

const char *ctl_say_clean(const char *s, apr_pool_t *pool)
{
    apr_size_t size = s ? strlen(s) + 1 : 1;
    char *copy = apr_palloc(pool, size);

    absw_text_clean(copy, size, s);
    return copy;
}

apr_size_t ctl_say_width(const char *s)
{
    apr_size_t n = 0;

    for (; *s; s++) {
        n += !is_mark(*s) && !is_inner(*s);
    }
    return n;
}

/* len bytes without a line feed or a mark, as they may be shown. */
static void put_words(ctl_say_t *say, char *s, apr_size_t len, char *room)
{
    char end = s[len];

    s[len] = '\0';
    absw_text_clean(room, len + 1, s);
    s[len] = end;
    for (const char *c = room; *c; c++) {
        if (!say->is_ascii || !((unsigned char)*c & 0x80)) {
            fputc(*c, say->file);
        }
        else if (!is_inner(*c)) {
            fputc('?', say->file);
        }
    }
}

static void put(ctl_say_t *say, char *s)
{
    char *room = malloc(strlen(s) + 1);

    while (room && *s) {
        char *end = s;

        while (*end && *end != '\n' && !is_mark(*end)) {
            end++;
        }
        put_words(say, s, (apr_size_t)(end - s), room);
        if (*end == '\n') {
            fputc('\n', say->file);
        }
        else if (*end && say->colour) {
            fputs(escapes[(int)*end], say->file);
        }
        s = *end ? end + 1 : end;
    }
    free(room);
}

/* ---- lines ---- */

void ctl_say(ctl_say_t *say, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    ctl_say_leave(say);
    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0) {
        put(say, text);
        free(text);
    }
    va_end(args);
}

void ctl_say_leave(ctl_say_t *say)
{
    if (say->shown) {
        fputc('\n', say->file);
        fflush(say->file);
        say->shown = 0;
    }
}

/* ---- terminals ---- */

static void size_of(const ctl_say_t *say, apr_size_t *columns, apr_size_t *rows)
{
    struct winsize size = { 0 };

    *columns = 80;
    *rows = 24;
    if (ioctl(fileno(say->file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *columns = size.ws_col;
        *rows = size.ws_row;
    }
}

/* The first line of s in that many places, and the marks of the rest of it. Returns the next. */
static const char *put_line(ctl_say_t *say, const char *s, apr_size_t places)
{
    const char *end = strchrnul(s, '\n');
    char *line = malloc((apr_size_t)(end - s) + 1);
    char *to = line;

    for (; line && s < end; s++) {
        if (!is_mark(*s) && !is_inner(*s) && places > 0) {
            places--;
            *to++ = *s;
            while (s + 1 < end && is_inner(s[1])) {
                *to++ = *++s;
            }
        }
        else if (is_mark(*s)) {
            *to++ = *s;
        }
    }
    if (line) {
        *to = '\0';
        put(say, line);
        free(line);
    }
    return *end ? end + 1 : end;
}

void ctl_say_over(ctl_say_t *say, const char *line)
{
    apr_size_t columns;
    apr_size_t rows;

    size_of(say, &columns, &rows);
    fputs("\r", say->file);
    put_line(say, line, columns - 1);
    fputs("\033[K", say->file);
    fflush(say->file);
    say->shown = 1;
}

void ctl_say_screen(ctl_say_t *say, const char *text)
{
    apr_size_t columns;
    apr_size_t rows;

    size_of(say, &columns, &rows);
    fputs("\033[H", say->file);
    for (apr_size_t i = 0; i + 1 < rows && *text; i++) {
        text = put_line(say, text, columns - 1);
        fputs("\033[K\n", say->file);
    }
    fputs("\033[J", say->file);
    fflush(say->file);
}

int ctl_say_is_written(ctl_say_t *say)
{
    return fflush(say->file) == 0 && !ferror(say->file);
}
