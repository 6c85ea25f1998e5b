/*
** ck cache export, ck cache import: embeddings as a file, for a warm start elsewhere.
**
** The file is a pack: frames one behind the other, each with a head of 32 bytes that begins with
** "CKF" 1 and has the length of its body at offset 20, 4 bytes, little-endian (ext/store/frame.h).
** Neither command holds more than some frames in memory. A frame is a transaction of the import,
** and what is in it is checked by ck_unpack() before any of it is believed.
*/
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "fs.h"
#include "json.h"
#include "output.h"
#include "place.h"
#include "store.h"

#define FRAME_HEAD_BYTES 32
#define FRAME_LENGTH_AT 20
#define FRAME_BODY_MAX (16 * 1024 * 1024)

/* What one statement packs. */
#define EXPORT_BYTES (16 * 1024 * 1024)
#define EXPORT_HASHES 1000

typedef struct Export {
    CkApp *app;
    const char *path; /* what is written to; for people */
    int fd;
    int64_t embeddings, bytes, last_seq;
    CkProgress progress;
} Export;

static int write_all(Export *export, const char *data, size_t n) {
    while (n > 0) {
        ssize_t written = write(export->fd, data, n);
        if (written < 0 && errno == EINTR && !ck_interrupted()) continue;
        if (written <= 0) {
            return ck_fail(export->app, CK_EXIT_ERROR, NULL, "cannot write '%s': %s", export->path,
                           strerror(errno));
        }
        data += written;
        n -= (size_t)written;
        export->bytes += written;
    }
    return CK_EXIT_OK;
}

/* Writes the pack that the statement gives. 0: there was none. */
static int write_pack(Export *export, sqlite3_stmt *stmt) {
    CkApp *app = export->app;
    if (!ck_sql_step(app, stmt)) return 0;
    size_t n = (size_t)sqlite3_column_bytes(stmt, 0);
    const void *pack = sqlite3_column_blob(stmt, 0);
    if (pack) {
        sqlite3_stmt *figures = ck_sql_begin(app, CK_SQL_PACK_FIGURES, "b", pack, n);
        if (ck_sql_step(app, figures)) {
            export->last_seq = sqlite3_column_int64(figures, 0);
            export->embeddings += sqlite3_column_int64(figures, 1);
        }
        ck_sql_end(figures);
        write_all(export, pack, n);
    }
    ck_sql_end(stmt);
    if (ck_interrupted()) ck_fail(app, CK_EXIT_INTERRUPTED, NULL, "interrupted");
    return pack != NULL && app->exit_code == CK_EXIT_OK;
}

static void export_feed(Export *export) {
    CkApp *app = export->app;
    int64_t since = ck_option_number(app, "since", 0);
    int64_t last = ck_sql_int(app, CK_SQL_STORE_SEQ, 0, "");
    export->last_seq = since;
    while (write_pack(export, ck_sql_begin(app, CK_SQL_EXPORT_FEED, "ii", export->last_seq,
                                           (int64_t)EXPORT_BYTES))) {
        ck_progress_show(&export->progress, export->last_seq - since, last - since, NULL);
    }
}

static void export_workspace(Export *export, const char *workspace) {
    CkApp *app = export->app;
    if (ck_sql_int(app, CK_SQL_WORKSPACE_COUNT, 0, "t", workspace) == 0) {
        ck_fail(app, CK_EXIT_ERROR, ck_text(app, "%s workspace list shows them.", app->program),
                "there is no workspace '%s'", workspace);
    }
    ck_sql_run(app, CK_SQL_EXPORT_LIST, "t", workspace);
    int64_t n = ck_sql_int(app, CK_SQL_EXPORT_COUNT, 0, "");
    for (int64_t at = 0; at < n && app->exit_code == CK_EXIT_OK; at += EXPORT_HASHES) {
        write_pack(export, ck_sql_begin(app, CK_SQL_EXPORT_HASHES, "ii", at,
                                        (int64_t)EXPORT_HASHES));
        ck_progress_show(&export->progress, at, n, NULL);
    }
}

