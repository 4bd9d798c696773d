/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <curl/curl.h>

#include "duration.h"
#include "http.h"
#include "interrupt.h"
#include "say.h"

struct ctl_http_t {
    CURL *curl;
    CURLU *url;
    const char *shown;
    const char *user;
    const char *password;
    int netrc;
    apr_interval_time_t timeout;
    apr_interval_time_t connect_timeout;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
};

/* ---- the URL ---- */

static const char *part_of(CURLU *url, CURLUPart which, unsigned flags, apr_pool_t *pool)
{
    char *text = NULL;
    const char *copy;

    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) {
        return NULL;
    }
    copy = apr_pstrdup(pool, text);
    curl_free(text);
    return copy;
}

static int is_web(const char *scheme)
{
    return scheme && (!strcmp(scheme, "http") || !strcmp(scheme, "https"));
}

/* 0: it is none. */
static int take_url(ctl_http_t *http, const char *text, apr_pool_t *pool)
{
    /* a name without a scheme is http; curl would guess ftp from a host called ftp */
    const char *whole = strstr(text, "://") ? text : apr_pstrcat(pool, "http://", text, NULL);

    if (curl_url_set(http->url, CURLUPART_URL, whole, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK
        || !is_web(part_of(http->url, CURLUPART_SCHEME, 0, pool))) {
        return 0;
    }
    http->user = part_of(http->url, CURLUPART_USER, CURLU_URLDECODE, pool);
    http->password = part_of(http->url, CURLUPART_PASSWORD, CURLU_URLDECODE, pool);
    curl_url_set(http->url, CURLUPART_USER, NULL, 0);
    curl_url_set(http->url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(http->url, CURLUPART_FRAGMENT, NULL, 0);
    http->shown = ctl_say_clean(part_of(http->url, CURLUPART_URL, 0, pool), pool);
    return 1;
}

/* Whoever has a proxy for the world outside does not mean this machine. */
static int is_here(CURLU *url, apr_pool_t *pool)
{
    const char *host = part_of(url, CURLUPART_HOST, 0, pool);

    return host && (!strcmp(host, "localhost") || !strncmp(host, "127.", 4)
                    || !strcmp(host, "[::1]"));
}

/* ---- the handle ---- */

static apr_status_t end(void *data)
{
    ctl_http_t *http = data;

    curl_easy_cleanup(http->curl);
    curl_url_cleanup(http->url);
    curl_slist_free_all(http->headers);
    return APR_SUCCESS;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)data, (void)a, (void)b, (void)c, (void)d;
    return ctl_interrupt_got() != 0;
}

static void set_up(ctl_http_t *http, const ctl_http_setup_t *setup, apr_pool_t *pool)
{
    CURL *curl = http->curl;

    http->headers = curl_slist_append(NULL, "Accept: application/json");
    curl_easy_setopt(curl, CURLOPT_CURLU, http->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "abswitchctl/" ABSW_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)CTL_HTTP_BODY_MAX);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* a name server that hangs does not hold up the end of a request, nor Ctrl-C */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
#endif
    if (setup->cacert) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, setup->cacert);
    }
    if (setup->netrc) {
        curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_REQUIRED);
    }
    if (is_here(http->url, pool)) {
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
}

ctl_http_t *ctl_http_create(const ctl_http_setup_t *setup, apr_pool_t *pool, const char **why)
{
    ctl_http_t *http = apr_pcalloc(pool, sizeof(*http));

    http->curl = curl_easy_init();
    http->url = curl_url();
    apr_pool_cleanup_register(pool, http, end, apr_pool_cleanup_null);
    if (!http->curl || !http->url) {
        *why = "libcurl could not be started";
        return NULL;
    }
    if (!take_url(http, setup->url, pool)) {
        *why = "the URL is not one of http or https, such as http://localhost/abswitch-manager";
        return NULL;
    }
    if (setup->user) {
        http->user = setup->user;
        http->password = setup->password;
    }
    if (setup->netrc) {
        http->netrc = 1;
        http->user = NULL;
    }
    http->timeout = setup->timeout;
    http->connect_timeout = setup->connect_timeout;
    set_up(http, setup, pool);
    return http;
}

const char *ctl_http_url(const ctl_http_t *http)
{
    return http->shown;
}

int ctl_http_logs_in(const ctl_http_t *http)
{
    return http->user || http->netrc;
}

