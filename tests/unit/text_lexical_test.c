/*
** The lexical embedder: unit length, frozen bytes, and related texts nearer than unrelated ones.
*/
#include "text/lexical.h"

#include <math.h>

#include "base/limits.h"
#include "unit.h"

static float cosine(const char *a, const char *b) {
    float x[CK_LEXICAL_DIMS_DEFAULT], y[CK_LEXICAL_DIMS_DEFAULT], dot = 0;
    ck_lexical_embed(a, strlen(a), CK_LEXICAL_DIMS_DEFAULT, x);
    ck_lexical_embed(b, strlen(b), CK_LEXICAL_DIMS_DEFAULT, y);
    for (int i = 0; i < CK_LEXICAL_DIMS_DEFAULT; i++) dot += x[i] * y[i];
    return dot;
}

static void check_unit(const char *text, size_t n, uint32_t dims) {
    float *x = malloc(dims * sizeof *x);
    char *copy = malloc(n ? n : 1); /* of the exact size, for the address sanitizer */
    double squares = 0;
    if (n) memcpy(copy, text, n);
    ck_lexical_embed(copy, n, dims, x);
    for (uint32_t i = 0; i < dims; i++) squares += (double)x[i] * x[i];
    CHECK_MSG(fabs(squares - 1) < 1e-5, "%zu bytes, %u dims: length %g", n, dims, sqrt(squares));
    free(copy);
    free(x);
}

static void test_unit(void) {
    static const uint32_t dims[] = {CK_LEXICAL_DIMS_MIN, 9, 384, 1000, CK_DIMS_MAX};
    static char text[50000];
    unsigned long long seed = 42;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)unit_random(&seed);
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        for (size_t n = 0; n < 70; n++) check_unit(text + 100 * n, n, dims[i]);
        check_unit(text, sizeof text, dims[i]);
        check_unit("", 0, dims[i]);
        check_unit("{ } ();\n", 8, dims[i]);
    }
    memset(text, 'a', sizeof text);
    check_unit(text, sizeof text, 384);
    memset(text, 0xff, sizeof text);
    check_unit(text, sizeof text, 384);
    float x[16];
    ck_lexical_embed(NULL, 0, 16, x);
    CHECK(x[0] == 1.0f && x[1] == 0.0f && x[15] == 0.0f);
}

/* The vectors, hashed: they must not depend on compiler or machine, nor ever change. */
static void test_frozen(void) {
    static const char code[] = "static int parse_http_request(const char *text, size_t n) { n++; }";
    static const struct {
        const char *text;
        uint32_t dims;
        unsigned long long expected;
    } golden[] = {
        {"getUserName", 384, 0x3d27198de49edc3fu},
        {code, 384, 0x5e0346ef2d8fcf81u},
        {code, 8, 0x6345efa994ec1655u},
        {"HTTPServer2 gr\xc3\xb6\xc3\x9f\x65r \xe6\x97\xa5 1234", 1000, 0x886dd1a5479c4ff8u},
        {"again again again again again again again", 65536, 0x1bfc0a596a15f7bau},
    };
    static float x[CK_DIMS_MAX];
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; i++) {
        unsigned long long h = 14695981039346656037u;
        ck_lexical_embed(golden[i].text, strlen(golden[i].text), golden[i].dims, x);
        for (uint32_t k = 0; k < golden[i].dims; k++) {
            uint32_t bits;
            memcpy(&bits, &x[k], sizeof bits);
            h = (h ^ bits) * 1099511628211u;
        }
        CHECK_MSG(h == golden[i].expected, "golden %zu: 0x%llxu", i, h);
    }
}

static void test_words(void) {
    CHECK(cosine("getUserName", "get_user_name") > 0.999f);
    CHECK(cosine("GET_USER_NAME", "get_user_name") > 0.999f);
    CHECK(cosine("HTTPServer", "http_server") > 0.999f);
    CHECK(cosine("utf8", "utf_8") > 0.999f);
    CHECK(cosine("parse(request);", "parse [request]") > 0.999f);
    CHECK(cosine("hashing", "hashed") > cosine("hashing", "network") + 0.2f);
    CHECK(fabsf(cosine("zebra", "quickly")) < 0.3f);
}

static void test_triples(void) {
    static const char *const triples[][3] = {
        {"open a file and read its lines",
         "def read_lines(path):\n    with open(path) as file:\n        return file.readlines()",
         "def connect(host, port):\n    sock = socket.socket()\n    sock.connect((host, port))"},
        {"binary search in a sorted array",
         "int search(const int *array, int n, int key) { /* sorted */ while (low < high) {"
         " int middle = (low + high) / 2; } return -1; }",
         "void draw(Canvas *canvas, Color color) { for (int i = 0; i < canvas->width; i++)"
         " set_pixel(canvas, i, color); }"},
        {"sqlite error message",
         "int rc = sqlite3_step(stmt); if (rc != SQLITE_DONE) report(sqlite3_errmsg(db));",
         "const response = await fetch(url); if (!response.ok) throw new Error(response.status);"},
        {"release the lease of a worker",
         "function releaseLease(workerId) { leases.delete(workerId); }",
         "function renderHeader(title) { return `<h1>${title}</h1>`; }"},
        {"compute the checksum of a block",
         "uint32_t block_checksum(const uint8_t *data, size_t n) { uint32_t sum = 0; return sum; }",
         "uint32_t random_level(uint64_t *state) { *state ^= *state << 13; return *state; }"},
    };
    for (size_t i = 0; i < sizeof triples / sizeof triples[0]; i++) {
        float related = cosine(triples[i][0], triples[i][1]);
        float unrelated = cosine(triples[i][0], triples[i][2]);
        CHECK_MSG(related > unrelated + 0.1f, "triple %zu: related %.3f, unrelated %.3f", i,
                  (double)related, (double)unrelated);
    }
}

void ck_test_text_lexical(void) {
    test_unit();
    test_frozen();
    test_words();
    test_triples();
}
