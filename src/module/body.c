/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "body.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

static int is_form(const request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t len = sizeof(FORM_TYPE) - 1;

    if (!type || ap_cstr_casecmpn(type, FORM_TYPE, len)) {
        return 0;
    }
    type += len;
    type += strspn(type, " \t");
    return *type == '\0' || *type == ';';
}

/** The connection cannot be used any more: what is left of the body is in the way. */
static int give_up(request_rec *r, int status)
{
    r->connection->keepalive = AP_CONN_CLOSE;
    return status;
}

/** Add a brigade's bytes to text, which has room for max and one more. *end: it was the last. */
static apr_status_t take(apr_bucket_brigade *bb, char *text, apr_size_t max, apr_size_t *used,
                         int *end)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;
        apr_status_t rv;

        if (APR_BUCKET_IS_EOS(b)) {
            *end = 1;
            return APR_SUCCESS;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (len > max - *used) {
            return APR_ENOSPC;
        }
        memcpy(text + *used, data, len);
        *used += len;
    }
    return APR_SUCCESS;
}

/** A body that says that it is too long is not waited for. */
static int says_too_long(const request_rec *r, apr_size_t max)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return length && apr_atoi64(length) > (apr_int64_t)max;
}

int abswitch_body_read(request_rec *r, apr_size_t max, const char **text, apr_size_t *len)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    char *buf;
    int end = 0;

    if (!is_form(r)) {
        return HTTP_BAD_REQUEST;
    }
    if (says_too_long(r, max)) {
        return give_up(r, HTTP_REQUEST_ENTITY_TOO_LARGE);
    }
    *text = buf = apr_palloc(r->pool, max + 1);
    *len = 0;
    while (!end) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ,
                                         (apr_off_t)(max - *len) + 1);

        rv = rv == APR_SUCCESS ? take(bb, buf, max, len, &end) : rv;
        if (rv != APR_SUCCESS) {
            return give_up(r, rv == APR_ENOSPC ? HTTP_REQUEST_ENTITY_TOO_LARGE
                              : ap_map_http_request_error(rv, HTTP_BAD_REQUEST));
        }
        apr_brigade_cleanup(bb);
    }
    buf[*len] = '\0';
    return 0;
}
