#include "told.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset; /* of the array in tombola_results */
    int is_real;   /* else uint32_t */
} columns[TOLD_COLUMNS] = {
    {"logprob", offsetof(tombola_results, logprobs), 1},  {"raw_logprob", offsetof(tombola_results, raw_logprobs), 1},
    {"rank", offsetof(tombola_results, ranks), 0},        {"margin", offsetof(tombola_results, margins), 1},
    {"entropy", offsetof(tombola_results, entropies), 1},
};

const char *told_read(told *told, char *list)
{
    for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
        int column = 0;
        while (column < TOLD_COLUMNS && strcmp(columns[column].name, name) != 0)
            column++;
        for (int i = 0; i < told->count; i++)
            if (told->wanted[i] == column)
                return name;
        if (column == TOLD_COLUMNS)
            return name;
        told->wanted[told->count++] = column;
    }
    return NULL;
}

/* An array's pointer to host memory, its first member. */
static void *array_of(const tombola_results *results, int column)
{
    void *host;
    memcpy(&host, (const char *)results + columns[column].offset, sizeof host);
    return host;
}

int told_allocate(const told *told, tombola_results *results, size_t rows)
{
    for (int i = 0; i < told->count; i++) {
        void *host = calloc(rows, sizeof(uint32_t));
        if (!host)
            return -1;
        memcpy((char *)results + columns[told->wanted[i]].offset, &host, sizeof host);
    }
    return 0;
}

void told_release(tombola_results *results)
{
    for (int column = 0; column < TOLD_COLUMNS; column++)
        free(array_of(results, column));
}

void told_print_head(const told *told)
{
    for (int i = 0; i < told->count; i++)
        printf("  %12s", columns[told->wanted[i]].name);
}

void told_print(const told *told, const tombola_results *results, size_t row)
{
    for (int i = 0; i < told->count; i++) {
        const int column = told->wanted[i];
        const void *host = array_of(results, column);
        if (columns[column].is_real)
            printf("  %12.7g", (double)((const float *)host)[row]);
        else
            printf("  %12lu", (unsigned long)((const uint32_t *)host)[row]);
    }
}

static json_t *number_of(const tombola_results *results, int column, size_t row)
{
    const void *host = array_of(results, column);
    if (!columns[column].is_real)
        return json_integer(((const uint32_t *)host)[row]);
    const float x = ((const float *)host)[row];
    return isfinite(x) ? json_real((double)x) : json_null();
}

int told_add(const told *told, const tombola_results *results, size_t row, json_t *object)
{
    for (int i = 0; i < told->count; i++) {
        const int column = told->wanted[i];
        if (json_object_set_new(object, columns[column].name, number_of(results, column, row)))
            return -1;
    }
    return 0;
}
