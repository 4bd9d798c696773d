/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "store_address.h"
#include "text.h"

#define SCHEME   "memcache:"
#define HOST_MAX 253            /* RFC 1035, in text */
#define ACCEPTED "local, memcache:HOST[:PORT][,HOST[:PORT]...] or memcache:/path/to/socket"

/* Is every byte of it one of a class, or one of extra? */
static int is_made_of(const char *s, int (*is_class)(char c), const char *extra)
{
    for (; *s; s++) {
        if (!is_class(*s) && !strchr(extra, *s)) {
            return 0;
        }
    }
    return 1;
}

static int is_alnum(char c)
{
    return apr_isascii(c) && apr_isalnum(c);
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* NULL, or what is wrong with it. */
static const char *take_port(const char *text, apr_uint16_t *port)
{
    apr_int64_t number;

    if (!text) {
        *port = ABSW_STORE_PORT_DEFAULT;
        return NULL;
    }
    if (!absw_text_number(text, strlen(text), 65535, &number) || number < 1) {
        return "a port is a number from 1 to 65535";
    }
    *port = (apr_uint16_t)number;
    return NULL;
}

static const char *take_socket(const char *text, absw_store_place_t *place)
{
    struct sockaddr_un address;

    if (strlen(text) >= sizeof(address.sun_path)) {
        return "a socket's path has at most 107 bytes";
    }
    if (!absw_text_is_clean(text, strlen(text)) || text[strlen(text) - 1] == '/') {
        return "that is no path of a socket";
    }
    place->path = text;
    place->name = text;
    return NULL;
}

/* Of the many ways to write an IPv6 address one is kept, so that two of them can be compared. */
static const char *take_ipv6(apr_pool_t *pool, char *text, absw_store_place_t *place)
{
    char canonical[INET6_ADDRSTRLEN];
    struct in6_addr address;
    char *end = strchr(text, ']');
    const char *wrong;

    if (!end || (end[1] != '\0' && end[1] != ':')) {
        return "an IPv6 address is written [ADDRESS] or [ADDRESS]:PORT";
    }
    *end = '\0';
    if (inet_pton(AF_INET6, text + 1, &address) != 1
        || !inet_ntop(AF_INET6, &address, canonical, sizeof(canonical))) {
        return "there is no IPv6 address between the brackets";
    }
    wrong = take_port(end[1] ? end + 2 : NULL, &place->port);
    place->host = apr_pstrdup(pool, canonical);
    place->name = apr_psprintf(pool, "[%s]:%d", canonical, place->port);
    return wrong;
}

static const char *take_host(apr_pool_t *pool, char *text, absw_store_place_t *place)
{
    struct in_addr address;
    char *colon = strchr(text, ':');
    const char *wrong;

    if (colon && strchr(colon + 1, ':')) {
        return "an IPv6 address needs brackets, as in [::1]:11211";
    }
    if (colon) {
        *colon = '\0';
    }
    if (strchr(text, '/')) {
        return "a socket's path begins with /";
    }
    if (*text == '\0' || strlen(text) > HOST_MAX || *text == '-' || *text == '.'
        || !is_made_of(text, is_alnum, "-._")) {
        return *text ? "that is no host name" : "a server is missing";
    }
    if (is_made_of(text, is_digit, ".") && inet_pton(AF_INET, text, &address) != 1) {
        return "that is no IPv4 address";
    }
    for (char *c = text; *c; c++) {
        *c = (char)apr_tolower(*c);
    }
    wrong = take_port(colon ? colon + 1 : NULL, &place->port);
    place->host = text;
    place->name = apr_psprintf(pool, "%s:%d", text, place->port);
    return wrong;
}

/* One server; text is changed and kept. */
static const char *take_server(apr_pool_t *pool, char *text, absw_store_address_t *address)
{
    absw_store_place_t *place;
    const char *wrong;

    if (address->n == ABSW_STORE_SERVERS_MAX) {
        return apr_psprintf(pool, "there can be %d servers at most", ABSW_STORE_SERVERS_MAX);
    }
    place = &address->servers[address->n];
    wrong = *text == '/' ? take_socket(text, place)
          : *text == '[' ? take_ipv6(pool, text, place) : take_host(pool, text, place);
    for (int i = 0; !wrong && i < address->n; i++) {
        if (strcmp(address->servers[i].name, place->name) == 0) {
            wrong = apr_pstrcat(pool, place->name, " is named twice", NULL);
        }
    }
    address->n++;
    return wrong;
}

const char *absw_store_address_parse(apr_pool_t *pool, const char *value,
                                     absw_store_address_t *address)
{
    const char *wrong = NULL;
    char *text;
    char *next;

    memset(address, 0, sizeof(*address));
    if (strcmp(value, "local") == 0) {
        return NULL;
    }
    if (strncmp(value, SCHEME, strlen(SCHEME)) != 0) {
        return apr_psprintf(pool, "ABSwitchStore: \"%s\" is not accepted; give " ACCEPTED, value);
    }
    text = apr_pstrdup(pool, value + strlen(SCHEME));
    for (; text && !wrong; text = next) {
        next = strchr(text, ',');
        if (next) {
            *next++ = '\0';
        }
        wrong = take_server(pool, text, address);
    }
    return wrong ? apr_psprintf(pool, "ABSwitchStore: \"%s\" is not accepted, %s; give " ACCEPTED,
                                value, wrong)
                 : NULL;
}
