/* Reading one file: see scan.h. */
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ck.h"
#include "fs.h"
#include "tool_sql.h"
#include "utf8.h"

#define READS_MAX 3 /* of a file that changes while it is read */

enum { HASH, CHUNKS, KEY, EMBED, N_STATEMENTS };

struct CkScanner {
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    CkBuf content, path;
};

int ck_scanner_open(CkScanner **out, CkError *err) {
    static const CkSqlId IDS[N_STATEMENTS] = {CK_SQL_SCAN_CONTENT_HASH, CK_SQL_SCAN_CHUNKS,
                                              CK_SQL_SCAN_KEY, CK_SQL_SCAN_EMBED};
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    CkScanner *scanner = sqlite3_malloc64(sizeof *scanner);
    char *message = NULL;
    *out = NULL;
    if (!scanner) return ck_error_nomem(err);
    memset(scanner, 0, sizeof *scanner);
    int rc = sqlite3_open_v2(":memory:", &scanner->db, flags, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_ck_init(scanner->db, &message, NULL);
    if (rc != SQLITE_OK) {
        ck_error_set(err, rc, "no database in memory: %s", message ? message : sqlite3_errstr(rc));
    }
    sqlite3_free(message);
    for (int i = 0; i < N_STATEMENTS && err->rc == SQLITE_OK; i++) {
        rc = sqlite3_prepare_v3(scanner->db, ck_sql[IDS[i]].text, -1, SQLITE_PREPARE_PERSISTENT,
                                &scanner->statements[i], NULL);
        if (rc != SQLITE_OK) ck_error_db(err, scanner->db, rc);
    }
    if (err->rc == SQLITE_OK) *out = scanner;
    else ck_scanner_close(scanner);
    return err->rc;
}

void ck_scanner_close(CkScanner *scanner) {
    if (!scanner) return;
    for (int i = 0; i < N_STATEMENTS; i++) sqlite3_finalize(scanner->statements[i]);
    sqlite3_close(scanner->db);
    ck_buf_release(&scanner->content);
    ck_buf_release(&scanner->path);
    sqlite3_free(scanner);
}

void ck_scan_init(CkScan *scan) {
    memset(scan, 0, sizeof *scan);
}

void ck_scan_release(CkScan *scan) {
    ck_buf_release(&scan->chunks);
    ck_buf_release(&scan->texts);
    sqlite3_free(scan->message);
    ck_scan_init(scan);
}

/* Steps a statement that gives one blob, and copies it to `to` or appends it to `out`. */
static int one_blob(CkScanner *scanner, int which, void *to, size_t n_to, CkBuf *out,
                    CkError *err) {
    sqlite3_stmt *stmt = scanner->statements[which];
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(stmt, 0);
        size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
        if (!blob || (to && n != n_to)) ck_error_set(err, SQLITE_ERROR, "a function gave no blob");
        else if (to) memcpy(to, blob, n);
        else ck_buf_append(out, blob, n);
    } else {
        ck_error_db(err, scanner->db, rc);
    }
    sqlite3_reset(stmt);
    if (out && out->rc != SQLITE_OK) ck_error_nomem(err);
    return err->rc;
}

/* SQLite binds NULL for a NULL pointer, whatever the length. */
static const void *not_null(const void *bytes) {
    return bytes ? bytes : "";
}

