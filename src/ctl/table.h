/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <apr_tables.h>

#include "absw.h"

/**
 * Aligned columns. Cells are clean words, with marks (say.h) or without.
 */

#define CTL_TABLE_COLUMNS 10

typedef struct {
    apr_pool_t *pool;
    int columns;
    unsigned right;                 /* bit i: column i has numbers */
    apr_array_header_t *rows;       /* of const char *[CTL_TABLE_COLUMNS] */
} ctl_table_t;

ctl_table_t *ctl_table_create(apr_pool_t *pool, int columns, unsigned right);

/** Add a row of as many cells; they are not copied. */
void ctl_table_add(ctl_table_t *table, const char *const *cells);

/** Its lines, each behind indent. The last column is as wide as it likes. */
const char *ctl_table_text(const ctl_table_t *table, const char *indent);

#endif
