/* What the fault loop does with databases: see session.h. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ck.h"

/* Of more than 200 embeddings only the first, the last and some between are read through ck, which
** takes many times as long as reading their rows: those, all of them, are in index_sql. */
static const char dump_sql[] =
    "SELECT 'embedding', hash, model, version, dims, encoding, origin, seq, refs, vector"
    " FROM embeddings, (SELECT count(*) AS n, max(rowid) AS last FROM embeddings)"
    " WHERE embeddings.rowid % (1 + n / 200) = 0 OR embeddings.rowid < 20"
    " OR embeddings.rowid > last - 20 ORDER BY hash;"
    "SELECT 'ref', workspace, path, chunk, start_line, end_line, hash"
    " FROM refs ORDER BY workspace, path, chunk;"
    "SELECT 'workspace', name, root, host, pinned, state, refs, embeddings, bytes,"
    " CASE WHEN last_seen >= 2000000000 THEN last_seen END FROM workspaces ORDER BY name;"
    "SELECT 'model', model, version, dims, metric, encoding, m, ef_construction, ef_search, count"
    " FROM models ORDER BY model, version;"
    "SELECT 'schema', type, name, sql FROM main.sqlite_schema ORDER BY type, name;";

/* Of a store as such: its embeddings, the generations of its indexes, whether they have what the
** store has, and the books of sync. */
static const char index_exists_sql[] =
    "SELECT 1 FROM main.sqlite_schema WHERE name = '_ck_index'";
static const char index_sql[] =
    "SELECT 'stored', e.id, e.hash, e.model, e.bytes, e.origin, e.seq, v.model, v.encoding,"
    " v.checksum, v.data FROM main._ck_embedding AS e LEFT JOIN main._ck_vector AS v ON v.id = e.id"
    " ORDER BY e.id;"
    "SELECT 'index', i.model, i.generation, n_merged, g.nodes, g.twins, g.generation,"
    " (SELECT status <> 'error' FROM ck_doctor WHERE \"check\" = 'index')"
    " FROM main._ck_index AS i LEFT JOIN main._ck_graph AS g ON g.model = i.model"
    " WHERE i.generation > 0 ORDER BY i.model;"
    "SELECT 'remote', name, length(epoch), push_seq, tombstone_seq, pull_seq, listing, listed,"
    " attempts, conflicts, mark IS NULL, report_after"
    " FROM main.ck_remotes ORDER BY name;"
    "SELECT 'refused', model, version, dims FROM main._ck_remote_model ORDER BY model, version;"
    "SELECT 'ack', remote, hash, seq, result, attempts FROM main.ck_acks ORDER BY remote, hash;"
    "SELECT 'lease', hash, owner, fence, expires_at - granted_at > 99 FROM main.ck_leases"
    " ORDER BY hash;"
    "SELECT 'tombstone', hash, seq FROM main.ck_tombstones ORDER BY hash;"
    "SELECT 'peer', store, user, mark FROM main.ck_peers ORDER BY store;"
    "SELECT 'report', hash, peer FROM main._ck_report ORDER BY hash, peer;"
    "SELECT 'meta', seq, min_seq, fence FROM main._ck_meta";

void text_add(Text *text, const char *bytes, size_t n) {
    if (text->n + n >= text->capacity) {
        text->capacity = 2 * (text->n + n + 1);
        text->data = realloc(text->data, text->capacity);
        if (!text->data) abort();
    }
    if (n > 0) memcpy(text->data + text->n, bytes, n);
    text->n += n;
    text->data[text->n] = 0;
}

void text_release(Text *text) {
    free(text->data);
    text->data = NULL;
    text->n = text->capacity = 0;
}

int text_same(const Text *a, const Text *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->data, b->data, a->n) == 0);
}

int session_open(const char *path, sqlite3 **db) {
    int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "fault");
    if (rc == SQLITE_OK) sqlite3_extended_result_codes(*db, 1);
    return rc;
}

int session_load(sqlite3 *db, char **message) {
    return sqlite3_ck_init(db, message, NULL);
}

static void add_bytes(Text *out, const unsigned char *bytes, int n, int hex) {
    if (!hex) {
        text_add(out, (const char *)bytes, (size_t)n);
        return;
    }
    static const char digits[] = "0123456789abcdef";
    char piece[256];
    size_t at = 0;
    text_add(out, "x'", 2);
    for (int i = 0; i < n; i++) {
        piece[at++] = digits[bytes[i] >> 4];
        piece[at++] = digits[bytes[i] & 15];
        if (at < sizeof piece && i < n - 1) continue;
        text_add(out, piece, at);
        at = 0;
    }
    text_add(out, "'", 1);
}

/* No conversions: they would allocate, and their failure is not the statement's. SQLite's printf is
** the quick one here: the sanitizers look at each argument of the C library's. */
static void add_column(Text *out, sqlite3_stmt *stmt, int i) {
    char number[40];
    int type = sqlite3_column_type(stmt, i);
    switch (type) {
    case SQLITE_INTEGER:
        sqlite3_snprintf(sizeof number, number, "%lld", sqlite3_column_int64(stmt, i));
        text_add(out, number, strlen(number));
        break;
    case SQLITE_FLOAT:
        snprintf(number, sizeof number, "%.9g", sqlite3_column_double(stmt, i));
        text_add(out, number, strlen(number));
        break;
    case SQLITE_NULL: text_add(out, "NULL", 4); break;
    default:
        add_bytes(out, sqlite3_column_blob(stmt, i), sqlite3_column_bytes(stmt, i),
                  type == SQLITE_BLOB);
    }
}

int session_run(sqlite3 *db, const char *sql, Text *out) {
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && *sql) {
        sqlite3_stmt *stmt = NULL;
        rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &sql);
        if (rc != SQLITE_OK || !stmt) continue;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            for (int i = 0; out && i < sqlite3_column_count(stmt); i++) {
                if (i) text_add(out, "|", 1);
                add_column(out, stmt, i);
            }
            if (out) text_add(out, "\n", 1);
        }
        int end = sqlite3_finalize(stmt);
        rc = rc == SQLITE_DONE ? end : rc;
    }
    return rc;
}

int session_dump(sqlite3 *db, Text *out) {
    Text exists = {NULL, 0, 0};
    int rc = session_run(db, dump_sql, out);
    if (rc == SQLITE_OK) rc = session_run(db, index_exists_sql, &exists);
    if (rc == SQLITE_OK && exists.n > 0) rc = session_run(db, index_sql, out);
    text_release(&exists);
    return rc;
}

int session_read_file(const char *path, Text *out) {
    char block[65536];
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file) return 1;
    while ((n = fread(block, 1, sizeof block, file)) > 0) text_add(out, block, n);
    return fclose(file);
}

static int write_file(const char *path, const Text *content) {
    FILE *file = fopen(path, "wb");
    if (!file) return 1;
    size_t n = fwrite(content->n ? content->data : "", 1, content->n, file);
    return fclose(file) != 0 || n != content->n;
}

static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

int session_file_is(const char *path, const Text *content) {
    char name[1200];
    for (int i = 1; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        if (access(name, F_OK) == 0) return 0;
    }
    Text now = {NULL, 0, 0};
    int same = session_read_file(path, &now) == 0 && text_same(&now, content);
    text_release(&now);
    return same;
}

static void remove_from(int first, const char *path) {
    for (int i = first; i < 4; i++) {
        char name[1200];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

void session_remove(const char *path) {
    remove_from(0, path);
}

int session_restore(const char *path, const Text *content) {
    remove_from(1, path);
    return write_file(path, content);
}
