/*
** A large piece of address space whose memory is taken when it is touched, and can be given back in
** parts: where records are kept that are read from a file a block at a time.
**
** Memory comes from the system page by page and is zero at first. It is not sqlite3_malloc64's: an
** arena is sized for all that may come, and most of it never does.
*/
#ifndef CK_BASE_ARENA_H
#define CK_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct CkArena {
    uint8_t *base; /* aligned to a page; NULL while it is empty */
    size_t n_bytes;
} CkArena;

/* Makes room for n_bytes. SQLITE_OK, or SQLITE_NOMEM, which leaves it empty. */
int ck_arena_init(CkArena *arena, size_t n_bytes);
void ck_arena_release(CkArena *arena);

/* Gives the whole pages of a part back; what was in the part is undefined from then on. */
void ck_arena_discard(CkArena *arena, size_t from, size_t n_bytes);

/*
** Asks for huge pages from now on, and in place of the pages in use, where the system can: random
** reads then find their address with fewer steps. Copies what is in use.
*/
void ck_arena_advise_huge(CkArena *arena);

/* Asks for huge pages for large memory from elsewhere that is touched from now on. */
void ck_memory_advise_huge(void *base, size_t n_bytes);

#endif
