/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_POLICY_H
#define ABSW_POLICY_H

#include "absw.h"

/**
 * What an administrator configured for one application, as the pure rooms need it. Made once
 * at configuration time, read only afterwards, so any thread may use it.
 *
 * Paths are decoded, begin with "/" and have no trailing slash; the root is "" (length 0).
 */
typedef struct {
    const char *name;
    const char *path;
    apr_size_t path_len;
} absw_side_t;

typedef enum {
    ABSW_BOOKMARKS_HOME,
    ABSW_BOOKMARKS_CURRENT,
    ABSW_BOOKMARKS_OFF
} absw_bookmarks_e;

typedef struct {
    const char *name;
    const char *launchpad;
    int sides_n;
    absw_side_t sides[ABSW_SIDES_MAX];
    int default_side;           /* index of ABSwitchDefault */
    absw_sec_t max_login;       /* 0: none */
    absw_sec_t idle;
    absw_sec_t drain_timeout;   /* 0: none */
    absw_bookmarks_e bookmarks;
} absw_policy_t;

/**
 * Does the decoded path lie at or below base (a policy path)? Compared by whole segments:
 * "/contact/A" covers "/contact/A" and "/contact/A/x", not "/contact/AB".
 * Returns the rest, "" or beginning with "/", or NULL. The rest points into path.
 */
const char *absw_policy_below(const char *base, apr_size_t base_len, const char *path);

/** The side that the decoded path lies below, or ABSW_NO_SIDE; *rest as above. */
int absw_policy_side_of_path(const absw_policy_t *policy, const char *path, const char **rest);

/** The side of that name (name need not end in NUL), or ABSW_NO_SIDE. */
int absw_policy_side_of_name(const absw_policy_t *policy, const char *name, apr_size_t len);

/** Is s (len bytes) a name of 1 to max bytes of [A-Za-z0-9_-] or of extra? */
int absw_policy_is_name(const char *s, apr_size_t len, apr_size_t max, const char *extra);

#endif
