/*
** The virtual table `refs`: which embedding a workspace uses at (path, chunk).
**
** xBestIndex takes equality on workspace, path, chunk and hash, GLOB on path, and rowid bounds,
** and turns them into one of the scans of ref.sql; a ref's id being its key, "a workspace" and
** "a file in it" are ranges of ids. ORDER BY workspace, path [, chunk] is answered by the scan
** that walks workspaces by name.
**
** idxStr names what each xFilter argument is, one letter each: w workspace, p path, c chunk,
** h hash, g path GLOB; a trailing n asks for order by name.
*/
#include <string.h>

#include "store/embedding.h"
#include "store/ref.h"
#include "store/ref_file.h"
#include "store/workspace.h"
#include "tables/table.h"

enum {
    COLUMN_WORKSPACE,
    COLUMN_PATH,
    COLUMN_CHUNK,
    COLUMN_START_LINE,
    COLUMN_END_LINE,
    COLUMN_HASH
};
static const char declaration[] =
    "CREATE TABLE x(workspace TEXT, path TEXT, chunk INTEGER, start_line INTEGER, "
    "end_line INTEGER, hash BLOB)";

/* Columns of the scan statements. */
enum { ROW_ID, ROW_EMBEDDING, ROW_START_LINE, ROW_END_LINE, ROW_WORKSPACE, ROW_PATH };

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    CkRefScan scan;
} Cursor;

static CkStore *store_of(sqlite3_vtab_cursor *cursor) {
    return ((CkTable *)cursor->pVtab)->store;
}

static int refs_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **vtab, char **message) {
    return ck_table_connect(db, aux, argc, argv, declaration, vtab, message);
}

/* The letter under which a constraint is passed on, or 0. */
static char letter_of(const sqlite3_index_info *info, int i) {
    static const char by_column[] = {
        [COLUMN_WORKSPACE] = 'w', [COLUMN_PATH] = 'p', [COLUMN_CHUNK] = 'c', [COLUMN_HASH] = 'h'};
    int column = info->aConstraint[i].iColumn;
    int op = info->aConstraint[i].op;
    if (!info->aConstraint[i].usable) return 0;
    if (op == SQLITE_INDEX_CONSTRAINT_GLOB && column == COLUMN_PATH) return 'g';
    if (op != SQLITE_INDEX_CONSTRAINT_EQ || column > COLUMN_HASH) return 0;
    if (column == -1) return 'r';
    /* A collation other than BINARY makes more rows equal than an index finds. */
    if (sqlite3_stricmp(sqlite3_vtab_collation((sqlite3_index_info *)info, i), "BINARY") != 0) {
        return 0;
    }
    return by_column[column];
}

/* ORDER BY a prefix of (workspace, path, chunk), ascending? */
static int orders_by_name(const sqlite3_index_info *info) {
    static const int columns[] = {COLUMN_WORKSPACE, COLUMN_PATH, COLUMN_CHUNK};
    if (info->nOrderBy < 1 || info->nOrderBy > 3) return 0;
    for (int i = 0; i < info->nOrderBy; i++) {
        if (info->aOrderBy[i].iColumn != columns[i] || info->aOrderBy[i].desc) return 0;
    }
    return 1;
}

static int refs_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    char letters[8];
    int n = 0;
    double rows = 1000000;
    (void)vtab;
    for (int i = 0; i < info->nConstraint && n < 6; i++) {
        char letter = letter_of(info, i);
        if (!letter || memchr(letters, letter, (size_t)n)) continue;
        letters[n++] = letter;
        info->aConstraintUsage[i].argvIndex = n;
        rows /= letter == 'w' ? 10 : letter == 'g' ? 20 : letter == 'c' ? 2 : 10000;
    }
    letters[n] = 0;
    /* The other scans have an order of their own. */
    if (orders_by_name(info) && strcspn(letters, "gh") == strlen(letters)) {
        letters[n++] = 'n';
        letters[n] = 0;
        info->orderByConsumed = 1;
    }
    info->idxStr = sqlite3_mprintf("%s", letters);
    if (!info->idxStr) return SQLITE_NOMEM;
    info->needToFreeIdxStr = 1;
    info->estimatedRows = rows < 1 ? 1 : (sqlite3_int64)rows;
    info->estimatedCost = rows + 1;
    return SQLITE_OK;
}

