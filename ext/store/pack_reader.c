/* Items of packs: see pack_reader.h. */
#include "store/pack_reader.h"

void ck_pack_reader_init(CkPackReader *reader, const char *what, const uint8_t *bytes, size_t n) {
    *reader = (CkPackReader){.what = what, .bytes = bytes, .n = n};
    ck_frame_init(&reader->frame);
}

void ck_pack_reader_release(CkPackReader *reader) {
    ck_frame_release(&reader->frame);
    reader->n = reader->at = 0;
    reader->is_open = 0;
}

static int open_frame(CkPackReader *reader, CkError *err) {
    size_t n_used = 0, n_left = reader->n - reader->at;
    ck_frame_open(&reader->frame, reader->bytes + reader->at, n_left, &n_used, err);
    if (err->rc == SQLITE_OK && n_used == 0) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "%s ends within a frame", reader->what);
    }
    if (err->rc != SQLITE_OK) return err->rc;
    reader->at += n_used;
    reader->is_open = 1;
    return SQLITE_OK;
}

int ck_pack_reader_next(CkPackReader *reader, CkItem *item, CkError *err) {
    while (err->rc == SQLITE_OK) {
        if (reader->is_open && ck_frame_next(&reader->frame, item) == SQLITE_ROW) return SQLITE_ROW;
        reader->is_open = 0;
        if (reader->at == reader->n) return SQLITE_DONE;
        open_frame(reader, err);
    }
    return err->rc;
}
