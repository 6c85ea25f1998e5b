/* What a knn query is given: see knn_input.h, and knn.c for the rules. */
#include "tables/knn_input.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/embedding.h"
#include "store/ref.h"
#include "store/workspace_set.h"

static const char *const input_names[CK_KNN_INPUTS] = {"query", "k", "ef", "recall", "workspace"};

#define KEPT_BYTES_MAX 65536 /* memory of a value that is kept for the next one */

static const CkRange k_range = {1, CK_K_MAX};
static const CkRange ef_range = {1, CK_EF_MAX};

/*
** The letters of idxStr: one per xFilter argument. Inputs by = are "qkerw" in column order.
*/
enum {
    LETTER_MODEL = 'm',
    LETTER_VERSION = 'v',
    LETTER_HASH_IN = 'H',
    LETTER_ROWID_IN = 'R',
    LETTER_WORKSPACE_IN = 'W',
    LETTER_DISTANCE_LT = '<',
    LETTER_DISTANCE_LE = '[',
    LETTER_SIMILARITY_GT = '>',
    LETTER_SIMILARITY_GE = ']',
    LETTER_LIMIT = 'L',
    LETTER_OFFSET = 'O'
};
static const char input_letters[] = "qkerw";
static const char list_letters[] = {LETTER_HASH_IN, LETTER_ROWID_IN, LETTER_WORKSPACE_IN, 0};

/* Nearest first is the order hits come in. */
static int ordered_by_nearness(const sqlite3_index_info *info) {
    if (info->nOrderBy != 1) return 0;
    int column = info->aOrderBy[0].iColumn, desc = info->aOrderBy[0].desc;
    return (column == CK_KNN_DISTANCE && !desc) || (column == CK_KNN_SIMILARITY && desc);
}

static int is_binary(sqlite3_index_info *info, int i) {
    return sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0;
}

/* How many of the letters name IN lists. */
static int count_lists(const char *letters) {
    int n = 0;
    for (; *letters; letters++) n += strchr(list_letters, *letters) != NULL;
    return n;
}

/* The letter for a constraint that is not about an input, or 0 to leave it to SQLite. */
static char letter_of(sqlite3_index_info *info, int i, const char *taken) {
    int column = info->aConstraint[i].iColumn, op = info->aConstraint[i].op;
    int equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
    if ((column == CK_KNN_HASH || column == -1) && count_lists(taken) >= CK_KNN_LISTS_MAX - 1) {
        return 0; /* one place is kept for the workspaces */
    }
    switch (column) {
    case CK_KNN_MODEL:
        return equal && is_binary(info, i) ? LETTER_MODEL : 0;
    case CK_KNN_VERSION:
        return equal && is_binary(info, i) ? LETTER_VERSION : 0;
    case CK_KNN_HASH:
        return equal && sqlite3_vtab_in(info, i, 1) ? LETTER_HASH_IN : 0;
    case -1:
        return equal && sqlite3_vtab_in(info, i, 1) ? LETTER_ROWID_IN : 0;
    case CK_KNN_DISTANCE:
        if (op == SQLITE_INDEX_CONSTRAINT_LT) return LETTER_DISTANCE_LT;
        return op == SQLITE_INDEX_CONSTRAINT_LE ? LETTER_DISTANCE_LE : 0;
    case CK_KNN_SIMILARITY:
        if (op == SQLITE_INDEX_CONSTRAINT_GT) return LETTER_SIMILARITY_GT;
        return op == SQLITE_INDEX_CONSTRAINT_GE ? LETTER_SIMILARITY_GE : 0;
    default:
        return 0;
    }
}

/* The letter for a constraint on an input. */
static char input_letter(sqlite3_index_info *info, int i, CkError *err) {
    int input = info->aConstraint[i].iColumn - CK_KNN_QUERY;
    if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
        ck_error_set(err, SQLITE_ERROR, "knn: %s is an input and takes = only",
                     input_names[input]);
        return 0;
    }
    if (info->aConstraint[i].iColumn == CK_KNN_WORKSPACE) {
        if (sqlite3_vtab_in(info, i, 1)) return LETTER_WORKSPACE_IN;
    } else if (sqlite3_vtab_in(info, i, -1)) {
        ck_error_set(err, SQLITE_ERROR, "knn: %s is an input and takes = only, not IN",
                     input_names[input]);
    }
    return input_letters[input];
}

