/*
** Refs to write, in ck and in a plain table
**
**     plain_refs(workspace, path, chunk, start_line, end_line, embedding,
**                PRIMARY KEY (workspace, path, chunk)), with an index on embedding
**
** that is given hashes too and looks them up.
*/
#ifndef CK_BENCH_REFS_H
#define CK_BENCH_REFS_H

#include "db.h"

#define REFS_DIMS 16 /* refs do not touch vectors */
#define CHUNKS_PER_FILE 20

typedef struct RefsSide {
    sqlite3 *db;
    const char *name;      /* of the database */
    const char *workspace; /* whose refs are written */
    const char *insert;    /* the statement that writes one */
    const char *plain_insert, *delete_file, *sweep;
    const char *age; /* makes the embeddings an hour old, or NULL */
} RefsSide;

/* A new database with the embeddings `rows` and no refs. `insert` is INSERT OR REPLACE. */
void refs_open_ck(RefsSide *side, const Bench *bench, const Rows *rows);
void refs_open_plain(RefsSide *side, const Bench *bench, const Rows *rows);
void refs_close(RefsSide *side, const Bench *bench);

/* Makes the embeddings old and empties the write-ahead log. */
void refs_age(const RefsSide *side);

/*
** Writes a ref for each row, to the embedding `shift` rows on, in one transaction; `before`, if not
** NULL, is run with (workspace, path) before each file. Returns the seconds.
*/
double refs_write(const RefsSide *side, const Rows *rows, int shift, const char *before);

#endif
