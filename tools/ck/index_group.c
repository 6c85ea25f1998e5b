/*
** A group: texts that are embedded together. See index.h.
**
** While threads embed one group, the main thread writes the one before and fills the next. A text
** that is in the group before is left out of the next one: it is stored by the time that is
** written. What others are computing (their lease says so) is left to them, and looked for again.
*/
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "index.h"
#include "store.h"

#define SLICE 8 /* texts that a thread embeds at a time */

/* A missing chunk of a file that waits. */
typedef struct Missing {
    const uint8_t *key;
    const char *text;
    size_t n_text;
} Missing;

static size_t count(const CkBuf *buf, size_t n_each) {
    return buf->n_bytes / n_each;
}

static CkIndexFile **files_of(CkIndexGroup *group) {
    return (CkIndexFile **)(void *)group->files.data;
}

static CkEmbedItem *items_of(CkIndexGroup *group) {
    return (CkEmbedItem *)(void *)group->items.data;
}

void ck_index_pend(CkIndex *index, CkIndexFile *file) {
    ck_buf_append(&index->pending, &file, sizeof file);
    if (index->pending.rc != SQLITE_OK) ck_must(NULL);
    index->n_pending += file->n_missing;
}

/* ---- Which texts ---- */

static int compare_missing(const void *a, const void *b) {
    return memcmp(((const Missing *)a)->key, ((const Missing *)b)->key, CK_SCAN_KEY_BYTES);
}

static int compare_keys(const void *a, const void *b) {
    return memcmp(a, b, CK_SCAN_KEY_BYTES);
}

/* The item of a key, or NULL. */
static CkEmbedItem *find(CkIndexGroup *group, const uint8_t *key) {
    size_t n = count(&group->keys, CK_SCAN_KEY_BYTES);
    if (!group->is_open || n == 0) return NULL;
    const uint8_t *found = bsearch(key, group->keys.data, n, CK_SCAN_KEY_BYTES, compare_keys);
    if (!found) return NULL;
    return items_of(group) + (size_t)(found - group->keys.data) / CK_SCAN_KEY_BYTES;
}

/* Every missing chunk of the files once, in order of keys, without those of the group before. */
static void collect(CkIndexGroup *group, CkIndexGroup *before) {
    CkBuf all;
    ck_buf_init(&all);
    for (size_t i = 0; i < count(&group->files, sizeof(CkIndexFile *)); i++) {
        const CkIndexFile *file = files_of(group)[i];
        for (size_t j = 0; j < ck_scan_count(&file->scan); j++) {
            const CkScanChunk *chunk = ck_scan_chunk(&file->scan, j);
            Missing missing = {chunk->key, (const char *)file->scan.texts.data + chunk->text,
                               chunk->n_text};
            if (file->missing[j]) ck_buf_append(&all, &missing, sizeof missing);
        }
    }
    if (all.rc != SQLITE_OK) ck_must(NULL);
    Missing *list = (Missing *)(void *)all.data;
    size_t n = count(&all, sizeof *list);
    if (n > 0) qsort(list, n, sizeof *list, compare_missing);
    for (size_t i = 0; i < n; i++) {
        CkEmbedItem item = {.text = list[i].text, .n_text = list[i].n_text};
        if (i > 0 && compare_missing(&list[i - 1], &list[i]) == 0) continue;
        if (find(before, list[i].key)) continue;
        ck_buf_append(&group->keys, list[i].key, CK_SCAN_KEY_BYTES);
        ck_buf_append(&group->items, &item, sizeof item);
    }
    if (group->keys.rc != SQLITE_OK || group->items.rc != SQLITE_OK) ck_must(NULL);
    ck_buf_release(&all);
}

/* The missing chunks of pending files that nobody else is computing, as far as we know. */
static size_t count_fresh(const CkIndex *index) {
    CkIndexFile **pending = (CkIndexFile **)(void *)index->pending.data;
    size_t n_missing = 0;
    for (size_t i = 0; i < count(&index->pending, sizeof *pending); i++) {
        if (pending[i]->waits_since_ms == 0) n_missing += pending[i]->n_missing;
    }
    return n_missing;
}

/* Takes pending files until their missing chunks are enough; those that wait for others when there
   are no more of the others. */
static void take_files(CkIndex *index, CkIndexGroup *group, size_t n_enough) {
    CkIndexFile **pending = (CkIndexFile **)(void *)index->pending.data;
    size_t n = count(&index->pending, sizeof *pending), n_left = 0, n_missing = 0;
    int takes_fresh = count_fresh(index) > 0;
    for (size_t i = 0; i < n; i++) {
        int fits = takes_fresh == (pending[i]->waits_since_ms == 0);
        if (fits && n_missing < n_enough) {
            n_missing += pending[i]->n_missing;
            ck_buf_append(&group->files, &pending[i], sizeof *pending);
        } else {
            pending[n_left++] = pending[i];
        }
    }
    index->pending.n_bytes = n_left * sizeof *pending;
    index->n_pending -= n_missing;
    if (group->files.rc != SQLITE_OK) ck_must(NULL);
}

