/*
** Segments: the packs in a folder that is a remote (store/sync_dir.h), each written once.
**
**     <store>-<place>-<tombstones>-<random>.ckpack
**
**     store        uuid of the store that wrote it
**     place        16 hex digits: 1 more than the highest in the folder when it got its name. What
**                  its writer had read there has lower ones, so in the order of places a tombstone
**                  comes after the put that it answers, whoever wrote them, whatever clocks say
**     tombstones   8 hex digits: how many are in it
**     random       8 hex digits
**
** Other names are of place 0, and nothing is known of what is in them.
*/
#ifndef CK_STORE_SEGMENT_H
#define CK_STORE_SEGMENT_H

#include "base/file.h"
#include "store/frame.h"
#include "store/store.h"

#define CK_SEGMENT_SUFFIX ".ckpack"
#define CK_SEGMENT_PLACE_MAX 0xffffffffffff

typedef struct CkSegmentName {
    int64_t place;
    int64_t n_tombstones; /* -1: not known */
    char text[CK_FILE_NAME_BYTES];
} CkSegmentName;

/* The segments of a folder, a CkSegmentName each, by place and name. */
int ck_segment_list(const char *folder, CkBuf *names, CkError *err);

/* What a name says. */
void ck_segment_name_read(const char *text, CkSegmentName *name);

/* Writes name->text for a new segment of store `me`. */
void ck_segment_name_make(const char me[CK_UUID_BYTES], CkSegmentName *name);

/* A segment that is read frame by frame: one of them is in memory. */
typedef struct CkSegment {
    char *path;
    CkFile file;
    CkBuf pack; /* the frame, as it is in the file */
    CkFrame frame;
    uint8_t head[CK_FRAME_HEAD_BYTES]; /* of the frame that comes next */
    int is_end;                        /* no frame comes next */
} CkSegment;

/* Opens it; one without frames is an error. After a failure, too, it is to be closed. */
int ck_segment_open(CkSegment *segment, const char *folder, const char *name, CkError *err);
void ck_segment_close(CkSegment *segment);

/* Reads the next frame into segment->frame; is_end says whether it was the last one. */
int ck_segment_next(CkSegment *segment, CkError *err);

#endif
