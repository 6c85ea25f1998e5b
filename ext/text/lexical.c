/*
** The lexical embedder: a text as a bag of hashed words and character n-grams.
**
** FEATURES. A word byte is an ASCII letter or digit or any byte from 0x80 on, so that UTF-8 text in
** any script makes words. '_' joins words to an identifier; every other byte ends both. Inside an
** identifier a word ends
**
**   at '_'; between a digit and a letter, either way; before an upper-case letter that follows a
**   byte that is none (get|Name); before the last of several upper-case letters when a lower-case
**   one follows (HTTP|Server); after 48 bytes
**
** ASCII letters are then lower-cased. Bytes from 0x80 count as lower-case letters. Each word gives
**
**   kind  feature                                         weight
**   1     the word itself                                 2 4 8 12 14 16 by length, 16 beyond
**   2     the word before it, if any, and it              4
**   3     every 3, 4 and 5 adjacent bytes of ^word$       8, 6, 4
**
** where a common word (the table below) or a number counts 2 as kind 1 and in its pairs and has no
** kind 3. An identifier of two or more words gives, whatever its spelling (getName, get_name),
**
**   4     the sequence of its words                       12
**
** Punctuation gives nothing: it is everywhere. The weights were tuned, coarsely, on finding 1,500
** functions of Python's library by their doc strings: the function is first for 42 % of them and
** among the first ten for 72 %, at 384 dimensions. The n-grams do most of it, since prose inflects
** words that code abbreviates.
**
** COUNTING. A feature is a 64-bit hash h of its kind and bytes. Repetition counts less and less:
** the t-th occurrence of a feature adds weight * (240 / t), rounded down, until t = 15, later ones
** nothing; a harmonic sum, which grows like 1 + log t. t is counted in a table of 16,384 small
** counters indexed by the low bits of h: features that share a counter weaken each other, which
** matters only in texts far longer than a chunk, and nothing has to be allocated. The sum is added
** to component ((h >> 32) * dims) >> 32 if bit 31 of h is set, else subtracted (signed feature
** hashing: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009).
**
** EXACTNESS. Components are summed as 32-bit integers, which cannot overflow (16,384 counters of at
** most 16 * 794), their squares as a 64-bit one; then each is divided by the square root, in
** binary64, and rounded once to binary32. Every step is exact or correctly rounded by IEEE 754, in
** a fixed order: the same text gives the same bytes on every machine and compiler.
**
** What it must never do: allocate, fail, return a zero vector (a text without features is the unit
** vector of component 0) or depend on locale, SIMD or libm. FROZEN like the chunker: vectors in a
** store were made by it.
*/
#include "text/lexical.h"

#include <math.h>
#include <string.h>

#include "base/coding.h"

#define WORD_MAX 48
#define COUNTER_BITS 14
#define REPEAT_MAX 15

enum { KIND_WORD = 1, KIND_PAIR, KIND_GRAM, KIND_IDENTIFIER };

enum { WEIGHT_COMMON = 2, WEIGHT_PAIR = 4, WEIGHT_IDENTIFIER = 12 };

#define GRAM_MAX 5
static const uint8_t gram_weight[GRAM_MAX + 1] = {0, 0, 0, 8, 6, 4};

/* 240 / t for t = 1..15, nothing for the next one. */
static const uint8_t repeat_weight[REPEAT_MAX + 2] = {0,  240, 120, 80, 60, 48, 40, 34,
                                                      30, 26,  24,  21, 20, 18, 17, 16, 0};

#define LENGTH_MAX 6
static const uint8_t length_weight[LENGTH_MAX + 1] = {0, 2, 4, 8, 12, 14, 16};

typedef struct Lexical {
    float *out; /* the components; until the end, int32_t are kept in their place */
    uint32_t dims;
    uint8_t counters[1 << COUNTER_BITS];
    uint64_t previous; /* hash of the word before, 0 at first */
    int previous_common;
    uint64_t identifier; /* hash of its words so far */
    int n_words;         /* of the identifier */
} Lexical;

