/* Text as users have it in files: its encoding is looked at before it is used. */
#ifndef TOMBOLA_TOOL_TEXT_H
#define TOMBOLA_TOOL_TEXT_H

#include <stddef.h>

#define TEXT_MARK "\xEF\xBB\xBF" /* the byte order mark of UTF-8 */
#define TEXT_UTF16 "looks like UTF-16, save it as UTF-8"

/* Reads a whole file, without a byte order mark; refuses UTF-16. Other bytes may be any. NULL with a message on
 * standard error; free() what it returns, which has a NUL after its length. */
char *text_file_read(const char *path, size_t *length);

/* 0 where all of it is UTF-8 without NULs; else -1, with a message on standard error that has the line. */
int text_check(const char *name, const char *text, size_t length);

/* Whether a text begins with the byte order mark of UTF-16, either way round. */
int text_has_utf16_mark(const char *text, size_t length);

/* What follows the byte order mark of UTF-8, if there is one. */
char *text_after_mark(char *text);

#endif
