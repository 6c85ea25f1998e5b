# The benchmark program; read after the Makefile by bench/run (make -f Makefile -f bench/bench.mk).
# It links SQLite and BLAKE3 and loads ck.so at run time, as a user does.

BENCH_OBJ := $(patsubst bench/%.c,build/bench/%.o,$(filter-out bench/kernels% bench/curves% bench/truth%,$(sort $(wildcard bench/*.c))))

.PHONY: bench-program
bench-program: build/bench/bench

build/bench/bench: $(BENCH_OBJ) $(BLAKE3_OBJ)
	$(Q)$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ $(BLAKE3_LIBS) -lsqlite3 -lm

build/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(WARNINGS) -O3 -isystem $(BLAKE3_DIR) -MMD -MP -c -o $@ $<

-include $(BENCH_OBJ:.o=.d)

# The kernels are measured by a program of their own, which links them, and SimSIMD's headers if
# bench/run could install them.
KERNELS_OBJ := build/bench/kernels.o build/bench/kernels_peer.o build/bench/bench.o \
               build/release/core/ext/vector/dispatch.o \
               build/release/core/ext/vector/signcode.o $(TIER_OBJ)

.PHONY: bench-kernels
bench-kernels: build/bench/kernels

build/bench/kernels: $(KERNELS_OBJ)
	$(Q)$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ -lm

build/bench/kernels.o: BASE_CFLAGS += -Iext
# SimSIMD declares more than it defines, so no warnings there.
build/bench/kernels_peer.o: BASE_CFLAGS += -march=native -w \
    -isystem build/bench/simsimd/node_modules/simsimd/include
-include build/bench/kernels.d build/bench/kernels_peer.d

# The curves beside other libraries: hnswlib is C++, from npm's hnswlib-node or else from Debian's
# libhnswlib-dev, and it and the brute force use all instructions of this machine.
# Its headers, inlined, make GCC warn about its own intrinsics, so no warnings there.
CURVES_OBJ := $(patsubst bench/%.c,build/bench/%.o,$(sort $(wildcard bench/curves*.c))) \
              build/bench/curves_hnsw.o build/bench/truth.o build/bench/vecs.o build/bench/bench.o \
              build/bench/db.o build/bench/fresh.o build/bench/search_data.o

.PHONY: bench-curves
bench-curves: build/bench/curves

build/bench/curves: $(CURVES_OBJ)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ -lsqlite3 -lm

build/bench/truth.o: BASE_CFLAGS += -march=native
build/bench/curves_hnsw.o: bench/curves_hnsw.cpp
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -w -O3 -march=native -MMD -MP \
	    -isystem build/bench/peers/node_modules/hnswlib-node/src -c -o $@ $<

-include $(CURVES_OBJ:.o=.d)
