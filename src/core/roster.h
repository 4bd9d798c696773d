/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_ROSTER_H
#define ABSW_ROSTER_H

#include "absw.h"

/**
 * The roster: the names of the nodes that count. Pure but for the memory; the text comes from a
 * store and is hostile until parsed.
 *
 *     v=1 id=0123456789abcdef web1:80 web2:80
 *
 * id is made at random with the key: whoever finds another one than before knows that the key
 * was lost and made anew, so that names may be missing.
 */

#define ABSW_ROSTER_MAX     1000    /* names */
#define ABSW_ROSTER_MARK    16      /* characters of the id, lower-case hex */

/** names are sorted, each there once; they live in the pool that was given. */
typedef struct {
    char mark[ABSW_ROSTER_MARK + 1];
    int n;
    const char *names[ABSW_ROSTER_MAX];
} absw_roster_t;

/** Read it. 0: it is none, and roster is empty. */
int absw_roster_parse(const char *text, apr_size_t len, absw_roster_t *roster,
                      apr_pool_t *pool);

/** As text, in pool. */
const char *absw_roster_format(const absw_roster_t *roster, apr_pool_t *pool);

int absw_roster_has(const absw_roster_t *roster, const char *name);

/** Add a name that is a node's (absw_roster_is_name), in its place. 0: there is no room. */
int absw_roster_add(absw_roster_t *roster, const char *name, apr_pool_t *pool);

void absw_roster_remove(absw_roster_t *roster, const char *name);

/** Is it the name of a node, `[A-Za-z0-9._:-]{1,64}`? */
int absw_roster_is_name(const char *name, apr_size_t len);

#endif
