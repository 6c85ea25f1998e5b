/*
** Outbox and acks against a model: changes of every kind, answers in any order, some about changes
** that are outdated. After each step the outbox is what the model says, and nothing that waits
** there is garbage.
*/
#include "unit.h"

#include <stdarg.h>
#include <stdint.h>

#define CONTENTS 24
#define STEPS 400
#define SEEDS 4

typedef enum State { ABSENT, WAITS, AGAIN, SETTLED, REJECTED } State;

typedef struct Content {
    State state;
    int is_tombstone;
    int64_t seq;
} Content;

typedef struct World {
    sqlite3 *db;
    unsigned long long random;
    int64_t seq;
    Content contents[CONTENTS];
} World;

static uint32_t pick(World *world, uint32_t n) {
    return (uint32_t)(unit_random(&world->random) >> 33) % n;
}

static char *run(World *world, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    char *first = unit_sql(world->db, sql);
    sqlite3_free(sql);
    return first;
}

static void put(World *world, int i) {
    Content *content = &world->contents[i];
    free(run(world,
             "INSERT OR REPLACE INTO embeddings(model, version, content, vector)"
             " VALUES ('m', '1', 'c%d', '[1, %d]')",
             i, (int)pick(world, 9)));
    *content = (Content){WAITS, 0, ++world->seq};
}

static void retire(World *world, int i) {
    Content *content = &world->contents[i];
    int is_stored = content->state != ABSENT && !content->is_tombstone;
    CHECK_STR_FREE(run(world, "SELECT ck_retire(ck_hash('m', '1', 'c%d')) ->> '$[0].state'", i),
                   is_stored ? "retired" : "absent");
    if (is_stored) *content = (Content){WAITS, 1, ++world->seq};
}

static void evict(World *world, int i) {
    Content *content = &world->contents[i];
    if (content->is_tombstone) return;
    free(run(world, "DELETE FROM embeddings WHERE hash = ck_hash('m', '1', 'c%d')", i));
    content->state = ABSENT;
}

/* Answers about up to four contents, one of them perhaps about an older change. */
static void answer(World *world) {
    static const char *const results[] = {"created", "exists", "rejected", "retry"};
    static const State states[] = {SETTLED, SETTLED, REJECTED, AGAIN};
    char *json = sqlite3_mprintf("[");
    for (int n = 1 + (int)pick(world, 4); n > 0; n--) {
        int i = (int)pick(world, CONTENTS), kind = (int)pick(world, 4);
        Content *content = &world->contents[i];
        int is_old = pick(world, 5) == 0;
        if (content->state != WAITS && content->state != AGAIN) continue;
        char *more = run(world,
                         "SELECT json_object('hash', hex(ck_hash('m', '1', 'c%d')), 'seq', %lld,"
                         " 'result', '%s')",
                         i, (long long)content->seq - is_old, results[kind]);
        char *longer = sqlite3_mprintf("%s%s%s", json, json[1] ? "," : "", more);
        free(more);
        sqlite3_free(json);
        json = longer;
        if (!is_old) content->state = states[kind];
    }
    free(run(world, "SELECT ck_ack('r', '%q]')", json));
    free(run(world, "UPDATE ck_acks SET attempts = 1 WHERE result = 'retry'")); /* never poison */
    sqlite3_free(json);
}

static int waits(const World *world, int64_t seq) {
    for (int i = 0; i < CONTENTS; i++) {
        const Content *content = &world->contents[i];
        if (content->seq == seq && (content->state == WAITS || content->state == AGAIN)) return 1;
    }
    return 0;
}

static void check_outbox(World *world, uint64_t seed, int step) {
    char *expected = sqlite3_mprintf("");
    for (int64_t seq = 1; seq <= world->seq; seq++) {
        if (!waits(world, seq)) continue;
        char *more = sqlite3_mprintf("%s%s%lld", expected, *expected ? "," : "", (long long)seq);
        sqlite3_free(expected);
        expected = more;
    }
    char *actual = run(world, "SELECT coalesce(group_concat(seq), '') FROM"
                              " (SELECT seq FROM ck_outbox WHERE remote = 'r' ORDER BY seq)");
    CHECK_MSG(strcmp(actual, expected) == 0, "seed %llu step %d: the outbox has %s, expected %s",
              (unsigned long long)seed, step, actual, expected);
    free(actual);
    sqlite3_free(expected);
    CHECK_STR_FREE(run(world, "SELECT count(*) FROM ck_garbage(0)"
                              " WHERE hash IN (SELECT hash FROM ck_outbox)"),
                   "0");
}

/* All that is left is taken in batches and settled; then the cursor is at the end. */
static void check_end(World *world) {
    for (int i = 0; i < 3 * CONTENTS; i++) {
        free(run(world, "UPDATE ck_acks SET next_at = 0 WHERE result = 'retry'"));
        free(run(world, "SELECT ck_ack('r', json_group_array(json_object('hash', hex(hash),"
                        " 'seq', seq, 'result', 'created'))) FROM ck_batch('r')"));
    }
    CHECK_STR_FREE(run(world, "SELECT count(*) FROM ck_outbox"), "0");
    free(run(world, "SELECT ck_gc(0)")); /* answers about what is there no more */
    CHECK_STR_FREE(run(world, "SELECT push_seq = (SELECT seq FROM _ck_meta) FROM ck_remotes"),
                   "1");
    CHECK_STR_FREE(run(world, "SELECT count(*) FROM ck_acks WHERE result <> 'rejected'"), "0");
}

void ck_test_store_ack(void) {
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        World world = {.db = unit_db(), .random = seed};
        free(run(&world, "INSERT INTO models(model, version, dims) VALUES ('m', '1', 2)"));
        free(run(&world, "INSERT INTO ck_remotes(name, url, batch_items) VALUES ('r', 'u', 3)"));
        for (int step = 0; step < STEPS; step++) {
            int i = (int)pick(&world, CONTENTS), what = (int)pick(&world, 10);
            if (what < 3) put(&world, i);
            else if (what < 4) retire(&world, i);
            else if (what < 5) evict(&world, i);
            else answer(&world);
            check_outbox(&world, seed, step);
        }
        check_end(&world);
        CHECK_INT(sqlite3_close(world.db), SQLITE_OK);
    }
}
