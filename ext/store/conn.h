/*
** The state of one database connection, and the named statements of its stores.
**
** A CkConn is created when the extension is loaded into a connection and lives as long as any
** module or function registered with it. A CkStore stands for the store of one schema (main, or
** an attached file); it holds prepared statements, figures that are approximate, one look-up that a
** ROLLBACK makes it forget, and of the file's content only what it can hold against a stamp before
** each use.
**
** Statements come from the files of sql/store. "main." in their text is replaced by the quoted
** schema name: the only formatting SQL ever gets here. They are checked out with ck_stmt_take(),
** so two cursors never share one, and given back reset. Those kept for reuse are finalized when
** SQLite disconnects ck's anchor table, which it does at the beginning of sqlite3_close(): a
** cached statement never makes a close fail with SQLITE_BUSY.
*/
#ifndef CK_STORE_CONN_H
#define CK_STORE_CONN_H

#include <stdarg.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "ck_sql.h"
#include "store/key.h"
#include "vector/encoding.h"

/* Hits and misses that wait to be written, see store/hits.h. */
#define CK_HITS_MODELS 8
typedef struct CkModelHits {
    int64_t model, hits, misses;
} CkModelHits;
typedef struct CkHitsWaiting {
    CkModelHits models[CK_HITS_MODELS];
    int n;
    int64_t total;
    int64_t patience; /* so many may wait when the connection writes */
} CkHitsWaiting;

/* The indexes in memory, see store/index.h. */
typedef struct CkIndexCache {
    struct CkIndex *first;
    int64_t budget_bytes, kept_bytes;
    int64_t n_openings;
} CkIndexCache;

/* The file of the last ref written, see store/ref_file.h. */
typedef struct CkRefFileIds {
    int64_t workspace, path;
} CkRefFileIds;
typedef struct CkRefFile {
    int known;
    CkRefFileIds ids;
    char workspace[CK_NAME_MAX + 1];
    char path[CK_PATH_MAX_BYTES + 1];
} CkRefFile;

/* What workspaces refer to, see store/workspace_set.h. */
typedef struct CkWorkspaceSets {
    struct CkWorkspaceSet *sets;
    int64_t n_uses;
} CkWorkspaceSets;

typedef struct CkStore {
    struct CkConn *conn;
    struct CkStore *next;
    char *schema;
    CkHitsWaiting hits;
    CkIndexCache index_cache;
    struct CkModelList *models; /* see store/model_list.h; NULL before the first search */
    int64_t builder; /* whom this connection is as a builder of indexes, random; 0: none yet */
    CkRefFile last_file;
    int64_t touched_workspace; /* whose stamp is new already, see store/ref_file.h; 0: none */
    CkWorkspaceSets workspace_sets;
    int identity;     /* whether the file was seen to be the store's, see store/identity.h */
    int64_t writer_seq; /* of the connection's row in _ck_writer; 0: none yet */
    int64_t paths_at; /* where the search for unused paths goes on; 0: anywhere */
    sqlite3_stmt *idle[CK_SQL_COUNT]; /* reset and ready, or NULL */
} CkStore;

/* The environment variable that makes searches take a path wherever they can, by the first word of
** its name: "exact", "index", "probe" or "graph" (store/planner.h). With the last two every index
** that is built has a graph, with "index" none. For tests and measurements. */
#define CK_PLAN_VARIABLE "CK_PLAN"
#define CK_PLAN_NAME_MAX 15

typedef struct CkConn {
    sqlite3 *db;
    int n_refs;     /* registrations and virtual tables that point here */
    int anchored;   /* the anchor table is connected: statements may be kept */
    CkStore *stores;
    CkCodec *codec;
    CkBuf scratch;  /* for the row being written */
    CkKeyHasher hasher;
    char plan[CK_PLAN_NAME_MAX + 1]; /* the search path of the environment, or "" */
    sqlite3_vfs *vfs; /* its clock is ours, so that tests can set the time */
    struct CkRefScan *ref_scans; /* open scans of refs, see store/ref.h */
} CkConn;

int ck_conn_new(sqlite3 *db, CkConn **conn, CkError *err);

/* Counts one more user of conn, and one less; the last one frees it. */
CkConn *ck_conn_retain(CkConn *conn);
void ck_conn_release(void *conn);

/* Finalizes every idle statement; the anchor calls it at the start of sqlite3_close(). */
void ck_conn_unanchor(CkConn *conn);

/* Unix time in seconds by the clock of the connection's VFS, the one behind SQL's unixepoch(). */
int64_t ck_conn_now(CkConn *conn);

/* The store of a schema, created in memory on first mention; NULL when out of memory. */
CkStore *ck_conn_store(CkConn *conn, const char *schema);

/*
** The text of a named statement for this store, from sqlite3_malloc; NULL when out of memory.
*/
char *ck_store_sql(const CkStore *store, CkSqlId id);

/*
** Checks a named statement out, ready to be bound. On failure *stmt is NULL.
*/
int ck_stmt_take(CkStore *store, CkSqlId id, sqlite3_stmt **stmt, CkError *err);

/* Has n statements ready: running one of them then asks for no memory but SQLite's own. */
int ck_stmt_prepare(CkStore *store, const CkSqlId *ids, size_t n, CkError *err);

/* Resets it, unbinds its parameters and keeps it for the next taker. NULL is ignored. */
void ck_stmt_give(CkStore *store, CkSqlId id, sqlite3_stmt *stmt);

/*
** Binds parameters 1, 2, … by a format of one letter each: i int64_t, t const char * (text), b
** const void * and int (blob), v sqlite3_value *. A NULL pointer binds NULL. Text and blobs are
** borrowed until the statement is given back.
*/
void ck_stmt_bind(sqlite3_stmt *stmt, const char *format, ...);
void ck_stmt_vbind(sqlite3_stmt *stmt, const char *format, va_list args);

/* Steps: SQLITE_ROW, SQLITE_DONE, or an error that is set in err. */
int ck_stmt_step(CkStore *store, sqlite3_stmt *stmt, CkError *err);

/* Takes, binds (as ck_stmt_bind), steps to the end and gives back a statement without rows. */
int ck_stmt_run(CkStore *store, CkSqlId id, CkError *err, const char *format, ...);

/*
** As ck_stmt_run for a query of at most one row: copies its integer columns to out[0 .. n_out).
** NULL reads as 0. *found says whether there was a row.
*/
int ck_stmt_ints(CkStore *store, CkSqlId id, CkError *err, int64_t *out, int n_out, int *found,
                 const char *format, ...);

#endif
