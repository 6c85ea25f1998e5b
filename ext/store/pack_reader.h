/*
** Reads a pack, item by item, whatever frames they are in (store/frame.h).
**
** Items of a frame come only once all of it has been checked. So a pack that is damaged, or ends
** within a frame, gives the items of the frames before that, and then an error.
*/
#ifndef CK_STORE_PACK_READER_H
#define CK_STORE_PACK_READER_H

#include "store/frame.h"

typedef struct CkPackReader {
    CkFrame frame;
    const char *what;     /* the pack, in the message when it ends within a frame */
    const uint8_t *bytes; /* the caller's, and as they are while it is read */
    size_t n, at;         /* where the next frame begins; after an error, the one that is wrong */
    int is_open;          /* the frame is, and may have more items */
} CkPackReader;

void ck_pack_reader_init(CkPackReader *reader, const char *what, const uint8_t *bytes, size_t n);
void ck_pack_reader_release(CkPackReader *reader);

/*
** SQLITE_ROW and the next item, which lives until the next call; SQLITE_DONE at the end of the
** pack; else an error: SQLITE_CORRUPT_VTAB "frame: …" or "WHAT ends within a frame". Called with an
** error that is set, it does nothing.
*/
int ck_pack_reader_next(CkPackReader *reader, CkItem *item, CkError *err);

#endif
