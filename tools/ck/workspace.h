/*
** The workspace as the store knows it.
**
** .ck/workspace holds its uuid, and on a line of its own the base. A tree that was moved keeps
** it, and the store learns the new root. A copy of a tree whose old root is still there (another
** folder, with the same uuid in its own .ck/workspace) becomes a workspace of its own with a new
** uuid. A tree with config.toml and no uuid (a fresh clone), or one that the store does not know
** (any more), is registered.
*/
#ifndef CK_TOOL_WORKSPACE_H
#define CK_TOOL_WORKSPACE_H

#include "app.h"

typedef struct CkWorkspace {
    const char *name, *uuid;
    const char *root; /* app->place.workspace */
    int is_new;       /* registered just now */
    int is_copy;      /* of another tree: it has no refs of its own yet */
    int is_moved;     /* the store knew it under another root */
} CkWorkspace;

typedef enum CkWorkspaceMode {
    CK_WORKSPACE_READ, /* nothing is written; name is NULL when the store does not know it */
    CK_WORKSPACE_WRITE /* it is registered, and its root brought up to date */
} CkWorkspaceMode;

/* Of the tree that the command stands in; opens the store. */
int ck_workspace_open(CkApp *app, CkWorkspaceMode mode, CkWorkspace *workspace);

/* The uuid in the .ck/workspace of the tree at root; NULL: none, or after ck_fail(). */
const char *ck_workspace_uuid(CkApp *app, const char *root);

/* How ck init registers: options that say more than the defaults. */
typedef struct CkRegistration {
    const char *name;   /* NULL: after the folder */
    int64_t expires_at; /* 0: never; -1: as it is, but in 24 hours where CI is set */
} CkRegistration;

int ck_workspace_register(CkApp *app, const CkRegistration *registration, CkWorkspace *workspace);

#endif