/*
** Everything goes to a temporary file, which then gets the name; a device or a FIFO is written as
** it is. *temporary is the file's, or NULL.
*/
static int open_target(Export *export, const char **temporary) {
    CkApp *app = export->app;
    struct stat info;
    const char *path = ck_path_absolute(app, app->place.folder, export->path);
    int is_special = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    if (!is_special) *temporary = ck_text(app, "%s.new-%d", path, (int)getpid());
    export->path = path;
    export->fd = is_special ? open(path, O_WRONLY | O_CLOEXEC)
                            : open(*temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (export->fd >= 0) return CK_EXIT_OK;
    return ck_fail(app, CK_EXIT_ERROR, NULL, "cannot write '%s': %s", path, strerror(errno));
}

static void close_target(Export *export, const char *temporary) {
    CkApp *app = export->app;
    int failed = temporary && app->exit_code == CK_EXIT_OK && fsync(export->fd) != 0;
    if (close(export->fd) != 0) failed = 1;
    if (temporary && app->exit_code == CK_EXIT_OK && !failed) {
        failed = rename(temporary, export->path) != 0;
    }
    if (failed) {
        ck_fail(app, CK_EXIT_ERROR, NULL, "cannot write '%s': %s", export->path, strerror(errno));
    }
    if (temporary && app->exit_code != CK_EXIT_OK) unlink(temporary);
}

static int export_run(CkApp *app) {
    const char *path = app->args[0], *temporary = NULL;
    int to_stdout = strcmp(path, "-") == 0;
    if (to_stdout && isatty(STDOUT_FILENO)) {
        return ck_fail(app, CK_EXIT_USAGE,
                       ck_text(app, "Name a file: %s cache export FILE, or write to a pipe.",
                               app->program),
                       "a pack is not text, and stdout is a terminal");
    }
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    ck_store_open(app, CK_STORE_READ);
    Export export = {.app = app, .path = path, .fd = STDOUT_FILENO};
    if (!to_stdout && open_target(&export, &temporary) != CK_EXIT_OK) return app->exit_code;
    ck_progress_begin(&export.progress, app, "exporting", "");
    const char *workspace = ck_option_text(app, "workspace", NULL);
    if (workspace) export_workspace(&export, workspace);
    else export_feed(&export);
    ck_progress_end(&export.progress);
    if (!to_stdout) close_target(&export, temporary);
    if (app->exit_code != CK_EXIT_OK || to_stdout) return app->exit_code;
    if (app->json) {
        CkJson json;
        ck_json_begin(&json);
        ck_json_open(&json, NULL, '{');
        ck_json_text(&json, "file", export.path);
        ck_json_int(&json, "embeddings", export.embeddings);
        ck_json_int(&json, "bytes", export.bytes);
        if (!workspace) ck_json_int(&json, "last_seq", export.last_seq);
        ck_json_close(&json, '}');
        ck_json_print(&json);
    } else {
        printf("Exported %s, %s.\n", ck_counted(app, export.embeddings, "embedding"),
               ck_bytes_text(app, export.bytes));
    }
    return app->exit_code;
}

typedef struct Import {
    CkApp *app;
    const char *path;
    FILE *file;
    int64_t size, at; /* of the file, 0: unknown; bytes that were read */
    int64_t embeddings, added;
    unsigned char *frame; /* FRAME_HEAD_BYTES + FRAME_BODY_MAX */
} Import;

static int damaged(Import *import, const char *what) {
    return ck_fail(import->app, CK_EXIT_ERROR,
                   import->at > 0 ? "All before that was imported." : "Nothing was imported.",
                   "'%s': byte %lld: %s", import->path, (long long)import->at, what);
}

/* Reads the next frame; *n is 0 at the end of the file. */
static int read_frame(Import *import, size_t *n) {
    static const char magic[] = {'C', 'K', 'F', 1};
    unsigned char *frame = import->frame;
    *n = 0;
    size_t head = fread(frame, 1, FRAME_HEAD_BYTES, import->file);
    if (ferror(import->file)) return damaged(import, strerror(errno));
    if (head == 0) return CK_EXIT_OK;
    if (head < sizeof magic || memcmp(frame, magic, sizeof magic) != 0) {
        return damaged(import, "this is no pack, or damaged");
    }
    if (head < FRAME_HEAD_BYTES) return damaged(import, "the file ends within a frame");
    uint32_t body = 0;
    for (int i = 3; i >= 0; i--) body = body << 8 | frame[FRAME_LENGTH_AT + i];
    if (body > FRAME_BODY_MAX) return damaged(import, "this is no pack, or damaged");
    if (fread(frame + FRAME_HEAD_BYTES, 1, body, import->file) != body) {
        return damaged(import, ferror(import->file) ? strerror(errno)
                                                    : "the file ends within a frame");
    }
    *n = FRAME_HEAD_BYTES + body;
    return CK_EXIT_OK;
}

static void take_frame(Import *import, size_t n) {
    CkApp *app = import->app;
    const void *frame = import->frame;
    int64_t embeddings = 0;
    ck_transaction_begin(app);
    sqlite3_stmt *figures = ck_sql_begin(app, CK_SQL_PACK_FIGURES, "b", frame, n);
    if (ck_sql_step(app, figures)) embeddings = sqlite3_column_int64(figures, 1);
    ck_sql_end(figures);
    int64_t added = ck_sql_int(app, CK_SQL_IMPORT_MISSING, 0, "b", frame, n);
    ck_sql_run(app, CK_SQL_IMPORT_MODELS, "b", frame, n);
    ck_sql_run(app, CK_SQL_IMPORT_EMBEDDINGS, "b", frame, n);
    if (ck_transaction_end(app) != CK_EXIT_OK) return;
    import->embeddings += embeddings;
    import->added += added;
}

static void import_frames(Import *import) {
    CkApp *app = import->app;
    CkProgress progress;
    size_t n = 0;
    ck_progress_begin(&progress, app, "importing", "bytes");
    while (app->exit_code == CK_EXIT_OK && read_frame(import, &n) == CK_EXIT_OK && n > 0) {
        take_frame(import, n);
        if (app->exit_code != CK_EXIT_OK && app->exit_code != CK_EXIT_INTERRUPTED) {
            int code = app->exit_code;
            const char *message = ck_failure_take(app);
            ck_fail(app, code, import->at > 0 ? "All before that was imported." : NULL,
                    "'%s': byte %lld: %s", import->path, (long long)import->at, message);
        }
        import->at += (int64_t)n;
        if (ck_interrupted()) ck_fail(app, CK_EXIT_INTERRUPTED, NULL, "interrupted");
        ck_progress_show(&progress, import->at, import->size, NULL);
    }
    ck_progress_end(&progress);
}

static int import_run(CkApp *app) {
    Import import = {.app = app, .path = app->args[0]};
    struct stat info;
    if (ck_place_need_store(app) != CK_EXIT_OK) return app->exit_code;
    int from_stdin = strcmp(import.path, "-") == 0;
    const char *path = ck_path_absolute(app, app->place.folder, import.path);
    import.file = from_stdin ? stdin : fopen(path, "rbe");
    if (!import.file) {
        return ck_fail(app, CK_EXIT_ERROR, NULL, "cannot read '%s': %s", import.path,
                       strerror(errno));
    }
    if (fstat(fileno(import.file), &info) == 0 && S_ISREG(info.st_mode)) import.size = info.st_size;
    import.frame = ck_alloc(FRAME_HEAD_BYTES + FRAME_BODY_MAX);
    if (ck_store_open(app, CK_STORE_WRITE) == CK_EXIT_OK) import_frames(&import);
    sqlite3_free(import.frame);
    if (!from_stdin) fclose(import.file);
    if (app->exit_code != CK_EXIT_OK) return app->exit_code;
    if (app->json) {
        printf("{\"embeddings\": %lld, \"new\": %lld, \"bytes\": %lld}\n",
               (long long)import.embeddings, (long long)import.added, (long long)import.at);
    } else {
        printf("Imported %s, %s of them new.\n", ck_counted(app, import.embeddings, "embedding"),
               ck_count_text(app, import.added));
    }
    return app->exit_code;
}

static const CkOption export_options[] = {
    {.name = "since", .kind = CK_OPTION_INTEGER, .argument = "SEQ", .max = INT64_MAX,
     .help = "Only what changed after this seq, such as last_seq of an earlier export."},
    {.name = "workspace", .kind = CK_OPTION_TEXT, .argument = "NAME",
     .help = "Only what this workspace uses."},
    {.name = NULL},
};

const CkCommand ck_command_cache_export = {
    .name = "cache export",
    .summary = "Write embeddings to a file",
    .arguments = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = export_options,
    .description = "FILE is a pack, for ck cache import: such as what a CI job keeps for the next\n"
                   "one. - is stdout, unless that is a terminal. Packs may be appended to one\n"
                   "another.",
    .run = export_run,
};

const CkCommand ck_command_cache_import = {
    .name = "cache import",
    .summary = "Read embeddings from a file",
    .arguments = "FILE",
    .min_args = 1,
    .max_args = 1,
    .description = "FILE is a pack of ck cache export, or a *.ckpack of a folder of packs; - is\n"
                   "stdin. What is there already stays. What no workspace comes to use is\n"
                   "garbage after an hour.",
    .run = import_run,
};