static int refs_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
    (void)vtab;
    Cursor *cursor = sqlite3_malloc64(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    memset(cursor, 0, sizeof *cursor);
    cursor->scan.eof = 1;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int refs_close(sqlite3_vtab_cursor *base) {
    ck_ref_scan_end(&((Cursor *)base)->scan);
    sqlite3_free(base);
    return SQLITE_OK;
}

/* What xFilter is asked for, with names looked up. */
typedef struct Wanted {
    int64_t ids[2]; /* first and last */
    int64_t path, embedding;
    int has_path, has_workspace, by_embedding, nothing;
    sqlite3_value *glob;
    sqlite3_value *workspace_name, *path_name; /* when they are TEXT, as the stored names are */
} Wanted;

static int want_workspace(CkStore *store, sqlite3_value *value, Wanted *wanted, CkError *err) {
    int64_t id = 0;
    int found = 0;
    const char *name = (const char *)sqlite3_value_text(value);
    if (name) ck_workspace_find(store, name, &id, &found, err);
    if (!found) wanted->nothing = 1;
    wanted->has_workspace = 1;
    if (sqlite3_value_type(value) == SQLITE_TEXT) wanted->workspace_name = value;
    wanted->ids[0] = CK_REF_FIRST(id);
    wanted->ids[1] = CK_REF_LAST(id);
    return err->rc;
}

static int want_hash(CkStore *store, sqlite3_value *value, Wanted *wanted, CkError *err) {
    int64_t used_at;
    int found = 0;
    if (sqlite3_value_type(value) == SQLITE_BLOB &&
        sqlite3_value_bytes(value) == CK_HASH_BYTES) {
        ck_embedding_find(store, sqlite3_value_blob(value), &wanted->embedding, &used_at, &found,
                          err);
    }
    if (!found) wanted->nothing = 1;
    wanted->by_embedding = 1;
    return err->rc;
}

static int want_path(CkStore *store, sqlite3_value *value, Wanted *wanted, CkError *err) {
    const char *path = (const char *)sqlite3_value_text(value);
    wanted->has_path = 0;
    if (path) ck_path_find(store, path, &wanted->path, &wanted->has_path, err);
    if (!wanted->has_path) wanted->nothing = 1;
    if (sqlite3_value_type(value) == SQLITE_TEXT) wanted->path_name = value;
    return err->rc;
}

/* SQLite checks every row again, so a constraint that does not help may be left out. */
static int read_wanted(CkStore *store, const char *letters, sqlite3_value **argv, Wanted *wanted,
                       CkError *err) {
    sqlite3_value *chunk = NULL, *rowid = NULL;
    *wanted = (Wanted){.ids = {INT64_MIN, INT64_MAX}};
    for (int i = 0; letters[i] && letters[i] != 'n' && err->rc == SQLITE_OK; i++) {
        if (letters[i] == 'w') want_workspace(store, argv[i], wanted, err);
        if (letters[i] == 'p') want_path(store, argv[i], wanted, err);
        if (letters[i] == 'h') want_hash(store, argv[i], wanted, err);
        if (letters[i] == 'g') wanted->glob = argv[i];
        if (letters[i] == 'c') chunk = argv[i];
        if (letters[i] == 'r') rowid = argv[i];
    }
    if (wanted->has_workspace && wanted->has_path) {
        int64_t first = wanted->ids[0] + ((int64_t)wanted->path << 18);
        int64_t n = chunk && sqlite3_value_type(chunk) == SQLITE_INTEGER
                        ? sqlite3_value_int64(chunk)
                        : -1;
        wanted->ids[0] = first + (n >= 0 && n <= CK_REF_CHUNK_MAX ? n : 0);
        wanted->ids[1] = n >= 0 && n <= CK_REF_CHUNK_MAX ? wanted->ids[0]
                                                         : first + CK_REF_CHUNK_MAX;
    }
    /* An id is a whole key: it narrows any range to one row or none. */
    if (rowid && sqlite3_value_type(rowid) == SQLITE_INTEGER) {
        int64_t id = sqlite3_value_int64(rowid);
        if (id < wanted->ids[0] || id > wanted->ids[1]) wanted->nothing = 1;
        wanted->ids[0] = wanted->ids[1] = id;
    }
    return err->rc;
}

/* Chooses the scan and its parameters after the bounds. */
static CkSqlId choose_scan(const char *letters, const Wanted *wanted, CkRefScanExtra *extra) {
    *extra = (CkRefScanExtra){0};
    if (strchr(letters, 'n')) return CK_SQL_REF_BY_NAME;
    if (wanted->by_embedding) {
        extra->id = wanted->embedding;
        return CK_SQL_REF_BY_EMBEDDING;
    }
    if (wanted->has_path && !wanted->has_workspace) {
        extra->id = wanted->path;
        return CK_SQL_REF_BY_PATH;
    }
    if (wanted->glob && !wanted->has_path) {
        extra->values[0] = wanted->glob;
        return CK_SQL_REF_BY_GLOB;
    }
    if (!wanted->workspace_name) return CK_SQL_REF_BY_ID;
    extra->values[0] = wanted->workspace_name;
    extra->values[1] = wanted->path_name;
    return wanted->path_name ? CK_SQL_REF_OF_FILE : CK_SQL_REF_OF_WORKSPACE;
}

static int refs_filter(sqlite3_vtab_cursor *base, int num, const char *letters, int argc,
                       sqlite3_value **argv) {
    Cursor *cursor = (Cursor *)base;
    CkStore *store = store_of(base);
    CkError err = CK_ERROR_NONE;
    Wanted wanted;
    int exists = 0;
    (void)num;
    (void)argc;
    ck_ref_scan_end(&cursor->scan);
    ck_store_open_read(store, &exists, &err);
    if (err.rc != SQLITE_OK || !exists) return ck_table_end(base->pVtab, &err);
    if (read_wanted(store, letters, argv, &wanted, &err) == SQLITE_OK && !wanted.nothing) {
        CkRefScanExtra extra;
        CkSqlId sql = choose_scan(letters, &wanted, &extra);
        ck_ref_scan_begin(&cursor->scan, store, sql, wanted.ids, &extra, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

static int refs_next(sqlite3_vtab_cursor *base) {
    CkError err = CK_ERROR_NONE;
    ck_ref_scan_next(&((Cursor *)base)->scan, &err);
    return ck_table_end(base->pVtab, &err);
}

static int refs_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->scan.eof;
}

static int refs_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    sqlite3_stmt *stmt = ((Cursor *)base)->scan.stmt;
    CkError err = CK_ERROR_NONE;
    if (sqlite3_vtab_nochange(context)) return SQLITE_OK;
    switch (column) {
    case COLUMN_WORKSPACE:
        sqlite3_result_value(context, sqlite3_column_value(stmt, ROW_WORKSPACE));
        break;
    case COLUMN_PATH:
        sqlite3_result_value(context, sqlite3_column_value(stmt, ROW_PATH));
        break;
    case COLUMN_CHUNK:
        sqlite3_result_int64(context, CK_REF_CHUNK(sqlite3_column_int64(stmt, ROW_ID)));
        break;
    case COLUMN_START_LINE:
        sqlite3_result_value(context, sqlite3_column_value(stmt, ROW_START_LINE));
        break;
    case COLUMN_END_LINE:
        sqlite3_result_value(context, sqlite3_column_value(stmt, ROW_END_LINE));
        break;
    default:
        ck_embedding_result_hash(store_of(base), sqlite3_column_int64(stmt, ROW_EMBEDDING),
                                 context, &err);
    }
    return ck_table_end(base->pVtab, &err);
}

static int refs_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = sqlite3_column_int64(((Cursor *)base)->scan.stmt, ROW_ID);
    return SQLITE_OK;
}

static int refs_update(sqlite3_vtab *vtab, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    CkTable *table = (CkTable *)vtab;
    CkError err = CK_ERROR_NONE;
    if (argc == 1) {
        ck_ref_delete(table->store, sqlite3_value_int64(argv[0]), &err);
        return ck_table_end(vtab, &err);
    }
    static const int updatable[] = {COLUMN_WORKSPACE,  COLUMN_PATH,     COLUMN_CHUNK,
                                    COLUMN_START_LINE, COLUMN_END_LINE, COLUMN_HASH,
                                    -1};
    int replace = sqlite3_vtab_on_conflict(table->conn->db) == SQLITE_REPLACE;
    sqlite3_value **c = argv + 2;
    int64_t id = 0;
    CkRefRow row = {c[COLUMN_WORKSPACE],  c[COLUMN_PATH],     c[COLUMN_CHUNK],
                    c[COLUMN_START_LINE], c[COLUMN_END_LINE], c[COLUMN_HASH]};
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
        if (ck_table_check_update(table, argv, COLUMN_HASH + 1, updatable, &err) == SQLITE_OK) {
            ck_ref_update(table->store, sqlite3_value_int64(argv[0]), &row, replace, &id, &err);
        }
    } else if (ck_table_check_insert(table, argv, &err) == SQLITE_OK) {
        /* chunk is 0 unless it is given. */
        if (sqlite3_value_type(row.chunk) == SQLITE_NULL) row.chunk = NULL;
        ck_ref_insert(table->store, &row, replace, &id, &err);
        *rowid = id;
    }
    return ck_table_end(vtab, &err);
}

