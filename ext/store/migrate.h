/*
** Migration: which model is meant, by its name and perhaps its version.
*/
#ifndef CK_STORE_MIGRATE_H
#define CK_STORE_MIGRATE_H

#include "store/model.h"

typedef struct CkModelMeant {
    CkModel model;
    char *version; /* owned */
} CkModelMeant;

/*
** Finds the model that the SQL values name. `version` may be NULL or an SQL NULL: then the name
** must have one version only. `who` begins every message, `what` says which argument the name is
** ("model", "old_model"). Release *meant in either case; it may be uninitialised.
*/
int ck_model_resolve(CkStore *store, const char *who, const char *what, sqlite3_value *name,
                     sqlite3_value *version, CkModelMeant *meant, CkError *err);
void ck_model_meant_release(CkModelMeant *meant);

#endif