/* ---- Asking others first ---- */

/* The item at `from` becomes the one at `to`, which is not behind it. */
static void keep_item(CkIndexGroup *group, size_t to, size_t from, const CkBuf *keys) {
    items_of(group)[to] = items_of(group)[from];
    memcpy(group->keys.data + to * CK_SCAN_KEY_BYTES, keys->data + from * CK_SCAN_KEY_BYTES,
           CK_SCAN_KEY_BYTES);
}

static void keep_first(CkIndexGroup *group, size_t n) {
    group->keys.n_bytes = n * CK_SCAN_KEY_BYTES;
    group->items.n_bytes = n * sizeof(CkEmbedItem);
}

/* The keys as they are now: the statement that reads them outlives changes to the group. */
static CkBuf copy_keys(const CkIndexGroup *group) {
    CkBuf keys;
    ck_buf_init(&keys);
    ck_buf_append(&keys, group->keys.data, group->keys.n_bytes);
    if (keys.rc != SQLITE_OK) ck_must(NULL);
    return keys;
}

/* A remote that is away costs money, not results; it is said once. */
static void warn_of_remotes(CkIndex *index) {
    CkApp *app = index->app;
    const char *list = "";
    if (index->said_remotes || (index->round && index->round->has_named_remotes)) return;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_REMOTES_FAILED, "");
    while (ck_sql_step(app, stmt)) {
        list = ck_text(app, "%s%s%s (%s)", list, list[0] ? ", " : "", ck_column_text(stmt, 0, ""),
                       ck_column_text(stmt, 1, ""));
    }
    if (!list[0]) return;
    ck_warn(app, "remotes that cannot be asked, so what they have is embedded again: %s", list);
    index->said_remotes = 1;
    if (index->round) index->round->has_named_remotes = 1;
}

/* Gets what remotes have of it. What came is stored; it is found when the group is written. */
static void pull(CkIndex *index, CkIndexGroup *group) {
    CkApp *app = index->app;
    size_t n = count(&group->items, sizeof(CkEmbedItem)), n_kept = 0;
    /* To compute a lexical embedding is cheaper than to ask. */
    if (!index->has_remotes || index->model.is_lexical || n == 0) return;
    if (ck_index_probe_pull(index) != CK_EXIT_OK) return;
    CkBuf keys = copy_keys(group);
    ck_sql_text(app, CK_SQL_INDEX_PULL, "b", (const void *)keys.data, keys.n_bytes);
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_MISSING, "b", (const void *)keys.data,
                                      keys.n_bytes);
    while (ck_sql_step(app, stmt)) {
        keep_item(group, n_kept++, (size_t)sqlite3_column_int64(stmt, 0), &keys);
    }
    index->counts.pulled += (int64_t)(n - n_kept);
    if (n_kept > 0) warn_of_remotes(index);
    keep_first(group, n_kept);
    ck_buf_release(&keys);
}

/* Gives back the leases of runs on this machine that were killed: nobody would wait for them but
   in vain. That of another owner's with our host's name lasts for CK_INDEX_LEASE_S. */
static void release_dead(CkIndex *index) {
    CkApp *app = index->app;
    const char *begin = ck_text(app, "index:%s:", index->host);
    CkBuf owners;
    if (ck_clock_ms() - index->looked_for_dead_ms < CK_INDEX_DEAD_MS) return;
    index->looked_for_dead_ms = ck_clock_ms();
    ck_buf_init(&owners);
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_LEASE_OWNERS, "tt", begin, index->owner);
    while (ck_sql_step(app, stmt)) {
        const char *owner = ck_column_text(stmt, 0, "");
        long pid = strtol(owner + strlen(begin), NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            ck_buf_append(&owners, owner, strlen(owner) + 1);
        }
    }
    if (owners.rc != SQLITE_OK) ck_must(NULL);
    const char *at = (const char *)owners.data, *end = at + owners.n_bytes;
    for (; at && at < end; at += strlen(at) + 1) ck_sql_int(app, CK_SQL_INDEX_RELEASE, 0, "t", at);
    ck_buf_release(&owners);
}