const char *ctl_http_user_without_password(const ctl_http_t *http)
{
    return http->password ? NULL : http->user;
}

void ctl_http_set_password(ctl_http_t *http, const char *password)
{
    http->password = password;
}

void ctl_http_set_timeout(ctl_http_t *http, apr_interval_time_t timeout)
{
    http->timeout = timeout;
}

/* ---- a request ---- */

typedef struct {
    char *bytes;
    apr_size_t len;
    apr_size_t room;
    int too_long;
} body_t;

/* MAXFILESIZE is about the length that a server tells; this is about what it sends. */
static size_t on_bytes(char *bytes, size_t one, size_t n, void *data)
{
    body_t *body = data;

    (void)one;
    if (body->len + n > CTL_HTTP_BODY_MAX) {
        body->too_long = 1;
        return 0;
    }
    if (body->len + n >= body->room) {
        apr_size_t room = 2 * (body->len + n) + 4096;
        char *more = realloc(body->bytes, room);

        if (!more) {
            return 0;
        }
        body->bytes = more;
        body->room = room;
    }
    memcpy(body->bytes + body->len, bytes, n);
    body->len += n;
    return n;
}

static const char *encode(const ctl_http_t *http, const char *const *pairs, apr_pool_t *pool)
{
    const char *form = "";

    for (; *pairs; pairs += 2) {
        char *value = curl_easy_escape(http->curl, pairs[1], 0);

        form = apr_pstrcat(pool, form, *form ? "&" : "", pairs[0], "=", value ? value : "", NULL);
        curl_free(value);
    }
    return form;
}

static const char *reason_of(const ctl_http_t *http, CURLcode code, const body_t *body,
                             apr_pool_t *pool)
{
    const char *detail = *http->error ? http->error : curl_easy_strerror(code);

    if (body->too_long || code == CURLE_FILESIZE_EXCEEDED) {
        return apr_psprintf(pool, "the answer of %s has more than %d MB", http->shown,
                            CTL_HTTP_BODY_MAX >> 20);
    }
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return apr_psprintf(pool, "%s does not answer in time: %s", http->shown, detail);
    case CURLE_PEER_FAILED_VERIFICATION:
        return apr_psprintf(pool, "the certificate of %s is not trusted: %s; --cacert FILE names "
                            "the authority that signed it", http->shown, detail);
    case CURLE_ABORTED_BY_CALLBACK:
        return "interrupted";
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return apr_psprintf(pool, "%s cannot be reached: %s", http->shown, detail);
    default:
        return apr_psprintf(pool, "%s gives no answer that is HTTP: %s", http->shown, detail);
    }
}

static void perform(ctl_http_t *http, apr_pool_t *pool, ctl_http_answer_t *answer)
{
    CURL *curl = http->curl;
    body_t body = { 0 };
    char *type = NULL;
    char *location = NULL;
    CURLcode code;

    memset(answer, 0, sizeof(*answer));
    *http->error = '\0';
    if (http->user) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, http->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, http->password ? http->password : "");
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)apr_time_as_msec(http->connect_timeout));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)apr_time_as_msec(http->timeout));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        answer->why = ctl_say_clean(reason_of(http, code, &body, pool), pool);
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
    answer->type = ctl_say_clean(type, pool);
    answer->location = location ? ctl_say_clean(location, pool) : NULL;
    answer->body = apr_pstrmemdup(pool, body.bytes ? body.bytes : "", body.len);
    answer->len = body.len;
    free(body.bytes);
}

void ctl_http_get(ctl_http_t *http, const char *const *pairs, apr_pool_t *pool,
                  ctl_http_answer_t *answer)
{
    const char *query = part_of(http->url, CURLUPART_QUERY, 0, pool);
    const char *form = encode(http, pairs, pool);
    const char *all = query ? apr_pstrcat(pool, query, "&", form, NULL) : form;

    curl_url_set(http->url, CURLUPART_QUERY, all, 0);
    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    perform(http, pool, answer);
    curl_url_set(http->url, CURLUPART_QUERY, query, 0);
}

void ctl_http_post(ctl_http_t *http, const char *const *pairs, apr_pool_t *pool,
                   ctl_http_answer_t *answer)
{
    const char *form = encode(http, pairs, pool);

    curl_easy_setopt(http->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(http->curl, CURLOPT_COPYPOSTFIELDS, form);
    perform(http, pool, answer);
}
