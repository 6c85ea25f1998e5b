/*
** The chunker: where a text is cut, as a function of its content alone.
**
** Two things are wanted at once. Chunks should be what a reader would call a unit: a function, a
** section. And an edit should change few chunks, because every changed chunk is embedded again.
** Packing lines from the top until a size is reached fails the second: one inserted line moves
** every later boundary. So no decision here depends on a running size. Every possible cut has a
** priority computed from the bytes around it, and it becomes a cut when it beats every rival
** within a fixed distance. What lies further away cannot matter. (Content-defined chunking with
** local maxima: Bjørner, Blass, Gurevich, "Content-dependent chunking for differential
** compression, the local maximum approach", 2010; here the maxima are structural first and
** pseudo-random second, and nested.)
**
** LINES. A line ends after its LF, or at the end of the text. Space, tab, CR, VT and FF are white;
** a line of white bytes only is blank. The first line counts as after a blank one. The indent is
** the columns of the spaces and tabs a line begins with, a tab going to the next multiple of 4. A
** text is Markdown when its path ends in one of the extensions of is_markdown(), in any case.
**
** RANK of the beginning of a line, 0 meaning that it is no candidate:
**
**   0      a blank line; else, but for headings, a line whose first byte that is not white is one
**          of ) ] }; the line that closes a code fence
**   15-h   Markdown, outside fences: a heading: at most 3 white bytes, h = 1..6 times '#', then
**          white or the end
**   13     Markdown, outside fences: a title: after a blank line, no white byte first, and either
**          the next line is a rule, or this line is a rule and the next is not blank. A rule is
**          three or more times the same byte of = - ~ ^ * + " ' and then only white bytes
**   8      after a blank line, indent 0, outside fences
**   7 6 5  after a blank line: indent at most 4, at most 8, more
**   4 3 2 1  other lines: indent 0, at most 4, at most 8, more
**
** FENCES. Outside fences, a line whose first bytes after white ones are three or more ` or ~ opens
** one (for `, only when no further ` follows on the line); that line counts as outside. The fence
** ends with the next line that has, after white bytes, at least as many of the same byte and then
** only white ones. Where three bytes opened it, it also ends before a heading with h >= 2 between
** two blank lines (the end of the text counts as one): a lone fence mark, or one that an edit
** removes, must not turn the rest of a text inside out.
**
** PRIORITY of a candidate at p: its rank, then H(p, near), then H(p, far); higher wins. H(p, w)
** hashes bytes p .. p+w-1 of the text, with zeros after its end, as little-endian 64-bit words:
** h = 0x9e3779b97f4a7c15; for each word: h = (h xor word) * 0xff51afd7ed558ccd mod 2^64, and then
** h = h xor (h >> 32). near is short, so that few edits reach a priority; far separates places
** that begin alike (boilerplate comments, generated tests). Without it the priorities tie, nothing
** wins, and generated code falls to the last resort below.
**
** CUTTING. The whole text is one segment. Level after level, each segment that is longer than the
** level's limit is cut at the level's maxima into segments for the next level; the others are
** chunks.
**
**   level      0     1     2     3     4     5     6
**   limit      0  1536  3072  3072  3072  3072  3072    bytes a segment may have uncut
**   spacing  640   640  1024  1024  1024  1024  1024
**   rank       9     8     7     6     5     1     -    least rank of a candidate
**   near      64    64    64    64    64    64    16
**   far      256   256   256   256   256   256   128
**
** The candidates in a segment [b, e) are the positions p with at least the level's rank and
** b + spacing <= p <= e - spacing. A candidate is a cut when its priority is strictly higher than
** that of every other candidate at most spacing bytes away. So a function of 640 to 3072 bytes
** between others like it is a chunk of its own, smaller neighbours share one, and a longer one is
** cut where it is indented least. Candidates that lost on one level compete again on the next.
**
** On level 6 every position that is not inside a character is a candidate: rank 3 after LF, 2
** after one of ; } >, 1 after a comma or a white byte, else 0. A position is inside a character
** when it lies between CR and LF, or when one of the three bytes before it begins a UTF-8 sequence
** (C2..DF: 2 bytes, E0..EF: 3, F0..F4: 4) that reaches over it and all bytes from there to and
** including the one at p are 80..BF.
**
** LAST RESORT. A segment that is still longer than 3072 bytes has no unique maximum anywhere:
** the same lines, or the same bytes, over and over. From its beginning b, while more than 3072
** bytes remain, it is cut at the last beginning of a line in [b + 640, b + 1536], else at the last
** position up to there that is not inside a character. Here alone a running size decides, but the
** chunks of such a text mostly are the same.
**
** MEASURED on C, Python, Rust, JavaScript, headers and Markdown: chunks of 1430 to 1840 bytes on
** average (Markdown 1120); a line inserted, deleted or changed makes 1.05 to 1.18 new chunks on
** average, 4 at most.
**
** What it must never do: allocate, read outside the text, trust it to be UTF-8, use floats or the
** locale. It is linear: every level reads a byte a bounded number of times.
*/
#include "text/chunker.h"

