/* SPDX-License-Identifier: Apache-2.0 */
#include "accept.h"
#include "fuzz.h"
#include "inside.h"

/*
 * What headers say. In, a line each: Referer, Origin, Sec-Fetch-Site, Host, Accept, Sec-Purpose,
 * Upgrade, Content-Type; a line "-" is a header that is absent.
 *
 * Nothing is inside that does not name the own origin, in a spelling that has no other reading;
 * and an origin has one form that parses back to it.
 */

static char *header(fuzz_t *in)
{
    char *line = fuzz_line(in);

    return strcmp(line, "-") == 0 ? NULL : line;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Does text begin with word, whatever the case, and what follows begin the rest of a URL? */
static const char *behind(const char *text, const char *word)
{
    for (; *word; text++, word++) {
        if (lower((unsigned char)*text) != *word) {
            return NULL;
        }
    }
    return text;
}

/* An own-origin URL as a browser reads it; what comes behind the origin, or NULL. */
static const char *own_rest(const char *url)
{
    const char *rest = url ? behind(url, "https://app.example") : NULL;

    if (rest && *rest == '.') {
        rest++;
    }
    if (rest && *rest == ':') {
        rest += 1 + strspn(rest + 1, "0");      /* browsers read such a port, too */
        rest = strncmp(rest, "443", 3) == 0 ? rest + 3 : NULL;
    }
    return rest && (*rest == '\0' || strchr("/?#", *rest)) ? rest : NULL;
}

static void origin_has_one_form(const char *url)
{
    absw_origin_t origin;
    absw_origin_t again;
    const char *rest = NULL;
    char text[sizeof(origin.host) + 32];

    if (!url || !absw_origin_parse(url, 0, &origin, &rest)) {
        return;
    }
    FUZZ_HOLDS(rest > url && rest <= url + strlen(url));
    FUZZ_HOLDS(*rest == '\0' || strchr("/?#", *rest));
    FUZZ_HOLDS(!strcmp(origin.scheme, "http") || !strcmp(origin.scheme, "https"));
    FUZZ_HOLDS(origin.host[0] && origin.port > 0 && origin.port < 65536);
    FUZZ_HOLDS(strpbrk(origin.host, "/?#@\\ %") == NULL);
    snprintf(text, sizeof(text), "%s://%s:%u", origin.scheme, origin.host, origin.port);
    FUZZ_HOLDS(absw_origin_parse(text, 1, &again, NULL));
    FUZZ_HOLDS(absw_origin_equal(&origin, &again));
    FUZZ_HOLDS(!strcmp(origin.host, again.host));
}

void fuzz(fuzz_t *in)
{
    absw_provenance_t from;
    absw_asking_t asking = { .method = "GET" };
    absw_origin_t own;
    const char *host;
    const char *accept;
    const char *purpose;

    from.referer = header(in);
    from.origin = header(in);
    from.fetch_site = header(in);
    host = header(in);
    accept = header(in);
    purpose = header(in);

    FUZZ_HOLDS(absw_origin_parse("https://app.example", 1, &own, NULL));
    if (absw_inside(fuzz_policy(), &own, 1, &from)) {
        const char *rest = own_rest(from.referer);

        FUZZ_HOLDS(rest || !from.referer || !*from.referer);
        /* a fragment, which no browser sends, is not looked at */
        if (rest && *(rest + (*rest == '/')) && *(rest + (*rest == '/')) != '#') {
            FUZZ_HOLDS(*rest == '/');
        }
        else {
            FUZZ_HOLDS((from.fetch_site && !strcmp(from.fetch_site, "same-origin"))
                       || own_rest(from.origin));
        }
    }
    if (absw_inside(fuzz_policy(), &own, 0, &from)) {
        FUZZ_HOLDS((!from.referer || !*from.referer) && from.fetch_site);
    }
    origin_has_one_form(from.referer);
    origin_has_one_form(from.origin);
    if (host && absw_origin_of_request("http", host, &own)) {
        FUZZ_HOLDS(own.host[0] && own.port > 0 && own.port < 65536);
    }

    asking.accept = accept;
    asking.upgrade = header(in);
    asking.content_type = header(in);
    FUZZ_HOLDS(absw_inside_kind(&asking) != ABSW_KIND_FORM_POST);
    FUZZ_HOLDS(!asking.upgrade || absw_inside_kind(&asking) == ABSW_KIND_OTHER);
    asking.method = "POST";
    asking.fetch_mode = from.fetch_site;
    FUZZ_HOLDS(absw_inside_kind(&asking) != ABSW_KIND_NAV);
    FUZZ_HOLDS(!absw_accept_prefers_json(accept) || strstr(accept, "/"));
    FUZZ_HOLDS(!purpose || !absw_inside_is_prefetch(purpose) || strstr(purpose, "prefetch"));
}
