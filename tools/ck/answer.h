/*
** Vectors in JSON, as endpoints and programs answer: read with SQLite's JSON functions and
** vec_f32() in an empty database in memory.
*/
#ifndef CK_TOOL_ANSWER_H
#define CK_TOOL_ANSWER_H

#include "embedder.h"

typedef struct CkAnswers CkAnswers; /* reads answers; of one thread at a time */

int ck_answers_open(CkAnswers **answers, CkError *err);
void ck_answers_close(CkAnswers *answers); /* may be NULL */

/*
** Reads {"data": [{"index": i, "embedding": [numbers] or "base64 of f32"}, …]} of a request for n
** items. Vectors go where their index says; what is missing, twice or beyond n makes the answer
** wrong: SQLITE_FORMAT, with a message, and no item is changed. SQLITE_MISMATCH: other dims.
*/
int ck_answers_read(CkAnswers *answers, CkEmbedder *embedder, const CkBuf *json, CkEmbedItem *items,
                    size_t n, CkError *err);

/*
** Reads one line {"index": i, "embedding": …} or {"index": i, "error": "why"}. *index is set; the
** item of that index, of n, gets its vector or its error: an error, too, for a line that says its
** index and is no JSON, as one with NaN. Any other line is wrong: SQLITE_FORMAT.
*/
int ck_answers_line(CkAnswers *answers, CkEmbedder *embedder, const char *line, size_t n_line,
                    CkEmbedItem *items, size_t n, CkError *err);

/* What an error's body says: its "error.message", "error" or "message", else all of it; control
   characters are blanks. The caller frees it; NULL: no memory. */
char *ck_answers_message(CkAnswers *answers, const CkBuf *body);

#endif
