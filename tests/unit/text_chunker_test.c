/*
** The chunker: what always holds of its chunks, that they are frozen, and that an edit changes few.
**
** tests/unit/golden/chunker_X.txt is an input, chunker_X.chunks what comes out: a line "begin end
** start_line end_line" each. A difference there is not to be accepted by a new golden file: it
** would make every user embed everything again.
*/
#include "text/chunker.h"

#include "unit.h"

#define MAX_CHUNKS 4096

typedef struct Cut {
    CkChunk chunks[MAX_CHUNKS];
    size_t n;
} Cut;

static void cut(Cut *result, const char *text, size_t n, const char *path) {
    CkChunker chunker;
    result->n = 0;
    ck_chunker_init(&chunker, text, n, path);
    while (result->n < MAX_CHUNKS && ck_chunker_next(&chunker, &result->chunks[result->n])) {
        result->n++;
    }
}

/* 1 when p is inside a valid UTF-8 character of text or between CR and LF. */
static int splits(const char *text, size_t n, size_t p) {
    if (p == 0 || p >= n) return 0;
    if (text[p - 1] == '\r' && text[p] == '\n') return 1;
    for (size_t back = 1; back <= 3 && back <= p; back++) {
        unsigned char lead = (unsigned char)text[p - back];
        size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
        int valid = lead <= 0xf4 && p - back + length <= n && length > back;
        for (size_t i = 1; valid && i < length; i++) {
            valid = ((unsigned char)text[p - back + i] & 0xc0) == 0x80;
        }
        if (valid) return 1;
    }
    return 0;
}

/* What holds of the chunks of every text. */
static void check_invariants(const char *text, size_t n, const char *path, const char *what) {
    static Cut result;
    char *copy = malloc(n ? n : 1); /* of the exact size, for the address sanitizer */
    size_t at = 0;
    uint32_t line = 1;
    if (n) memcpy(copy, text, n);
    cut(&result, copy, n, path);
    for (size_t i = 0; i < result.n; i++) {
        const CkChunk *chunk = &result.chunks[i];
        size_t size = chunk->end - chunk->begin;
        int fits = chunk->begin == at && chunk->end > at && chunk->end <= n;
        CHECK_MSG(fits, "%s: chunk %zu", what, i);
        if (!fits) break;
        CHECK_MSG(size <= CK_CHUNK_MAX_BYTES, "%s: chunk %zu has %zu bytes", what, i, size);
        CHECK_MSG(size >= CK_CHUNK_MIN_BYTES || result.n == 1, "%s: chunk %zu has %zu bytes", what,
                  i, size);
        CHECK_MSG(!splits(copy, n, chunk->end), "%s: a character is cut at %zu", what, chunk->end);
        CHECK_MSG(chunk->start_line == line, "%s: start_line of chunk %zu", what, i);
        uint32_t last = line;
        for (; at < chunk->end; at++) {
            last = line;
            if (copy[at] == '\n') line++;
        }
        CHECK_MSG(chunk->end_line == last, "%s: end_line of chunk %zu", what, i);
    }
    CHECK_MSG(at == n, "%s: covers %zu of %zu bytes", what, at, n);
    free(copy);
}

static int same(const char *a, const CkChunk *x, const char *b, const CkChunk *y) {
    size_t n = x->end - x->begin;
    return n == y->end - y->begin && memcmp(a + x->begin, b + y->begin, n) == 0;
}

/* How many chunks of `after` are, as byte strings, not among those of `before`. */
static int n_new(const char *a, const Cut *before, const char *b, const Cut *after) {
    int n = 0;
    for (size_t i = 0; i < after->n; i++) {
        size_t j = 0;
        while (j < before->n && !same(a, &before->chunks[j], b, &after->chunks[i])) j++;
        n += j == before->n;
    }
    return n;
}

/* Inserts a line before, deletes, changes, and empties every step-th line of text. Each may make
   `most` new chunks, and on average 1.35. */
static void check_locality(const char *text, size_t n, const char *path, int step, int most) {
    static const char *const lines[] = {"    inserted(line);\n", "", "a changed line\n", "\n"};
    static Cut before, after;
    char *edited = malloc(n + 64);
    long n_edits = 0, n_changed = 0, line = 0;
    cut(&before, text, n, path);
    for (size_t at = 0, next; at < n; at = next, line++) {
        const char *lf = memchr(text + at, '\n', n - at);
        next = lf ? (size_t)(lf - text) + 1 : n;
        if (line % step) continue;
        for (int kind = 0; kind < 4; kind++) {
            size_t rest = kind == 0 ? at : next, m = strlen(lines[kind]);
            memcpy(edited, text, at);
            memcpy(edited + at, lines[kind], m);
            memcpy(edited + at + m, text + rest, n - rest);
            cut(&after, edited, at + m + n - rest, path);
            int changed = n_new(text, &before, edited, &after);
            CHECK_MSG(changed <= most, "%s: edit %d of line %ld makes %d new chunks", path, kind,
                      line + 1, changed);
            n_changed += changed;
            n_edits++;
        }
    }
    CHECK_MSG(n_changed * 100 <= n_edits * 135, "%s: %ld edits make %ld new chunks", path, n_edits,
              n_changed);
    free(edited);
}