#include <assert.h>
#include <string.h>

#include "base/coding.h"

enum { RANK_HEADING = 9, RANK_TITLE = 13, RANK_TOP = 8, RANK_BLANK = 5, RANK_LINE = 1 };

typedef struct Level {
    size_t limit, spacing;
    int rank; /* RANK_BYTES: positions inside lines, too */
    size_t near, far; /* bytes that are hashed; see the essay */
} Level;

#define RANK_BYTES (-1)
#define N_LEVELS 7
#define DEEP_SPACING 1024

static const Level levels[N_LEVELS] = {
    {0, CK_CHUNK_MIN_BYTES, RANK_HEADING, 64, 256},
    {CK_CHUNK_TARGET_BYTES, CK_CHUNK_MIN_BYTES, RANK_TOP, 64, 256},
    {CK_CHUNK_MAX_BYTES, DEEP_SPACING, RANK_BLANK + 2, 64, 256},
    {CK_CHUNK_MAX_BYTES, DEEP_SPACING, RANK_BLANK + 1, 64, 256},
    {CK_CHUNK_MAX_BYTES, DEEP_SPACING, RANK_BLANK, 64, 256},
    {CK_CHUNK_MAX_BYTES, DEEP_SPACING, RANK_LINE, 64, 256},
    {CK_CHUNK_MAX_BYTES, DEEP_SPACING, RANK_BYTES, 16, 128},
};

_Static_assert(CK_CHUNKER_SEGMENTS == N_LEVELS + 2, "a segment for each level and its parents");
_Static_assert(CK_CHUNK_MAX_BYTES >= 2 * DEEP_SPACING, "what is too long can be cut");

typedef struct Candidate {
    size_t at;
    int rank;
    uint64_t near, far; /* hashes; far is 0 until a comparison needs it */
} Candidate;

static int is_white(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}

static size_t skip_white(const CkChunker *chunker, size_t at) {
    while (at < chunker->n_bytes && is_white(chunker->text[at])) at++;
    return at;
}

/* Only white bytes up to the end of the line. */
static int is_blank_from(const CkChunker *chunker, size_t at) {
    at = skip_white(chunker, at);
    return at == chunker->n_bytes || chunker->text[at] == '\n';
}

/* The end of the line that holds `at`, after its LF. */
static size_t line_end(const CkChunker *chunker, size_t at) {
    if (at >= chunker->n_bytes) return chunker->n_bytes;
    const char *lf = memchr(chunker->text + at, '\n', chunker->n_bytes - at);
    return lf ? (size_t)(lf - chunker->text) + 1 : chunker->n_bytes;
}

