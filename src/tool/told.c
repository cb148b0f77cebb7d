#include "told.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset; /* of the array in tombola_results */
    int is_real;   /* else uint32_t */
    int is_of_row; /* else of each sample */
} columns[TOLD_COLUMNS] = {
    {"logprob", offsetof(tombola_results, logprobs), 1, 0},
    {"raw_logprob", offsetof(tombola_results, raw_logprobs), 1, 0},
    {"rank", offsetof(tombola_results, ranks), 0, 0},
    {"margin", offsetof(tombola_results, margins), 1, 0},
    {"entropy", offsetof(tombola_results, entropies), 1, 1},
    {"observed", offsetof(tombola_results, observed), 1, 0},
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
        void *host = calloc(rows * told_samples(results), sizeof(uint32_t));
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

void told_print_head(FILE *file, const told *told)
{
    for (int i = 0; i < told->count; i++)
        fprintf(file, "  %12s", columns[told->wanted[i]].name);
}

size_t told_samples(const tombola_results *results)
{
    return results->samples ? results->samples : 1;
}

/* Where a column has the number of a sample. */
static size_t place_of(const tombola_results *results, int column, size_t row, size_t sample)
{
    return columns[column].is_of_row ? row : row * told_samples(results) + sample;
}

void told_print(FILE *file, const told *told, const tombola_results *results, size_t row, size_t sample)
{
    for (int i = 0; i < told->count; i++) {
        const int column = told->wanted[i];
        const size_t place = place_of(results, column, row, sample);
        const void *host = array_of(results, column);
        if (columns[column].is_real)
            fprintf(file, "  %12.7g", (double)((const float *)host)[place]);
        else
            fprintf(file, "  %12lu", (unsigned long)((const uint32_t *)host)[place]);
    }
}

static json_t *number_of(const tombola_results *results, int column, size_t row, size_t sample)
{
    const size_t place = place_of(results, column, row, sample);
    const void *host = array_of(results, column);
    if (!columns[column].is_real)
        return json_integer(((const uint32_t *)host)[place]);
    return tool_json_real(((const float *)host)[place]);
}

/* A number; or those of several samples. */
static json_t *numbers_of(const tombola_results *results, int column, size_t row)
{
    const size_t samples = told_samples(results);
    if (columns[column].is_of_row || samples == 1)
        return number_of(results, column, row, 0);
    json_t *list = json_array();
    for (size_t sample = 0; sample < samples; sample++)
        list = tool_json_add(list, number_of(results, column, row, sample));
    return list;
}

int told_add(const told *told, const tombola_results *results, size_t row, json_t *object)
{
    for (int i = 0; i < told->count; i++) {
        const int column = told->wanted[i];
        if (json_object_set_new(object, columns[column].name, numbers_of(results, column, row)))
            return -1;
    }
    return 0;
}
