/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ABSW_RECORD_PARTS_H
#define ABSW_RECORD_PARTS_H

#include "record.h"

/** What writing and reading a record have in common: for record_*.c, nobody else. */

#define ABSW_RECORD_AGE_MAX     9999    /* seconds before clock that an end may be */
#define ABSW_RECORD_SUM         " sum="
#define ABSW_RECORD_SUM_DIGITS  16

/** FNV-1a. Against accidents, not against malice. */
apr_uint64_t absw_record_sum(const char *text, apr_size_t len);

#endif
