/*
** What kind of place a file is in.
*/
#ifndef CK_BASE_FS_H
#define CK_BASE_FS_H

#include <stdint.h>

/*
** The name of the network filesystem that holds the file ("NFS", "SMB", …), or NULL when it is a
** local one or that cannot be told. SQLite's locks and shared memory do not work across machines.
*/
const char *ck_fs_network(const char *path);
const char *ck_fs_network_of_type(uint32_t type); /* by the f_type of statfs(2) */

/*
** The part of a path, such as "/node_modules/", that says that other tools empty the folder, or
** copy its files while they are in use (*synced); or NULL.
*/
const char *ck_fs_unsafe_folder(const char *path, int *synced);

/* Is it a folder, readable, with something in it? */
int ck_fs_has_entries(const char *path);

/* The file's inode number, or 0 when that cannot be told. */
int64_t ck_fs_inode(const char *path);

/* What a change of a file changes, too; all 0 when there is none. */
typedef struct CkFileState {
    int64_t inode, n_bytes, changed_ns;
} CkFileState;
void ck_fs_state(const char *path, CkFileState *state);

/* May no file be made beside it? Its file system is mounted read-only, or its folder not ours. */
int ck_fs_is_sealed(const char *path);

/* The mode bits of the file, or -1. */
int ck_fs_mode(const char *path);

#endif
