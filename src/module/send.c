/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"
#include "send.h"

static int finish(request_rec *r, int status, const char *type, apr_bucket_brigade *bb)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;

    r->status = status;
    abswitch_answer_no_store(r);
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_mergen(r->headers_out, "Vary", "Accept");
    ap_set_content_type(r, type);
    /* whole in one piece, so that httpd counts its length, for HEAD too */
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    return ap_pass_brigade(r->output_filters, bb) == APR_SUCCESS || r->connection->aborted
           ? OK : AP_FILTER_ERROR;
}

int abswitch_send_text(request_rec *r, int status, const char *type, const char *text)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);

    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_pool_create(text, strlen(text), r->pool, alloc));
    return finish(r, status, type, bb);
}

abswitch_markup_t abswitch_send_begin(request_rec *r, absw_sec_t now)
{
    return (abswitch_markup_t){
        .bb = apr_brigade_create(r->pool, r->connection->bucket_alloc), .pool = r->pool,
        .now = now
    };
}

int abswitch_send_page(request_rec *r, int status, const char *policy, abswitch_markup_t *m)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy", policy);
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
    return finish(r, status, ABSWITCH_TYPE_HTML, m->bb);
}

int abswitch_send_failure(request_rec *r, const char *what)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "mod_abswitch: the status page could not be "
                  "made: %s", what);
    abswitch_answer_no_store(r);
    return HTTP_INTERNAL_SERVER_ERROR;
}