/* Leaves out what is there by now, and what others are computing unless we waited long enough. */
static void claim(CkIndex *index, CkIndexGroup *group) {
    CkApp *app = index->app;
    size_t n = count(&group->items, sizeof(CkEmbedItem)), n_kept = 0;
    int64_t since = files_of(group)[0]->waits_since_ms;
    int is_patient = since == 0 || ck_clock_ms() - since < CK_INDEX_PATIENCE_MS;
    if (index->embedder->is_lexical || n == 0) return;
    CkBuf keys = copy_keys(group);
    ck_transaction_begin(app);
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_CLAIM, "bti", (const void *)keys.data,
                                      keys.n_bytes, index->owner, (int64_t)CK_INDEX_LEASE_S);
    for (size_t i = 0; i < n && ck_sql_step(app, stmt); i++) {
        const char *state = ck_column_text(stmt, 1, "");
        int is_busy = strcmp(state, "busy") == 0;
        group->n_busy += (size_t)is_busy;
        if (strcmp(state, "have") == 0 || (is_busy && is_patient)) continue;
        keep_item(group, n_kept++, i, &keys);
    }
    ck_sql_end(stmt);
    ck_transaction_end(app);
    index->holds_leases = 1;
    if (group->n_busy > 0) release_dead(index);
    keep_first(group, n_kept);
    ck_buf_release(&keys);
}

/* ---- Embedding ---- */

/* A slice of the group, in a thread: any thread has an embedder of words. */
static void embed_lexical(void *argument, size_t item, int thread) {
    CkIndexGroup *group = argument;
    CkEmbedItem *items = items_of(group);
    size_t n = count(&group->items, sizeof *items), end = (item + 1) * SLICE;
    CkError err = CK_ERROR_NONE;
    CkScanner *scanner = ck_index_scanner(group->index, thread, &err);
    for (size_t i = item * SLICE; i < n && i < end && err.rc == SQLITE_OK; i++) {
        CkBuf vector;
        ck_buf_init(&vector);
        ck_scan_embed(scanner, items[i].text, items[i].n_text, &vector, &err);
        items[i].vector = vector.data;
        if (err.rc != SQLITE_OK) ck_embed_item_fail(&items[i], "%s", sqlite3_errstr(err.rc));
    }
    ck_error_release(&err);
}

/* All of the group, in one thread: it waits for the network or a program most of the time. */
static void embed_elsewhere(void *argument, size_t item, int thread) {
    CkIndexGroup *group = argument;
    (void)item;
    (void)thread;
    ck_embedder_embed(group->index->embedder, items_of(group),
                      count(&group->items, sizeof(CkEmbedItem)), &group->err);
}

static void begin(CkIndex *index, CkIndexGroup *group) {
    size_t n = count(&group->items, sizeof(CkEmbedItem));
    int is_lexical = index->embedder->is_lexical;
    group->index = index;
    group->job = (CkJob){.argument = group, .run = is_lexical ? embed_lexical : embed_elsewhere};
    group->job.n_items = is_lexical ? (n + SLICE - 1) / SLICE : n > 0;
    group->is_open = 1;
    ck_pool_submit(index->pool, &group->job);
}

static void close_group(CkIndexGroup *group) {
    CkEmbedItem *items = items_of(group);
    for (size_t i = 0; i < count(&group->items, sizeof *items); i++) {
        sqlite3_free(items[i].vector);
        sqlite3_free(items[i].error);
    }
    ck_buf_clear(&group->files);
    ck_buf_clear(&group->keys);
    ck_buf_clear(&group->items);
    ck_error_release(&group->err);
    group->n_busy = 0;
    group->is_open = 0;
}

/* ---- After it ---- */

/* Why a missing chunk of the file was not embedded; NULL: it may yet be. */
static const char *failure(CkIndexGroup *group, const CkIndexFile *file, uint32_t *line) {
    for (size_t i = 0; i < ck_scan_count(&file->scan); i++) {
        const CkScanChunk *chunk = ck_scan_chunk(&file->scan, i);
        CkEmbedItem *item = file->missing[i] ? find(group, chunk->key) : NULL;
        *line = chunk->start_line;
        if (item && item->error) return item->error;
    }
    return NULL;
}

/* Files that are not complete wait again, unless a text of theirs cannot be embedded. */
static void requeue(CkIndex *index, CkIndexGroup *group) {
    CkApp *app = index->app;
    for (size_t i = 0; i < count(&group->files, sizeof(CkIndexFile *)); i++) {
        CkIndexFile *file = files_of(group)[i];
        uint32_t line = 0;
        if (!file) continue;
        const char *why = failure(group, file, &line);
        if (why) {
            index->results[file->at].keeps = 1;
            index->results[file->at].kind = 0;
            index->counts.incomplete++;
            index->n_done++;
            ck_warn(app, "%s:%u: cannot be embedded: %s",
                    ck_printable(app, ck_index_path(index, file->at)), line, why);
            ck_index_file_free(file);
        } else {
            if (file->waits_since_ms == 0) file->waits_since_ms = ck_clock_ms();
            ck_index_pend(index, file);
        }
    }
}

