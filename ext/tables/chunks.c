/*
** ck_chunks(source [, path]): the chunks of a text, in order.
**
**   SELECT * FROM ck_chunks(readfile('ext/ck.c'), 'ext/ck.c');
**
** source may be TEXT, taken as UTF-8, or a BLOB such as readfile() returns. The chunks are TEXT if
** all of source is valid UTF-8 without NUL characters, which TEXT cannot be trusted to carry, and
** BLOBs otherwise: never some of each. The extension of path chooses between code and Markdown.
** NULL has no chunks.
**
** A chunk borrows from the cursor's copy of source; nothing is allocated here.
*/
#include <string.h>

#include "base/utf8.h"
#include "tables/table.h"
#include "text/chunker.h"

enum { COLUMN_CHUNK, COLUMN_START_LINE, COLUMN_END_LINE, COLUMN_CONTENT, N_COLUMNS };
enum { INPUT_SOURCE, INPUT_PATH, N_INPUTS };

typedef struct ChunksCursor {
    CkTvfCursor head;
    CkChunker chunker;
    CkChunk chunk; /* the current one */
    int is_text;
} ChunksCursor;

static int is_utf8_without_nul(const void *bytes, size_t n) {
    const char *text = bytes;
    if (n > 0 && memchr(text, 0, n)) return 0;
    for (size_t at = 0; at < n;) {
        size_t length = ck_utf8_length(text + at, n - at);
        if (length == 0) return 0;
        at += length;
    }
    return 1;
}

static int chunks_next(CkTvfCursor *head, CkError *err) {
    ChunksCursor *cursor = (ChunksCursor *)head;
    (void)err;
    head->eof = !ck_chunker_next(&cursor->chunker, &cursor->chunk);
    return SQLITE_OK;
}

static int chunks_filter(CkTvfCursor *head, CkError *err) {
    ChunksCursor *cursor = (ChunksCursor *)head;
    sqlite3_value *source = head->inputs[INPUT_SOURCE], *path = head->inputs[INPUT_PATH];
    const char *path_text = NULL;
    if (!source || sqlite3_value_type(source) == SQLITE_NULL) {
        head->eof = 1;
        return SQLITE_OK;
    }
    int is_blob = sqlite3_value_type(source) == SQLITE_BLOB;
    const void *text = is_blob ? sqlite3_value_blob(source) : sqlite3_value_text(source);
    int n = sqlite3_value_bytes(source);
    if (!text && (n > 0 || !is_blob)) return ck_error_nomem(err);
    if (path && sqlite3_value_type(path) != SQLITE_NULL) {
        path_text = (const char *)sqlite3_value_text(path);
        if (!path_text) return ck_error_nomem(err);
    }
    cursor->is_text = is_utf8_without_nul(text, (size_t)n);
    ck_chunker_init(&cursor->chunker, text, (size_t)n, path_text);
    return chunks_next(head, err);
}

static int chunks_column(CkTvfCursor *head, sqlite3_context *context, int column, CkError *err) {
    const ChunksCursor *cursor = (const ChunksCursor *)head;
    const CkChunk *chunk = &cursor->chunk;
    const char *bytes = cursor->chunker.text + chunk->begin;
    size_t n = chunk->end - chunk->begin;
    (void)err;
    switch (column) {
        case COLUMN_CHUNK:
            sqlite3_result_int64(context, head->row);
            break;
        case COLUMN_START_LINE:
            sqlite3_result_int64(context, chunk->start_line);
            break;
        case COLUMN_END_LINE:
            sqlite3_result_int64(context, chunk->end_line);
            break;
        case COLUMN_CONTENT:
            if (cursor->is_text) {
                sqlite3_result_text(context, bytes, (int)n, SQLITE_TRANSIENT);
            } else {
                sqlite3_result_blob(context, bytes, (int)n, SQLITE_TRANSIENT);
            }
            break;
    }
    return SQLITE_OK;
}

const CkTvf ck_tvf_chunks = {
    .name = "ck_chunks",
    .declaration = "CREATE TABLE x(chunk INTEGER, start_line INTEGER, end_line INTEGER, content, "
                   "source HIDDEN, path HIDDEN)",
    .n_columns = N_COLUMNS,
    .n_inputs = N_INPUTS,
    .n_required = 1,
    .cursor_bytes = sizeof(ChunksCursor),
    .filter = chunks_filter,
    .next = chunks_next,
    .column = chunks_column,
};
