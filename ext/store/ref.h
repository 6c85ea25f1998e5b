/*
** Refs: which embedding a workspace uses at (path, chunk).
**
** A ref's id is its key in 63 bits, workspace << 43 | path << 18 | chunk, with path interned in
** _ck_path. All refs of a workspace, and of a file in it, are one range of ids.
*/
#ifndef CK_STORE_REF_H
#define CK_STORE_REF_H

#include "store/store.h"
#include "store/value.h"

#define CK_REF_WORKSPACE_MAX 1048575 /* 20 bits */
#define CK_REF_PATH_MAX 33554431     /* 25 bits */
#define CK_REF_CHUNK_MAX 262143      /* 18 bits */

/* The first and last id a workspace, and a path in it, can have. */
#define CK_REF_FIRST(workspace) ((int64_t)(workspace) << 43)
#define CK_REF_LAST(workspace) ((((int64_t)(workspace) + 1) << 43) - 1)
#define CK_REF_ID(workspace, path, chunk) \
    ((int64_t)(workspace) << 43 | (int64_t)(path) << 18 | (int64_t)(chunk))
#define CK_REF_CHUNK(id) ((int64_t)(id) & CK_REF_CHUNK_MAX)

/* How old the used_at of an embedding may get when refs to it are only written once more. */
#define CK_REF_FRESH_S 60

/* One row, as SQL values; NULL pointers mean "not given", an unchanged value stays. */
typedef struct CkRefRow {
    sqlite3_value *workspace, *path, *chunk, *start_line, *end_line, *hash;
} CkRefRow;

/*
** Adds a ref and freshens the embedding's used_at. Workspace and embedding must exist. A key that
** is taken gives SQLITE_CONSTRAINT_UNIQUE, or is replaced when `replace` is set.
*/
int ck_ref_insert(CkStore *store, const CkRefRow *row, int replace, int64_t *id, CkError *err);

int ck_ref_delete(CkStore *store, int64_t id, CkError *err);

/* Changes a ref, its key included; unchanged values stay. */
int ck_ref_update(CkStore *store, int64_t old_id, const CkRefRow *row, int replace, int64_t *id,
                  CkError *err);

/* The id of an interned path; *found is 0 for one no ref ever had. */
int ck_path_find(CkStore *store, const char *path, int64_t *id, int *found, CkError *err);

/*
** A scan over refs that may be followed by inserts from the same statement: the first insert into
** refs on the connection makes every open scan note the ids it has still to visit, so that
** INSERT INTO refs SELECT … FROM ck_refs reads what was there at its start, and ends.
*/
typedef struct CkRefScan {
    struct CkRefScan *next; /* in the connection's list of open scans */
    CkStore *store;
    CkSqlId sql;
    sqlite3_stmt *stmt; /* at a row of (id, embedding, start_line, end_line, workspace, path) */
    CkBuf ids;          /* after detaching: ids to visit, int64_t each, from ids_at on */
    size_t ids_at;
    int detached;
    int eof;
} CkRefScan;

/* What the scan's statement takes after its bounds: values from ?3 on, or an id as ?3. */
typedef struct CkRefScanExtra {
    sqlite3_value *values[2];
    int64_t id;
} CkRefScanExtra;

/* Begins a scan of statement `sql` within the bounds, first and last id. */
int ck_ref_scan_begin(CkRefScan *scan, CkStore *store, CkSqlId sql, const int64_t bounds[2],
                      const CkRefScanExtra *extra, CkError *err);
int ck_ref_scan_next(CkRefScan *scan, CkError *err);
void ck_ref_scan_end(CkRefScan *scan);

/* Called before every insert. */
int ck_ref_scans_detach(CkStore *store, CkError *err);

#endif
