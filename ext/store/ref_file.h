/*
** The file a ref is in: (workspace, path) as names, looked up once for all its refs.
**
** A file's refs are written one after the other, so a store remembers the ids of the last file a
** ref was written to. That is true only as long as nothing can have changed what the names mean:
** inside one write transaction in which the table `refs` takes part. It is forgotten when that
** transaction ends, when a savepoint is rolled back (the hooks of the table tell; a statement
** that fails and undoes what it did is a savepoint too), and by whatever renames or removes a
** workspace or a path on this connection. Other connections cannot write meanwhile.
*/
#ifndef CK_STORE_REF_FILE_H
#define CK_STORE_REF_FILE_H

#include "store/store.h"

/*
** Looks up the ids of a workspace and a path, and whether there is a store, in one step. A NULL
** name is not looked up and its id stays as it is. An unknown workspace is an error, an unknown
** path the id 0.
*/
int ck_ref_file_find(CkStore *store, const char *workspace, const char *path,
                     CkRefFileIds *ids, CkError *err);

/* Gives a path an id. */
int ck_ref_file_intern(CkStore *store, const char *path, int64_t *id, CkError *err);

/*
** Notes what both names mean, after ck_ref_file_find() looked them up; called only within xUpdate
** of the table `refs`.
*/
void ck_ref_file_remember(CkStore *store, const char *workspace, const char *path,
                          const CkRefFileIds *ids);

/*
** Gives the workspaces whose refs are changing a new stamp (two at once: a ref may move; else the
** same one twice), so that what others remember of them is old (store/workspace_set.h). One that
** was given by the last call is new enough, until the same things end that end what is remembered
** here, or a set of ids is read under it. Called only within xUpdate of the table `refs`.
*/
int ck_ref_touch(CkStore *store, int64_t workspace, int64_t other, CkError *err);

/* Forgets both. */
void ck_ref_file_forget(CkStore *store);

#endif
