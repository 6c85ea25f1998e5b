/*
** The models of a store, kept in memory while the store's stamp is the one they were read under: a
** search has to choose among them, and should not read them each time. A person who repairs a row
** of _ck_model by hand touches no stamp, so whatever this connection writes ends it too.
*/
#ifndef CK_STORE_MODEL_LIST_H
#define CK_STORE_MODEL_LIST_H

#include "store/model.h"

typedef struct CkListedModel {
    CkModel model;
    char *name, *version;
    char *damage; /* what is wrong with the row, or NULL: it counts only when it is chosen */
} CkListedModel;

typedef struct CkModelList {
    int is_read;
    int64_t stamp, n_changes; /* of the store, and of the connection */
    CkListedModel *models; /* ordered by name, then version */
    size_t n;
} CkModelList;

/* Reads the list, or finds it still holds. It is the store's, until the next call. */
int ck_model_list_read(CkStore *store, int64_t stamp, const CkModelList **list, CkError *err);

/* Frees the store's list. */
void ck_model_list_free(CkStore *store);

#endif
