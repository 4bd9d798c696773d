/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include <apr_time.h>

#include "absw.h"

/**
 * One URL over HTTP: the only room that knows libcurl. Redirects are not followed, so neither
 * name and password nor a change of the switch goes where nobody sent them. One thread.
 */

#define CTL_HTTP_BODY_MAX (16 * 1024 * 1024)    /* bytes of an answer */

typedef struct {
    const char *url;
    const char *user;               /* NULL: without a login */
    const char *password;
    int netrc;                      /* take both from ~/.netrc */
    const char *cacert;             /* NULL: the system's authorities */
    apr_interval_time_t connect_timeout;
    apr_interval_time_t timeout;    /* of a whole request */
} ctl_http_setup_t;

typedef struct ctl_http_t ctl_http_t;

/**
 * In pool, which ends it. NULL, and in why a sentence, if the URL is none. A name and password
 * in the URL are used where setup has none, and shown nowhere.
 */
ctl_http_t *ctl_http_create(const ctl_http_setup_t *setup, apr_pool_t *pool, const char **why);

/** The URL as it may be shown. */
const char *ctl_http_url(const ctl_http_t *http);

/** Does it log in, by whatever it was given? */
int ctl_http_logs_in(const ctl_http_t *http);

/** The name of a login that lacks a password; NULL: it does not. */
const char *ctl_http_user_without_password(const ctl_http_t *http);
void ctl_http_set_password(ctl_http_t *http, const char *password);

/** Requests end after this. */
void ctl_http_set_timeout(ctl_http_t *http, apr_interval_time_t timeout);

/** An answer, in the pool of the request. */
typedef struct {
    const char *why;                /* no answer: a sentence; NULL: there is one */
    long status;
    const char *type;               /* Content-Type, "" if none */
    const char *location;           /* of a redirect, clean; NULL */
    const char *body;
    apr_size_t len;
} ctl_http_answer_t;

/** Pairs: name, value, name, value, NULL; encoded here. */
void ctl_http_get(ctl_http_t *http, const char *const *pairs, apr_pool_t *pool,
                  ctl_http_answer_t *answer);
void ctl_http_post(ctl_http_t *http, const char *const *pairs, apr_pool_t *pool,
                   ctl_http_answer_t *answer);

#endif
