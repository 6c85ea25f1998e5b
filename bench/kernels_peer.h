/*
** What bench/kernels.c compares with, compiled with all the instructions of this machine.
*/
#ifndef CK_BENCH_KERNELS_PEER_H
#define CK_BENCH_KERNELS_PEER_H

#include <stddef.h>
#include <stdint.h>

/* A distance of SimSIMD: n components, or bytes of bits. */
typedef void BenchPeer(const void *a, const void *b, size_t n, double *distance);

/* The one that SimSIMD's own dispatch chooses for this CPU in place of the kernel of this name, or
** NULL. dot_u8i8, which it has not, is compared with its product of signed bytes. */
BenchPeer *bench_peer(const char *kernel);

/* Reads n bytes and does next to nothing with them. */
uint64_t bench_read(const void *bytes, size_t n);

#endif
