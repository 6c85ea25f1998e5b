/*
** `ck index`: one run over the files of a workspace. sql/protocol.sql has the rules it follows.
**
**     index.c         the run: what changed, batch by batch, the sweep
**     index_scan.c    a batch: files are read, hashed and cut in threads
**     index_refs.c    the transactions: what is stored is looked up and referred to
**     index_group.c   a group: what is missing is pulled, claimed, embedded, put
**     index_probe.c   is it still the same model?
**     index_save.c    the manifest: loading, saving, exporting
**     index_watch.c   runs as often as something changes
**
** Three things go on at once: threads read the next batch, or embed a group; the main thread
** looks up and writes what they have finished. It alone speaks to the store.
*/
#ifndef CK_TOOL_INDEX_H
#define CK_TOOL_INDEX_H

#include "app.h"
#include "embedder.h"
#include "files.h"
#include "manifest.h"
#include "model_settings.h"
#include "output.h"
#include "pool.h"
#include "scan.h"
#include "workspace.h"

#define CK_INDEX_BATCH_FILES 256
#define CK_INDEX_BATCH_BYTES 1500000 /* about 1,000 chunks: a transaction of some 20 ms */
#define CK_INDEX_GROUP_CHUNKS 512 /* of the lexical embedder; else what may be in flight */
#define CK_INDEX_PENDING_GROUPS 16 /* of texts kept while others compute them */
#define CK_INDEX_LEASE_S 60
#define CK_INDEX_RENEW_MS 20000
#define CK_INDEX_DEAD_MS 1000     /* between looks for owners that were killed */
#define CK_INDEX_BUSY_MS 200      /* between looks at what others are computing */
#define CK_INDEX_SAY_MS 3000  /* of waiting without a word */
#define CK_INDEX_PATIENCE_MS 600000 /* after which it is computed here, too */

/* What is known of a file of the list when the run ends. */
typedef struct CkIndexResult {
    int64_t n_bytes, mtime_ns, ctime_ns;
    uint32_t n_chunks;
    uint8_t kind;  /* CkManifestKind; 0: not for the manifest */
    uint8_t keeps; /* its refs stay as they are: it could not be read, or not be embedded */
    uint8_t hash[CK_MANIFEST_HASH_BYTES];
} CkIndexResult;

/* A file at work, from its reading to its refs. */
typedef struct CkIndexFile {
    size_t at; /* in the list, and in the results */
    CkScan scan;
    CkError err; /* of reading it */
    uint8_t *missing; /* of each chunk: was it not stored when it was looked up last? */
    size_t n_missing;
    int64_t waits_since_ms; /* for others who compute what is missing; 0: it does not */
} CkIndexFile;

/* Texts that are embedded together, for files that wait for them. */
typedef struct CkIndexGroup {
    CkBuf files; /* CkIndexFile * */
    CkBuf keys;  /* of the items, in order of bytes */
    CkBuf items; /* CkEmbedItem */
    size_t n_busy; /* keys that others are computing */
    int is_open;   /* is there a group? */
    struct CkIndex *index;
    CkJob job;
    CkError err; /* of all of it */
} CkIndexGroup;

typedef struct CkIndexCounts {
    int64_t files, unchanged, indexed, binary, huge, untracked, secret, unreadable, incomplete;
    int64_t chunks, hits, embedded, pulled, failed, swept, bytes;
} CkIndexCounts;

/* What `ck index --watch` carries from one run to the next. */
typedef struct CkIndexRound {
    int is_first;      /* there was no run that was done */
    int must_run;      /* whatever the files look like */
    int is_set_up;     /* there are a workspace, settings and paths; what fails then is transient */
    int is_same;       /* the files are as the last run left them, and nothing was done */
    int is_racy;       /* a file changed just before it was read: it is to be read again */
    int has_named_host, has_named_remotes;
    int64_t look_ms;   /* what it took to list the files */
    uint64_t seen, looked; /* fingerprint of the files at the last run that was done, and now */
    CkEmbedder *embedder;  /* a program that has loaded its model; NULL */
    char *settings;        /* with which it was opened */
} CkIndexRound;

typedef struct CkIndex {
    CkApp *app;
    CkIndexRound *round; /* NULL: there is only one */
    CkWorkspace workspace;
    CkModelSettings model;
    CkScanModel scan_model;
    CkEmbedder *embedder;
    CkPool *pool;
    CkScanner *scanners[CK_POOL_THREADS_MAX];
    int root; /* the root's descriptor */
    int lock; /* held for the run; -1 */
    int64_t max_bytes;
    int sends_untracked, verifies;
    const char **below;
    size_t n_below;
    const char *host, *owner; /* of leases */
    int has_remotes, holds_leases, has_pulled_probe, is_probed, said_remotes;
    int64_t looked_for_dead_ms;
    int64_t renewed_ms, waits_since_ms;
    int said_waiting;

    CkFileList list;
    CkManifest before;
    int trusts_before; /* do the refs and the model fit to the manifest? */
    CkIndexResult *results;
    CkBuf work;       /* size_t: the files of the list to be read */
    CkBuf pending;    /* CkIndexFile *, with missing chunks */
    size_t n_pending; /* missing chunks of them */
    CkIndexGroup groups[2];
    int current;      /* the group that is filled next */
    int is_swept;     /* were the refs removed of all that is gone, as far as the run looked? */
    int is_changed;   /* is there something new for the manifest? */
    CkError failure;  /* of the embedder: what is done is written before the run ends with it */
    uint8_t *probe;   /* what the model makes of the probe, when it was asked */
    CkIndexCounts counts;
    CkProgress progress;
    int64_t n_done;   /* of the work */
    int64_t begun_ms;
} CkIndex;

