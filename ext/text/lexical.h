/*
** The built-in lexical embedder: hashed word and character n-grams, L2-normalised.
**
** Lexical, not semantic: it finds text that shares identifiers and words. It exists so that
** everything runs offline; real models come from the caller. lexical.c is the specification.
*/
#ifndef CK_TEXT_LEXICAL_H
#define CK_TEXT_LEXICAL_H

#include <stddef.h>
#include <stdint.h>

#define CK_LEXICAL_DIMS_DEFAULT 384
#define CK_LEXICAL_DIMS_MIN 8

/*
** Embeds n bytes of text, meant as UTF-8 but any bytes will do, into out[dims]: a unit vector,
** never zero, never NaN, the same on every machine. dims is CK_LEXICAL_DIMS_MIN..CK_DIMS_MAX.
** Allocates nothing and cannot fail; takes 17 KB of stack. Texts that share nothing have a cosine
** near 0.
**
** FROZEN: the vectors in people's stores were made by it.
*/
void ck_lexical_embed(const char *text, size_t n, uint32_t dims, float *out);

#endif
