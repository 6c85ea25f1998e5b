/*
** Time that only goes forward, to measure how long something takes. What time of day it is, is
** another question: ck_conn_now() asks the VFS.
*/
#ifndef CK_BASE_CLOCK_H
#define CK_BASE_CLOCK_H

#include <stdint.h>

int64_t ck_clock_ms(void);

#endif