static uint64_t mix(uint64_t h, uint64_t value) {
    h = (h ^ value) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

static inline void add(Lexical *lexical, uint64_t h, int weight) {
    /* Without branches: which features come how often, and with which sign, nobody can predict. */
    uint8_t *counter = &lexical->counters[h & ((1 << COUNTER_BITS) - 1)];
    int t = *counter + 1;
    int32_t amount = weight * repeat_weight[t], minus = (int32_t)(h >> 31 & 1) - 1, sum;
    *counter = (uint8_t)(t - (t > REPEAT_MAX));
    float *component = &lexical->out[(h >> 32) * lexical->dims >> 32];
    memcpy(&sum, component, sizeof sum);
    sum += (amount ^ minus) - minus;
    memcpy(component, &sum, sizeof sum);
}

/* Words that say little about a text, in memcmp order. */
static const char common_words[][9] = {
    "a", "all", "an", "and", "any", "are", "as", "async", "at", "auto", "await", "be", "bool",
    "break", "but", "by", "can", "case", "char", "class", "const", "def", "do", "double", "elif",
    "else", "end", "enum", "extern", "false", "float", "fn", "for", "from", "func", "function",
    "goto", "has", "have", "if", "impl", "import", "in", "include", "int", "into", "is", "it",
    "its", "let", "long", "mut", "new", "nil", "none", "not", "null", "of", "on", "or", "package",
    "private", "pub", "public", "return", "self", "so", "static", "string", "struct", "switch",
    "that", "the", "then", "this", "throw", "to", "true", "try", "type", "typedef", "unsigned",
    "use", "used", "using", "var", "void", "was", "we", "when", "which", "while", "will", "with",
    "you",
};

/* Where in the table the words that begin with each letter are; and its end. */
static const uint8_t common_first[27] = {
     0, 11, 16, 21, 24, 29, 36, 37, 39, 49, 49, 49, 51, 52,
    57, 60, 64, 64, 65, 71, 81, 85, 87, 94, 94, 95, 95,
};

/* Whether a word of n bytes, the first 8 of which (little-endian) are given, is one of them. */
static int is_common_word(uint64_t bytes, int n) {
    unsigned letter = (unsigned)(bytes & 0xff) - 'a';
    if (n > 8 || letter >= 26) return 0;
    for (size_t i = common_first[letter]; i < common_first[letter + 1]; i++) {
        if (bytes == ck_load_u64((const uint8_t *)common_words[i])) return 1;
    }
    return 0;
}

static int is_number(const uint8_t *word, int n) {
    for (int i = 0; i < n; i++) {
        if (word[i] < '0' || word[i] > '9') return 0;
    }
    return 1;
}

/*
** The n-grams of a word of n bytes, between the marks that padded[0] and padded[n + 1] are. Bytes
** are taken one by one, as they were stored: a wide load of them would wait until all are in the
** cache, which was a quarter of the time.
*/
static void add_grams(Lexical *lexical, const uint8_t *padded, int n) {
    uint64_t next = 0; /* GRAM_MAX bytes from `at` on */
    int at = 0;
    for (int i = 0; i < GRAM_MAX; i++) next |= (uint64_t)padded[i] << 8 * i;
    for (; at + GRAM_MAX <= n + 2; at++) {
        add(lexical, mix(KIND_GRAM, next & 0xffffff), gram_weight[3]);
        add(lexical, mix(KIND_GRAM, next & 0xffffffff), gram_weight[4]);
        add(lexical, mix(KIND_GRAM, next), gram_weight[5]);
        next = next >> 8 | (uint64_t)padded[at + GRAM_MAX] << 8 * (GRAM_MAX - 1);
    }
    for (; at + 3 <= n + 2; at++) {
        add(lexical, mix(KIND_GRAM, next & 0xffffff), gram_weight[3]);
        if (at + 4 <= n + 2) add(lexical, mix(KIND_GRAM, next & 0xffffffff), gram_weight[4]);
        next >>= 8;
    }
}

/* Takes the word of n bytes at `from`, lower-casing it. */
static void add_word(Lexical *lexical, const uint8_t *from, int n) {
    uint8_t padded[1 + WORD_MAX + 1 + GRAM_MAX] = {'^'};
    uint8_t *word = padded + 1;
    uint64_t h = KIND_WORD, eight = 0, first = 0;
    for (int i = 0; i < n; i++) {
        word[i] = from[i] >= 'A' && from[i] <= 'Z' ? (uint8_t)(from[i] + 'a' - 'A') : from[i];
        eight |= (uint64_t)word[i] << i % 8 * 8;
        if (i % 8 < 7 && i < n - 1) continue;
        if (i < 8) first = eight;
        h = mix(h, eight);
        eight = 0;
    }
    int common = is_common_word(first, n) || is_number(word, n);
    int weight = length_weight[n < LENGTH_MAX ? n : LENGTH_MAX];
    add(lexical, h, common ? WEIGHT_COMMON : weight);
    if (!common) {
        word[n] = '$';
        add_grams(lexical, padded, n);
    }
    if (lexical->previous) {
        int weak = common || lexical->previous_common;
        add(lexical, mix(lexical->previous ^ KIND_PAIR, h), weak ? WEIGHT_COMMON : WEIGHT_PAIR);
    }
    lexical->previous = h;
    lexical->previous_common = common;
    lexical->identifier = mix(lexical->identifier, h);
    lexical->n_words++;
}

static void end_identifier(Lexical *lexical) {
    if (lexical->n_words > 1) add(lexical, lexical->identifier, WEIGHT_IDENTIFIER);
    lexical->identifier = KIND_IDENTIFIER;
    lexical->n_words = 0;
}

enum { CLASS_NONE, CLASS_JOIN, CLASS_DIGIT, CLASS_UPPER, CLASS_LOWER };

/* Of ASCII. */
static const uint8_t classes[128] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0,
    0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 1,
    0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0,
};

