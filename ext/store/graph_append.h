/*
** Merging new embeddings into the graph of an index, without building it anew.
**
**   1. begin    the claim; the tail is packed into blocks of the scan plane
**   2. load     the links as a whole, and which embeddings are in blocks the graph does not know
**   3. insert   each (the paper's algorithm 1), on codes that are read as they are met
**   4. write    codes and ids behind the old ones; all links, to the side that is not read
**   5. flip     the row of _ck_graph
**   6. drop     the links of the other side, and the claim
**
** No search sees anything of it before the flip. A builder that is killed leaves links on the side
** that nobody reads, which the next one deletes, and codes behind the last node, which the next one
** overwrites.
*/
#ifndef CK_STORE_GRAPH_APPEND_H
#define CK_STORE_GRAPH_APPEND_H

#include "store/merge.h"

/*
** Does it for a model whose index has a graph. result->n_vectors: embeddings that the graph knows
** now. SQLITE_OK with nothing done when there is nothing new, or no graph any more.
*/
int ck_graph_append(CkStore *store, const CkModel *model, CkMergeResult *result, CkError *err);

#endif