static int is_limit(int op) {
    return op == SQLITE_INDEX_CONSTRAINT_LIMIT || op == SQLITE_INDEX_CONSTRAINT_OFFSET;
}

/*
** A query without its inputs, or with one given twice. SQLite also asks for such plans on the way,
** for single branches of an OR, and drops them as the dearest; only when there is no other plan
** does xFilter see these letters, and says what is wrong.
*/
static int plan_that_fails(sqlite3_index_info *info, const char *letters) {
    info->estimatedCost = 1e300;
    info->idxStr = (char *)letters;
    return SQLITE_OK;
}

int ck_knn_plan(sqlite3_index_info *info, CkError *err) {
    static const char *const twice[] = {"2q", "2k", "2e", "2r", "2w"};
    char letters[17] = ""; /* 5 inputs or 4 and a list, 3 lists, 6 others, LIMIT, OFFSET: 16 */
    int n = 0, given = 0, model_later = 0;
    int ordered = ordered_by_nearness(info);
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn, op = info->aConstraint[i].op;
        char letter = 0;
        if (is_limit(op)) {
            if (!info->aConstraint[i].usable || !(ordered || info->nOrderBy == 0)) continue;
            letter = op == SQLITE_INDEX_CONSTRAINT_LIMIT ? LETTER_LIMIT : LETTER_OFFSET;
        } else if (column >= CK_KNN_QUERY) {
            if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
            letter = input_letter(info, i, err);
            if (err->rc != SQLITE_OK) return err->rc;
            if (given & 1 << (column - CK_KNN_QUERY)) {
                return plan_that_fails(info, twice[column - CK_KNN_QUERY]);
            }
            given |= 1 << (column - CK_KNN_QUERY);
        } else if (info->aConstraint[i].usable) {
            letter = letter_of(info, i, letters);
        } else if (column == CK_KNN_MODEL || column == CK_KNN_VERSION) {
            model_later = 1;
        }
        /* Several lists intersect; of anything else the second is checked by SQLite. */
        if (!letter || (strchr(letters, letter) && !strchr(list_letters, letter))) continue;
        letters[n++] = letter;
        info->aConstraintUsage[i].argvIndex = n;
        info->aConstraintUsage[i].omit = !is_limit(op) && column != CK_KNN_DISTANCE &&
                                         column != CK_KNN_SIMILARITY;
    }
    if (!(given & 1)) return plan_that_fails(info, "");
    info->idxStr = sqlite3_mprintf("%s", letters);
    if (!info->idxStr) return ck_error_nomem(err);
    info->needToFreeIdxStr = 1;
    info->orderByConsumed = ordered;
    info->estimatedRows = 10;
    /* A plan that knows the model before it searches is better than one that learns it after. */
    info->estimatedCost = model_later ? 1e6 : 1e3;
    return SQLITE_OK;
}

static int copy_text(sqlite3_value *value, const char *what, char **to, CkError *err) {
    const char *text;
    if (ck_text_from_value(value, "knn", what, CK_NAME_MAX, &text, err) != SQLITE_OK) {
        return err->rc;
    }
    sqlite3_free(*to);
    *to = sqlite3_mprintf("%s", text);
    return *to ? SQLITE_OK : ck_error_nomem(err);
}

/* A threshold; of several the tightest counts. */
static int read_threshold(CkThreshold *t, char letter, sqlite3_value *value, CkError *err) {
    int type = sqlite3_value_type(value);
    double v = sqlite3_value_double(value);
    int strict = letter == LETTER_DISTANCE_LT || letter == LETTER_SIMILARITY_GT;
    /* SQLite checks each row again, so a bound that is no number may be left out here. */
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return err->rc;
    if (letter == LETTER_DISTANCE_LT || letter == LETTER_DISTANCE_LE) {
        if (v > t->max_distance || (v == t->max_distance && !strict)) return SQLITE_OK;
        t->max_distance = v;
        t->distance_strict = strict;
    } else {
        if (v < t->min_similarity || (v == t->min_similarity && !strict)) return SQLITE_OK;
        t->min_similarity = v;
        t->similarity_strict = strict;
    }
    return SQLITE_OK;
}

