# The test programs; included by the Makefile. Both link the objects of the static library, so
# that tests reach what the extension does not export.

UNIT_TESTS := $(patsubst tests/unit/%_test.c,%,$(sort $(wildcard tests/unit/*_test.c)))
UNIT_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/unit/*.c)))
FAULT_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/fault/*.c)))
# Test functions are found by name, not through headers.
TEST_CFLAGS = $(CK_CFLAGS) -DSQLITE_CORE -Wno-missing-prototypes

.PHONY: test-programs check FORCE

test-programs: $(B)/unit $(B)/fault

check: all ## run every test suite with every fault (many minutes)
	@CK_CROSS=1 tests/run --full

$(B)/unit: $(UNIT_OBJ) $(CORE_OBJ) $(COMMON_OBJ)
	$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

$(B)/fault: $(FAULT_OBJ) $(CORE_OBJ) $(COMMON_OBJ)
	$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lsqlite3

$(B)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -c -o $@ $<

$(UNIT_OBJ): $(B)/gen/ck_sql.h
$(B)/tests/unit/main.o: $(B)/gen/unit_tests.h

# Rewritten only when a test came or went.
$(B)/gen/unit_tests.h: FORCE
	@mkdir -p $(@D)
	@printf 'UNIT_TEST(%s)\n' $(UNIT_TESTS) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# Fuzz targets, each linked to libFuzzer (FUZZ_MAIN=-fsanitize=fuzzer) or to the driver of the tree.
FUZZ_MAIN ?= $(B)/tests/fuzz/driver.o
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(B)/%,$(wildcard tests/fuzz/*_fuzz.c))

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)

$(FUZZ_PROGRAMS): $(B)/%: $(B)/tests/fuzz/%.o $(filter %.o,$(FUZZ_MAIN)) $(CORE_OBJ) $(COMMON_OBJ)
	$(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $(filter-out $(FUZZ_MAIN),$^) $(FUZZ_MAIN) $(LIBS) -lsqlite3
