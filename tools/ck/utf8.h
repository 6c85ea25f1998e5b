/*
** Text that is always UTF-8, made of bytes that may not be.
*/
#ifndef CK_TOOL_UTF8_H
#define CK_TOOL_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends text with U+FFFD in the place of every byte that is not part of a valid character. */
void ck_utf8_append_valid(CkBuf *out, const char *text, size_t n);

/* Appends text as a JSON string, quotes included; invalid bytes become U+FFFD. */
void ck_utf8_append_json(CkBuf *out, const char *text, size_t n);

/*
** Is the character at text, of n bytes, one that turns the direction of what is written behind it?
** A name may look like another one by it.
*/
int ck_utf8_turns(const char *text, size_t n);

/*
** Paths are any bytes, and the path of a ref is TEXT that every client must be able to read. So a
** byte of a path that is no part of a valid character is stored as the private character U+F700 +
** byte, and everything else as it is, newlines included. So that this can be undone, a path that
** has one of U+F780 to U+F7FF itself has its three bytes stored in the same way.
*/
void ck_path_encode(CkBuf *out, const char *path, size_t n);

/* The bytes of the path in the file system. */
void ck_path_decode(CkBuf *out, const char *text, size_t n);

/* Appends a line for a terminal: tabs stay, other controls and what is not valid are '?'. */
void ck_utf8_append_line(CkBuf *out, const char *text, size_t n);

#endif