/*
** The ends of transactions, and savepoints. SQLite calls these for every table that a transaction
** has written to; all they do is to forget, which is always right. (Without xSavepoint, a table
** first written to inside a savepoint would not hear of its ROLLBACK TO.)
*/
static int refs_forget(sqlite3_vtab *vtab) {
    ck_ref_file_forget(((CkTable *)vtab)->store);
    return SQLITE_OK;
}

static int refs_savepoint_forget(sqlite3_vtab *vtab, int savepoint) {
    (void)savepoint;
    return refs_forget(vtab);
}

const sqlite3_module ck_module_refs = {
    .iVersion = 2, /* for xRollbackTo */
    .xCreate = refs_connect,
    .xConnect = refs_connect,
    .xBestIndex = refs_best_index,
    .xDisconnect = ck_table_disconnect,
    .xDestroy = ck_table_disconnect,
    .xOpen = refs_open,
    .xClose = refs_close,
    .xFilter = refs_filter,
    .xNext = refs_next,
    .xEof = refs_eof,
    .xColumn = refs_column,
    .xRowid = refs_rowid,
    .xUpdate = refs_update,
    .xBegin = refs_forget,
    .xCommit = refs_forget,
    .xRollback = refs_forget,
    .xSavepoint = refs_savepoint_forget,
    .xRollbackTo = refs_savepoint_forget,
};
