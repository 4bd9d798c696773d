/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "cookie.h"
#include "location.h"
#include "members.h"
#include "session.h"

#define COOKIES_MAX 8       /* cookies of our name that are looked at */

#define LONG_AGO    "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"

/** What the table knows the token's session by, as activity on side. */
static absw_table_session_t in_table(const abswitch_node_t *node, const absw_board_app_t *place,
                                     const absw_token_t *token, int side)
{
    absw_table_session_t session = {
        .login = token->login,
        .place = place->place[side],
        .home = place->place[token->side],
        .kid = token->kid,
        .key_check = absw_keys_check(node->keys, token->kid),
        .tester = token->tester,
    };

    memcpy(session.id, token->id, sizeof(session.id));
    memcpy(session.tag, token->tag, sizeof(session.tag));
    return session;
}

/** The tag is compared with the one that was verified before; else, once, the MAC is computed. */
static int verified(const abswitch_node_t *node, const abswitch_app_t *app,
                    abswitch_session_t *session)
{
    const absw_board_app_t *place = abswitch_place_of(node, app);
    const absw_token_t *token = &session->token;

    session->spot.slot = NULL;
    if (place->app >= 0) {
        absw_table_session_t known = in_table(node, place, token, token->side);

        if (known.key_check && absw_table_verified(node->table, &known, &session->spot)) {
            return 1;
        }
    }
    return absw_token_verify(&app->policy, node->keys, token);
}

/** Is text a token, and newer than any before it? Most are known from the request before. */
static int is_session(const abswitch_node_t *node, const abswitch_app_t *app, absw_sec_t now,
                      const char *text, apr_size_t len, absw_sec_t newer_than,
                      abswitch_session_t *session)
{
    if (absw_memo_find(node->memo, app->index, text, len, session)) {
        return session->token.login > newer_than && session->token.login - ABSW_TOKEN_AHEAD <= now;
    }
    if (!absw_token_parse(&app->policy, now, text, len, &session->token)
        || session->token.login <= newer_than || !verified(node, app, session)) {
        return 0;
    }
    absw_memo_keep(node->memo, app->index, text, len, session);
    return 1;
}

int abswitch_session_find(const abswitch_node_t *node, const abswitch_app_t *app,
                          const char *cookie, absw_sec_t now, abswitch_session_t *session)
{
    absw_sec_t newest = -1;
    absw_cookies_t cookies;
    const char *value;
    apr_size_t len;

    if (!cookie) {
        return 0;
    }
    absw_cookie_begin(&cookies, cookie);
    for (int i = 0; i < COOKIES_MAX && absw_cookie_more(&cookies)
             && absw_cookie_next(&cookies, app->cookie.name, app->cookie.name_len, &value, &len);
         i++) {
        /* cppcheck-suppress uninitvar; it is written through the pointer before it is read */
        abswitch_session_t other, *candidate = newest < 0 ? session : &other;

        if (is_session(node, app, now, value, len, newest, candidate)) {
            newest = candidate->token.login;
            if (candidate == &other) {
                *session = other;
            }
        }
    }
    return newest >= 0;
}

static void touch(const abswitch_node_t *node, const absw_board_app_t *place,
                  const absw_token_t *token, int side, absw_sec_t now)
{
    absw_table_session_t session = in_table(node, place, token, side);

    if (absw_table_touch(node->table, &session, now) == ABSW_TABLE_FULL) {
        absw_board_uncounted(place, side, now);
    }
}

void abswitch_session_count(const abswitch_node_t *node, const abswitch_app_t *app,
                            const abswitch_session_t *session, int side, absw_sec_t now)
{
    const absw_board_app_t *place = abswitch_place_of(node, app);
    const absw_token_t *token = &session->token;

    if (place->app < 0) {
        return;
    }
    if (side != token->side) {
        touch(node, place, token, side, now);
    }
    if (!absw_table_touch_at(&session->spot, now)) {
        touch(node, place, token, token->side, now);
    }
}

void abswitch_session_end(const abswitch_node_t *node, const abswitch_app_t *app,
                          const absw_token_t *token, absw_sec_t now)
{
    const absw_board_app_t *place = abswitch_place_of(node, app);

    if (place->app >= 0) {
        absw_table_end(node->table, token->id, place->place, place->sides_n);
        absw_ends_add(node->ends, place->app, absw_members_hash(token->id), now);
    }
}

/* ---- cookies ---- */

static int is_secure(request_rec *r, const abswitch_app_t *app)
{
    const abswitch_cookie_t *cookie = &app->cookie;
    const absw_origin_t *first = app->origins->nelts
                                 ? &APR_ARRAY_IDX(app->origins, 0, absw_origin_t) : NULL;

    return cookie->secure == ABSWITCH_SECURE_ON
           || (cookie->secure == ABSWITCH_SECURE_AUTO
               && (!strcmp(ap_http_scheme(r), "https") || !strcmp(cookie->same_site, "None")
                   || (first && !strcmp(first->scheme, "https"))));
}

static void set_token_cookie(request_rec *r, const abswitch_app_t *app, const char *value,
                             const char *expiry)
{
    const abswitch_cookie_t *cookie = &app->cookie;

    apr_table_addn(r->err_headers_out, "Set-Cookie",
                   apr_pstrcat(r->pool, cookie->name, "=", value,
                               "; Path=", cookie->sent_path,
                               cookie->domain ? "; Domain=" : "",
                               cookie->domain ? cookie->domain : "",
                               expiry, is_secure(r, app) ? "; Secure" : "",
                               "; HttpOnly; SameSite=", cookie->same_site, NULL));
}

int abswitch_session_begin(request_rec *r, const abswitch_node_t *node,
                           const abswitch_app_t *app, int side, int tester, absw_sec_t now)
{
    char text[ABSW_TOKEN_MAX + 1];
    absw_token_t token;
    apr_status_t rv = absw_token_make(&app->policy, node->keys, side, tester, now, &token);

    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, "%s: no random bytes for a new session of "
                      "side %s; the request goes on without one", app->name,
                      app->policy.sides[side].name);
        return 0;
    }
    absw_token_format(&app->policy, &token, text);
    set_token_cookie(r, app, text, "");
    return 1;
}

void abswitch_session_expire(request_rec *r, const abswitch_app_t *app)
{
    set_token_cookie(r, app, "", "; " LONG_AGO);
}

static void clear_cookie(request_rec *r, const char *name, const char *path, const char *slash)
{
    apr_table_addn(r->err_headers_out, "Set-Cookie",
                   apr_pstrcat(r->pool, name, "=; Path=",
                               absw_location_build(r->pool, path, slash, NULL, NULL, 0),
                               "; " LONG_AGO, NULL));
}

void abswitch_session_clear_cookies(request_rec *r, const abswitch_app_t *app, int side,
                                    int other)
{
    for (int i = 0; i < app->clear_cookies->nelts; i++) {
        const char *name = APR_ARRAY_IDX(app->clear_cookies, i, const char *);

        clear_cookie(r, name, app->policy.sides[side].path, "");
        clear_cookie(r, name, app->policy.sides[side].path, "/");
        if (other != side) {
            clear_cookie(r, name, app->policy.sides[other].path, "");
            clear_cookie(r, name, app->policy.sides[other].path, "/");
        }
        clear_cookie(r, name, app->launchpad, "");
    }
}
