/*
** Which workspace, which base, which store: from wherever in a tree the command is called.
**
** A workspace is a folder with .ck/config.toml or .ck/workspace: git may take the first away, when
** a branch is checked out that has no such file. Its base is a folder with the store,
** .ck/embeddings.db (ck_place_base_of). Looked for in the working folder and all above it; the
** nearest wins. A folder that is only a base has a store and no workspace. A linked git worktree
** that was not initialised belongs to no workspace, though a folder above it may be one.
**
** .ck may come with a stranger's repository. As a symbolic link it is refused, and so is a store
** that is one: neither is to lead what is written to a place that nobody named. Which base it may
** name is another matter: trust.h.
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
** The base of the tree at root: what its config.toml says, else what its .ck/workspace remembers.
** When there is no store, a linked git worktree has the base of its main worktree (a relative path
** that is committed does not hold for trees elsewhere), else one that another worktree has outside
** of itself. Else, when nothing is said, the nearest folder from root upwards with a store; NULL:
** none.
*/
const char *ck_place_base_of(CkApp *app, const char *root);

/* Sets base and store of app->place. */
void ck_place_set_base(CkApp *app, const char *base);

/*
** How app->place.base is written in files of the tree at root: relative, so that the trees may be
** moved together; absolute when they share no folder but "/". And as a line of .ck/workspace, which
** is read by ck_place_base_of(); "" without a base.
*/
const char *ck_place_written_base(CkApp *app, const char *root);
const char *ck_place_base_line(CkApp *app, const char *root);

/* 0 after a failure: DIR/.ck or the store in it is a symbolic link. */
int ck_place_is_sound(CkApp *app, const char *folder);

/* The nearest folder from `folder` upwards that is a workspace or has .git; NULL: none. */
char *ck_place_project_root(CkApp *app, const char *folder);

/* ---- What git says: place_git.c ---- */

/* Is root a linked git worktree? */
int ck_place_is_linked(CkApp *app, const char *root);

/*
** When root is a linked git worktree: the root of the main one; of a bare repository the folder it
** is in when that has a .git of its own, which then leads to the repository, else the repository.
** NULL: root is not linked, or where the main worktree is cannot be told.
*/
char *ck_place_main_worktree(CkApp *app, const char *root);

/* The roots of the other linked worktrees of root's repository, by name; NULL ends them. */
char **ck_place_siblings(CkApp *app, const char *root);

/* Is root a work tree of git's, which tracks neither config.toml nor .ck/workspace? Asks git. */
int ck_place_is_made_here(CkApp *app, const char *root);

/* Does git track app->place.store, which --store did not name? Asks git; warns on stderr. */
int ck_place_store_is_tracked(CkApp *app);
void ck_place_warn_of_tracked_store(CkApp *app);

#endif
