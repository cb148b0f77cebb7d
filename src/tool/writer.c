#include "writer.h"

#include <string.h>

/* Room is left for the commas and quotes that stick to a word after it is printed. */
#define MARGIN 76

/* Characters of UTF-8 text. */
static size_t count_characters(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* A word with the white space before it. */
static void put_word(writer *writer, const char *text, size_t bytes)
{
    size_t characters = count_characters(text, bytes);
    if (text[0] == '\n') {
        writer->column = 0;
        characters--;
    } else if (text[0] == ' ' && writer->column + characters > MARGIN) {
        putc('\n', writer->file);
        writer->column = 0;
        text++;
        bytes--;
        characters--;
    }
    fwrite(text, 1, bytes, writer->file);
    writer->column += characters;
}

void writer_put(writer *writer, const char *text)
{
    while (*text) {
        size_t bytes = 1 + strcspn(text + 1, " \n");
        put_word(writer, text, bytes);
        text += bytes;
    }
}
