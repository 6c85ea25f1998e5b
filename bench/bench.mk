# The benchmark program; read after the Makefile by bench/run (make -f Makefile -f bench/bench.mk).
# It links SQLite and BLAKE3 and loads ck.so at run time, as a user does.

BENCH_OBJ := $(patsubst bench/%.c,build/bench/%.o,$(sort $(wildcard bench/*.c)))

.PHONY: bench-program
bench-program: build/bench/bench

build/bench/bench: $(BENCH_OBJ) $(BLAKE3_OBJ)
	$(Q)$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ $(BLAKE3_LIBS) -lsqlite3 -lm

build/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(WARNINGS) -O3 -isystem $(BLAKE3_DIR) -MMD -MP -c -o $@ $<

-include $(BENCH_OBJ:.o=.d)