static int class_of(uint8_t c) {
    return c < 0x80 ? classes[c] : CLASS_LOWER;
}

/* Returns the end of the word that begins at `at`. */
static size_t word_end(const uint8_t *text, size_t n, size_t at) {
    size_t limit = n - at < WORD_MAX ? n : at + WORD_MAX;
    int class = class_of(text[at]);
    for (size_t end = at + 1; end < limit; end++) {
        int next = class_of(text[end]);
        if (next <= CLASS_JOIN) return end;
        if ((class == CLASS_DIGIT) != (next == CLASS_DIGIT)) return end;
        if (next == CLASS_UPPER && class == CLASS_LOWER) return end;
        if (next == CLASS_LOWER && class == CLASS_UPPER && end - at > 1) return end - 1;
        class = next;
    }
    return limit;
}

/* Replaces the sums in `out` by the components of a unit vector. */
static void normalise(float *out, uint32_t dims) {
    uint64_t squares = 0;
    int32_t sum;
    for (uint32_t i = 0; i < dims; i++) {
        memcpy(&sum, &out[i], sizeof sum);
        squares += (uint64_t)((int64_t)sum * sum);
    }
    double length = sqrt((double)squares);
    for (uint32_t i = 0; i < dims; i++) {
        memcpy(&sum, &out[i], sizeof sum);
        out[i] = squares ? (float)(sum / length) : i == 0 ? 1.0f : 0.0f;
    }
}

void ck_lexical_embed(const char *text, size_t n, uint32_t dims, float *out) {
    const uint8_t *bytes = (const uint8_t *)text;
    Lexical lexical = {.out = out, .dims = dims};
    memset(out, 0, dims * sizeof *out);
    end_identifier(&lexical);
    for (size_t at = 0; at < n;) {
        int class = class_of(bytes[at]);
        if (class > CLASS_JOIN) {
            size_t end = word_end(bytes, n, at);
            add_word(&lexical, bytes + at, (int)(end - at));
            at = end;
        } else {
            if (class == CLASS_NONE) end_identifier(&lexical);
            at++;
        }
    }
    end_identifier(&lexical);
    normalise(out, dims);
}
