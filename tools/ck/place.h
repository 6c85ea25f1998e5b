/*
** Which workspace, which base, which store: from wherever in a tree the command is called.
**
** A workspace is a folder with .ck/config.toml; its base is a folder with the store,
** .ck/embeddings.db (ck_place_base_of). Looked for in the working folder and all above it; the
** nearest wins. A folder that is only a base has a store and no workspace. A linked git worktree
** that was not initialised belongs to no workspace, though a folder above it may be one.
*/
#ifndef CK_TOOL_PLACE_H
#define CK_TOOL_PLACE_H

#include "app.h"

#define CK_FOLDER ".ck"
#define CK_CONFIG_FILE ".ck/config.toml"
#define CK_WORKSPACE_FILE ".ck/workspace"
#define CK_STORE_FILE ".ck/embeddings.db"

/* Fills app->place and app->config; --store and -C are heeded. What is not there stays NULL. */
int ck_place_find(CkApp *app);

/* The same, and an error with advice when there is none. */
int ck_place_need_store(CkApp *app);
int ck_place_need_workspace(CkApp *app);

/*
** The base of the tree at root: what its config.toml says. When that says nothing, or there is no
** store, a linked git worktree has the base of its main worktree: a relative path that is
** committed does not hold for trees elsewhere. Else, when nothing is said, the nearest folder from
** root upwards with a store; NULL: none.
*/
const char *ck_place_base_of(CkApp *app, const char *root);

/* Sets base and store of app->place. */
void ck_place_set_base(CkApp *app, const char *base);

/* The nearest folder from `folder` upwards that has .ck/config.toml or .git; NULL: none. */
char *ck_place_project_root(CkApp *app, const char *folder);

/* The root of the main worktree when root is a linked git worktree, else NULL. */
char *ck_place_main_worktree(CkApp *app, const char *root);

#endif