static int read_recall(sqlite3_value *value, double *recall, CkError *err) {
    int type = sqlite3_value_type(value);
    *recall = sqlite3_value_double(value);
    if ((type == SQLITE_FLOAT || type == SQLITE_INTEGER) && *recall > 0 && *recall <= 1) {
        return SQLITE_OK;
    }
    return ck_error_set(err, SQLITE_ERROR, "knn: recall must be above 0 and at most 1, got %s",
                        type == SQLITE_NULL ? "NULL" : (const char *)sqlite3_value_text(value));
}

/* LIMIT + OFFSET as they come: a negative OFFSET counts as 0, as in SQL. */
typedef struct Paging {
    int has_limit;
    int64_t limit, offset;
} Paging;

static int settle_k(CkKnnInput *input, const Paging *paging, CkError *err) {
    int64_t k;
    if (input->inputs[CK_KNN_K - CK_KNN_QUERY]) {
        if (ck_integer_from_value(input->inputs[CK_KNN_K - CK_KNN_QUERY], "knn", "k", &k_range, &k,
                                  err) == SQLITE_OK) {
            input->k = (size_t)k;
        }
        return err->rc;
    }
    if (!paging->has_limit) {
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: k is missing: use knn(query, k), or LIMIT with ORDER BY distance "
                            "or none");
    }
    int64_t offset = paging->offset > 0 ? paging->offset : 0;
    if (paging->limit < 0 || paging->limit > CK_K_MAX || offset > CK_K_MAX - paging->limit) {
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: LIMIT + OFFSET must be 0..%d when k is not given, got %lld + "
                            "%lld",
                            CK_K_MAX, (long long)paging->limit, (long long)offset);
    }
    input->k = (size_t)(paging->limit + offset);
    return SQLITE_OK;
}

