/* Blocks of the scan plane: see scan_block.h. */
#include "store/scan_block.h"

#include <string.h>

#include "base/coding.h"

_Static_assert(CK_SCAN_SLOT_BYTES == sizeof(int64_t) + 2 * sizeof(float) + sizeof(uint32_t),
               "the columns beside the codes");

size_t ck_scan_block_capacity(size_t code_bytes) {
    size_t n = CK_BLOCK_BYTES / (CK_SCAN_SLOT_BYTES + code_bytes);
    return n > 0 ? n : 1;
}

void ck_scan_block_view(uint8_t *data, size_t n, size_t code_bytes, CkScanBlock *block) {
    int64_t *ids = (int64_t *)(void *)data;
    float *add = (float *)(void *)(data + 8 * n), *mul = add + n;
    uint32_t *ones = (uint32_t *)(void *)(data + 16 * n);
    /* The order on disk is that of nearly all hosts: there the bytes are left alone. */
    for (size_t i = 0; CK_BIG_ENDIAN && i < n; i++) {
        ids[i] = (int64_t)ck_load_u64(&ids[i]);
        add[i] = ck_load_f32(&add[i]);
        mul[i] = ck_load_f32(&mul[i]);
        ones[i] = ck_load_u32(&ones[i]);
    }
    block->ids = ids;
    uint8_t *heads = data + CK_SCAN_SLOT_BYTES * n;
    block->columns =
        (CkSignColumns){n, add, mul, ones, heads, heads + n * ck_sign_head_bytes(code_bytes)};
}

void ck_scan_builder_init(CkScanBuilder *builder, size_t code_bytes) {
    memset(builder, 0, sizeof *builder);
    builder->code_bytes = code_bytes;
}

void ck_scan_builder_release(CkScanBuilder *builder) {
    ck_buf_release(&builder->ids);
    ck_buf_release(&builder->add);
    ck_buf_release(&builder->mul);
    ck_buf_release(&builder->ones);
    ck_buf_release(&builder->heads);
    ck_buf_release(&builder->rests);
    ck_buf_release(&builder->bytes);
    builder->n = 0;
}

void ck_scan_builder_clear(CkScanBuilder *builder) {
    ck_buf_clear(&builder->ids);
    ck_buf_clear(&builder->add);
    ck_buf_clear(&builder->mul);
    ck_buf_clear(&builder->ones);
    ck_buf_clear(&builder->heads);
    ck_buf_clear(&builder->rests);
    builder->n = 0;
}

int ck_scan_builder_add(CkScanBuilder *builder, int64_t id, const CkSignFactors *factors,
                        const uint8_t *code, CkError *err) {
    size_t head_bytes = ck_sign_head_bytes(builder->code_bytes);
    ck_buf_append(&builder->ids, &id, sizeof id);
    ck_buf_append(&builder->add, &factors->add, sizeof factors->add);
    ck_buf_append(&builder->mul, &factors->mul, sizeof factors->mul);
    ck_buf_append(&builder->ones, &factors->head_ones, sizeof factors->head_ones);
    ck_buf_append(&builder->heads, code, head_bytes);
    ck_buf_append(&builder->rests, code + head_bytes, builder->code_bytes - head_bytes);
    if (builder->ids.rc || builder->add.rc || builder->mul.rc || builder->ones.rc ||
        builder->heads.rc || builder->rests.rc) {
        return ck_error_nomem(err);
    }
    builder->n++;
    return SQLITE_OK;
}

void ck_scan_builder_view(const CkScanBuilder *builder, CkScanBlock *block) {
    block->ids = (const int64_t *)(const void *)builder->ids.data;
    block->columns = (CkSignColumns){
        .n = builder->n,
        .add = (const float *)(const void *)builder->add.data,
        .mul = (const float *)(const void *)builder->mul.data,
        .head_ones = (const uint32_t *)(const void *)builder->ones.data,
        .heads = builder->heads.data,
        .rests = builder->rests.data,
    };
}

/* Lays the columns of `count` slots from `from` on out as on disk. */
static uint8_t *serialise(CkScanBuilder *builder, size_t from, size_t count, CkError *err) {
    CkScanBlock block;
    ck_buf_clear(&builder->bytes);
    uint8_t *data = ck_buf_extend(&builder->bytes, ck_scan_block_bytes(count, builder->code_bytes));
    if (!data) {
        ck_error_nomem(err);
        return NULL;
    }
    ck_scan_builder_view(builder, &block);
    for (size_t i = 0; i < count; i++) {
        ck_store_u64(data + 8 * i, (uint64_t)block.ids[from + i]);
        ck_store_f32(data + 8 * count + 4 * i, block.columns.add[from + i]);
        ck_store_f32(data + 12 * count + 4 * i, block.columns.mul[from + i]);
        ck_store_u32(data + 16 * count + 4 * i, block.columns.head_ones[from + i]);
    }
    size_t head_bytes = ck_sign_head_bytes(builder->code_bytes);
    size_t rest_bytes = builder->code_bytes - head_bytes;
    uint8_t *heads = data + CK_SCAN_SLOT_BYTES * count;
    memcpy(heads, block.columns.heads + from * head_bytes, count * head_bytes);
    if (rest_bytes > 0) {
        memcpy(heads + count * head_bytes, block.columns.rests + from * rest_bytes,
               count * rest_bytes);
    }
    return data;
}

int ck_scan_builder_reserve(CkScanBuilder *builder, CkError *err) {
    size_t capacity = ck_scan_block_capacity(builder->code_bytes);
    size_t n = builder->n < capacity ? builder->n : capacity;
    ck_buf_clear(&builder->bytes);
    if (!ck_buf_extend(&builder->bytes, ck_scan_block_bytes(n, builder->code_bytes))) {
        return ck_error_nomem(err);
    }
    return SQLITE_OK;
}

int ck_scan_builder_write(CkScanBuilder *builder, CkStore *store, int64_t model,
                          int64_t generation, int64_t *number, CkError *err) {
    const int64_t *ids = (const int64_t *)(const void *)builder->ids.data;
    size_t capacity = ck_scan_block_capacity(builder->code_bytes);
    for (size_t from = 0; from < builder->n && err->rc == SQLITE_OK; from += capacity) {
        size_t count = builder->n - from < capacity ? builder->n - from : capacity;
        uint8_t *data = serialise(builder, from, count, err);
        CkBlockEntry entry = {
            .address = ck_block_address(model, generation, CK_PLANE_SCAN, *number),
            .n = (int64_t)count,
            .first_id = ids[from],
            .last_id = ids[from + count - 1],
        };
        if (data) ck_block_write(store, &entry, data, builder->bytes.n_bytes, err);
        *number += 1;
    }
    ck_scan_builder_clear(builder);
    return err->rc;
}
