/*
** Finding candidates for the links of all nodes of a level at once.
**
** Random nodes become leaders, and every node goes to the parts of the few leaders nearest to it; a
** part that is too large is divided again, into parts that do not overlap. Within a part, a leaf,
** everything is compared with everything, in a kernel over rows that stay in the cache.
*/
#ifndef CK_HNSW_PARTITION_H
#define CK_HNSW_PARTITION_H

#include "hnsw/candidates.h"
#include "hnsw/columns.h"
#include "hnsw/progress.h"

/* Merges what is found about nodes 0 .. lists->n - 1 into the lists. SQLITE_OK, SQLITE_NOMEM or
** what step() returned. */
int ck_hnsw_partition(const CkHnswCodes *codes, uint64_t seed, const CkHnswProgress *progress,
                      CkHnswLists *lists);

#endif
