/*
** Is it still the same model? See index.h.
**
** What the model makes of a fixed text is stored when it is first used, as any embedding, and a
** pinned workspace refers to it. Every run that has something to embed compares: an endpoint that
** serves another model, another quantisation or another pooling under the same name gives other
** vectors, which must not be mixed with those that are stored.
*/
#include <string.h>

#include "index.h"
#include "store.h"

#define SAME_COSINE 0.999

const char ck_probe_text[] =
    "The quick brown fox jumps over the lazy dog; int probe(const char *text) { return 42; }";

/* Asks the model for the probe, once. */
static int ask(CkIndex *index) {
    CkEmbedItem item = {.text = ck_probe_text, .n_text = sizeof ck_probe_text - 1};
    CkError err = CK_ERROR_NONE;
    if (index->probe) return index->app->exit_code;
    ck_embedder_embed(index->embedder, &item, 1, &err);
    if (err.rc == SQLITE_OK && !item.vector) {
        ck_error_set(&err, SQLITE_ERROR, "the model does not even embed a short text: %s",
                     item.error ? item.error : "no answer");
    }
    index->probe = item.vector;
    sqlite3_free(item.error);
    return err.rc == SQLITE_OK ? CK_EXIT_OK : ck_fail_embed(index->app, &index->model, &err);
}

int ck_index_open_embedder(CkIndex *index) {
    CkApp *app = index->app;
    CkModelSettings *model = &index->model;
    CkError err = CK_ERROR_NONE;
    if (app->exit_code != CK_EXIT_OK || index->embedder) return app->exit_code;
    if (ck_model_resolve(app, model) != CK_EXIT_OK) return app->exit_code;
    ck_index_take_embedder(index);
    if (!index->embedder && ck_embedder_open(&index->embedder, &model->embed, &err) != SQLITE_OK) {
        return ck_fail_embed(app, model, &err);
    }
    index->embedder->dims = model->dims;
    if (!model->version || model->dims == 0) {
        if (ask(index) != CK_EXIT_OK) return app->exit_code;
        ck_model_decide(app, model, index->embedder->dims);
    }
    return app->exit_code;
}

void ck_probe_get(CkApp *app, const CkModelSettings *model, CkBuf *out) {
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_PROBE_GET, "ttt", model->embed.model,
                                      model->version, ck_probe_text);
    if (ck_sql_step(app, stmt)) {
        ck_buf_append(out, sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
    }
    ck_sql_end(stmt);
    if (out->rc != SQLITE_OK) ck_must(NULL);
}

int ck_probe_check(CkApp *app, const CkModelSettings *model, const CkBuf *stored,
                   const void *vector) {
    double cosine = -2;
    sqlite3_stmt *stmt = ck_sql_begin(app, CK_SQL_INDEX_PROBE_COMPARE, "bb",
                                      (const void *)stored->data, stored->n_bytes, vector,
                                      stored->n_bytes);
    if (ck_sql_step(app, stmt)) cosine = sqlite3_column_double(stmt, 0);
    ck_sql_end(stmt);
    if (app->exit_code != CK_EXIT_OK || cosine >= SAME_COSINE) return app->exit_code;
    return ck_fail(app, CK_EXIT_ERROR,
                   "Another model answers under this name, or the same one is run differently. "
                   "If that is meant, give it a version of its own: --revision REV (its "
                   "embeddings are kept apart then). If not, set the endpoint right.",
                   "model '%s' version '%s' is not what it was: the cosine of the probe is %.4f, "
                   "at least %.3f was expected",
                   model->embed.model, model->version, cosine, SAME_COSINE);
}

/* What the model makes of the probe, if it was asked, is compared with the stored probe, if there
   is one, or becomes it; and it is held. */
static int settle(CkIndex *index) {
    CkApp *app = index->app;
    const CkModelSettings *model = &index->model;
    size_t n_probe = model->dims * sizeof(float);
    CkBuf stored;
    ck_buf_init(&stored);
    ck_probe_get(app, model, &stored);
    int is_stored = stored.n_bytes > 0;
    if (index->probe && stored.n_bytes == n_probe) {
        ck_probe_check(app, model, &stored, index->probe);
    }
    ck_buf_release(&stored);
    if (app->exit_code != CK_EXIT_OK || (!is_stored && !index->probe)) return app->exit_code;
    ck_transaction_begin(app);
    if (!is_stored) {
        ck_sql_run(app, CK_SQL_INDEX_PROBE_PUT, "tttb", model->embed.model, model->version,
                   ck_probe_text, (const void *)index->probe, n_probe);
    }
    ck_sql_run(app, CK_SQL_INDEX_PROBE_WORKSPACE, "");
    ck_sql_run(app, CK_SQL_INDEX_PROBE_REF, "ttt", model->embed.model, model->version,
               ck_probe_text);
    return ck_transaction_end(app);
}

int ck_index_probe_pull(CkIndex *index) {
    CkApp *app = index->app;
    const CkModelSettings *model = &index->model;
    if (index->has_pulled_probe) return app->exit_code;
    index->has_pulled_probe = 1;
    ck_sql_text(app, CK_SQL_INDEX_PROBE_PULL, "ttt", model->embed.model, model->version,
                ck_probe_text);
    return settle(index);
}

int ck_index_probe(CkIndex *index) {
    CkApp *app = index->app;
    if (index->is_probed || index->embedder->is_lexical) return app->exit_code;
    index->is_probed = 1;
    if (index->embedder->is_remote && !(index->round && index->round->has_named_host)) {
        ck_note(app, "sending texts to %s", index->embedder->host);
        if (index->round) index->round->has_named_host = 1;
    }
    return ask(index) == CK_EXIT_OK ? settle(index) : app->exit_code;
}
