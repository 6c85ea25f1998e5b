/*
** The manual page ck(1), from the command table.
*/
#ifndef CK_TOOL_MANUAL_H
#define CK_TOOL_MANUAL_H

#include "app.h"

/* Prints it; the command is called name in it. */
void ck_manual_print(CkApp *app, const char *name);

#endif
