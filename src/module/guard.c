/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "guard.h"

/*
 * This looks at what is written, not at what a request will meet: where it cannot tell, in a
 * section by pattern or with a Require on a directory, it takes a Require for one that holds.
 */

int abswitch_guard_has(const ap_directive_t *at, const char *name, const char *arg)
{
    for (; at; at = at->next) {
        if ((!ap_cstr_casecmp(at->directive, name) && (!arg || !ap_cstr_casecmp(at->args, arg)))
            || abswitch_guard_has(at->first_child, name, arg)) {
            return 1;
        }
    }
    return 0;
}

static int is_section(const ap_directive_t *at, const char *name)
{
    return !ap_cstr_casecmp(at->directive, name);
}

/** The first argument of a section, without what the parser left of its end. */
static const char *path_of(apr_pool_t *p, const ap_directive_t *at)
{
    const char *args = apr_pstrdup(p, at->args);
    char *path = ap_getword_conf(p, &args);
    apr_size_t len = strlen(path);

    while (len > 0 && (path[len - 1] == '>' || path[len - 1] == '/')) {
        path[--len] = '\0';
    }
    return path;
}

/** A Require that says more than the distribution's own about every directory. */
static int has_particular(const ap_directive_t *at)
{
    for (; at; at = at->next) {
        if ((!ap_cstr_casecmp(at->directive, "Require") && ap_cstr_casecmp(at->args, "all granted")
             && ap_cstr_casecmp(at->args, "all denied"))
            || has_particular(at->first_child)) {
            return 1;
        }
    }
    return 0;
}

/** Does this section's Require hold for path, or may it? */
static int covers(apr_pool_t *p, const ap_directive_t *at, const char *path)
{
    const char *own;
    apr_size_t len;

    if (is_section(at, "<Directory") || is_section(at, "<DirectoryMatch")) {
        return has_particular(at->first_child);
    }
    if (!abswitch_guard_has(at->first_child, "Require", NULL)) {
        return 0;
    }
    if (is_section(at, "<LocationMatch") || is_section(at, "<If")) {
        return 1;
    }
    if (!is_section(at, "<Location")) {
        return 0;
    }
    own = path_of(p, at);
    len = strlen(own);
    return *own == '~' || (!strncmp(path, own, len) && (path[len] == '\0' || path[len] == '/'));
}

static int is_covered(apr_pool_t *p, const ap_directive_t *at, const char *path)
{
    for (; at; at = at->next) {
        if (covers(p, at, path) || is_covered(p, at->first_child, path)) {
            return 1;
        }
    }
    return 0;
}

/** The section by location that a directive stands in; NULL: in none. */
static const ap_directive_t *location_of(const ap_directive_t *at)
{
    for (at = at->parent; at; at = at->parent) {
        if (is_section(at, "<Location") || is_section(at, "<LocationMatch")) {
            return at;
        }
    }
    return NULL;
}

static void warn(const server_rec *s, const ap_directive_t *at, const char *path)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "SetHandler abswitch-manager%s%s (%s:%d): there "
                 "is no Require for it, so whoever can reach it may flip; give it one",
                 *path ? " at " : "", path, at->filename, at->line_num);
}

static void look(apr_pool_t *p, const server_rec *s, const ap_directive_t *at)
{
    for (; at; at = at->next) {
        const ap_directive_t *location;
        const char *path;

        look(p, s, at->first_child);
        if (ap_cstr_casecmp(at->directive, "SetHandler")
            || ap_cstr_casecmp(ap_getword_conf(p, &(const char *){ at->args }),
                               "abswitch-manager")) {
            continue;
        }
        location = location_of(at);
        path = location ? path_of(p, location) : "";
        if (!(location && abswitch_guard_has(location->first_child, "Require", NULL))
            && !is_covered(p, ap_conftree, path)) {
            warn(s, at, path);
        }
    }
}

void abswitch_guard_warn(apr_pool_t *p, const server_rec *s)
{
    look(p, s, ap_conftree);
}
