/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>

#include "headers.h"

/** Is c that small letter, or its capital? */
#define IS_LETTER(c, letter) (((c) | 0x20) == (letter))

static inline int is_forged(const char *name)
{
    return !ap_cstr_casecmpn(name, "ABSWITCH", 8) && (name[8] == '-' || name[8] == '_');
}

/** Of a name that begins with "co". */
static inline int is_cookie(const char *name)
{
    return IS_LETTER(name[2], 'o') && IS_LETTER(name[3], 'k') && IS_LETTER(name[4], 'i')
           && IS_LETTER(name[5], 'e') && !name[6];
}

/** Only a name of the right length, that has the right letter where those of this length differ, is
 * compared at all. */
static const char **place_of(abswitch_headers_t *headers, const char *name)
{
#define IS(at, letter, text, field) \
    if (IS_LETTER(name[at], letter) && !ap_cstr_casecmp(name, text)) return &headers->field
    switch (strlen(name)) {
    case 4:
        IS(0, 'h', "Host", host);
        break;
    case 6:
        IS(0, 'a', "Accept", accept);
        IS(0, 'o', "Origin", origin);
        break;
    case 7:
        IS(0, 'r', "Referer", referer);
        IS(0, 'u', "Upgrade", upgrade);
        break;
    case 11:
        IS(4, 'p', "Sec-Purpose", purpose);
        break;
    case 12:
        IS(8, 't', "Content-Type", content_type);
        break;
    case 14:
        IS(10, 'm', "Sec-Fetch-Mode", fetch_mode);
        IS(10, 's', "Sec-Fetch-Site", fetch_site);
        break;
    case 16:
        IS(0, 'x', "X-Requested-With", requested_with);
        break;
    default:
        break;
    }
#undef IS
    return NULL;
}

void abswitch_headers_read(request_rec *r, abswitch_headers_t *headers)
{
    const apr_array_header_t *all = apr_table_elts(r->headers_in);

    memset(headers, 0, sizeof(*headers));
    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        const char **place = entry->key ? place_of(headers, entry->key) : NULL;

        if (place) {
            *place = *place ? apr_pstrcat(r->pool, *place, ", ", entry->val, NULL) : entry->val;
        }
    }
}

int abswitch_headers_origin(const request_rec *r, const char *host, absw_origin_t *origin)
{
    /* An absolute-form target is the authority; its Host header is not. */
    if (r->parsed_uri.hostname && r->parsed_uri.hostinfo) {
        host = r->parsed_uri.hostinfo;
    }
    return host && absw_origin_of_request(ap_http_scheme(r), host, origin);
}

static __attribute__((noinline)) void remove_forged(request_rec *r,
                                                    const apr_array_header_t *all)
{
    apr_table_t *kept = apr_table_make(r->pool, all->nelts);

    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        if (entry->key && !is_forged(entry->key)) {
            apr_table_addn(kept, entry->key, entry->val);
        }
    }
    r->headers_in = kept;
}

/** By the first letter of a name that matters its second one, which is small; 0: it does not. */
static const char second_letter[256] = { ['A'] = 'b', ['a'] = 'b', ['C'] = 'o', ['c'] = 'o' };

/** Every request makes this walk, and mostly it meets one Cookie and nothing forged. */
const char *abswitch_headers_screen(request_rec *r)
{
    const apr_array_header_t *all = apr_table_elts(r->headers_in);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)all->elts;
    const apr_table_entry_t *end = entry + all->nelts;
    const char *cookie = NULL;
    int suspicious = 0;

    for (; entry < end; entry++) {
        const char *name = entry->key;
        char second = second_letter[(unsigned char)*name];

        if (!second || !IS_LETTER(name[1], second)) {
            continue;
        }
        if (second == 'b') {
            suspicious = 1;
        }
        else if (!cookie && is_cookie(name)) {
            cookie = entry->val;
        }
    }
    if (suspicious) {
        remove_forged(r, all);
    }
    return cookie;
}
