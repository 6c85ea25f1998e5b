/*
** A second worktree: 5,000 files of about eight chunks, all of them stored by the first worktree,
** are indexed by running the statements of sql/protocol.sql, 16 files a batch. What it takes to
** read the files, cut them and hash the chunks (the section `read`) is measured apart: any client
** has to.
*/
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "gen.h"

#define BATCH_FILES 16
#define FILE_BYTES_MAX 24000
#define STATEMENTS_MAX 40

/* The prepared statements of a section of the protocol, in their order. */
typedef struct Section {
    const char *name;
    sqlite3_stmt *statements[STATEMENTS_MAX];
    int n;
} Section;

enum { TABLES, BEGIN, READ, ROUND, MISSES, NEXT, SWEEP, END, N_SECTIONS };
static const char *const section_names[] = {"tables", "begin", "read",  "round",
                                            "misses", "next",  "sweep", "end"};

typedef struct Client {
    sqlite3 *db;
    Section sections[N_SECTIONS];
    const char *workspace, *directory;
    char uuid[64];
    int64_t n_misses, n_chunks;
    double read_s; /* reading the files, cutting and hashing */
} Client;

static char *read_text(const char *path, int *n_bytes) {
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) bench_fail("cannot read %s", path);
    char *text = bench_alloc((size_t)status.st_size + 1);
    *n_bytes = (int)fread(text, 1, (size_t)status.st_size, file);
    text[*n_bytes] = 0;
    fclose(file);
    return text;
}

/* Prepares a section; the tables of `tables` must exist for those after it, so it is run. */
static void section_prepare(Client *client, const char *text, Section *section) {
    char *head = sqlite3_mprintf("-- name: %s\n", section->name);
    const char *at = strstr(text, head);
    if (!at) bench_fail("sql/protocol.sql has no section %s", section->name);
    at += strlen(head);
    const char *end = strstr(at, "-- name: ");
    if (!end) end = at + strlen(at);
    while (at < end) {
        sqlite3_stmt *stmt = NULL;
        const char *tail;
        if (sqlite3_prepare_v2(client->db, at, (int)(end - at), &stmt, &tail) != SQLITE_OK) {
            bench_fail("%s: %s", section->name, sqlite3_errmsg(client->db));
        }
        at = tail;
        if (!stmt) break;
        section->statements[section->n++] = stmt;
        if (strcmp(section->name, "tables") == 0) db_run(stmt);
    }
    sqlite3_free(head);
}

static void bind(sqlite3_stmt *stmt, const char *name, const char *value, int n_bytes) {
    int i = sqlite3_bind_parameter_index(stmt, name);
    if (i > 0) sqlite3_bind_text(stmt, i, value, n_bytes, SQLITE_STATIC);
}

/* Runs a section; the number of rows, and the first column of the last one. */
static int64_t section_run(Client *client, int which, const char *path, const char *content,
                           int n_bytes) {
    Section *section = &client->sections[which];
    int64_t n_rows = 0;
    for (int i = 0; i < section->n; i++) {
        sqlite3_stmt *stmt = section->statements[i];
        bind(stmt, ":workspace", client->workspace, -1);
        bind(stmt, ":uuid", client->uuid, -1);
        bind(stmt, ":model", "lexical", -1);
        bind(stmt, ":version", "1", -1);
        bind(stmt, ":below", "", -1);
        if (path) bind(stmt, ":path", path, -1);
        if (content) bind(stmt, ":content", content, n_bytes);
        for (; db_step(stmt); n_rows++) {
            if (which != BEGIN) continue;
            snprintf(client->uuid, sizeof client->uuid, "%s", sqlite3_column_text(stmt, 0));
        }
        sqlite3_reset(stmt);
    }
    return n_rows;
}

static void batch_end(Client *client) {
    client->n_chunks += db_int(client->db, "SELECT count(*) FROM temp.batch_chunk");
    section_run(client, ROUND, NULL, NULL, 0);
    client->n_misses += section_run(client, MISSES, NULL, NULL, 0);
    section_run(client, NEXT, NULL, NULL, 0);
}

static void file_name(char *path, size_t n, int file) {
    snprintf(path, n, "module_%03d_component_%05d.c", file / 40, file);
}

/* Indexes the tree; the seconds of everything. */
static double index_tree(Client *client, int n_files) {
    double begin = bench_now();
    client->read_s = 0;
    section_run(client, BEGIN, NULL, NULL, 0);
    for (int i = 0; i < n_files; i++) {
        char path[64], full[512];
        int n_bytes;
        double read_begin = bench_now();
        file_name(path, sizeof path, i);
        snprintf(full, sizeof full, "%s/tree/%s", client->directory, path);
        char *content = read_text(full, &n_bytes);
        section_run(client, READ, path, content, n_bytes);
        free(content);
        client->read_s += bench_now() - read_begin;
        if (i % BATCH_FILES == BATCH_FILES - 1) batch_end(client);
    }
    batch_end(client);
    section_run(client, SWEEP, NULL, NULL, 0);
    section_run(client, END, NULL, NULL, 0);
    return bench_now() - begin;
}

