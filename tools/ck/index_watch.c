/*
** `ck index --watch`: see index.h.
**
** A round is a whole run of `ck index` with a CkApp of its own: it opens the store, reads the
** settings, and forgets everything at its end. Only the embedder stays, which may be a program that
** took long to load its model. A round begins with the list of the files, and ends there when that
** looks as after the last one: nothing is written then, and the store is hardly read.
**
** What is told of changes (changes.h) is only a reason to look, and so is time that has passed.
** Looking takes at most a tenth of the time where every look is in vain, and a hundredth where
** nothing happens.
*/
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "changes.h"
#include "fs.h"
#include "index.h"
#include "json.h"
#include "options.h"
#include "place.h"

#define RETRY_MS 1000 /* after a failure; doubled with each */
#define RETRY_MAX_MS 30000
#define POLL_MS 2000 /* between looks where nothing tells of changes */
#define POLL_SHARE 20 /* and at least so many times what a look takes */
#define LOOK_MS 60000 /* where changes are told */
#define LOOK_SHARE 100
#define VAIN_SHARE 10 /* of looks that found nothing, as when ignored files are written */
#define WHOLE_MS 3600000 /* after which a run is whole all the same: the heartbeat, the manifest */

typedef struct Watch {
    CkApp *app;
    CkIndexRound round;
    CkChanges changes;
    int64_t whole_ms; /* when the last whole run was */
    int64_t retry_ms; /* the pause after a failure; 0: none */
    char *failure;    /* which was said */
    int is_unheard;   /* who read the lines of --json has gone */
} Watch;

/* ---- For a run ---- */

/* All that makes a run another one though the files are the same. */
static char *settings_text(const CkIndex *index) {
    const CkModelSettings *model = &index->model;
    const CkEmbedSettings *embed = &model->embed;
    return ck_must(sqlite3_mprintf(
        "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%lld\n%lld\n%lld\n%lld\n%lld", embed->model, embed->endpoint,
        embed->command, embed->key_env, embed->key_file, model->revision, model->document_prefix,
        (long long)embed->dims, (long long)embed->batch_items, (long long)embed->in_flight,
        (long long)embed->timeout_s, (long long)index->max_bytes));
}

static void drop_embedder(CkIndexRound *round) {
    ck_embedder_close(round->embedder);
    sqlite3_free(round->settings);
    round->embedder = NULL;
    round->settings = NULL;
}

int ck_index_is_seen(CkIndex *index) {
    CkIndexRound *round = index->round;
    if (!round) return 0;
    char *settings = settings_text(index);
    round->look_ms = ck_clock_ms() - index->begun_ms;
    round->looked = ck_files_fingerprint(&index->list, settings);
    round->is_same = !round->must_run && !round->is_first && round->looked == round->seen;
    sqlite3_free(settings);
    return round->is_same;
}

void ck_index_take_embedder(CkIndex *index) {
    CkIndexRound *round = index->round;
    if (!round || !round->embedder) return;
    char *settings = settings_text(index);
    if (strcmp(settings, round->settings) == 0) {
        index->embedder = round->embedder;
        index->embedder->n_requests = index->embedder->n_retries = 0;
        round->embedder = NULL;
    }
    sqlite3_free(settings);
    drop_embedder(round);
}

void ck_index_round_end(CkIndex *index) {
    CkIndexRound *round = index->round;
    if (round->is_same) return;
    round->seen = round->looked;
    round->is_first = round->is_racy = 0;
    for (size_t i = 0; i < ck_files_count(&index->list); i++) {
        const CkIndexResult *result = &index->results[i];
        round->is_racy |= result->kind != 0 && result->mtime_ns < 0;
    }
    drop_embedder(round);
    round->settings = settings_text(index);
    round->embedder = index->embedder;
    index->embedder = NULL;
}

/* ---- Round after round ---- */

/* With --json as an object, as failures are. */
static void say(CkApp *app, const char *text) {
    CkJson json;
    if (!app->json) ck_note(app, "%s", text);
    if (!app->json || app->quiet) return;
    ck_json_begin(&json);
    ck_json_open(&json, NULL, '{');
    ck_json_text(&json, "note", text);
    ck_json_close(&json, '}');
    char *line = ck_json_end(&json);
    fprintf(stderr, "%s\n", line);
    sqlite3_free(line);
}

