# The unit tests of the kernels as a static program, without SQLite; read after the Makefile by
# tests/cross/run, which names the architecture in VARIANT.

CROSS_OBJ := $(B)/tests/cross/main.o $(B)/tests/unit/vector_kernels_test.o \
             $(B)/tests/unit/vector_kernels_sign_test.o \
             $(B)/core/ext/vector/dispatch.o $(TIER_OBJ)

$(B)/kernels_test: $(CROSS_OBJ)
	$(CC) -static $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ -lm
