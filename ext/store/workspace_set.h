/*
** What a workspace refers to, as a set of embedding ids: the filter `workspace =` of a search.
**
** Reading 100K refs takes 6 ms, ten times what the search takes, so the sets of the last few
** workspaces are kept. One holds while the workspace's row has the stamp it was read under; the
** writers of refs see to that (store/ref_file.h).
*/
#ifndef CK_STORE_WORKSPACE_SET_H
#define CK_STORE_WORKSPACE_SET_H

#include "store/idset.h"
#include "store/store.h"

/* Sets kept for each store. */
#define CK_WORKSPACE_SETS 8

/*
** The set of a workspace by name, sealed; valid until the next call. *set is NULL when there is no
** such workspace.
*/
int ck_workspace_set_get(CkStore *store, const char *name, const CkIdSet **set, CkError *err);

void ck_workspace_sets_free(CkStore *store);

#endif
