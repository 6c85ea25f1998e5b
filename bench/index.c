/*
** `ck index`, whole processes: a tree indexed for the first time with the lexical embedder, a
** second worktree of it, and trees of 5,000 and 100,000 files in which nothing changed, beside
** `git status` in the same tree, which looks at the same files.
*/
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "gen.h"

#define FILES_IN_FOLDER 100
#define TEXT_BYTES 100000

typedef struct Tree {
    const Bench *bench;
    const char *name; /* below the benchmark's directory */
    int n_files;
    int is_real; /* real sources, else small generated files */
    double n_bytes;
    char *ck, *path, *base, *twin; /* twin: another tree with the same files */
} Tree;

/* A name made of two words out of 2,000, as identifiers are. */
static int word(Gen *gen, char *to, size_t n) {
    static const char *const parts[] = {"read", "block", "page", "index", "node", "row", "key",
                                        "file", "path", "lock", "cache", "hash", "list", "tree",
                                        "size", "count", "next", "first", "state", "error"};
    return snprintf(to, n, "%s_%s%d", parts[gen_below(gen, 20)], parts[gen_below(gen, 20)],
                    gen_below(gen, 100));
}

static int write_function(Gen *gen, char *to, size_t n) {
    char name[32], a[32], b[32];
    word(gen, name, sizeof name);
    int at = snprintf(to, n, "/* What %s is for. */\nint %s(int a, int b) {\n", name, name);
    for (int line = 0; line < 16; line++) {
        word(gen, a, sizeof a);
        word(gen, b, sizeof b);
        at += snprintf(to + at, n - (size_t)at, "    %s = %s(a, b + %d);\n", a, b,
                       gen_below(gen, 1000));
    }
    return at + snprintf(to + at, n - (size_t)at, "    return a;\n}\n\n");
}

static void write_file(Tree *tree, const char *path, int i, const char *text, int n) {
    char file[1024];
    snprintf(file, sizeof file, "%s/folder%d", path, i / FILES_IN_FOLDER);
    if (i % FILES_IN_FOLDER == 0) mkdir(file, 0777);
    snprintf(file, sizeof file, "%s/folder%d/file%d.c", path, i / FILES_IN_FOLDER, i);
    FILE *out = fopen(file, "wb");
    if (!out || fwrite(text, 1, (size_t)n, out) != (size_t)n || fclose(out) != 0) {
        bench_fail("cannot write %s", file);
    }
    tree->n_bytes += n;
}

/* The sources of ck, each line with the number of the copy behind it: real text, and no two chunks
   of different copies are the same. */
static void write_sources(Tree *tree, const char *path) {
    static char text[TEXT_BYTES];
    glob_t sources;
    char line[4096];
    if (glob("ext/*/*.[ch]", 0, NULL, &sources) != 0) bench_fail("index: no sources in ext/");
    for (int i = 0; i < tree->n_files; i++) {
        int copy = i / (int)sources.gl_pathc, n = 0;
        const char *name = sources.gl_pathv[i % (int)sources.gl_pathc];
        FILE *in = fopen(name, "rb");
        if (!in) bench_fail("index: cannot read %s", name);
        while (fgets(line, sizeof line, in) && n < TEXT_BYTES - (int)sizeof line - 16) {
            line[strcspn(line, "\n")] = 0;
            n += line[0] ? snprintf(text + n, sizeof line + 16, "%s %d\n", line, copy)
                         : snprintf(text + n, 2, "\n");
        }
        fclose(in);
        write_file(tree, path, i, text, n);
    }
    globfree(&sources);
}

static void write_functions(Tree *tree, const char *path) {
    static char text[TEXT_BYTES];
    Gen gen = {3};
    for (int i = 0; i < tree->n_files; i++) {
        write_file(tree, path, i, text, write_function(&gen, text, sizeof text));
    }
}

static void write_files(Tree *tree, const char *path) {
    tree->n_bytes = 0;
    mkdir(path, 0777);
    if (tree->is_real) write_sources(tree, path);
    else write_functions(tree, path);
    bench_run_program((char *[]){"git", "-C", (char *)path, "init", "-q", NULL});
    bench_run_program((char *[]){"git", "-C", (char *)path, "add", "-A", NULL});
}

