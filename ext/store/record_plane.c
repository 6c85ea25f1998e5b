/* Records of a plane in memory: see record_plane.h. */
#include "store/record_plane.h"

#include <string.h>

/* Room for this much more than there is: what a merge adds needs no new arena. */
#define GROWTH_SHARE 4

/* With this share of the blocks in memory huge pages are worth their making. */
#define HUGE_SHARE 2

void ck_record_plane_release(CkRecordPlane *plane) {
    ck_arena_release(&plane->arena);
    sqlite3_free(plane->resident);
    sqlite3_free(plane->stamps);
    memset(plane, 0, sizeof *plane);
}

static int is_same(const CkRecordPlane *plane, const CkRecordPlaneKey *key) {
    return plane->arena.base && plane->model == key->model &&
           plane->generation == key->generation && plane->format.plane == key->format.plane &&
           plane->format.stride == key->format.stride && plane->format.level == key->format.level;
}

static int make_room(CkRecordPlane *plane, const CkRecordPlaneKey *key, CkError *err) {
    uint32_t capacity = key->n + key->n / GROWTH_SHARE;
    uint32_t n_blocks = ck_record_blocks(&key->format, capacity);
    size_t n_bytes = key->format.stride * ((size_t)n_blocks << key->format.shift);
    ck_record_plane_release(plane);
    plane->format = key->format;
    plane->model = key->model;
    plane->generation = key->generation;
    plane->resident = sqlite3_malloc64(n_blocks + 1);
    plane->stamps = sqlite3_malloc64((n_blocks + 1) * sizeof *plane->stamps);
    if (!plane->resident || !plane->stamps || ck_arena_init(&plane->arena, n_bytes) != SQLITE_OK) {
        ck_record_plane_release(plane);
        return ck_error_nomem(err);
    }
    memset(plane->resident, 0, n_blocks + 1);
    memset(plane->stamps, 0, (n_blocks + 1) * sizeof *plane->stamps);
    plane->capacity = n_blocks << key->format.shift;
    return SQLITE_OK;
}

int ck_record_plane_set(CkRecordPlane *plane, const CkRecordPlaneKey *key, CkError *err) {
    if (!is_same(plane, key) || key->n > plane->capacity) {
        if (make_room(plane, key, err) != SQLITE_OK) return err->rc;
    } else {
        memset(plane->resident, 0, ck_record_blocks(&plane->format, plane->capacity));
        plane->n_resident = 0;
    }
    plane->n = key->n;
    return SQLITE_OK;
}

/* How many records of the plane are in a block. */
static uint32_t records_of(const CkRecordFormat *format, uint32_t n_all, uint32_t block) {
    uint32_t first = block << format->shift, n = n_all - first;
    return n < 1u << format->shift ? n : 1u << format->shift;
}

static int64_t address_of(const CkRecordFormat *format, int64_t model, int64_t generation,
                          uint32_t block) {
    return ck_block_address(model, generation, format->plane,
                            ck_record_block_number(format, block));
}

/*
** Decodes what was read to where its records belong. A block may have more records than count,
** never fewer, and all are taken: they count as soon as the merge that wrote them ends, which does
** not change the block. `room` is for so many records of it.
*/
static int take(const CkRecordPlaneKey *key, uint32_t block, const CkBlockData *data,
                uint32_t room, uint8_t *to, CkError *err) {
    const CkRecordFormat *format = &key->format;
    uint32_t first = block << format->shift, n = records_of(format, key->n, block);
    int64_t n_there = data->entry.n;
    if (n_there < n || n_there > 1 << format->shift ||
        data->n_bytes != format->disk_bytes * (size_t)n_there) {
        return ck_block_refuse(&data->entry, "has the wrong length", err);
    }
    uint32_t n_taken = n_there < room ? (uint32_t)n_there : room;
    if (!ck_records_decode(format, data->data, first, n_taken, key->n, to)) {
        return ck_block_refuse(&data->entry, "has a record that is none", err);
    }
    return SQLITE_OK;
}

/* The same into the plane, which has room for whole blocks. */
static int take_in(CkRecordPlane *plane, uint32_t block, const CkBlockData *data, CkError *err) {
    const CkRecordFormat *format = &plane->format;
    CkRecordPlaneKey key = {*format, plane->model, plane->generation, plane->n};
    uint8_t *to = plane->arena.base + (format->stride * block << format->shift);
    return take(&key, block, data, 1u << format->shift, to, err);
}

static void set_resident(CkRecordPlane *plane, uint32_t block) {
    plane->n_resident += !plane->resident[block];
    plane->resident[block] = 1;
}

