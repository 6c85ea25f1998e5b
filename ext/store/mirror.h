/*
** The mirror: a pinned workspace that refers to all that is pulled of mirrored remotes, so that
** garbage collection keeps it. What only the mirror refers to is not in use: it can be retired, and
** is not in the store's own report.
**
** A ref of the mirror lies at path REMOTE/LISTING/GROUP. When the feed of a remote was begun anew,
** the refs of the new listing stand beside the old ones, which go when the new one has come to its
** end: what is not listed any more is garbage then.
**
** Who has read a feed does not read in it again what he retired and put anew before the remote
** heard of either, nor in a directory what he wrote himself: the first is held when it is put, the
** other when it is answered. Without its workspace a mirror lists all again.
*/
#ifndef CK_STORE_MIRROR_H
#define CK_STORE_MIRROR_H

#include "store/remote.h"

typedef struct CkMirror {
    int64_t workspace; /* 0: not open */
    int64_t path;      /* of group `group` */
    int64_t group;
} CkMirror;

/* Refers to embedding `id` as one of the remote's. Inside a write transaction. */
int ck_mirror_add(CkStore *store, CkMirror *mirror, const CkRemote *remote, int64_t id,
                  CkError *err);

/* Refers to embedding `id`, put where there is still a tombstone of its hash, as one of every
** mirrored remote that may have it. Inside a write transaction. */
int ck_mirror_hold(CkStore *store, const uint8_t hash[CK_HASH_BYTES], int64_t id, CkError *err);

/* Before workspace `id` goes: if it is the mirror's, mirrored remotes list all again. Inside a
** write transaction. */
int ck_mirror_lose(CkStore *store, int64_t id, CkError *err);

/* Deletes refs of earlier listings, some thousands at a time; *done: there are no more. */
int ck_mirror_sweep(CkStore *store, const CkRemote *remote, int *done, CkError *err);

#endif