static void init(Tree *tree, char *path) {
    bench_run_program((char *[]){tree->ck, "-C", path, "init", "-q", "--base", tree->base, NULL});
}

static void forget(Tree *tree) {
    char *store = sqlite3_mprintf("%s/.ck", tree->base);
    char *mine = sqlite3_mprintf("%s/.ck", tree->path);
    char *twins = sqlite3_mprintf("%s/.ck", tree->twin);
    bench_run_program((char *[]){"rm", "-rf", store, mine, twins, NULL});
    sqlite3_free(store);
    sqlite3_free(mine);
    sqlite3_free(twins);
}

static double index_path(Tree *tree, char *path) {
    return bench_run_program((char *[]){tree->ck, "-C", path, "index", "-q", NULL});
}

static double first_time(void *state) {
    Tree *tree = state;
    forget(tree);
    init(tree, tree->path);
    return index_path(tree, tree->path);
}

/* After first_time(): all that this one has is stored. */
static double second_worktree(void *state) {
    Tree *tree = state;
    init(tree, tree->twin);
    return index_path(tree, tree->twin);
}

static double unchanged(void *state) {
    Tree *tree = state;
    return index_path(tree, tree->path);
}

static double git_status(void *state) {
    Tree *tree = state;
    return bench_run_program((char *[]){"git", "-C", tree->path, "status", "--porcelain", NULL});
}

static void make(Tree *tree, const Bench *bench, const char *name, int n_files, int is_real) {
    char *directory = realpath(bench->directory, NULL);
    if (!directory) bench_fail("index: no folder %s", bench->directory);
    *tree = (Tree){.bench = bench, .name = name, .n_files = n_files, .is_real = is_real};
    tree->ck = sqlite3_mprintf("%.*s", (int)strlen(bench->ck) - 3, bench->ck); /* no ".so" */
    tree->path = sqlite3_mprintf("%s/%s", directory, name);
    tree->twin = sqlite3_mprintf("%s/%s-twin", directory, name);
    tree->base = sqlite3_mprintf("%s/%s-base", directory, name);
    mkdir(tree->base, 0777);
    write_files(tree, tree->path);
    free(directory);
}

static void end(Tree *tree) {
    bench_run_program((char *[]){"rm", "-rf", tree->path, tree->twin, tree->base, NULL});
    sqlite3_free(tree->ck);
    sqlite3_free(tree->path);
    sqlite3_free(tree->twin);
    sqlite3_free(tree->base);
}

static void bench_unchanged(Bench *bench, const char *name, int n_files, double aim_s) {
    Tree tree;
    BenchTimes times;
    make(&tree, bench, "unchanged", n_files, 0);
    init(&tree, tree.path);
    index_path(&tree, tree.path);
    const BenchSide sides[] = {{"ck index", unchanged, &tree}, {"git status", git_status, &tree}};
    bench_rounds(&times, sides, 2, 2, bench_size(bench, 9, 2));
    bench_report(bench, &times,
                 &(BenchPair){name, 0, 1, "git status", 1, &bench_ms, {.figure = aim_s * 1000}});
    end(&tree);
}

void bench_index(Bench *bench) {
    Tree tree;
    BenchTimes times;
    make(&tree, bench, "sources", bench_size(bench, 4000, 50), 1);
    write_files(&tree, tree.twin);
    const BenchSide sides[] = {{"first", first_time, &tree}, {"second", second_worktree, &tree}};
    bench_rounds(&times, sides, 2, 1, bench_size(bench, 5, 1));
    bench_note("index: %d files, %.1f MB", tree.n_files, tree.n_bytes / 1e6);
    bench_report(bench, &times,
                 &(BenchPair){"index sources, lexical", 0, 0, NULL, tree.n_bytes, &bench_mb_per_s,
                              {.figure = 20}});
    bench_report(bench, &times,
                 &(BenchPair){"index a second worktree", 1, 0, "the first", tree.n_bytes,
                              &bench_mb_per_s, {0, 0}});
    end(&tree);
    bench_unchanged(bench, "index 5,000 files, unchanged", bench_size(bench, 5000, 100), 0.2);
    bench_unchanged(bench, "index 100,000 files, unchanged", bench_size(bench, 100000, 200), 2);
}