/* A failure is said when it is another one than before. */
static void failed(Watch *watch, CkApp *app) {
    int is_said = watch->failure && strcmp(watch->failure, app->error) == 0;
    watch->retry_ms = watch->retry_ms ? 2 * watch->retry_ms : RETRY_MS;
    if (watch->retry_ms > RETRY_MAX_MS) watch->retry_ms = RETRY_MAX_MS;
    if (!is_said) {
        ck_failure_show(app);
        say(app, ck_text(app, "It is tried again in %lld s, and then every %d s at the latest.",
                         (long long)watch->retry_ms / 1000, RETRY_MAX_MS / 1000));
        sqlite3_free(watch->failure);
        watch->failure = ck_must(sqlite3_mprintf("%s", app->error));
    }
    drop_embedder(&watch->round);
}

static void succeeded(Watch *watch, CkApp *app) {
    if (watch->failure) say(app, "It works again.");
    sqlite3_free(watch->failure);
    watch->failure = NULL;
    watch->retry_ms = 0;
    if (!watch->round.is_same) watch->whole_ms = ck_now_ms();
}

/* Failures that nobody waits to see mended: of the first round, before it was set up. */
static int is_final(const Watch *watch, const CkApp *round) {
    return !watch->round.is_set_up && round->exit_code != CK_EXIT_BUSY;
}

static void run_round(Watch *watch, int (*once)(CkApp *app, CkIndexRound *round)) {
    CkApp *app = watch->app, round;
    ck_app_again(&round, app);
    once(&round, &watch->round);
    watch->is_unheard = fflush(stdout) != 0 || ferror(stdout);
    if (watch->is_unheard) ck_output_end(&round);
    if (ck_interrupted()) {
        if (round.error) ck_note(&round, "%s", round.error);
    } else if (round.exit_code == CK_EXIT_OK) {
        succeeded(watch, &round);
    } else if (watch->is_unheard || is_final(watch, &round)) {
        ck_fail(app, round.exit_code, round.hint, "%s", round.error);
    } else {
        failed(watch, &round);
    }
    ck_app_release(&round);
}

static void say_how(Watch *watch) {
    const CkChanges *changes = &watch->changes;
    CkApp *app = watch->app;
    if (changes->why[0]) {
        say(app, ck_text(app, "watching %s by looking every %d seconds or less often (%s); "
                         "Ctrl-C ends it", changes->root, POLL_MS / 1000, changes->why));
    } else {
        say(app, ck_text(app, "watching %s, %s; Ctrl-C ends it", changes->root,
                         ck_counted(app, changes->n_folders, "folder")));
    }
}

static int64_t at_least(int64_t ms, int64_t least_ms) {
    return ms > least_ms ? ms : least_ms;
}

/* Until there is a reason for the next round. */
static void wait_for_next(Watch *watch) {
    CkIndexRound *round = &watch->round;
    if (watch->retry_ms > 0) {
        ck_changes_rest(watch->retry_ms);
    } else {
        if (round->is_same) ck_changes_rest(VAIN_SHARE * round->look_ms);
        ck_changes_wait(&watch->changes,
                        watch->changes.why[0] ? at_least(POLL_SHARE * round->look_ms, POLL_MS)
                                              : at_least(LOOK_SHARE * round->look_ms, LOOK_MS));
    }
    round->must_run = watch->retry_ms > 0 || round->is_racy ||
                      ck_now_ms() - watch->whole_ms > WHOLE_MS;
}

int ck_index_watch(CkApp *app, int (*once)(CkApp *app, CkIndexRound *round)) {
    Watch watch = {.app = app, .round = {.is_first = 1}};
    int is_told = 0;
    if (ck_place_need_workspace(app) != CK_EXIT_OK) return app->exit_code;
    ck_interrupt_catch();
    ck_changes_begin(&watch.changes, app->place.workspace,
                     strcmp(ck_option_text(app, "watch", ""), "poll") == 0);
    while (app->exit_code == CK_EXIT_OK && !ck_interrupted()) {
        int polled = watch.changes.why[0] != 0;
        if (!ck_path_is_folder(app->place.workspace)) {
            ck_fail(app, CK_EXIT_ERROR, NULL, "'%s' is gone", app->place.workspace);
            break;
        }
        ck_changes_refresh(&watch.changes);
        run_round(&watch, once);
        if (app->exit_code != CK_EXIT_OK || ck_interrupted() || watch.is_unheard) break;
        if (!is_told || polled != (watch.changes.why[0] != 0)) say_how(&watch);
        is_told = 1;
        wait_for_next(&watch);
    }
    ck_changes_end(&watch.changes);
    drop_embedder(&watch.round);
    sqlite3_free(watch.failure);
    return app->exit_code;
}