/* Copies a value. No allocation is made for a number, nor for a query as long as the last one. */
static int keep(CkKnnValue *kept, sqlite3_value *value, CkError *err) {
    const void *bytes = NULL;
    kept->type = sqlite3_value_type(value);
    kept->subtype = sqlite3_value_subtype(value);
    switch (kept->type) {
    case SQLITE_INTEGER:
        kept->integer = sqlite3_value_int64(value);
        return SQLITE_OK;
    case SQLITE_FLOAT:
        kept->real = sqlite3_value_double(value);
        return SQLITE_OK;
    case SQLITE_NULL:
        return SQLITE_OK;
    case SQLITE_TEXT:
        bytes = sqlite3_value_text(value);
        break;
    default:
        bytes = sqlite3_value_blob(value);
    }
    size_t n_bytes = (size_t)sqlite3_value_bytes(value);
    ck_buf_clear(&kept->bytes);
    if (n_bytes > 0 && !bytes) return ck_error_nomem(err);
    if (n_bytes > 0) ck_buf_append(&kept->bytes, bytes, n_bytes);
    return kept->bytes.rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int read_argument(CkKnnInput *input, char letter, sqlite3_value *value, Paging *paging,
                         CkError *err) {
    const char *at = strchr(input_letters, letter);
    /* NULL is how a positional argument is left out. */
    if (at && (letter == 'e' || letter == 'r') && sqlite3_value_type(value) == SQLITE_NULL) {
        return SQLITE_OK;
    }
    if (at) {
        input->inputs[at - input_letters] = value;
        return keep(&input->kept[at - input_letters], value, err);
    }
    switch (letter) {
    case LETTER_MODEL:
        return copy_text(value, "model", &input->model, err);
    case LETTER_VERSION:
        return copy_text(value, "version", &input->version, err);
    case LETTER_HASH_IN:
    case LETTER_ROWID_IN:
    case LETTER_WORKSPACE_IN:
        input->lists[input->n_lists].letter = letter;
        input->lists[input->n_lists++].list = value;
        return SQLITE_OK;
    case LETTER_LIMIT:
        paging->has_limit = 1;
        paging->limit = sqlite3_value_int64(value);
        return SQLITE_OK;
    case LETTER_OFFSET:
        paging->offset = sqlite3_value_int64(value);
        return SQLITE_OK;
    default:
        return read_threshold(&input->threshold, letter, value, err);
    }
}

int ck_knn_input_read(CkKnnInput *input, const char *letters, sqlite3_value **argv, CkError *err) {
    Paging paging = {0, 0, 0};
    if (!*letters) {
        return ck_error_set(err, SQLITE_ERROR, "knn: query is missing: use knn(query [, k])");
    }
    if (*letters == '2') {
        return ck_error_set(err, SQLITE_ERROR, "knn: %s is given twice",
                            input_names[strchr(input_letters, letters[1]) - input_letters]);
    }
    input->threshold = (CkThreshold){INFINITY, -INFINITY, 0, 0};
    ck_idset_init(&input->passing);
    for (int i = 0; letters[i] && err->rc == SQLITE_OK; i++) {
        read_argument(input, letters[i], argv[i], &paging, err);
    }
    sqlite3_value *ef = input->inputs[CK_KNN_EF - CK_KNN_QUERY];
    sqlite3_value *recall = input->inputs[CK_KNN_RECALL - CK_KNN_QUERY];
    int64_t ef_given = 0;
    if (err->rc == SQLITE_OK && ef && recall) {
        ck_error_set(err, SQLITE_ERROR, "knn: give ef or recall, not both");
    }
    if (err->rc == SQLITE_OK && ef) {
        ck_integer_from_value(ef, "knn", "ef", &ef_range, &ef_given, err);
    }
    input->ef = (size_t)ef_given;
    if (err->rc == SQLITE_OK && recall) read_recall(recall, &input->recall, err);
    if (err->rc == SQLITE_OK) settle_k(input, &paging, err);
    if (err->rc == SQLITE_OK) ck_vector_parse(input->inputs[0], "knn: query", &input->query, err);
    if (err->rc == SQLITE_OK && input->query.type != CK_VECTOR_F32) {
        ck_error_set(err, SQLITE_ERROR, "knn: query is %s, expected float32",
                     ck_vector_type_name(input->query.type));
    }
    return err->rc;
}

static int add_workspace(CkIdSet *set, CkStore *store, sqlite3_value *value, CkError *err) {
    const char *name;
    const CkIdSet *ids = NULL;
    if (ck_text_from_value(value, "knn", "workspace", CK_NAME_MAX, &name, err) != SQLITE_OK) {
        return err->rc;
    }
    if (ck_workspace_set_get(store, name, &ids, err) != SQLITE_OK) return err->rc;
    if (!ids) {
        return ck_error_set(err, SQLITE_ERROR, "knn: workspace '%s' is not registered", name);
    }
    return ck_idset_add_all(set, ids, err);
}

static int compare_hashes(const void *a, const void *b) {
    return memcmp(a, b, CK_HASH_BYTES);
}

/* Looks the hashes up, in their order: so each page of their table is read once. */
static int add_hashes(CkIdSet *set, CkStore *store, CkBuf *hashes, CkError *err) {
    size_t n = hashes->n_bytes / CK_HASH_BYTES;
    sqlite3_stmt *stmt = NULL;
    if (n == 0 || ck_stmt_take(store, CK_SQL_HASH_FIND, &stmt, err) != SQLITE_OK) return err->rc;
    qsort(hashes->data, n, CK_HASH_BYTES, compare_hashes);
    for (size_t i = 0; i < n && err->rc == SQLITE_OK; i++) {
        ck_stmt_bind(stmt, "b", hashes->data + i * CK_HASH_BYTES, CK_HASH_BYTES);
        if (ck_stmt_step(store, stmt, err) == SQLITE_ROW) {
            ck_idset_add(set, sqlite3_column_int64(stmt, 0), err);
        }
        sqlite3_reset(stmt);
    }
    ck_stmt_give(store, CK_SQL_HASH_FIND, stmt);
    return err->rc;
}

/* Collects a hash. What is no hash equals none: as in SQL, it matches nothing. */
static int add_hash(CkBuf *hashes, sqlite3_value *value, CkError *err) {
    if (sqlite3_value_type(value) != SQLITE_BLOB || sqlite3_value_bytes(value) != CK_HASH_BYTES) {
        return SQLITE_OK;
    }
    ck_buf_append(hashes, sqlite3_value_blob(value), CK_HASH_BYTES);
    return hashes->rc == SQLITE_OK ? SQLITE_OK : ck_error_nomem(err);
}

static int add_rowid(CkIdSet *set, sqlite3_value *value, CkError *err) {
    if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER) return SQLITE_OK;
    return ck_idset_add(set, sqlite3_value_int64(value), err);
}

