/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSWITCH_MODULE_H
#define ABSWITCH_MODULE_H

/**
 * What the glue's files share: the configuration as read, and the node that runs it.
 *
 * Lifetimes: all of it lives in pconf and is read only once post_config is done, but for
 * abswitch_node_t.child, .memo and .counters, which each child process sets for itself before it
 * serves anyone.
 */

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <ap_expr.h>

#include "board.h"
#include "children.h"
#include "decide.h"
#include "ends.h"
#include "gate.h"
#include "memo.h"
#include "node.h"
#include "responses.h"
#include "shared.h"
#include "store_address.h"
#include "table.h"

#include "mod_abswitch.h"

#define ABSWITCH_VERSION ABSW_VERSION

APLOG_USE_MODULE(abswitch);

typedef struct abswitch_node_t abswitch_node_t;

/* ---- an application ---- */

typedef struct {
    const char *name;           /* of the side; its index once checked */
    int side;
    ap_expr_info_t *expr;
    const char *text;
} abswitch_route_t;

typedef enum { ABSWITCH_SECURE_AUTO, ABSWITCH_SECURE_ON, ABSWITCH_SECURE_OFF } abswitch_secure_e;

typedef struct {
    const char *name;
    apr_size_t name_len;
    const char *path;           /* decoded; NULL: the launchpad's */
    const char *sent_path;      /* the same as browsers compare it: percent-encoded */
    const char *domain;         /* or NULL */
    const char *same_site;      /* "Lax", "Strict", "None" */
    abswitch_secure_e secure;
} abswitch_cookie_t;

typedef struct {
    const char *name;
    absw_policy_t policy;               /* what the engine needs of all this */
    const char *spelling;               /* the section as written, for "the same application" */

    apr_array_header_t *sides;          /* absw_side_t, as configured */
    const char *launchpad;              /* without trailing slash; "" is the root; NULL: not set */
    const char *page;                   /* or NULL */
    const char *login;                  /* "/login", or NULL */
    const char *default_side;           /* or NULL: the first */
    apr_interval_time_t max_login;      /* 0: none */
    apr_interval_time_t idle;
    apr_interval_time_t drain_timeout;  /* 0: none */
    int auto_close;
    absw_bookmarks_e bookmarks;
    int deep_links;
    apr_array_header_t *origins;        /* absw_origin_t; empty: the request's own */
    apr_array_header_t *logout;         /* const char *, suffixes */
    apr_array_header_t *clear_cookies;  /* const char *, names */
    const char *door;                   /* ABSwitchOverride's path, or NULL */
    apr_size_t door_len;
    ap_expr_info_t *door_expr;
    int door_blind;                     /* the cookie's path does not cover the door */
    apr_array_header_t *routes;         /* abswitch_route_t */
    abswitch_cookie_t cookie;
    const char *const *on_drained;      /* argv, or NULL */

    int index;                          /* in abswitch_node_t.node.apps */
    /** What requests are told of side and verdict; read only, made by check. */
    apr_table_t *env[ABSW_SIDES_MAX][ABSW_VERDICT_COUNT];
} abswitch_app_t;

/** A path of an application, for the request path's one look. */
typedef enum { ABSWITCH_AT_SIDE, ABSWITCH_AT_DOOR, ABSWITCH_AT_LAUNCHPAD } abswitch_at_e;

typedef struct {
    const char *path;
    apr_size_t len;
    const char *tail;                   /* of path, behind what the server's gate has */
    abswitch_at_e at;
    int side;                           /* for ABSWITCH_AT_SIDE */
    const abswitch_app_t *app;
} abswitch_path_t;

/* ---- a server's configuration ---- */

typedef struct {
    absw_store_address_t store;         /* n 0: local */
    const char *state_dir;              /* NULL in each: not set */
    const char *secret_file;
    const char *node;
    apr_uint32_t sessions;              /* 0: not set, in each */
    apr_interval_time_t sync;
    apr_interval_time_t store_timeout;
    apr_interval_time_t retire_after;   /* 0: not set, or none */
} abswitch_global_t;

typedef struct {
    abswitch_global_t global;           /* main server only */
    apr_array_header_t *apps;           /* abswitch_app_t * */
    abswitch_app_t *open;               /* the section being read */
    apr_array_header_t *paths;          /* abswitch_path_t, most specific first; made by check */
    absw_gate_t gate;                   /* to all of them; so is this */
    abswitch_node_t *node;              /* NULL: no application anywhere */
} abswitch_server_t;

static inline abswitch_server_t *abswitch_server_of(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &abswitch_module);
}

/* ---- the node ---- */

struct abswitch_node_t {
    absw_node_t *node;                  /* the engine's; its apps are by abswitch_app_t.index */
    absw_shared_t *shared;
    absw_board_t *board;
    absw_children_t *children;
    absw_table_t *table;
    absw_ends_t *ends;
    absw_responses_t *responses;        /* NULL: no memory for them */
    absw_keys_t *keys;
    const char *name;
    const char *state_dir;
    apr_interval_time_t sync;
    apr_array_header_t *apps;           /* abswitch_app_t *, each application once */
    absw_child_t *child;                /* this process's row; NULL: none was free */
    absw_memo_t *memo;                  /* this process's, too */
    absw_counter_t *counters;           /* where its responses count, by place; NULL: nowhere */
};

static inline const absw_board_app_t *abswitch_place_of(const abswitch_node_t *node,
                                                        const abswitch_app_t *app)
{
    return &node->node->apps[app->index].place;
}

/* ---- a request ---- */

typedef struct {
    const abswitch_app_t *app;
    abswitch_node_t *node;
    abswitch_at_e at;
    int handled;                        /* at the launchpad itself, or the door: we answer */
    int side;                           /* of the path, or chosen; ABSW_NO_SIDE */
    const char *rest;                   /* of the path, below path */
    absw_verdict_e verdict;
    int private_answer;                 /* the application's answer carries a new token */
    apr_uint16_t in_flight;             /* the place it is counted at until it ends */
    const request_rec *r;               /* itself, if it is counted there */
} abswitch_request_t;

/** Ours for r itself, or NULL. */
static inline abswitch_request_t *abswitch_request_of(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &abswitch_module);
}

#endif
