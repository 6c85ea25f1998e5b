/*
** Which file a store is: its uuid, and how a copy is noticed.
**
** The uuid names a store to the others it syncs with, and is the epoch of its feed: what they
** remember of it (how far they have read, what it has taken) belongs to one uuid. So a copy, and a
** backup put in the place of the file, must not go on under the old name.
**
** The store remembers the inode of its file. The first change that a connection makes to the feed
** compares: when the file is another one, the store gets a new uuid in the same transaction, and
** the leases in it, which belong to processes of the original, go. A file that was moved within its
** file system keeps its inode and its uuid; one that was moved to another file system is a copy. On
** network file systems, where an inode may be a number that each mount makes up, and for databases
** in memory nothing is compared.
**
** What cannot be noticed so is a backup written into the same inode (`cp backup store`). Then the
** others notice: each leaves a mark in the store with what it changes there (store/peer.h) and
** finds an older one; and each remembers who wrote the store (_ck_writer), and finds others below a
** seq that it has seen.
*/
#ifndef CK_STORE_IDENTITY_H
#define CK_STORE_IDENTITY_H

#include "store/store.h"

/* The inode of the store's file, or 0 when there is none or it says nothing. */
int64_t ck_identity_inode(CkStore *store);

/*
** Inside a write transaction, before the feed is changed or shown to others: gives a copy its own
** uuid. Cheap after a connection's first time.
*/
int ck_identity_check(CkStore *store, CkError *err);

/* Who writes: the value of CK_USER, else USER, in the environment; "" without one. */
const char *ck_identity_user(void);

#endif
