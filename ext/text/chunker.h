/*
** Cuts source text into chunks at structural boundaries, so that an edit changes only the chunks
** it touches. chunker.c is the specification.
**
** The chunks cover the text exactly: each begins where the one before ended, none is empty, their
** concatenation is the text. Empty text has no chunks. A chunk ends inside a line only when the
** line alone is too long, and never inside a UTF-8 character or between CR and LF. Any bytes are
** accepted: invalid UTF-8 and NUL are data.
**
** FROZEN: chunk content is what embeddings are keyed by, so a change of any boundary re-embeds
** the world. tests/unit/golden/ holds the boundaries; a new rule needs a new name.
*/
#ifndef CK_TEXT_CHUNKER_H
#define CK_TEXT_CHUNKER_H

#include <stddef.h>
#include <stdint.h>

#define CK_CHUNK_MIN_BYTES 640     /* no chunk is shorter, except that of a shorter text */
#define CK_CHUNK_TARGET_BYTES 1536 /* up to this a run of paragraphs is not cut for its size */
#define CK_CHUNK_MAX_BYTES 3072    /* no chunk is longer */

/* Segments nest this deep: the text, one for each level of chunker.c, one for the last resort. */
#define CK_CHUNKER_SEGMENTS 9

typedef struct CkChunk {
    size_t begin, end;             /* bytes [begin, end) of the text */
    uint32_t start_line, end_line; /* 1-based, inclusive; lines end with LF */
} CkChunk;

typedef struct CkChunkerSegment {
    size_t begin, end;
} CkChunkerSegment;

/* A walk along the lines; chunker.c says what the fields decide. */
typedef struct CkChunkerWalk {
    size_t at;             /* where the next line begins */
    int after_blank;       /* the line before it is blank, or there is none */
    char fence;            /* '`' or '~' when it lies in a fenced code block, else 0 */
    uint32_t fence_length; /* how many of them opened it */
} CkChunkerWalk;

typedef struct CkChunker {
    const char *text;
    size_t n_bytes;
    int markdown;       /* headings and code fences have a meaning */
    size_t at;          /* where the next chunk begins */
    uint32_t line;      /* 1-based number of the line that holds `at` */
    CkChunkerWalk walk; /* at the first line that begins at or after `at` */
    int depth;          /* the innermost of the segments around `at` */
    CkChunkerSegment segments[CK_CHUNKER_SEGMENTS];
} CkChunker;

/* path may be NULL; only its extension matters. Text and path are borrowed, the path until the
   function returns. text may be NULL when n_bytes is 0. */
void ck_chunker_init(CkChunker *chunker, const char *text, size_t n_bytes, const char *path);

/* Writes the next chunk and returns 1, or returns 0 at the end. Allocates nothing. */
int ck_chunker_next(CkChunker *chunker, CkChunk *chunk);

#endif
