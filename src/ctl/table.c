/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "say.h"
#include "table.h"

typedef const char *row_t[CTL_TABLE_COLUMNS];

ctl_table_t *ctl_table_create(apr_pool_t *pool, int columns, unsigned right)
{
    ctl_table_t *table = apr_pcalloc(pool, sizeof(*table));

    table->pool = pool;
    table->columns = columns;
    table->right = right;
    table->rows = apr_array_make(pool, 8, sizeof(row_t));
    return table;
}

void ctl_table_add(ctl_table_t *table, const char *const *cells)
{
    row_t *row = apr_array_push(table->rows);

    memcpy(*row, cells, (apr_size_t)table->columns * sizeof(*cells));
}

static apr_size_t column_width(const ctl_table_t *table, int column)
{
    apr_size_t widest = 0;

    for (int i = 0; i < table->rows->nelts; i++) {
        apr_size_t width = ctl_say_width(APR_ARRAY_IDX(table->rows, i, row_t)[column]);

        widest = width > widest ? width : widest;
    }
    return widest;
}

static const char *cell_text(const ctl_table_t *table, const char *cell, int column,
                             apr_size_t width)
{
    apr_size_t missing = width - ctl_say_width(cell);

    if (column + 1 == table->columns) {
        return cell;
    }
    return table->right >> column & 1
           ? apr_psprintf(table->pool, "%*s%s  ", (int)missing, "", cell)
           : apr_psprintf(table->pool, "%s%*s  ", cell, (int)missing, "");
}

/* A cell at the end of a line may be empty. */
static const char *trimmed(const ctl_table_t *table, const char *line)
{
    apr_size_t len = strlen(line);

    while (len > 0 && line[len - 1] == ' ') {
        len--;
    }
    return apr_pstrmemdup(table->pool, line, len);
}

const char *ctl_table_text(const ctl_table_t *table, const char *indent)
{
    apr_array_header_t *lines = apr_array_make(table->pool, 8, sizeof(char *));
    apr_size_t widths[CTL_TABLE_COLUMNS];

    for (int column = 0; column < table->columns; column++) {
        widths[column] = column_width(table, column);
    }
    for (int i = 0; i < table->rows->nelts; i++) {
        const char *line = indent;

        for (int column = 0; column < table->columns; column++) {
            line = apr_pstrcat(table->pool, line,
                               cell_text(table, APR_ARRAY_IDX(table->rows, i, row_t)[column],
                                         column, widths[column]), NULL);
        }
        APR_ARRAY_PUSH(lines, const char *) =
            apr_pstrcat(table->pool, trimmed(table, line), "\n", NULL);
    }
    return apr_array_pstrcat(table->pool, lines, 0);
}
