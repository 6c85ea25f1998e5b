/* The manifest: see manifest.h. */
#include "manifest.h"

#include <string.h>

#include "base/coding.h"
#include "base/zstd_memory.h"

#define MAGIC "ckmani01"
#define HEADER_BYTES 24
#define FILE_BYTES 64 /* before its path */
#define LEVEL 1
#define RAW_BYTES_MAX ((size_t)1 << 31)

void ck_manifest_init(CkManifest *manifest) {
    memset(manifest, 0, sizeof *manifest);
}

void ck_manifest_release(CkManifest *manifest) {
    ck_buf_release(&manifest->raw);
    ck_buf_release(&manifest->files);
}

int ck_manifest_compare(const char *a, size_t n_a, const char *b, size_t n_b) {
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

const CkManifestFile *ck_manifest_find(const CkManifest *manifest, const char *path,
                                       size_t n_path) {
    size_t low = 0, high = ck_manifest_count(manifest);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const CkManifestFile *file = ck_manifest_at(manifest, middle);
        int order = ck_manifest_compare(path, n_path, file->path, file->n_path);
        if (order == 0) return file;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return NULL;
}

static int decompress(CkBuf *raw, const void *blob, size_t n_blob) {
    unsigned long long n = ZSTD_getFrameContentSize(blob, n_blob);
    if (n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN || n > RAW_BYTES_MAX) {
        return SQLITE_CORRUPT;
    }
    ck_buf_clear(raw);
    uint8_t *to = ck_buf_extend(raw, (size_t)n);
    ZSTD_DCtx *context = ck_zstd_decompressor();
    if (!to || !context) {
        ZSTD_freeDCtx(context);
        return SQLITE_NOMEM;
    }
    size_t done = ZSTD_decompressDCtx(context, to, (size_t)n, blob, n_blob);
    ZSTD_freeDCtx(context);
    return ZSTD_isError(done) || done != n ? SQLITE_CORRUPT : SQLITE_OK;
}

/* Reads the file at *at and moves behind it. Paths must grow. */
static int read_file(const CkManifest *manifest, size_t *at, CkManifestFile *file,
                     const CkManifestFile *last) {
    const uint8_t *from = manifest->raw.data + *at;
    size_t n = manifest->raw.n_bytes - *at;
    if (n < FILE_BYTES) return SQLITE_CORRUPT;
    *file = (CkManifestFile){
        .n_path = ck_load_u16(from),
        .kind = from[2],
        .n_bytes = (int64_t)ck_load_u64(from + 4),
        .mtime_ns = (int64_t)ck_load_u64(from + 12),
        .ctime_ns = (int64_t)ck_load_u64(from + 20),
        .n_chunks = ck_load_u32(from + 28),
        .hash = from + 32,
        .path = (const char *)from + FILE_BYTES,
    };
    if (n - FILE_BYTES < file->n_path) return SQLITE_CORRUPT;
    if (last &&
        ck_manifest_compare(last->path, last->n_path, file->path, file->n_path) >= 0) {
        return SQLITE_CORRUPT;
    }
    *at += FILE_BYTES + file->n_path;
    return SQLITE_OK;
}

int ck_manifest_read(CkManifest *manifest, const void *blob, size_t n_blob) {
    CkManifestFile file, last;
    uint64_t n_files = 0;
    size_t at = HEADER_BYTES;
    int rc = decompress(&manifest->raw, blob, n_blob);
    ck_buf_clear(&manifest->files);
    if (rc != SQLITE_OK) return rc;
    const uint8_t *raw = manifest->raw.data;
    if (manifest->raw.n_bytes < HEADER_BYTES || memcmp(raw, MAGIC, 8) != 0) return SQLITE_CORRUPT;
    n_files = ck_load_u64(raw + 8);
    manifest->n_refs = ck_load_u64(raw + 16);
    for (uint64_t i = 0; i < n_files && rc == SQLITE_OK; i++) {
        rc = read_file(manifest, &at, &file, i > 0 ? &last : NULL);
        if (rc == SQLITE_OK) ck_buf_append(&manifest->files, &file, sizeof file);
        last = file;
    }
    if (rc == SQLITE_OK && at != manifest->raw.n_bytes) rc = SQLITE_CORRUPT;
    if (rc != SQLITE_OK) ck_buf_clear(&manifest->files);
    return rc == SQLITE_OK ? manifest->files.rc : rc;
}

void ck_manifest_begin(CkBuf *out) {
    ck_buf_clear(out);
    uint8_t *to = ck_buf_extend(out, HEADER_BYTES);
    if (!to) return;
    memcpy(to, MAGIC, 8);
    memset(to + 8, 0, 16);
}

void ck_manifest_add(CkBuf *out, const CkManifestFile *file) {
    uint8_t *to = ck_buf_extend(out, FILE_BYTES + file->n_path);
    if (!to) return;
    memset(to, 0, FILE_BYTES);
    ck_store_u16(to, file->n_path);
    to[2] = file->kind;
    ck_store_u64(to + 4, (uint64_t)file->n_bytes);
    ck_store_u64(to + 12, (uint64_t)file->mtime_ns);
    ck_store_u64(to + 20, (uint64_t)file->ctime_ns);
    ck_store_u32(to + 28, file->n_chunks);
    memcpy(to + 32, file->hash, CK_MANIFEST_HASH_BYTES);
    memcpy(to + FILE_BYTES, file->path, file->n_path);
    ck_store_u64(out->data + 8, ck_load_u64(out->data + 8) + 1);
}

uint64_t ck_manifest_written(const CkBuf *out) {
    return out->rc == SQLITE_OK ? ck_load_u64(out->data + 8) : 0;
}

int ck_manifest_end(CkBuf *out, uint64_t n_refs, CkError *err) {
    CkBuf blob;
    ck_buf_init(&blob);
    if (out->rc != SQLITE_OK) return ck_error_nomem(err);
    ck_store_u64(out->data + 16, n_refs);
    size_t bound = ZSTD_compressBound(out->n_bytes);
    uint8_t *to = ck_buf_extend(&blob, bound);
    ZSTD_CCtx *context = ck_zstd_compressor();
    if (!to || !context) {
        ck_error_nomem(err);
    } else {
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        blob.n_bytes = ZSTD_compress2(context, to, bound, out->data, out->n_bytes);
        if (ZSTD_isError(blob.n_bytes)) ck_error_nomem(err);
    }
    ZSTD_freeCCtx(context);
    ck_buf_release(out);
    if (err->rc == SQLITE_OK) *out = blob;
    else ck_buf_release(&blob);
    return err->rc;
}

int64_t ck_manifest_mtime(int64_t mtime_ns, int64_t ctime_ns, int64_t read_ns) {
    int coarse = mtime_ns % 1000000000 == 0;
    int64_t race = coarse ? CK_MANIFEST_COARSE_RACE_NS : CK_MANIFEST_RACE_NS;
    int64_t changed = mtime_ns > ctime_ns ? mtime_ns : ctime_ns;
    return changed > read_ns - race ? -1 : mtime_ns;
}
