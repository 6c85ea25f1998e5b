/*
** Paths and files. Strings come from ck_text() and last to the end of the run. What kind of file
** system a path is on is told by ext/base/fs.h.
*/
#ifndef CK_TOOL_FS_H
#define CK_TOOL_FS_H

#include "app.h"

/* "a/b"; b alone when it is absolute. */
char *ck_path_join(CkApp *app, const char *a, const char *b);

/*
** Absolute, without ".", ".." and "//", symbolic links resolved as far as the path exists. Relative
** to `folder`, which is absolute.
*/
char *ck_path_absolute(CkApp *app, const char *folder, const char *path);

/* How `to` is written from the folder `from`, both absolute; "." when they are the same. */
char *ck_path_relative(CkApp *app, const char *from, const char *to);

/*
** As a file: URI of SQLite: the bytes that mean something there are escaped. And as the path of any
** URL: all bytes but letters, digits and "/-._~" are.
*/
char *ck_path_uri(CkApp *app, const char *path);
char *ck_path_percent(CkApp *app, const char *path);

/* The folder of a path: "/a" of "/a/b", "/" of "/a". */
char *ck_path_parent(CkApp *app, const char *path);
const char *ck_path_name(const char *path); /* what is behind the last '/' */

/* Is path in folder, or folder itself? Both absolute. */
int ck_path_within(const char *folder, const char *path);

int ck_path_exists(const char *path);
int ck_path_is_folder(const char *path);
int ck_path_is_link(const char *path); /* a symbolic one */
int ck_path_same(const char *a, const char *b); /* the same file or folder, by device and inode */

/*
** The content of a file of at most max_bytes, with a 0 behind it. *data is NULL when there is no
** such file; everything else that goes wrong is ck_fail(). The caller frees it.
*/
int ck_file_read(CkApp *app, const char *path, size_t max_bytes, char **data, size_t *n_bytes);

/* Replaces a file as a whole, or makes it, with these permissions (less the umask). */
int ck_file_write(CkApp *app, const char *path, int mode, const char *text);

/*
** openat(2) of a path below the folder `root` that follows no symbolic link, not of a folder on the
** way either: what is reached is in the tree. errno is ELOOP or ENOTDIR where there is one.
*/
int ck_open_below(int root, const char *path, int flags);

/* Makes a folder unless there is one; the folder above it must exist. */
int ck_folder_make(CkApp *app, const char *path, int mode);

#endif
