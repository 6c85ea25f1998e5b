/*
** A growable byte buffer with a sticky error.
**
** Once an allocation fails every later call is a no-op and rc stays SQLITE_NOMEM, so a caller
** appends freely and checks rc once. Memory comes from sqlite3_realloc64 and the size arithmetic
** cannot overflow. A buffer that is kept and cleared between uses stops allocating once warm.
*/
#ifndef CK_BASE_BUF_H
#define CK_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/sqlite.h"

typedef struct CkBuf {
    uint8_t *data; /* n_bytes of content; NULL only when nothing was ever reserved */
    size_t n_bytes;
    size_t capacity_bytes;
    int rc; /* SQLITE_OK or SQLITE_NOMEM */
} CkBuf;

void ck_buf_init(CkBuf *buf);
void ck_buf_release(CkBuf *buf);

/* Empties the buffer and clears its error; keeps the memory. */
void ck_buf_clear(CkBuf *buf);

/* Makes room for n more bytes. Returns where they go, or NULL after an error. */
uint8_t *ck_buf_reserve(CkBuf *buf, size_t n);

/* Reserves n bytes and counts them as content. Returns their address, or NULL after an error. */
uint8_t *ck_buf_extend(CkBuf *buf, size_t n);

void ck_buf_append(CkBuf *buf, const void *bytes, size_t n);

#endif