/* Does nothing when the round says that nothing is to be done. */
int ck_index_run(CkIndex *index);
void ck_index_release(CkIndex *index);

/*
** Lists and compares only: what a run would read is in `work` afterwards, the paths whose refs it
** would sweep are appended to gone, each ended by 0.
*/
int ck_index_look(CkIndex *index, CkBuf *gone);

static inline const CkFileEntry *ck_index_entry(const CkIndex *index, size_t at) {
    return ck_files_at(&index->list, at);
}

static inline const char *ck_index_path(const CkIndex *index, size_t at) {
    return ck_files_path(&index->list, ck_index_entry(index, at));
}

/* Is Ctrl-C to be heeded, or has something failed? */
static inline int ck_index_stops(const CkIndex *index) {
    return index->app->exit_code != CK_EXIT_OK || index->failure.rc != SQLITE_OK ||
           ck_interrupted();
}

/* Draws progress, renews leases; now and then while it waits for threads. */
void ck_index_tick(CkIndex *index);
void ck_index_wait(CkIndex *index, const CkJob *job);

/* ---- index_scan.c ---- */

typedef struct CkIndexBatch {
    CkIndex *index;
    CkIndexFile **files;
    size_t n;
    CkJob job;
} CkIndexBatch;

/* Begins to read the next files of the work from *next on. n is 0 when there are none. */
void ck_index_batch_begin(CkIndex *index, CkIndexBatch *batch, size_t *next);

/* Waits for them, and settles those without chunks; the others stay in the batch. */
void ck_index_batch_end(CkIndex *index, CkIndexBatch *batch);

CkScanner *ck_index_scanner(CkIndex *index, int thread, CkError *err);
void ck_index_file_free(CkIndexFile *file); /* may be NULL */

/* ---- index_refs.c ---- */

/*
** One transaction: puts the vectors of a group (or NULL), looks up all chunks of the files, and
** makes the refs of those that are complete. Files that are, are freed and NULL in the array
** afterwards.
*/
int ck_index_write(CkIndex *index, const CkIndexGroup *group, CkIndexFile **files, size_t n);

/* Removes the refs of a file without chunks. */
int ck_index_clear(CkIndex *index, const char *path);

/* ---- index_group.c ---- */

/* Takes a file whose chunks are not all stored. */
void ck_index_pend(CkIndex *index, CkIndexFile *file);

/* Embeds and writes while enough is pending; with `all` until nothing is. */
int ck_index_embed(CkIndex *index, int all);

/* Ends what is under way after a failure or Ctrl-C: keeps what was embedded, gives leases back. */
void ck_index_abandon(CkIndex *index);

/* ---- index_probe.c ---- */

extern const char ck_probe_text[];

/* What the model made of the probe first; nothing is appended where that is not known. */
void ck_probe_get(CkApp *app, const CkModelSettings *model, CkBuf *out);

/* Fails when a vector of the same length, of what answers now, is another one. */
int ck_probe_check(CkApp *app, const CkModelSettings *model, const CkBuf *stored,
                   const void *vector);

/* Opens the embedder; finds out dims and version where nobody knows them yet. */
int ck_index_open_embedder(CkIndex *index);

/* Gets the probe of the remotes before anything else of theirs: what comes of it is compared with
   what the model makes of it, now or when it is asked. Once a run. */
int ck_index_probe_pull(CkIndex *index);

/* Compares what the model makes of the probe with what it made of it first. Once a run. */
int ck_index_probe(CkIndex *index);

/* ---- index_save.c ---- */

int ck_index_load(CkIndex *index);
int ck_index_save(CkIndex *index);

/* ---- index_watch.c ---- */

/*
** Runs `once` again and again: the first time, when files have changed, after a failure, and once
** an hour. Ends with a signal, which is no failure, or with a failure before the round was set up.
*/
int ck_index_watch(CkApp *app, int (*once)(CkApp *app, CkIndexRound *round));

/* Are the files as the last run left them? Sets is_same. */
int ck_index_is_seen(CkIndex *index);

/* The embedder of the run before, when it was opened with these settings, becomes this one's. */
void ck_index_take_embedder(CkIndex *index);

/* A run that was done: its embedder is kept for the next. */
void ck_index_round_end(CkIndex *index);

/* Writes the manifest of a workspace as JSON lines to `path`, "-" is stdout. */
int ck_index_export(CkApp *app, const CkWorkspace *workspace, const char *path);

#endif