static unsigned indent_of(const CkChunker *chunker, size_t at) {
    unsigned columns = 0;
    for (; at < chunker->n_bytes && columns <= 8; at++) {
        if (chunker->text[at] == ' ') {
            columns++;
        } else if (chunker->text[at] == '\t') {
            columns = (columns / 4 + 1) * 4;
        } else {
            break;
        }
    }
    return columns;
}

/* How often the byte at `at` is repeated from there on. */
static size_t run_length(const CkChunker *chunker, size_t at) {
    size_t end = at;
    while (end < chunker->n_bytes && chunker->text[end] == chunker->text[at]) end++;
    return end - at;
}

static int is_rule(const CkChunker *chunker, size_t at) {
    if (at >= chunker->n_bytes || !chunker->text[at]) return 0;
    if (!strchr("=-~^*+\"'", chunker->text[at])) return 0;
    size_t n = run_length(chunker, at);
    return n >= 3 && is_blank_from(chunker, at + n);
}

/* 1..6 for a heading at `begin`, where `first` is the first byte that is not white; else 0. */
static int heading_level(const CkChunker *chunker, size_t begin, size_t first) {
    if (chunker->text[first] != '#' || first - begin > 3) return 0;
    size_t n = run_length(chunker, first), after = first + n;
    if (n > 6) return 0;
    if (after == chunker->n_bytes || chunker->text[after] == '\n') return (int)n;
    return is_white(chunker->text[after]) ? (int)n : 0;
}

/* Whether the line at `begin`, which is not blank nor indented and comes after a blank one, is a
   title. */
static int is_title(const CkChunker *chunker, size_t begin) {
    size_t next = line_end(chunker, begin);
    return is_rule(chunker, next) || (is_rule(chunker, begin) && !is_blank_from(chunker, next));
}

/* Follows code fences over a line that is not blank; `heading` is its heading level. Returns 1
   when the line closes a fence. */
static int follow_fence(const CkChunker *chunker, CkChunkerWalk *walk, size_t first, int heading) {
    char c = chunker->text[first];
    size_t n = run_length(chunker, first);
    if (walk->fence) {
        if (heading >= 2 && walk->after_blank && walk->fence_length == 3 &&
            is_blank_from(chunker, line_end(chunker, first))) {
            walk->fence = 0;
            return 0;
        }
        if (c != walk->fence || n < walk->fence_length) return 0;
        if (!is_blank_from(chunker, first + n)) return 0;
        walk->fence = 0;
        return 1;
    }
    if ((c != '`' && c != '~') || n < 3) return 0;
    size_t rest = line_end(chunker, first) - first - n;
    if (c == '`' && memchr(chunker->text + first + n, '`', rest)) return 0;
    walk->fence = c;
    walk->fence_length = (uint32_t)n;
    return 0;
}

/* Reads the line at walk->at, sets *begin and returns its rank. */
static int next_line(const CkChunker *chunker, CkChunkerWalk *walk, size_t *begin) {
    *begin = walk->at;
    size_t first = skip_white(chunker, *begin);
    walk->at = line_end(chunker, first);
    int after_blank = walk->after_blank, fenced = 0;
    if (first == chunker->n_bytes || chunker->text[first] == '\n') {
        walk->after_blank = 1;
        return 0;
    }
    if (chunker->markdown) {
        int was_fenced = walk->fence != 0;
        int heading = heading_level(chunker, *begin, first);
        int closes = follow_fence(chunker, walk, first, heading);
        walk->after_blank = 0;
        fenced = was_fenced && walk->fence;
        if (closes) return 0;
        if (!fenced && heading) return RANK_HEADING + 6 - heading;
        if (!fenced && after_blank && first == *begin && is_title(chunker, first)) {
            return RANK_TITLE;
        }
    }
    walk->after_blank = 0;
    char c = chunker->text[first];
    if (c == ')' || c == ']' || c == '}') return 0;
    unsigned indent = indent_of(chunker, *begin);
    int shallow = indent <= 4 ? 2 : indent <= 8 ? 1 : 0;
    if (after_blank) return indent == 0 && !fenced ? RANK_TOP : RANK_BLANK + shallow;
    return indent == 0 ? RANK_LINE + 3 : RANK_LINE + shallow;
}

