/*
** Reading one file: is it text, what is it a hash of, which chunks has it, under which keys.
**
** A scanner is of one thread; it has an empty database in memory, whose SQL functions hash and cut.
** What a model gets of a chunk, its text, is the prefix for documents and the content; for a model
** that is sent JSON, with U+FFFD for what is no UTF-8. The key is of exactly these bytes.
*/
#ifndef CK_TOOL_SCAN_H
#define CK_TOOL_SCAN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "manifest.h"

#define CK_SCAN_SNIFF_BYTES 8192 /* a NUL in the first of them makes a file binary */
#define CK_SCAN_KEY_BYTES 32

typedef struct CkScanner CkScanner;

typedef struct CkScanModel {
    const char *name, *version;
    const char *prefix; /* of a document; "" */
    int needs_utf8;
} CkScanModel;

typedef enum CkScanResult {
    CK_SCAN_READ,   /* chunks and texts are there */
    CK_SCAN_SAME,   /* the content is that of the known hash */
    CK_SCAN_BINARY,
    CK_SCAN_HUGE,
    CK_SCAN_GONE,   /* there is no such file any more, or it is another thing */
    CK_SCAN_FAILED, /* why is in `message` */
} CkScanResult;

typedef struct CkScanChunk {
    uint32_t start_line, end_line;
    size_t text, n_text; /* in CkScan.texts */
    uint8_t key[CK_SCAN_KEY_BYTES];
} CkScanChunk;

typedef struct CkScan {
    CkScanResult result;
    int64_t n_bytes, mtime_ns, ctime_ns, read_ns;
    uint8_t hash[CK_MANIFEST_HASH_BYTES];
    CkBuf chunks; /* CkScanChunk */
    CkBuf texts;
    char *message; /* NULL, or to be freed */
} CkScan;

/* What to read. known_hash: NULL, or what the content was before. */
typedef struct CkScanFile {
    int root; /* the folder's descriptor */
    const char *path; /* as stored, relative */
    size_t n_path;
    int64_t max_bytes;
    const uint8_t *known_hash;
} CkScanFile;

int ck_scanner_open(CkScanner **scanner, CkError *err);
void ck_scanner_close(CkScanner *scanner); /* may be NULL */

void ck_scan_init(CkScan *scan);
void ck_scan_release(CkScan *scan);

/* Fails for want of memory and by errors of SQLite; what is wrong with the file is a result. */
int ck_scan_file(CkScanner *scanner, const CkScanModel *model, const CkScanFile *file,
                 CkScan *scan, CkError *err);

/* The key of a text, and its lexical embedding (appended to out, f32 little-endian). */
int ck_scan_key(CkScanner *scanner, const CkScanModel *model, const void *text, size_t n_text,
                uint8_t key[CK_SCAN_KEY_BYTES], CkError *err);
int ck_scan_embed(CkScanner *scanner, const void *text, size_t n_text, CkBuf *out, CkError *err);

static inline size_t ck_scan_count(const CkScan *scan) {
    return scan->chunks.n_bytes / sizeof(CkScanChunk);
}

static inline const CkScanChunk *ck_scan_chunk(const CkScan *scan, size_t i) {
    return (const CkScanChunk *)(const void *)scan->chunks.data + i;
}

#endif
