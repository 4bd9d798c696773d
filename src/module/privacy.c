/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <http_request.h>
#include <util_filter.h>

#include "privacy.h"

#define EARLY   "ABSWITCH_PRIVATE"      /* where CACHE is a filter among the application's */
#define LATE    "ABSWITCH_PRIVATE_LATE" /* after mod_headers, before mod_cache stores */
#define LAST    "ABSWITCH_PRIVATE_LAST" /* after mod_cache has answered from what it stored */

/**
 * The value with "private" and without what contradicts it; NULL if it is well as it is. value
 * NULL: there is no such header yet. A quoted string may hold a comma and is kept in one piece.
 */
static const char *make_private(apr_pool_t *p, const char *value)
{
    const char *kept = "";
    int is_private = 0, contradicts = 0;

    while (value && *value) {
        char *word = ap_get_token(p, &value, 1);

        if (!ap_cstr_casecmp(word, "no-store")) {
            return NULL;
        }
        if (!ap_cstr_casecmp(word, "public") || !ap_cstr_casecmpn(word, "s-maxage", 8)) {
            contradicts = 1;
        }
        else if (!ap_cstr_casecmp(word, "private")) {
            is_private = 1;
        }
        else if (*word) {
            kept = apr_pstrcat(p, kept, word, ", ", NULL);
        }
        value += strspn(value, ", \t");
    }
    return is_private && !contradicts ? NULL : apr_pstrcat(p, kept, "private", NULL);
}

static apr_status_t filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    const char *value = apr_table_getm(r->pool, r->headers_out, "Cache-Control");
    const char *error_value = apr_table_getm(r->pool, r->err_headers_out, "Cache-Control");
    const char *both = value && error_value
                       ? apr_pstrcat(r->pool, value, ", ", error_value, NULL)
                       : value ? value : error_value;
    const char *made = make_private(r->pool, both);

    if (made) {
        apr_table_unset(r->err_headers_out, "Cache-Control");
        apr_table_setn(r->headers_out, "Cache-Control", made);
    }
    else if (value && error_value && !strcmp(value, "private")
             && !make_private(r->pool, error_value)) {
        /* EARLY's, and mod_headers has said enough since. */
        apr_table_unset(r->headers_out, "Cache-Control");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

void abswitch_privacy_insert(request_rec *r)
{
    const request_rec *first = r;
    const abswitch_request_t *ours;

    while (first->prev) {
        first = first->prev;
    }
    ours = abswitch_request_of(first);
    if (ours && ours->private_answer && !r->main) {
        ap_add_output_filter(EARLY, NULL, r, r->connection);
        ap_add_output_filter(LATE, NULL, r, r->connection);
        ap_add_output_filter(LAST, NULL, r, r->connection);
    }
}

void abswitch_privacy_register_hooks(apr_pool_t *p)
{
    (void)p;
    /* mod_headers is CONTENT_SET; mod_cache's are CONTENT_SET + 1, behind ours of that type, for
     * they come later. When it answers itself it takes away all that is before its own. */
    ap_register_output_filter(EARLY, filter, NULL, AP_FTYPE_RESOURCE);
    ap_register_output_filter(LATE, filter, NULL, AP_FTYPE_CONTENT_SET + 1);
    ap_register_output_filter(LAST, filter, NULL, AP_FTYPE_CONTENT_SET + 2);
    ap_hook_insert_error_filter(abswitch_privacy_insert, NULL, NULL, APR_HOOK_LAST);
}
