/* Segments: see segment.h. */
#include "store/segment.h"

#include <stdlib.h>
#include <string.h>

/* Offsets in a name. */
enum {
    AT_PLACE = CK_UUID_BYTES, /* behind the uuid, without its zero byte, and a '-' */
    AT_TOMBSTONES = AT_PLACE + 17,
    AT_RANDOM = AT_TOMBSTONES + 9,
    NAME_BYTES = AT_RANDOM + 8
};

/* n hex digits, or -1. */
static int64_t read_hex(const char *text, int n) {
    int64_t value = 0;
    for (int i = 0; i < n; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, text[i]);
        if (!digit || !text[i]) return -1;
        if (value > INT64_MAX >> 4) return -1;
        value = value << 4 | (digit - digits);
    }
    return value;
}

void ck_segment_name_read(const char *text, CkSegmentName *name) {
    memset(name, 0, sizeof *name);
    name->n_tombstones = -1;
    sqlite3_snprintf(sizeof name->text, name->text, "%s", text);
    if (strlen(text) < NAME_BYTES || text[AT_PLACE - 1] != '-' || text[AT_TOMBSTONES - 1] != '-' ||
        text[AT_RANDOM - 1] != '-') {
        return;
    }
    int64_t place = read_hex(text + AT_PLACE, 16), n = read_hex(text + AT_TOMBSTONES, 8);
    if (place < 0 || place > CK_SEGMENT_PLACE_MAX || n < 0) return;
    name->place = place;
    name->n_tombstones = n;
}

void ck_segment_name_make(const char me[CK_UUID_BYTES], CkSegmentName *name) {
    uint32_t salt;
    sqlite3_randomness(sizeof salt, &salt);
    sqlite3_snprintf(sizeof name->text, name->text, "%s-%016llx-%08llx-%08x" CK_SEGMENT_SUFFIX, me,
                     (unsigned long long)name->place, (unsigned long long)name->n_tombstones, salt);
}

static int compare_names(const void *a, const void *b) {
    const CkSegmentName *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return strcmp(x->text, y->text);
}

int ck_segment_list(const char *folder, CkBuf *names, CkError *err) {
    CkBuf files;
    ck_buf_init(&files);
    ck_file_list(folder, "", CK_SEGMENT_SUFFIX, &files, err);
    const CkFileName *file = (const CkFileName *)(const void *)files.data;
    size_t n = files.n_bytes / sizeof *file;
    for (size_t i = 0; i < n; i++) {
        CkSegmentName name;
        ck_segment_name_read(file[i].name, &name);
        ck_buf_append(names, &name, sizeof name);
    }
    ck_buf_release(&files);
    if (names->rc != SQLITE_OK) return ck_error_nomem(err);
    if (n > 0) qsort(names->data, n, sizeof(CkSegmentName), compare_names);
    return err->rc;
}

/* Reads the head of the next frame, if there is one. */
static int read_head(CkSegment *segment, CkError *err) {
    size_t n = 0;
    ck_file_read(&segment->file, segment->head, sizeof segment->head, &n, err);
    segment->is_end = n == 0;
    if (err->rc == SQLITE_OK && n > 0 && n < sizeof segment->head) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "it ends within a frame");
    }
    return err->rc;
}

int ck_segment_open(CkSegment *segment, const char *folder, const char *name, CkError *err) {
    memset(segment, 0, sizeof *segment);
    segment->file = (CkFile)CK_FILE_NONE;
    ck_buf_init(&segment->pack);
    ck_frame_init(&segment->frame);
    segment->path = sqlite3_mprintf("%s%s", folder, name);
    if (!segment->path) return ck_error_nomem(err);
    if (ck_file_open(&segment->file, segment->path, err) != SQLITE_OK) return err->rc;
    if (read_head(segment, err) == SQLITE_OK && segment->is_end) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "it is empty");
    }
    return err->rc;
}

void ck_segment_close(CkSegment *segment) {
    ck_frame_release(&segment->frame);
    ck_buf_release(&segment->pack);
    ck_file_close(&segment->file);
    sqlite3_free(segment->path);
}

int ck_segment_next(CkSegment *segment, CkError *err) {
    CkFrameHead head;
    CkBuf *pack = &segment->pack;
    size_t n = 0;
    if (ck_frame_head_read(segment->head, &head, err) != SQLITE_OK) return err->rc;
    ck_buf_clear(pack);
    ck_buf_append(pack, segment->head, sizeof segment->head);
    uint8_t *body = ck_buf_extend(pack, head.n_body);
    if (!body) return ck_error_nomem(err);
    ck_file_read(&segment->file, body, head.n_body, &n, err);
    if (err->rc == SQLITE_OK && n < head.n_body) {
        ck_error_set(err, SQLITE_CORRUPT_VTAB, "it ends within a frame");
    }
    if (err->rc == SQLITE_OK) ck_frame_open(&segment->frame, pack->data, pack->n_bytes, &n, err);
    return err->rc == SQLITE_OK ? read_head(segment, err) : err->rc;
}
