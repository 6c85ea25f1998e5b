/*
** Which base may be written. config.toml, and whatever else is in .ck, may have come with a
** stranger's repository, and could name any folder: a private base of the user's, into which it
** would mix, or one that somebody else reads.
**
** A base is trusted
**
**   - that somebody named: ck init --base, or --store;
**   - in the tree, in the main worktree, or in a folder above with a store, which is found without
**     being named;
**   - that knows the tree, or another worktree of its repository, by the uuid in .ck/workspace: it
**     was trusted before, and nobody else knows that;
**   - when the tree is that of a git repository which tracks neither file: they were made here;
**   - by ck init alone: beside the tree ("../base"), unless there is one of another user.
**
** Any other may be read, and is not written: the error says how to accept it.
*/
#ifndef CK_TOOL_TRUST_H
#define CK_TOOL_TRUST_H

#include "app.h"

/* Of app->place, whose store was opened to be written. */
int ck_trust_store(CkApp *app);

/* For ck init, of a base that nobody named: opens its store, if there is one, and closes it. */
int ck_trust_base(CkApp *app, const char *root, const char *base);

#endif
