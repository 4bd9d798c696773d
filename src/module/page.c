/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <openssl/evp.h>

#include "assets.h"
#include "page.h"
#include "page_parts.h"

#define REFRESH "5"             /* seconds */

/* ---- its policy ---- */

static const char *hash_of(apr_pool_t *p, const char *text)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned char base64[EVP_MAX_MD_SIZE * 2];
    unsigned int len = 0;

    if (!EVP_Digest(text, strlen(text), hash, &len, EVP_sha256(), NULL)) {
        return NULL;
    }
    EVP_EncodeBlock(base64, hash, (int)len);
    return apr_pstrdup(p, (const char *)base64);
}

static const char *read_only_policy(apr_pool_t *p)
{
    const char *style = hash_of(p, asset_status_css);

    return style ? apr_psprintf(p, "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; "
                                "form-action 'none'; frame-ancestors 'none'", style) : NULL;
}

const char *abswitch_page_policy(apr_pool_t *p, const abswitch_page_t *page)
{
    const char *style = hash_of(p, asset_status_css);
    const char *script = hash_of(p, asset_manager_js);

    if (!page->report->csrf) {
        return read_only_policy(p);
    }
    return style && script
           ? apr_psprintf(p, "default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; "
                          "base-uri 'none'; form-action 'self'; frame-ancestors 'none'", style,
                          script) : NULL;
}

const char *abswitch_page_refusal_policy(apr_pool_t *p)
{
    return read_only_policy(p);
}

/* ---- the head ---- */

/** State first, for people with many tabs: "contact: A draining 12, B open 331 - web1:80". */
static void put_title(abswitch_markup_t *m, const absw_report_t *report)
{
    abswitch_markup_put(m, "<title>");
    for (int i = 0; i < report->apps_n; i++) {
        const absw_report_app_t *app = &report->apps[i];

        abswitch_markup_putf(m, "%s%s:", i ? "; " : "",
                             abswitch_markup_text(m, app->policy->name));
        for (int side = 0; side < app->policy->sides_n; side++) {
            const absw_report_side_t *s = &app->sides[side];

            abswitch_markup_putf(m, "%s %s %s %s", side ? "," : "",
                                 abswitch_markup_text(m, s->name), abswitch_page_word(s),
                                 s->known ? apr_psprintf(m->pool, "%u", s->sessions) : "?");
        }
    }
    abswitch_markup_putf(m, "%s%s</title>\n", report->apps_n ? " - " : "",
                         abswitch_markup_text(m, report->node));
}

static void begin_head(abswitch_markup_t *m)
{
    abswitch_markup_put(m, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                        "<meta charset=\"utf-8\">\n"
                        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                        "<meta name=\"robots\" content=\"noindex\">\n");
}

static void end_head(abswitch_markup_t *m)
{
    abswitch_markup_put(m, "<style>");
    abswitch_markup_put(m, asset_status_css);
    abswitch_markup_put(m, "</style>\n</head>\n");
}

static void put_head(abswitch_markup_t *m, const abswitch_page_t *page)
{
    begin_head(m);
    if (page->refresh && !page->report->csrf) {
        abswitch_markup_put(m, "<meta http-equiv=\"refresh\" content=\"" REFRESH "\">\n");
    }
    put_title(m, page->report);
    if (page->refresh && page->report->csrf) {
        abswitch_markup_put(m, "<script>");
        abswitch_markup_put(m, asset_manager_js);
        abswitch_markup_put(m, "</script>\n");
    }
    end_head(m);
}

/* ---- the top ---- */

