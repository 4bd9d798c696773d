/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_SESSION_H
#define ABSWITCH_SESSION_H

#include "module.h"

/** A request's session: its token found, counted, ended, handed out. No lock, no I/O. */
typedef absw_memo_value_t abswitch_session_t;

/**
 * The newest valid token of the first eight cookies of the application's name in the Cookie
 * header (NULL: none). 1 and *session, or 0 and *session means nothing. The session may be past its
 * time, its side may be closed.
 */
int abswitch_session_find(const abswitch_node_t *node, const abswitch_app_t *app,
                          const char *cookie, absw_sec_t now, abswitch_session_t *session);

/** The request is activity of the session, on side and on the session's own. */
void abswitch_session_count(const abswitch_node_t *node, const abswitch_app_t *app,
                            const abswitch_session_t *session, int side, absw_sec_t now);

/** The token's session ends, on every side; the other nodes will hear of it. */
void abswitch_session_end(const abswitch_node_t *node, const abswitch_app_t *app,
                          const absw_token_t *token, absw_sec_t now);

/** Hand out a new token for side in r's answer. 1, or 0 when there is no randomness (logged). */
int abswitch_session_begin(request_rec *r, const abswitch_node_t *node,
                           const abswitch_app_t *app, int side, int tester, absw_sec_t now);

/** The token expires in r's answer. */
void abswitch_session_expire(request_rec *r, const abswitch_app_t *app);

/** The application's own cookies (ABSwitchClearCookies) expire in r's answer: for the paths of
 * side and of other (which may be the same), with and without a trailing slash, and for the
 * launchpad's. */
void abswitch_session_clear_cookies(request_rec *r, const abswitch_app_t *app, int side,
                                    int other);

#endif
