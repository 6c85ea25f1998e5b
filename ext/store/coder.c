/* Coding vectors: see coder.h. */
#include "store/coder.h"

#include <math.h>
#include <string.h>

#include "vector/kernels.h"

int ck_coder_init(CkCoder *coder, const CkModel *model, const float *mean, CkError *err) {
    memset(coder, 0, sizeof *coder);
    coder->space = (CkSignSpace){mean, model->dims, model->metric == CK_METRIC_L2};
    coder->cosine = model->metric == CK_METRIC_COSINE;
    coder->code_bytes = ck_sign_code_bytes(model->dims);
    coder->scratch = sqlite3_malloc64(model->dims * sizeof(float) + coder->code_bytes);
    if (!coder->scratch) return ck_error_nomem(err);
    coder->code = (uint8_t *)(coder->scratch + model->dims);
    return SQLITE_OK;
}

void ck_coder_release(CkCoder *coder) {
    sqlite3_free(coder->scratch);
    memset(coder, 0, sizeof *coder);
}

static float unit_scale(const float *x, uint32_t dims) {
    float norm_sq = ck_kernels()->dot_f32(x, x, dims);
    return norm_sq > 0 ? 1 / sqrtf(norm_sq) : 1;
}

void ck_coder_code(const CkCoder *coder, const float *x, uint8_t *code, CkSignFactors *factors) {
    float scale = coder->cosine ? unit_scale(x, coder->space.dims) : 1;
    ck_sign_encode(&coder->space, x, scale, coder->scratch, code, factors);
}

float ck_coder_scale(const CkModel *model, const float *x) {
    return model->metric == CK_METRIC_COSINE ? unit_scale(x, model->dims) : 1;
}