static void count_items(CkIndex *index, CkIndexGroup *group) {
    const CkEmbedItem *items = items_of(group);
    for (size_t i = 0; i < count(&group->items, sizeof *items); i++) {
        index->counts.embedded += items[i].vector != NULL;
        index->counts.failed += items[i].error != NULL;
    }
}

/* Waits for a group and writes it. What was embedded is kept even where the rest failed. */
static void finish(CkIndex *index, CkIndexGroup *group) {
    CkApp *app = index->app;
    if (!group->is_open) return;
    ck_index_wait(index, &group->job);
    count_items(index, group);
    ck_index_write(index, group, files_of(group), count(&group->files, sizeof(CkIndexFile *)));
    if (index->holds_leases && app->exit_code == CK_EXIT_OK) {
        CkIndexGroup *other = &index->groups[group == &index->groups[0]];
        if (!other->is_open) ck_sql_int(app, CK_SQL_INDEX_RELEASE, 0, "t", index->owner);
    }
    requeue(index, group);
    if (group->err.rc != SQLITE_OK && index->failure.rc == SQLITE_OK) {
        index->failure = group->err;
        group->err = (CkError)CK_ERROR_NONE;
    }
    close_group(group);
}

/* A killed run's leases last for CK_INDEX_LEASE_S where they are of another machine. */
static void wait_for_others(CkIndex *index) {
    const struct timespec pause = {.tv_nsec = CK_INDEX_BUSY_MS * 1000000L};
    int64_t now = ck_clock_ms();
    if (index->waits_since_ms == 0) index->waits_since_ms = now;
    if (now - index->waits_since_ms > CK_INDEX_SAY_MS && !index->said_waiting) {
        ck_note(index->app, "waiting for another run, which is embedding %s of the texts",
                ck_count_text(index->app, (int64_t)index->n_pending));
        index->said_waiting = 1;
    }
    nanosleep(&pause, NULL);
}

/* Makes the next group of what is pending and begins to embed it; then writes the one before. */
static void step(CkIndex *index, size_t n_enough) {
    CkIndexGroup *before = &index->groups[index->current];
    CkIndexGroup *group = &index->groups[1 - index->current];
    if (before->is_open) ck_index_wait(index, &before->job);
    if (before->err.rc != SQLITE_OK) {
        finish(index, before);
        return;
    }
    take_files(index, group, n_enough);
    collect(group, before);
    pull(index, group);
    if (count(&group->items, sizeof(CkEmbedItem)) > 0) ck_index_probe(index);
    if (index->app->exit_code != CK_EXIT_OK) keep_first(group, 0);
    claim(index, group);
    index->current = 1 - index->current;
    begin(index, group);
    finish(index, before);
    /* Nothing to do but to wait for others. */
    if (group->job.n_items == 0 && group->n_busy > 0) {
        size_t n_open = count(&index->pending, sizeof(CkIndexFile *));
        finish(index, group);
        if (n_open == 0 && !ck_index_stops(index)) wait_for_others(index);
        ck_index_tick(index);
    }
}

int ck_index_embed(CkIndex *index, int all) {
    size_t n_enough = CK_INDEX_GROUP_CHUNKS;
    if (!index->model.is_lexical) {
        n_enough = (size_t)(index->model.embed.batch_items * index->model.embed.in_flight);
    }
    /* What waits for others is looked at when there is nothing else to do, or too much of it. */
    while (!ck_index_stops(index) && index->pending.n_bytes > 0 &&
           (all || count_fresh(index) >= n_enough ||
            index->n_pending >= CK_INDEX_PENDING_GROUPS * n_enough)) {
        step(index, n_enough);
    }
    if (all && !ck_index_stops(index)) {
        finish(index, &index->groups[index->current]);
        if (index->pending.n_bytes > 0) return ck_index_embed(index, all);
    }
    return index->app->exit_code;
}

void ck_index_abandon(CkIndex *index) {
    CkIndexFile **pending;
    for (int i = 0; i < 2; i++) {
        if (index->groups[i].is_open) finish(index, &index->groups[i]);
        close_group(&index->groups[i]);
        ck_buf_release(&index->groups[i].files);
        ck_buf_release(&index->groups[i].keys);
        ck_buf_release(&index->groups[i].items);
    }
    pending = (CkIndexFile **)(void *)index->pending.data;
    for (size_t i = 0; i < count(&index->pending, sizeof *pending); i++) {
        index->results[pending[i]->at].keeps = 1;
        index->results[pending[i]->at].kind = 0;
        ck_index_file_free(pending[i]);
    }
    index->pending.n_bytes = 0;
    index->n_pending = 0;
}
