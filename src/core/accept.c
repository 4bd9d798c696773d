/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "absw.h"
#include "accept.h"

#define BLANKS " \t"

/** How well a type is liked: the quality that its closest range gives it. */
typedef struct {
    int closeness;              /* 0: no range covers it, 1: any, 2: its family, 3: it is named */
    int quality;                /* thousandths */
} liking_t;

/* The length of an element: to the next comma that is in no quoted string. */
static apr_size_t element_len(const char *s)
{
    int quoted = 0;
    apr_size_t i;

    for (i = 0; s[i] && (quoted || s[i] != ','); i++) {
        if (quoted && s[i] == '\\' && s[i + 1]) {
            i++;
        }
        else if (s[i] == '"') {
            quoted = !quoted;
        }
    }
    return i;
}

/* A weight in thousandths: "0", "1", "0.5", "1.000"; -1 if it is none. */
static int quality_of(const char *s, apr_size_t len)
{
    int quality;
    int unit = 100;

    if (len < 1 || len > 5 || (s[0] != '0' && s[0] != '1') || (len > 1 && s[1] != '.')) {
        return -1;
    }
    quality = (s[0] - '0') * 1000;
    for (apr_size_t i = 2; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return -1;
        }
        quality += (s[i] - '0') * unit;
        unit /= 10;
    }
    return quality <= 1000 ? quality : -1;
}

/* The quality among the parameters of an element, 1000 if there is none, -1 if it is none. */
static int quality_among(const char *s, apr_size_t len)
{
    const char *end = s + len;

    while ((s = memchr(s, ';', (apr_size_t)(end - s))) != NULL) {
        s++;
        s += strspn(s, BLANKS);
        if (end - s >= 2 && (*s == 'q' || *s == 'Q') && s[1] == '=') {
            return quality_of(s + 2, strcspn(s + 2, BLANKS ";,"));
        }
    }
    return 1000;
}

/* How closely a range (len bytes) names the type "family/..."; 0: not at all. */
static int closeness_of(const char *range, apr_size_t len, const char *type)
{
    apr_size_t family = strcspn(type, "/") + 1;

    if (len == strlen(type) && !strncasecmp(range, type, len)) {
        return 3;
    }
    if (len == family + 1 && range[family] == '*' && !strncasecmp(range, type, family)) {
        return 2;
    }
    return len == 3 && !strncmp(range, "*/*", 3) ? 1 : 0;
}

static void consider(liking_t *liking, const char *element, apr_size_t len, const char *type)
{
    apr_size_t range = strcspn(element, BLANKS ";,");
    int closeness = closeness_of(element, range, type);
    int quality = quality_among(element, len);

    if (closeness > liking->closeness && quality >= 0) {
        liking->closeness = closeness;
        liking->quality = quality;
    }
}

int absw_accept_prefers_json(const char *accept)
{
    liking_t json = { 0 };
    liking_t html = { 0 };

    while (accept && *accept) {
        apr_size_t len = element_len(accept);
        apr_size_t blanks = strspn(accept, BLANKS);

        if (blanks < len) {
            consider(&json, accept + blanks, len - blanks, "application/json");
            consider(&html, accept + blanks, len - blanks, "text/html");
        }
        accept += len + (accept[len] ? 1 : 0);
    }
    return json.quality > html.quality
           || (json.quality == html.quality && json.quality > 0
               && json.closeness > html.closeness);
}
