/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_MEMO_H
#define ABSW_MEMO_H

#include "table.h"

/**
 * What a process remembers of tokens that it has read and found in the session table: a browser
 * sends the same one with every picture of a page. Private to a process, shared by its threads,
 * lock-free; it forgets whenever two tokens want the same place, or a session's slot is not the
 * session's any more, and then a token is read and verified as if there were no memo.
 *
 * A text is known only if it is the same byte for byte, compared in constant time. Keys and
 * policies must not change while it lives.
 */
typedef struct absw_memo_t absw_memo_t;

/** Room for n tokens (rounded up to a power of 2) of 176 bytes each. It lives in pool. */
absw_memo_t *absw_memo_make(apr_pool_t *pool, apr_uint32_t n);

/** A verified token, and where its session is in the table. */
typedef struct {
    absw_token_t token;
    absw_table_spot_t spot;
} absw_memo_value_t;

/** Is this text (len bytes) known, and its session still where it was? 1 and *value, or 0. */
int absw_memo_find(absw_memo_t *memo, int app, const char *text, apr_size_t len,
                   absw_memo_value_t *value);

/** Remember it. Texts that are too long, and sessions that are nowhere, are not remembered. */
void absw_memo_keep(absw_memo_t *memo, int app, const char *text, apr_size_t len,
                    const absw_memo_value_t *value);

#endif