static void put_views(abswitch_markup_t *m, const abswitch_page_t *page)
{
    const char *narrowed = page->app
        ? apr_pstrcat(m->pool, "app=", abswitch_markup_text(m, page->app), NULL) : "";
    const char *and = page->app ? "&amp;" : "";

    abswitch_markup_put(m, "<nav aria-label=\"Other views\">");
    if (page->refresh) {
        abswitch_markup_put(m, page->report->csrf
                               ? "<noscript><a href=\"\">Reload</a> </noscript>" : "");
        abswitch_markup_putf(m, "<a href=\"?%s%srefresh=off\">Stop refreshing</a>", narrowed, and);
    }
    else {
        abswitch_markup_putf(m, "<a href=\"?%s\">Refresh every " REFRESH " s</a>", narrowed);
    }
    abswitch_markup_putf(m, "<a href=\"?%s%sformat=json\">JSON</a>"
                         "<a href=\"?%s%sformat=text\">Text</a></nav>\n", narrowed, and, narrowed,
                         and);
}

static void put_top(abswitch_markup_t *m, const abswitch_page_t *page)
{
    const absw_report_t *report = page->report;

    abswitch_markup_putf(m, "<header class=\"top\">\n<h1>mod_abswitch%s</h1>\n"
                         "<p>Node <b>%s</b></p>\n", report->csrf ? " manager" : "",
                         abswitch_markup_text(m, report->node));
    abswitch_markup_putf(m, "<p><b>%s</b> %s</p>\n", abswitch_markup_time(m, m->now),
                         abswitch_markup_text(m, abswitch_markup_local(m, "%Z, %Y-%m-%d",
                                                                       m->now)));
    abswitch_markup_putf(m, "<p>Store <b>%s, %s</b></p>\n",
                         abswitch_markup_text(m, report->store.type),
                         absw_store_state_name(report->store.state));
    put_views(m, page);
    abswitch_markup_put(m, "</header>\n");
}

static void put_store_alerts(abswitch_markup_t *m, const absw_report_t *report)
{
    if (report->store.state == ABSW_STORE_DOWN) {
        abswitch_markup_put(m, "<p class=\"alert\"><b>The store is down.</b> The switch stays as "
                            "it is and users are served; no drain can be proven until the store "
                            "answers.</p>\n");
        return;
    }
    for (int i = 0; i < report->store.servers_n; i++) {
        if (report->store.servers[i].state == ABSW_STORE_DOWN) {
            abswitch_markup_putf(m, "<p class=\"alert\"><b>Store server %s is down.</b> The "
                                 "others hold everything it held; nothing else changes.</p>\n",
                                 abswitch_markup_text(m, report->store.servers[i].server));
        }
    }
}

/* ---- the whole ---- */

void abswitch_page_write(abswitch_markup_t *m, const abswitch_page_t *page)
{
    const absw_report_t *report = page->report;

    put_head(m, page);
    abswitch_markup_put(m, "<body>\n");
    put_top(m, page);
    put_store_alerts(m, report);
    abswitch_markup_put(m, "<main>\n");
    for (int i = 0; i < report->apps_n; i++) {
        abswitch_page_app(m, &report->apps[i], i);
    }
    if (!report->apps_n) {
        abswitch_markup_put(m, "<section class=\"app\">\n<p class=\"lead\">No application is "
                            "configured: there is no &lt;ABSwitch&gt; section.</p>\n"
                            "</section>\n");
    }
    abswitch_markup_putf(m, "</main>\n<footer class=\"foot\"><p>mod_abswitch %s. Times are this "
                         "node\xe2\x80\x99s.</p></footer>\n</body>\n</html>\n",
                         abswitch_markup_text(m, report->module));
}

void abswitch_page_refuse(abswitch_markup_t *m, const abswitch_refusal_t *refusal)
{
    begin_head(m);
    abswitch_markup_putf(m, "<title>%s - mod_abswitch</title>\n",
                         abswitch_markup_text(m, refusal->title));
    end_head(m);
    abswitch_markup_putf(m, "<body>\n<main class=\"refusal\">\n<h1>%s</h1>\n"
                         "<p class=\"lead\">%s.</p>\n<p>%s</p>\n"
                         "<p><a href=\"?%s\">Back to the manager</a></p>\n</main>\n"
                         "</body>\n</html>\n",
                         abswitch_markup_text(m, refusal->title),
                         abswitch_markup_text(m, refusal->sentence),
                         abswitch_markup_text(m, refusal->advice),
                         abswitch_markup_text(m, refusal->query));
}
