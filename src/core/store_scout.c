/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>

#include <apr_network_io.h>
#include <apr_portable.h>

#include "store_scout.h"

#define QUESTION "version\r\n"
#define ANSWER   "VERSION "
#define KEEP     apr_time_from_sec(5)   /* a question; it may have been lost with a cable */

struct absw_store_scout_t {
    const absw_store_place_t *place;
    apr_pool_t *pool;           /* for the address */
    apr_pool_t *visit;          /* for a connection */
    apr_sockaddr_t *address;    /* NULL: not known yet */
    int has_looked_up;
    apr_socket_t *socket;       /* that was asked; NULL: none */
    apr_time_t asked;
};

void absw_store_scout_leave(absw_store_scout_t *scout)
{
    if (scout->socket) {
        apr_pool_clear(scout->visit);
        scout->socket = NULL;
    }
}

static void look_up(absw_store_scout_t *scout)
{
    const absw_store_place_t *place = scout->place;

    scout->has_looked_up = 1;
    if (apr_sockaddr_info_get(&scout->address, place->path ? place->path : place->host,
                              place->path ? APR_UNIX : APR_UNSPEC, place->port, 0,
                              scout->pool) != APR_SUCCESS) {
        scout->address = NULL;
    }
}

/* APR's own write raises SIGPIPE. */
static int ask(apr_socket_t *s)
{
    apr_os_sock_t fd;

    return apr_os_sock_get(&fd, s) == APR_SUCCESS
           && send(fd, QUESTION, strlen(QUESTION), MSG_NOSIGNAL) == (ssize_t)strlen(QUESTION);
}

static int visit(absw_store_scout_t *scout, apr_sockaddr_t *address, apr_time_t now)
{
    apr_socket_t *s;

    if (apr_socket_create(&s, address->family, SOCK_STREAM,
                          address->family == APR_UNIX ? 0 : APR_PROTO_TCP,
                          scout->visit) == APR_SUCCESS
        && apr_socket_timeout_set(s, ABSW_STORE_SCOUT_PATIENCE) == APR_SUCCESS
        && apr_socket_connect(s, address) == APR_SUCCESS && ask(s)) {
        scout->socket = s;
        scout->asked = now;
        return 1;
    }
    apr_pool_clear(scout->visit);
    return 0;
}

static int visit_any(absw_store_scout_t *scout, apr_time_t now)
{
    int is_there = 0;

    if (!scout->has_looked_up) {
        look_up(scout);
    }
    for (apr_sockaddr_t *address = scout->address; address && !is_there; address = address->next) {
        is_there = visit(scout, address, now);
    }
    return is_there;
}

int absw_store_scout_look(absw_store_scout_t *scout, apr_time_t now)
{
    char answer[64];
    apr_size_t len = sizeof(answer);
    apr_status_t status;

    if (!scout->socket && !visit_any(scout, now)) {
        return 0;
    }
    status = apr_socket_recv(scout->socket, answer, &len);
    if (APR_STATUS_IS_TIMEUP(status) || APR_STATUS_IS_EAGAIN(status)) {
        apr_socket_timeout_set(scout->socket, 0);       /* it hangs: from now on without a wait */
        if (now - scout->asked > KEEP) {
            absw_store_scout_leave(scout);
        }
        return 0;
    }
    absw_store_scout_leave(scout);
    return len >= strlen(ANSWER) && memcmp(answer, ANSWER, strlen(ANSWER)) == 0;
}

absw_store_scout_t *absw_store_scout_make(apr_pool_t *pool, const absw_store_place_t *place)
{
    absw_store_scout_t *scout = apr_pcalloc(pool, sizeof(*scout));

    scout->place = place;
    scout->pool = pool;
    apr_pool_create(&scout->visit, pool);
    return scout;
}