/* Adds every element of an IN list, or the one value when SQLite passes a plain one. */
static int restrict_by(CkKnnInput *input, CkStore *store, char letter, sqlite3_value *list,
                       CkError *err) {
    CkIdSet set;
    CkBuf hashes;
    sqlite3_value *value = NULL;
    ck_idset_init(&set);
    ck_buf_init(&hashes);
    int rc = sqlite3_vtab_in_first(list, &value);
    while (rc == SQLITE_OK && value && err->rc == SQLITE_OK) {
        if (letter == LETTER_HASH_IN) add_hash(&hashes, value, err);
        if (letter == LETTER_ROWID_IN) add_rowid(&set, value, err);
        if (letter == LETTER_WORKSPACE_IN) add_workspace(&set, store, value, err);
        rc = sqlite3_vtab_in_next(list, &value);
    }
    if (rc != SQLITE_OK && rc != SQLITE_DONE) ck_error_set(err, rc, "%s", sqlite3_errstr(rc));
    if (err->rc == SQLITE_OK) add_hashes(&set, store, &hashes, err);
    ck_idset_seal(&set);
    if (err->rc == SQLITE_OK) ck_idset_intersect(&input->passing, &set);
    ck_idset_release(&set);
    ck_buf_release(&hashes);
    return err->rc;
}

int ck_knn_input_resolve(CkKnnInput *input, CkStore *store, CkError *err) {
    sqlite3_value *workspace = input->inputs[CK_KNN_WORKSPACE - CK_KNN_QUERY];
    if (workspace) {
        CkIdSet set;
        ck_idset_init(&set);
        add_workspace(&set, store, workspace, err);
        set.restricts = 1; /* sealed: it is one set, as it was kept */
        if (err->rc == SQLITE_OK) ck_idset_intersect(&input->passing, &set);
        ck_idset_release(&set);
    }
    for (int i = 0; i < input->n_lists && err->rc == SQLITE_OK; i++) {
        restrict_by(input, store, input->lists[i].letter, input->lists[i].list, err);
    }
    return err->rc;
}

int ck_knn_input_result(const CkKnnInput *input, int column, sqlite3_context *context,
                        CkError *err) {
    const CkKnnValue *kept = &input->kept[column - CK_KNN_QUERY];
    const char *bytes = kept->bytes.n_bytes > 0 ? (const char *)kept->bytes.data : "";
    switch (kept->type) {
    case 0:
        return ck_error_set(err, SQLITE_ERROR,
                            "knn: %s is an input that this query does not give with =",
                            input_names[column - CK_KNN_QUERY]);
    case SQLITE_INTEGER:
        sqlite3_result_int64(context, kept->integer);
        break;
    case SQLITE_FLOAT:
        sqlite3_result_double(context, kept->real);
        break;
    case SQLITE_NULL:
        sqlite3_result_null(context);
        break;
    case SQLITE_TEXT:
        sqlite3_result_text(context, bytes, (int)kept->bytes.n_bytes, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_blob(context, bytes, (int)kept->bytes.n_bytes, SQLITE_TRANSIENT);
    }
    if (kept->subtype != 0) sqlite3_result_subtype(context, kept->subtype);
    return SQLITE_OK;
}

void ck_knn_input_clear(CkKnnInput *input) {
    CkKnnValue kept[CK_KNN_INPUTS];
    ck_vector_release(&input->query);
    ck_idset_release(&input->passing);
    sqlite3_free(input->model);
    sqlite3_free(input->version);
    for (int i = 0; i < CK_KNN_INPUTS; i++) {
        kept[i] = (CkKnnValue){.bytes = input->kept[i].bytes};
        if (kept[i].bytes.capacity_bytes > KEPT_BYTES_MAX) ck_buf_release(&kept[i].bytes);
    }
    memset(input, 0, sizeof *input);
    memcpy(input->kept, kept, sizeof kept);
}

void ck_knn_input_release(CkKnnInput *input) {
    ck_knn_input_clear(input);
    for (int i = 0; i < CK_KNN_INPUTS; i++) ck_buf_release(&input->kept[i].bytes);
}
