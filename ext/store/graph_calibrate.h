/*
** Measuring a graph: what searches with some ef find, and what they cost.
**
** Some of the nodes, each moved towards another one, stand in for queries; the recall of their ten
** neighbours is taken against comparing with every node. Half of them are moved a little, as
** queries are that ask for what is stored, half far, as those are that ask for something else.
*/
#ifndef CK_STORE_GRAPH_CALIBRATE_H
#define CK_STORE_GRAPH_CALIBRATE_H

#include "hnsw/search.h"
#include "store/graph_build.h"

/* Fills row->efforts. SQLITE_OK, SQLITE_NOMEM, what load() returned, or what the step did. */
int ck_graph_calibrate(const CkHnswSource *source, CkIntMetric metric, const CkGraphStep *step,
                       CkGraphRow *row);

#endif