/* ---- generated texts ---- */

typedef struct Text {
    char *data;
    size_t n, capacity;
} Text;

static void put(Text *text, const char *s) {
    size_t n = strlen(s);
    if (n == 0) return;
    if (text->n + n > text->capacity) {
        text->capacity = (text->n + n) * 2;
        text->data = realloc(text->data, text->capacity);
    }
    memcpy(text->data + text->n, s, n);
    text->n += n;
}

static const char *word(unsigned long long *seed) {
    static const char *const words[] = {"store", "index", "vector", "graph", "chunk", "model",
                                        "cache", "lease", "fence",  "block", "query", "page"};
    return words[unit_random(seed) % 12];
}

/* Appends the format with up to four random words, drawn one after the other: the order in which
   arguments are evaluated differs between compilers. */
static void put_words(Text *text, unsigned long long *seed, const char *format) {
    const char *words[4];
    char line[200];
    for (int i = 0; i < 4; i++) words[i] = word(seed);
    snprintf(line, sizeof line, format, words[0], words[1], words[2], words[3]);
    put(text, line);
}

/* Functions of 1 to 30 lines with comments, here and there a blank line, as in C. */
static Text generate_code(unsigned long long seed, int n_functions) {
    Text text = {NULL, 0, 0};
    for (int i = 0; i < n_functions; i++) {
        put_words(&text, &seed, "/* The %s of the %s. */\nstatic int %s_%s(void) {\n");
        for (int n = (int)(unit_random(&seed) % 30); n >= 0; n--) {
            if (unit_random(&seed) % 6 == 0) put(&text, "\n");
            put_words(&text, &seed, "    %s = %s(%s, \"%s\");\n");
        }
        put(&text, "}\n\n");
    }
    return text;
}

static Text generate_markdown(unsigned long long seed, int n_sections) {
    Text text = {NULL, 0, 0};
    for (int i = 0; i < n_sections; i++) {
        put(&text, unit_random(&seed) % 3 ? "## " : "### ");
        put(&text, word(&seed));
        put(&text, "\n\n");
        for (int n = (int)(unit_random(&seed) % 200) + 10; n > 0; n--) {
            unsigned dice = (unsigned)(unit_random(&seed) % 60);
            put(&text, word(&seed));
            put(&text, dice == 0 ? ".\n\n" : dice < 6 ? "\n" : " ");
        }
        put(&text, "end.\n\n");
        if (i % 5 == 4) put(&text, "```sh\n# no heading\nmake\n```\n\n");
    }
    return text;
}

/* n pieces at random. */
static Text generate_noise(unsigned long long seed, const char *const *pieces, int n_pieces,
                           int n) {
    Text text = {NULL, 0, 0};
    for (; n > 0; n--) put(&text, pieces[unit_random(&seed) % (unsigned)n_pieces]);
    return text;
}

/* ---- tests ---- */

static void test_small(void) {
    static Cut result;
    cut(&result, NULL, 0, NULL);
    CHECK_INT(result.n, 0);
    cut(&result, "x", 1, "a.md");
    CHECK_INT(result.n, 1);
    CHECK_INT(result.chunks[0].end_line, 1);
    cut(&result, "a\n\nb", 4, NULL);
    CHECK_INT(result.n, 1);
    CHECK_INT(result.chunks[0].end_line, 3);
    cut(&result, "a\n", 2, NULL);
    CHECK_INT(result.chunks[0].end_line, 1);
}

static const char *const noise[] = {"a", "b ", "\n", "\r\n", "\t", "    ", "\xc3\xa9",
                                    "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\n\n", "# ", "```\n",
                                    "}", "; ", "===\n", "word"};
static const char *const garbage[] = {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f", "\xff", "\r", "\xed",
                                      "\xc0", "x"};
static const char *const one_line[] = {"\xe2\x82\xac", "\xc3\xa9", "\xf0\x9f\x98\x80", "a"};

static void test_invariants(void) {
    for (unsigned long long seed = 1; seed <= 40; seed++) {
        char what[40];
        snprintf(what, sizeof what, "seed %llu", seed);
        int n = (int)(seed * 397 % 9000);
        Text texts[] = {generate_noise(seed, noise, 16, n), generate_noise(seed, noise, 10, n),
                        generate_noise(seed, garbage, 9, n), generate_noise(seed, garbage, 1, n),
                        generate_noise(seed, one_line, 4, n), generate_code(seed, (int)seed),
                        generate_markdown(seed, (int)seed)};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            check_invariants(texts[i].data, texts[i].n, NULL, what);
            check_invariants(texts[i].data, texts[i].n, "a.b/X.MD", what);
            free(texts[i].data);
        }
    }
    char *zeros = calloc(1, 100000);
    check_invariants(zeros, 100000, "zeros.md", "zeros");
    memset(zeros, '\n', 100000);
    check_invariants(zeros, 100000, "lf.md", "line feeds");
    free(zeros);
}

