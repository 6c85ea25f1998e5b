/* Means: see mean.h. */
#include "store/mean.h"

#include <string.h>

#include "store/coder.h"
#include "store/vector_reader.h"

/* The sample: its error against the mean of all is below a hundredth of the vectors' spread. */
#define WINDOWS 32
#define WINDOW_ROWS 512

typedef struct Sum {
    const CkModel *model;
    double *sum;
    int64_t n;
} Sum;

static int add(void *context, int64_t id, const float *x, CkError *err) {
    Sum *sum = context;
    float scale = ck_coder_scale(sum->model, x);
    (void)id;
    for (uint32_t j = 0; j < sum->model->dims; j++) sum->sum[j] += (double)(x[j] * scale);
    sum->n++;
    return err->rc;
}

int ck_mean_read(CkStore *store, const CkModel *model, int64_t last_id, float *mean,
                 CkError *err) {
    Sum sum = {.model = model, .sum = sqlite3_malloc64(model->dims * sizeof(double))};
    CkVectorBatch batch = {.last = last_id, .limit = WINDOW_ROWS};
    if (!sum.sum) return ck_error_nomem(err);
    memset(sum.sum, 0, model->dims * sizeof(double));
    for (int64_t i = 0; i < WINDOWS && err->rc == SQLITE_OK; i++) {
        /* A window begins where the one before it ended, or further on. */
        int64_t begin = last_id / WINDOWS * i;
        if (begin > batch.after) batch.after = begin;
        ck_vectors_read(store, model, &batch, add, &sum, err);
        if (batch.n_read < WINDOW_ROWS) break;
    }
    for (uint32_t j = 0; j < model->dims; j++) {
        mean[j] = sum.n > 0 ? (float)(sum.sum[j] / (double)sum.n) : 0;
    }
    sqlite3_free(sum.sum);
    return err->rc;
}
