/*
** A new generation's graph made of the last one's: where much was deleted but more is left, taking
** the dead nodes out of it and inserting what is new is several times as fast as building it.
*/
#ifndef CK_STORE_GRAPH_INHERIT_H
#define CK_STORE_GRAPH_INHERIT_H

#include "store/graph_build.h"
#include "store/stale.h"

/*
** Instead of ck_graph_build_run(), for a build that has all its vectors. `stale` are the stale bits
** at the claim. *done is 0, and the build as it was, when there is no graph or too little of it is
** left. Searches of what comes out are taken to cost and find what they did.
*/
int ck_graph_inherit(CkGraphBuild *build, const CkStaleBits *stale, const CkGraphStep *step,
                     int *done, CkError *err);

#endif
