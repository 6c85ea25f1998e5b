/*
** The manifest of a workspace: what each file was when its refs were written, so that the next run
** reads only what changed.
**
** It is one blob in the store, compressed with zstd:
**
**     0   8  "ckmani01"
**     8   8  number of files, little-endian as everything here
**    16   8  refs of the workspace when it was written
**    24      for each file, in the order of paths:
**            2  n, the bytes of the path        8  size         4  number of chunks
**            1  kind (CkManifestKind)           8  mtime, ns   32  BLAKE3 of the content
**            1  0                               8  ctime, ns    n  the path, as stored
**
** A file whose time of change is so near the moment it was read that it could change again
** without anyone seeing (CK_MANIFEST_RACE_NS) is written with the time -1, which no file has: so
** its content is read again. Git does the same with its index.
*/
#ifndef CK_TOOL_MANIFEST_H
#define CK_TOOL_MANIFEST_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define CK_MANIFEST_HASH_BYTES 32

/* A kernel stamps files with the time of its last tick, at most 10 ms ago; two seconds are FAT's
   grain, and of the file systems whose times have no fraction. */
#define CK_MANIFEST_RACE_NS 20000000
#define CK_MANIFEST_COARSE_RACE_NS 2000000000

typedef enum CkManifestKind {
    CK_MANIFEST_INDEXED = 1,
    CK_MANIFEST_BINARY = 2, /* it was read, has a NUL byte, and has no refs */
} CkManifestKind;

/* Of a file that could not be read, or not be embedded as a whole. */
#define CK_MANIFEST_CHUNKS_UNKNOWN UINT32_MAX

typedef struct CkManifestFile {
    const char *path; /* not ended by NUL */
    const uint8_t *hash;
    int64_t n_bytes, mtime_ns, ctime_ns;
    uint32_t n_chunks;
    uint16_t n_path;
    uint8_t kind;
} CkManifestFile;

typedef struct CkManifest {
    CkBuf raw;   /* what the files point into */
    CkBuf files; /* CkManifestFile */
    uint64_t n_refs;
} CkManifest;

void ck_manifest_init(CkManifest *manifest);
void ck_manifest_release(CkManifest *manifest);

/* Reads a blob. SQLITE_CORRUPT without a message when it is none. */
int ck_manifest_read(CkManifest *manifest, const void *blob, size_t n_blob);

static inline size_t ck_manifest_count(const CkManifest *manifest) {
    return manifest->files.n_bytes / sizeof(CkManifestFile);
}

static inline const CkManifestFile *ck_manifest_at(const CkManifest *manifest, size_t i) {
    return (const CkManifestFile *)(const void *)manifest->files.data + i;
}

/* Compares paths as the order of files does. */
int ck_manifest_compare(const char *a, size_t n_a, const char *b, size_t n_b);

/* The file of that path, or NULL. */
const CkManifestFile *ck_manifest_find(const CkManifest *manifest, const char *path, size_t n_path);

/* Writing: begin, the files in order, end, which replaces the content of `out` by the blob. */
void ck_manifest_begin(CkBuf *out);
void ck_manifest_add(CkBuf *out, const CkManifestFile *file);
uint64_t ck_manifest_written(const CkBuf *out); /* how many were added */
int ck_manifest_end(CkBuf *out, uint64_t n_refs, CkError *err);

/* The mtime to write for a file that was read at read_ns (CLOCK_REALTIME). */
int64_t ck_manifest_mtime(int64_t mtime_ns, int64_t ctime_ns, int64_t read_ns);

#endif