static int is_inside_character(const CkChunker *chunker, size_t at) {
    const uint8_t *text = (const uint8_t *)chunker->text;
    if (at == 0 || at >= chunker->n_bytes) return 0;
    if (text[at] == '\n') return text[at - 1] == '\r';
    for (size_t back = 1; back <= 3 && back <= at; back++) {
        if ((text[at - back + 1] & 0xc0) != 0x80) return 0;
        uint8_t lead = text[at - back];
        if (lead >= 0xc2 && lead <= 0xf4) return back < (lead < 0xe0 ? 2u : lead < 0xf0 ? 3u : 4u);
    }
    return 0;
}

static int byte_rank(char before) {
    if (before == '\n') return 3;
    if (before == ';' || before == '}' || before == '>') return 2;
    return before == ',' || is_white(before);
}

/* H of the essay. */
static uint64_t hash(const CkChunker *chunker, size_t at, size_t width) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = at; i < at + width; i += 8) {
        uint64_t word = 0;
        if (i + 8 <= chunker->n_bytes) {
            word = ck_load_u64(chunker->text + i);
        } else if (i < chunker->n_bytes) {
            uint8_t last[8] = {0};
            memcpy(last, chunker->text + i, chunker->n_bytes - i);
            word = ck_load_u64(last);
        }
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

/* Negative, zero or positive, as a's priority is lower than, equal to or higher than b's. */
static int compare(const CkChunker *chunker, const Level *level, Candidate *a, Candidate *b) {
    if (a->rank != b->rank) return a->rank - b->rank;
    if (a->near != b->near) return a->near < b->near ? -1 : 1;
    if (!a->far) a->far = hash(chunker, a->at, level->far);
    if (!b->far) b->far = hash(chunker, b->at, level->far);
    return (a->far > b->far) - (a->far < b->far);
}

/* Finds the first candidate at or after walk->at in [low, high], or returns 0. */
static int next_candidate(const CkChunker *chunker, const Level *level, CkChunkerWalk *walk,
                          size_t low, size_t high, Candidate *candidate) {
    size_t at;
    int rank;
    if (level->rank == RANK_BYTES) {
        at = walk->at < low ? low : walk->at;
        while (at <= high && is_inside_character(chunker, at)) at++;
        if (at > high) return 0;
        walk->at = at + 1;
        rank = byte_rank(chunker->text[at - 1]);
    } else {
        do {
            if (walk->at > high) return 0;
            rank = next_line(chunker, walk, &at);
        } while (rank < level->rank || at < low);
    }
    *candidate = (Candidate){at, rank, hash(chunker, at, level->near), 0};
    return 1;
}

/*
** Returns the first cut of the level after chunker->at in `segment`, which begins there or was cut
** there on this level; or the segment's end. It walks with the best candidate so far. When nothing
** within the spacing replaces it, it is a cut if it also beats what came before it; if not, the
** walk is taken up again behind it.
*/
static size_t next_cut(const CkChunker *chunker, const Level *level,
                       const CkChunkerSegment *segment) {
    if (segment->end - segment->begin < 2 * level->spacing) return segment->end;
    size_t low = segment->begin + level->spacing, high = segment->end - level->spacing;
    size_t beaten_until = 0; /* up to there nothing beats what came before */
    if (chunker->at > segment->begin) {
        beaten_until = chunker->at + level->spacing;
        if (low <= chunker->at) low = chunker->at + 1;
    }
    Candidate best = {0, 0, 0, 0}, candidate;
    int is_cut = 0; /* best beats all before it */
    CkChunkerWalk walk = chunker->walk, walk_behind_best = walk;
    if (level->rank == RANK_BYTES) walk.at = chunker->at + 1;
    for (;;) {
        size_t until = best.at && best.at + level->spacing < high ? best.at + level->spacing : high;
        int found = next_candidate(chunker, level, &walk, low, until, &candidate);
        if (!found && !best.at) return segment->end;
        if (!found) {
            if (is_cut) return best.at;
            beaten_until = best.at + level->spacing;
            best.at = 0;
            walk = walk_behind_best;
            continue;
        }
        int order = best.at ? compare(chunker, level, &candidate, &best) : 1;
        if (order < 0) continue;
        is_cut = order > 0 && candidate.at > beaten_until;
        best = candidate;
        walk_behind_best = walk;
    }
}

/* The last resort. */
static size_t next_size_cut(const CkChunker *chunker, const CkChunkerSegment *segment) {
    size_t begin = chunker->at;
    if (segment->end - begin <= CK_CHUNK_MAX_BYTES) return segment->end;
    size_t at = begin + CK_CHUNK_TARGET_BYTES;
    for (; at >= begin + CK_CHUNK_MIN_BYTES; at--) {
        if (chunker->text[at - 1] == '\n') return at;
    }
    at = begin + CK_CHUNK_TARGET_BYTES;
    while (is_inside_character(chunker, at)) at--;
    return at;
}

static int is_markdown(const char *path) {
    static const char *const extensions[] = {"md",  "markdown", "mdown", "mkd",
                                             "mdx", "rmd",      "qmd",   "rst"};
    const char *dot = path ? strrchr(path, '.') : NULL;
    if (!dot) return 0;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        const char *a = dot + 1, *b = extensions[i];
        while (*b && (*a >= 'A' && *a <= 'Z' ? *a + 'a' - 'A' : *a) == *b) a++, b++;
        if (!*a && !*b) return 1;
    }
    return 0;
}