int ck_scan_key(CkScanner *scanner, const CkScanModel *model, const void *text, size_t n_text,
                uint8_t key[CK_SCAN_KEY_BYTES], CkError *err) {
    sqlite3_stmt *stmt = scanner->statements[KEY];
    sqlite3_bind_text(stmt, 1, model->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, model->version, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(stmt, 3, not_null(text), n_text, SQLITE_STATIC);
    return one_blob(scanner, KEY, key, CK_SCAN_KEY_BYTES, NULL, err);
}

int ck_scan_embed(CkScanner *scanner, const void *text, size_t n_text, CkBuf *out, CkError *err) {
    sqlite3_bind_blob64(scanner->statements[EMBED], 1, not_null(text), n_text, SQLITE_STATIC);
    return one_blob(scanner, EMBED, NULL, 0, out, err);
}

/* ---- Reading ---- */

static int64_t nanoseconds(struct timespec time) {
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return nanoseconds(time);
}

static void take_status(CkScan *scan, const struct stat *status) {
    scan->n_bytes = status->st_size;
    scan->mtime_ns = nanoseconds(status->st_mtim);
    scan->ctime_ns = nanoseconds(status->st_ctim);
}

static void fail(CkScan *scan, const char *what) {
    scan->result = CK_SCAN_FAILED;
    if (!scan->message) scan->message = sqlite3_mprintf("%s", what);
}

/* Reads what is open from its beginning to its end, or to a NUL in what is looked at for one. */
static void read_content(CkScanner *scanner, int fd, int64_t max_bytes, CkScan *scan) {
    CkBuf *content = &scanner->content;
    ck_buf_clear(content);
    for (;;) {
        size_t room = content->n_bytes < CK_SCAN_SNIFF_BYTES
                          ? CK_SCAN_SNIFF_BYTES - content->n_bytes
                          : (size_t)scan->n_bytes + 1 > content->n_bytes
                                ? (size_t)scan->n_bytes + 1 - content->n_bytes
                                : CK_SCAN_SNIFF_BYTES;
        uint8_t *to = ck_buf_reserve(content, room);
        ssize_t n = to ? pread(fd, to, room, (off_t)content->n_bytes) : 0;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail(scan, strerror(errno));
        if (n <= 0) return;
        size_t looked_at = content->n_bytes;
        content->n_bytes += (size_t)n;
        if (looked_at < CK_SCAN_SNIFF_BYTES) {
            size_t end = content->n_bytes < CK_SCAN_SNIFF_BYTES ? content->n_bytes
                                                                : CK_SCAN_SNIFF_BYTES;
            if (memchr(content->data + looked_at, 0, end - looked_at)) {
                scan->result = CK_SCAN_BINARY;
                return;
            }
        }
        if ((int64_t)content->n_bytes > max_bytes) {
            scan->result = CK_SCAN_HUGE;
            return;
        }
    }
}

/* Reads a file that does not change meanwhile; after some attempts, one that does. */
static void read_open(CkScanner *scanner, const CkScanFile *file, int fd, CkScan *scan) {
    struct stat before, after;
    for (int attempt = 0; attempt < READS_MAX; attempt++) {
        scan->result = CK_SCAN_READ;
        scan->read_ns = now_ns();
        if (fstat(fd, &before) != 0) {
            fail(scan, strerror(errno));
            return;
        }
        take_status(scan, &before);
        if (!S_ISREG(before.st_mode)) scan->result = CK_SCAN_GONE;
        else if (before.st_size > file->max_bytes) scan->result = CK_SCAN_HUGE;
        else read_content(scanner, fd, file->max_bytes, scan);
        if (scan->result == CK_SCAN_GONE || scan->result == CK_SCAN_HUGE) return;
        if (fstat(fd, &after) != 0 || scan->result == CK_SCAN_FAILED) return;
        if (before.st_size == after.st_size &&
            nanoseconds(before.st_mtim) == nanoseconds(after.st_mtim)) return;
    }
    scan->mtime_ns = -1; /* it will be read again */
}

static int cut(CkScanner *scanner, const CkScanModel *model, const CkScanFile *file, CkScan *scan,
               CkError *err) {
    sqlite3_stmt *stmt = scanner->statements[CHUNKS];
    int rc;
    sqlite3_bind_blob64(stmt, 1, not_null(scanner->content.data), scanner->content.n_bytes,
                        SQLITE_STATIC);
    sqlite3_bind_text64(stmt, 2, file->path, file->n_path, SQLITE_STATIC, SQLITE_UTF8);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && err->rc == SQLITE_OK) {
        const void *content = sqlite3_column_blob(stmt, 2);
        size_t n = (size_t)sqlite3_column_bytes(stmt, 2);
        CkScanChunk chunk = {
            .start_line = (uint32_t)sqlite3_column_int64(stmt, 0),
            .end_line = (uint32_t)sqlite3_column_int64(stmt, 1),
            .text = scan->texts.n_bytes,
        };
        ck_buf_append(&scan->texts, model->prefix, strlen(model->prefix));
        if (model->needs_utf8) ck_utf8_append_valid(&scan->texts, content, n);
        else ck_buf_append(&scan->texts, content, n);
        if (scan->texts.rc != SQLITE_OK) return ck_error_nomem(err);
        chunk.n_text = scan->texts.n_bytes - chunk.text;
        ck_scan_key(scanner, model, scan->texts.data + chunk.text, chunk.n_text, chunk.key, err);
        ck_buf_append(&scan->chunks, &chunk, sizeof chunk);
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW) ck_error_db(err, scanner->db, rc);
    sqlite3_reset(stmt);
    return scan->chunks.rc != SQLITE_OK ? ck_error_nomem(err) : err->rc;
}

int ck_scan_file(CkScanner *scanner, const CkScanModel *model, const CkScanFile *file,
                 CkScan *scan, CkError *err) {
    ck_buf_clear(&scanner->path);
    ck_path_decode(&scanner->path, file->path, file->n_path);
    ck_buf_append(&scanner->path, "", 1);
    if (scanner->path.rc != SQLITE_OK) return ck_error_nomem(err);
    /* Without O_NONBLOCK a named pipe would wait for somebody to write. */
    int fd = ck_open_below(file->root, (const char *)scanner->path.data,
                           O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) scan->result = CK_SCAN_GONE;
        else fail(scan, strerror(errno));
        return SQLITE_OK;
    }
    read_open(scanner, file, fd, scan);
    close(fd);
    if (scanner->content.rc != SQLITE_OK) return ck_error_nomem(err);
    if (scan->result != CK_SCAN_READ && scan->result != CK_SCAN_BINARY) return SQLITE_OK;
    sqlite3_bind_blob64(scanner->statements[HASH], 1, not_null(scanner->content.data),
                        scanner->content.n_bytes, SQLITE_STATIC);
    if (one_blob(scanner, HASH, scan->hash, sizeof scan->hash, NULL, err) != SQLITE_OK) {
        return err->rc;
    }
    if (scan->result == CK_SCAN_BINARY) return SQLITE_OK;
    if (file->known_hash && memcmp(scan->hash, file->known_hash, sizeof scan->hash) == 0) {
        scan->result = CK_SCAN_SAME;
        return SQLITE_OK;
    }
    return cut(scanner, model, file, scan, err);
}
