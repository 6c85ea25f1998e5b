/* A growable byte buffer: see buf.h. */
#include "base/buf.h"

#include <string.h>

#define BUF_MIN_BYTES 64

void ck_buf_init(CkBuf *buf) {
    memset(buf, 0, sizeof *buf);
}

void ck_buf_release(CkBuf *buf) {
    sqlite3_free(buf->data);
    ck_buf_init(buf);
}

void ck_buf_clear(CkBuf *buf) {
    buf->n_bytes = 0;
    buf->rc = SQLITE_OK;
}

uint8_t *ck_buf_reserve(CkBuf *buf, size_t n) {
    if (buf->rc != SQLITE_OK) return NULL;
    if (buf->data && n <= buf->capacity_bytes - buf->n_bytes) return buf->data + buf->n_bytes;
    /* Half the address space bounds both the sum and the doubling below. */
    if (n > SIZE_MAX / 4 - buf->n_bytes) {
        buf->rc = SQLITE_NOMEM;
        return NULL;
    }
    size_t capacity = buf->capacity_bytes * 2;
    if (capacity < buf->n_bytes + n) capacity = buf->n_bytes + n;
    if (capacity < BUF_MIN_BYTES) capacity = BUF_MIN_BYTES;
    uint8_t *data = sqlite3_realloc64(buf->data, capacity);
    if (!data) {
        buf->rc = SQLITE_NOMEM;
        return NULL;
    }
    buf->data = data;
    buf->capacity_bytes = capacity;
    return data + buf->n_bytes;
}

uint8_t *ck_buf_extend(CkBuf *buf, size_t n) {
    uint8_t *at = ck_buf_reserve(buf, n);
    if (at) buf->n_bytes += n;
    return at;
}

void ck_buf_append(CkBuf *buf, const void *bytes, size_t n) {
    uint8_t *at = ck_buf_extend(buf, n);
    if (at && n > 0) memcpy(at, bytes, n);
}
