/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "policy.h"
#include "roster.h"

#define HEX "0123456789abcdef"
#define HEAD "v=1 id="

int absw_roster_is_name(const char *name, apr_size_t len)
{
    return absw_policy_is_name(name, len, ABSW_NODE_NAME_MAX, ".:");
}

/* Where the name is, or would be; *found says which. */
static int place_of(const absw_roster_t *roster, const char *name, int *found)
{
    int low = 0;
    int high = roster->n;

    while (low < high) {
        int middle = (low + high) / 2;
        int order = strcmp(roster->names[middle], name);

        if (order == 0) {
            *found = 1;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    *found = 0;
    return low;
}

int absw_roster_has(const absw_roster_t *roster, const char *name)
{
    int found;

    place_of(roster, name, &found);
    return found;
}

int absw_roster_add(absw_roster_t *roster, const char *name, apr_pool_t *pool)
{
    int found;
    int at = place_of(roster, name, &found);

    if (found) {
        return 1;
    }
    if (roster->n == ABSW_ROSTER_MAX) {
        return 0;
    }
    memmove(&roster->names[at + 1], &roster->names[at],
            (apr_size_t)(roster->n - at) * sizeof(roster->names[0]));
    roster->names[at] = apr_pstrdup(pool, name);
    roster->n++;
    return 1;
}

void absw_roster_remove(absw_roster_t *roster, const char *name)
{
    int found;
    int at = place_of(roster, name, &found);

    if (found) {
        roster->n--;
        memmove(&roster->names[at], &roster->names[at + 1],
                (apr_size_t)(roster->n - at) * sizeof(roster->names[0]));
    }
}

static int parse(const char *at, const char *end, absw_roster_t *roster, apr_pool_t *pool)
{
    if ((apr_size_t)(end - at) < strlen(HEAD) + ABSW_ROSTER_MARK
        || memcmp(at, HEAD, strlen(HEAD)) != 0) {
        return 0;
    }
    at += strlen(HEAD);
    memcpy(roster->mark, at, ABSW_ROSTER_MARK);
    if (strspn(roster->mark, HEX) != ABSW_ROSTER_MARK) {
        return 0;
    }
    for (at += ABSW_ROSTER_MARK; at < end;) {
        const char *name = at + 1;
        const char *space = *at == ' ' ? memchr(name, ' ', (apr_size_t)(end - name)) : name;

        at = space ? space : end;
        if (!absw_roster_is_name(name, (apr_size_t)(at - name))
            || !absw_roster_add(roster, apr_pstrmemdup(pool, name, (apr_size_t)(at - name)),
                                pool)) {
            return 0;
        }
    }
    return 1;
}

int absw_roster_parse(const char *text, apr_size_t len, absw_roster_t *roster, apr_pool_t *pool)
{
    memset(roster, 0, sizeof(*roster));
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) && text[len - 1] != '\0') {
        len--;
    }
    if (!parse(text, text + len, roster, pool)) {
        memset(roster, 0, sizeof(*roster));
        return 0;
    }
    return 1;
}

const char *absw_roster_format(const absw_roster_t *roster, apr_pool_t *pool)
{
    apr_size_t room = strlen(HEAD) + ABSW_ROSTER_MARK + 1;
    char *text;
    char *at;

    for (int i = 0; i < roster->n; i++) {
        room += strlen(roster->names[i]) + 1;
    }
    text = apr_palloc(pool, room);
    at = apr_cpystrn(text, HEAD, room);
    at = apr_cpystrn(at, roster->mark, room - (apr_size_t)(at - text));
    for (int i = 0; i < roster->n; i++) {
        *at++ = ' ';
        at = apr_cpystrn(at, roster->names[i], room - (apr_size_t)(at - text));
    }
    return text;
}