/* Files of eight functions or so, each about a chunk long. */
static void make_tree(const char *directory, int n_files) {
    char *text = bench_alloc(FILE_BYTES_MAX), path[64], full[512];
    Gen gen = {7};
    snprintf(full, sizeof full, "%s/tree", directory);
    mkdir(full, 0777);
    for (int i = 0; i < n_files; i++) {
        int n = 0, n_functions = 6 + gen_below(&gen, 5);
        for (int f = 0; f < n_functions; f++) {
            n += snprintf(text + n, FILE_BYTES_MAX - (size_t)n, "int function_%d_%d(int x)\n{\n",
                          i, f);
            for (int line = 0; line < 26; line++) {
                n += snprintf(text + n, FILE_BYTES_MAX - (size_t)n,
                              "    x += table[%d] * argument_of_the_caller_%d;\n",
                              gen_below(&gen, 10000), gen_below(&gen, 100));
            }
            n += snprintf(text + n, FILE_BYTES_MAX - (size_t)n, "    return x;\n}\n\n");
        }
        file_name(path, sizeof path, i);
        snprintf(full, sizeof full, "%s/tree/%s", directory, path);
        FILE *file = fopen(full, "wb");
        if (!file || fwrite(text, 1, (size_t)n, file) != (size_t)n || fclose(file) != 0) {
            bench_fail("cannot write %s", full);
        }
    }
    free(text);
}

static void remove_tree(const char *directory, int n_files) {
    char path[64], full[512];
    for (int i = 0; i < n_files; i++) {
        file_name(path, sizeof path, i);
        snprintf(full, sizeof full, "%s/tree/%s", directory, path);
        unlink(full);
    }
    snprintf(full, sizeof full, "%s/tree", directory);
    rmdir(full);
}

static void client_open(Client *client, const Bench *bench) {
    int n_bytes;
    char *text = read_text("sql/protocol.sql", &n_bytes);
    memset(client, 0, sizeof *client);
    client->directory = bench->directory;
    client->db = db_create(bench, "worktree", 8192);
    db_exec(client->db, "INSERT INTO workspaces(name) VALUES ('first'), ('second')");
    for (int i = 0; i < N_SECTIONS; i++) {
        client->sections[i].name = section_names[i];
        section_prepare(client, text, &client->sections[i]);
    }
    free(text);
}

static void client_close(Client *client, const Bench *bench) {
    for (int i = 0; i < N_SECTIONS; i++) {
        for (int s = 0; s < client->sections[i].n; s++) {
            sqlite3_finalize(client->sections[i].statements[s]);
        }
    }
    db_remove(bench, client->db, "worktree");
}

/* The first worktree: what the protocol would embed is stored at once. */
static void store_all(Client *client, int n_files) {
    sqlite3_stmt *insert = db_prepare(
        client->db, "INSERT OR IGNORE INTO embeddings(model, version, content, vector) "
                    "SELECT 'lexical', '1', content, ck_embed(content) FROM ck_chunks(?1, ?2)");
    db_exec(client->db, "BEGIN");
    for (int i = 0; i < n_files; i++) {
        char path[64], full[512];
        int n_bytes;
        file_name(path, sizeof path, i);
        snprintf(full, sizeof full, "%s/tree/%s", client->directory, path);
        char *content = read_text(full, &n_bytes);
        sqlite3_bind_text(insert, 1, content, n_bytes, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, path, -1, SQLITE_STATIC);
        db_run(insert);
        free(content);
    }
    db_exec(client->db, "COMMIT");
    sqlite3_finalize(insert);
    client->workspace = "first";
    index_tree(client, n_files);
}

void bench_worktree(Bench *bench) {
    int n_files = bench_size(bench, 5000, 100);
    BenchTimes beyond = {.n_sides = 1, .n_rounds = bench_size(bench, 3, 1)}, reading = beyond;
    Client client;
    make_tree(bench->directory, n_files);
    client_open(&client, bench);
    store_all(&client, n_files);
    client.workspace = "second";
    for (int i = 0; i < beyond.n_rounds; i++) {
        db_exec(client.db, "DELETE FROM workspaces WHERE name = 'second'; SELECT ck_gc();"
                           "INSERT INTO workspaces(name) VALUES ('second')");
        db_exec(client.db, "UPDATE embeddings SET used_at = unixepoch() - 3600");
        db_checkpoint(client.db);
        client.n_misses = client.n_chunks = 0;
        double seconds = index_tree(&client, n_files);
        if (client.n_misses != 0) bench_fail("the second worktree has misses");
        reading.seconds[0][i] = client.read_s;
        beyond.seconds[0][i] = seconds - client.read_s;
    }
    bench_note("worktree: %d files, %lld chunks", n_files, (long long)client.n_chunks);
    bench_report(bench, &reading, &(BenchPair){"worktree read and hash the files", 0, 0, NULL, 1,
                                               &bench_s, {0, 0}});
    bench_report(bench, &beyond, &(BenchPair){"worktree second one beyond that", 0, 0, NULL, 1,
                                              &bench_s, {.figure = 1}});
    client_close(&client, bench);
    remove_tree(bench->directory, n_files);
}