void ck_record_plane_advise_huge(CkRecordPlane *plane) {
    if (!plane->huge) ck_arena_advise_huge(&plane->arena);
    plane->huge = 1;
}

int ck_record_plane_load(CkRecordPlane *plane, CkStore *store, uint32_t block, int *was_read,
                         CkError *err) {
    int64_t address = address_of(&plane->format, plane->model, plane->generation, block);
    CkBlockData data;
    *was_read = 0;
    if (plane->stamps[block] != 0) {
        CkBlockEntry entry;
        if (ck_block_entry(store, address, &entry, err) != SQLITE_OK) return err->rc;
        if (entry.stamp == plane->stamps[block]) {
            set_resident(plane, block);
            return SQLITE_OK;
        }
        ck_record_plane_evict(plane, block);
    }
    if (ck_block_open(store, address, &data, err) == SQLITE_OK &&
        take_in(plane, block, &data, err) == SQLITE_OK) {
        plane->stamps[block] = data.entry.stamp;
        set_resident(plane, block);
        plane->n_kept++;
        plane->n_bytes += ck_record_plane_block_bytes(plane);
        *was_read = 1;
        if (plane->n_kept >= ck_record_plane_blocks(plane) / HUGE_SHARE) {
            ck_record_plane_advise_huge(plane);
        }
    }
    ck_stmt_give(store, CK_SQL_BLOCK_GET, data.stmt);
    return err->rc;
}

int ck_record_plane_load_all(CkRecordPlane *plane, CkStore *store, CkError *err) {
    int was_read;
    for (uint32_t i = 0; i < ck_record_plane_blocks(plane) && err->rc == SQLITE_OK; i++) {
        ck_record_plane_load(plane, store, i, &was_read, err);
    }
    return err->rc;
}

int ck_records_read(CkStore *store, const CkRecordPlaneKey *key, uint8_t *to, CkError *err) {
    const CkRecordFormat *format = &key->format;
    for (uint32_t i = 0; i < ck_record_blocks(format, key->n) && err->rc == SQLITE_OK; i++) {
        int64_t address = address_of(format, key->model, key->generation, i);
        CkBlockData data;
        if (ck_block_open(store, address, &data, err) == SQLITE_OK) {
            take(key, i, &data, records_of(format, key->n, i),
                 to + (format->stride * i << format->shift), err);
        }
        ck_stmt_give(store, CK_SQL_BLOCK_GET, data.stmt);
    }
    return err->rc;
}

int ck_record_plane_evict(CkRecordPlane *plane, uint32_t block) {
    if (plane->stamps[block] == 0) return 0;
    size_t n_bytes = (size_t)ck_record_plane_block_bytes(plane);
    plane->stamps[block] = 0;
    plane->n_resident -= plane->resident[block];
    plane->resident[block] = 0;
    plane->n_kept--;
    plane->n_bytes -= (int64_t)n_bytes;
    ck_arena_discard(&plane->arena, n_bytes * block, n_bytes);
    return 1;
}

CkHnswRecords ck_record_plane_records(const CkRecordPlane *plane) {
    int is_whole = plane->n_resident >= ck_record_plane_blocks(plane);
    return (CkHnswRecords){plane->arena.base, plane->format.stride, plane->format.shift,
                           is_whole ? NULL : plane->resident};
}

static int write_block(CkRecordWrite *write, CkStore *store, CkBuf *bytes, CkError *err) {
    const CkRecordPlaneKey *key = &write->key;
    const CkRecordFormat *format = &key->format;
    uint32_t first = write->block << format->shift, n = records_of(format, key->n, write->block);
    CkBlockEntry entry = {
        .address = address_of(format, key->model, key->generation, write->block),
        .n = n,
        .first_id = first,
        .last_id = (int64_t)first + n - 1,
    };
    ck_buf_clear(bytes);
    uint8_t *to = ck_buf_extend(bytes, format->disk_bytes * n);
    if (!to) return ck_error_nomem(err);
    ck_records_encode(format, write->records + format->stride * first, n, to);
    return ck_block_write(store, &entry, to, bytes->n_bytes, err);
}

int ck_records_write(CkRecordWrite *write, CkStore *store, uint32_t limit, uint32_t *n_written,
                     CkError *err) {
    uint32_t n_blocks = ck_record_blocks(&write->key.format, write->key.n);
    CkBuf bytes;
    ck_buf_init(&bytes);
    *n_written = 0;
    while (*n_written < limit && write->block < n_blocks && err->rc == SQLITE_OK) {
        write_block(write, store, &bytes, err);
        write->block++;
        *n_written += 1;
    }
    ck_buf_release(&bytes);
    return err->rc;
}