/* Sections cut where they should be: at headings, and not inside fences. */
static void test_markdown(void) {
    static Cut result;
    Text text = generate_markdown(11, 60);
    cut(&result, text.data, text.n, "x.rst");
    size_t n_headings = 0;
    for (size_t i = 0; i < result.n; i++) {
        const char *begin = text.data + result.chunks[i].begin;
        CHECK(memcmp(begin, "# no", 4) != 0);
        n_headings += begin[0] == '#';
    }
    CHECK_MSG(n_headings * 10 >= result.n * 8, "%zu of %zu chunks begin with a heading", n_headings,
              result.n);
    free(text.data);
}

/* Functions between the minimum and the maximum are chunks of their own. */
static void test_functions(void) {
    static Cut result;
    Text text = generate_code(5, 80);
    cut(&result, text.data, text.n, "x.c");
    size_t n_functions = 0;
    for (size_t i = 0; i < result.n; i++) {
        n_functions += text.data[result.chunks[i].begin] == '/';
    }
    CHECK_INT(n_functions, result.n);
    free(text.data);
}

static void check_golden(const char *name, const char *path) {
    static Cut result;
    char file[100], line[100];
    Text listing = {NULL, 0, 0};
    size_t n = 0;
    snprintf(file, sizeof file, "tests/unit/golden/chunker_%s.txt", name);
    char *text = unit_read_file(file, &n);
    snprintf(file, sizeof file, "tests/unit/golden/chunker_%s.chunks", name);
    char *expected = unit_read_file(file, NULL);
    CHECK_MSG(text && expected, "%s cannot be read", file);
    if (text && expected) {
        cut(&result, text, n, path);
        for (size_t i = 0; i < result.n; i++) {
            const CkChunk *chunk = &result.chunks[i];
            snprintf(line, sizeof line, "%zu %zu %u %u\n", chunk->begin, chunk->end,
                     (unsigned)chunk->start_line, (unsigned)chunk->end_line);
            put(&listing, line);
        }
        CHECK_MSG(listing.n == strlen(expected) && memcmp(listing.data, expected, listing.n) == 0,
                  "%s is not what comes out:\n%.*s", file, (int)listing.n, listing.data);
        check_locality(text, n, path, 1, 4);
    }
    free(listing.data);
    free(expected);
    free(text);
}

/* A hash of the boundaries of generated texts: they are frozen, too. */
static unsigned long long boundaries(Text text, const char *path) {
    static Cut result;
    unsigned long long h = 14695981039346656037u;
    cut(&result, text.data, text.n, path);
    for (size_t i = 0; i < result.n; i++) h = (h ^ result.chunks[i].end) * 1099511628211u;
    free(text.data);
    return h;
}

static void test_frozen(void) {
    static const struct {
        const char *what, *path;
        unsigned long long expected;
    } golden[] = {
        {"code", "x.c", 0x14be0eb9e2de5af0u},
        {"markdown", "x.md", 0x79f1206472069a11u},
        {"noise", "x.md", 0x438f907509ad70bcu},
        {"noise", "x.c", 0xd22786b7d715e7abu},
        {"garbage", NULL, 0x332ebb330cd7c0c2u},
        {"one line", NULL, 0x327796ab98707489u},
        {"one byte", NULL, 0x6afc7901376fa487u},
    };
    Text texts[] = {generate_code(3, 100),
                    generate_markdown(3, 60),
                    generate_noise(3, noise, 16, 60000),
                    generate_noise(3, noise, 16, 60000),
                    generate_noise(3, garbage, 9, 60000),
                    generate_noise(3, one_line, 4, 60000),
                    generate_noise(3, garbage, 1, 60000)};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        unsigned long long h = boundaries(texts[i], golden[i].path);
        CHECK_MSG(h == golden[i].expected, "%s, path %s: 0x%llxu", golden[i].what,
                  golden[i].path ? golden[i].path : "(none)", h);
    }
    check_golden("code", "x.c");
    check_golden("markdown", "x.md");
}

static void test_locality(void) {
    static const char *const files[] = {"ext/text/lexical.c", "ext/text/chunker.h", "Makefile",
                                        "README.md"};
    for (unsigned long long seed = 1; seed <= 3; seed++) {
        Text code = generate_code(seed, 60), markdown = generate_markdown(seed, 30);
        check_locality(code.data, code.n, "generated.c", 5, 4);
        check_locality(markdown.data, markdown.n, "generated.md", 3, 4);
        free(code.data);
        free(markdown.data);
    }
    /* These change with the project, so their bound is not the measured one. */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t n;
        char *text = unit_read_file(files[i], &n);
        if (text) check_locality(text, n, files[i], 3, 6);
        free(text);
    }
}

void ck_test_text_chunker(void) {
    test_small();
    test_invariants();
    test_markdown();
    test_functions();
    test_frozen();
    test_locality();
}
