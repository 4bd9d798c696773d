/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "dice.h"
#include "sample.h"
#include "shared_map.h"
#include "table.h"

/**
 * A state file full of people: fill DIR LIVE puts LIVE sessions, active right now, on side A of
 * the application "contact" into the state file of a httpd that was stopped.
 */

static int complain(const char *why)
{
    fprintf(stderr, "fill: %s\n", why);
    return 1;
}

/** The dimensions that the file has: with others it would be converted. */
static int read_dims(apr_pool_t *pool, const char *dir, absw_shared_dims_t *dims)
{
    absw_shared_map_t map = { .header = NULL };
    absw_shared_header_t header;
    int fd = open(apr_pstrcat(pool, dir, "/" ABSW_SHARED_TABLE, NULL), O_RDONLY);
    int whole = fd >= 0 && read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header);

    if (fd >= 0) {
        close(fd);
    }
    if (whole) {
        map.is = header.is;
        *dims = absw_shared_dims_of(&map);
    }
    return whole;
}

static int fill(absw_table_t *table, const absw_board_app_t *place, apr_uint32_t live)
{
    absw_sec_t now = time(NULL);

    for (apr_uint32_t i = 0; i < live; i++) {
        absw_table_session_t session = {
            .login = now - 100, .place = place->place[SIDE_A], .home = place->place[SIDE_A],
            .kid = 'k', .key_check = 7
        };
        dice_t d = { i };
        apr_uint64_t words[4] = { dice(&d), dice(&d), dice(&d), dice(&d) };

        memcpy(session.id, words, sizeof(session.id));
        memcpy(session.tag, words + 2, sizeof(session.tag));
        if (absw_table_touch(table, &session, now) == ABSW_TABLE_FULL) {
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    apr_uint32_t live = argc > 2 ? (apr_uint32_t)atoi(argv[2]) : 0;
    const char *why = "DIR LIVE", *notice = NULL;
    absw_policy_t policy = sample_policy();
    const absw_policy_t *policies[] = { &policy };
    absw_shared_dims_t dims = { 0 };
    absw_board_app_t place;
    absw_board_t *board;
    absw_shared_t *shared;
    struct stat owner;
    apr_pool_t *pool;

    policy.sides_n = 2;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (live == 0 || stat(argv[1], &owner) != 0 || !read_dims(pool, argv[1], &dims)
        || absw_shared_open(&shared, argv[1], owner.st_uid, owner.st_gid, &dims, pool, &why,
                            &notice) != APR_SUCCESS) {
        return complain(why);
    }
    board = absw_board_attach(shared->board, shared->dims.apps);
    absw_board_expect(board, policies, 1);
    if (shared->how != ABSW_SHARED_KEPT || !absw_board_enter(board, &policy, &place)) {
        return complain("the file was not kept");
    }
    if (!fill(absw_table_attach(pool, shared->table, shared->dims.sessions), &place, live)) {
        return complain("the table is full");
    }
    absw_shared_mark_clean(shared);
    absw_shared_close(shared);
    return 0;
}
