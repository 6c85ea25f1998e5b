/*
** What kind of place a file is in.
*/
#ifndef CK_BASE_FS_H
#define CK_BASE_FS_H

/*
** The name of the network filesystem that holds the file ("NFS", "SMB", …), or NULL when it is a
** local one or that cannot be told. SQLite's locks and shared memory do not work across machines.
*/
const char *ck_fs_network(const char *path);

/* Is it a folder, readable, with something in it? */
int ck_fs_has_entries(const char *path);

/* The mode bits of the file, or -1. */
int ck_fs_mode(const char *path);

#endif