void ck_chunker_init(CkChunker *chunker, const char *text, size_t n_bytes, const char *path) {
    memset(chunker, 0, sizeof *chunker);
    chunker->text = text;
    chunker->n_bytes = n_bytes;
    chunker->line = 1;
    chunker->markdown = is_markdown(path);
    chunker->walk.after_blank = 1;
    chunker->segments[0].end = n_bytes;
}

/* Moves to `end`, keeping count of lines and fences. Returns the number of the last line passed. */
static uint32_t advance(CkChunker *chunker, size_t end) {
    size_t begin;
    while (chunker->walk.at < end) next_line(chunker, &chunker->walk, &begin);
    uint32_t last = chunker->line;
    for (size_t at = chunker->at; at < end;) {
        last = chunker->line;
        const char *lf = memchr(chunker->text + at, '\n', end - at);
        at = lf ? (size_t)(lf - chunker->text) + 1 : end;
        if (lf) chunker->line++;
    }
    chunker->at = end;
    return last;
}

int ck_chunker_next(CkChunker *chunker, CkChunk *chunk) {
    if (chunker->at == chunker->n_bytes) return 0;
    CkChunkerSegment *segment = &chunker->segments[chunker->depth];
    while (segment->end == chunker->at) segment--;
    for (;;) {
        int level = (int)(segment - chunker->segments);
        size_t n = segment->end - segment->begin;
        int is_whole = chunker->at == segment->begin;
        if (level > N_LEVELS || (is_whole && level < N_LEVELS && n <= levels[level].limit)) break;
        size_t end = level < N_LEVELS ? next_cut(chunker, &levels[level], segment)
                                      : next_size_cut(chunker, segment);
        segment++;
        segment->begin = chunker->at;
        segment->end = end;
    }
    assert(segment->end > chunker->at && segment->end <= chunker->n_bytes);
    chunker->depth = (int)(segment - chunker->segments);
    chunk->begin = chunker->at;
    chunk->end = segment->end;
    chunk->start_line = chunker->line;
    chunk->end_line = advance(chunker, segment->end);
    return 1;
}
