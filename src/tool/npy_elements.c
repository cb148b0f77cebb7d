#include "npy_elements.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const npy_element ELEMENTS[] = {
    {"<f4", TOMBOLA_FLOAT32, 4, 0, 0},  {">f4", TOMBOLA_FLOAT32, 4, 1, 0},  {"<f2", TOMBOLA_FLOAT16, 2, 0, 0},
    {">f2", TOMBOLA_FLOAT16, 2, 1, 0},  {"<f8", TOMBOLA_FLOAT32, 8, 0, 0},  {">f8", TOMBOLA_FLOAT32, 8, 1, 0},
    {"<V2", TOMBOLA_BFLOAT16, 2, 0, 0}, /* as ml_dtypes has it; numpy itself knows no bfloat16 */
    {"|V2", TOMBOLA_BFLOAT16, 2, 0, 0}, {"<u2", TOMBOLA_BFLOAT16, 2, 0, 1}, {">u2", TOMBOLA_BFLOAT16, 2, 1, 1},
};

static const char *const HELD[] = {
    [TOMBOLA_FLOAT32] = "float32 ('<f4')",
    [TOMBOLA_FLOAT16] = "float16 ('<f2')",
    [TOMBOLA_BFLOAT16] = "bfloat16 ('<V2', or its bits in '<u2')",
};

const npy_element *npy_element_find(const char *name, const char *descr, const npy_wish *wish)
{
    const npy_element *element = NULL;
    for (size_t i = 0; i < sizeof ELEMENTS / sizeof ELEMENTS[0]; i++)
        if (strcmp(ELEMENTS[i].descr, descr) == 0)
            element = &ELEMENTS[i];
    if (element && (wish->has_type ? element->type == wish->type : !element->needs_word))
        return element;
    if (wish->has_type)
        warnx("%s: with %s %s the array holds %s, but this is '%s'", name, wish->option ? wish->option : "--dtype",
              tool_type_name(wish->type), HELD[wish->type], descr);
    else if (element)
        warnx("%s: an array of uint16 ('%s'); if it holds bfloat16, say --dtype bfloat16", name, descr);
    else
        warnx("%s: an array of '%s'; float32 ('<f4'), float16 ('<f2'), bfloat16 ('<V2') and float64 ('<f8') can be "
              "read",
              name, descr);
    return NULL;
}

static void swap_bytes(unsigned char *data, size_t elements, size_t size)
{
    for (; elements > 0; elements--, data += size)
        for (size_t i = 0; i < size / 2; i++) {
            unsigned char byte = data[i];
            data[i] = data[size - 1 - i];
            data[size - 1 - i] = byte;
        }
}

/* From the first to the last, so that none is overwritten before it was read. */
static int narrow_doubles(const char *name, const npy_block *block, char *data, tool_text *trouble)
{
    for (size_t i = 0; i < block->rows * block->columns; i++) {
        double wide;
        memcpy(&wide, data + i * sizeof wide, sizeof wide);
        float narrow = (float)wide;
        if ((double)narrow != wide && !isnan(wide) && i % block->columns < block->vocabulary) {
            snprintf(trouble->text, sizeof trouble->text,
                     "%s: row %zu, column %zu of this float64 array is %.17g, which is no float32; round it with "
                     "astype(numpy.float32)",
                     name, block->first + i / block->columns, i % block->columns, wide);
            return -1;
        }
        memcpy(data + i * sizeof narrow, &narrow, sizeof narrow);
    }
    return 0;
}

int npy_element_convert(const npy_element *element, const char *name, const npy_block *block, void *data,
                        tool_text *trouble)
{
    if (element->swapped)
        swap_bytes(data, block->rows * block->columns, element->size);
    return element->size == sizeof(double) ? narrow_doubles(name, block, data, trouble) : 0;
}
