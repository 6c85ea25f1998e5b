# ck: a SQLite extension. `make help` lists the targets.
#
# VARIANT = release (default) | debug | asan | ubsan, each in its own build/$(VARIANT)/. V=1 is loud.
# One source, two forms: ck.so calls SQLite through the loader's table, libck.a (compiled with
# SQLITE_CORE) links to it directly. Both export the entry point sqlite3_ck_init and nothing else.

VARIANT ?= release
V ?= 0
Q := $(if $(filter 0,$(V)),@)
PREFIX ?= /usr/local
CC ?= cc
OBJCOPY ?= objcopy
PKG_CONFIG ?= pkg-config
B := build/$(VARIANT)

# Missing packages are installed before anything is read from the system below.
ifneq ($(filter-out clean help lint uninstall,$(or $(MAKECMDGOALS),all)),)
  ifneq ($(shell tools/deps build >&2 || echo missing),)
    $(error packages are missing)
  endif
endif

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
VERSION := 0.1.0

CFLAGS_release := -O2 -g
CFLAGS_debug := -O0 -g -DCK_DEBUG
CFLAGS_asan := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_ubsan := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
SANITIZE := $(filter -fsanitize%,$(CFLAGS_$(VARIANT)))
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden $(CFLAGS_$(VARIANT)) $(CFLAGS)
CK_CFLAGS = $(BASE_CFLAGS) $(WARNINGS) -Iext -I$(B)/gen $(BLAKE3_CFLAGS) \
            -DCK_VERSION='"$(VERSION)"' -DCK_VARIANT='"$(VARIANT)"' -MMD -MP
LIBS := -lzstd -lm $(BLAKE3_LIBS)

# The official BLAKE3 C implementation: the system's libblake3, else the sources that Debian 12
# installs with librust-blake3-dev, compiled from where they lie.
ifeq ($(shell $(PKG_CONFIG) --exists libblake3 2>/dev/null && echo yes),yes)
  BLAKE3_CFLAGS := $(shell $(PKG_CONFIG) --cflags libblake3)
  BLAKE3_LIBS := $(shell $(PKG_CONFIG) --libs libblake3)
else
  BLAKE3_DIR := $(lastword $(sort $(wildcard /usr/share/cargo/registry/blake3-*/c)))
  BLAKE3_CFLAGS := -isystem $(BLAKE3_DIR)
  BLAKE3_NAMES := blake3 blake3_dispatch blake3_portable
  ifeq ($(ARCH),x86_64)
    BLAKE3_NAMES += $(addsuffix _x86-64_unix,blake3_sse2 blake3_sse41 blake3_avx2 blake3_avx512)
  endif
  ifeq ($(ARCH),aarch64)
    BLAKE3_NAMES += blake3_neon
  endif
endif
BLAKE3_OBJ := $(BLAKE3_NAMES:%=$(B)/blake3/%.o)

# One source of kernels, one object per SIMD tier of this architecture.
include ext/vector/tiers.mk
TIER_SRC := ext/vector/kernels_tier.c
TIER_OBJ := $(TIERS:%=$(B)/kernels/%.o)
TIER_DEFS := $(TIERS:%=-DCK_TIER_%)

SRC := $(filter-out $(TIER_SRC),$(wildcard ext/*.c ext/*/*.c))
STORE_SQL := sql/schema.sql $(sort $(wildcard sql/store/*.sql))
GEN_OBJ := $(B)/gen/ck_sql
SO_OBJ := $(SRC:%.c=$(B)/so/%.o) $(GEN_OBJ).so.o
CORE_OBJ := $(SRC:%.c=$(B)/core/%.o) $(GEN_OBJ).core.o
COMMON_OBJ := $(TIER_OBJ) $(BLAKE3_OBJ)

ifeq ($(VARIANT),release)
  OUT := build
else
  OUT := $(B)
endif

.DEFAULT_GOAL := all
.PHONY: all demo test check bench lint install clean help
.DELETE_ON_ERROR:

all: $(OUT)/ck.so $(OUT)/libck.a $(OUT)/ck ## build build/ck.so, build/libck.a and build/ck

$(OUT)/ck.so: $(SO_OBJ) $(COMMON_OBJ) ext/ck.map
	$(Q)$(CC) -shared $(BASE_CFLAGS) $(LDFLAGS) -Wl,--version-script=ext/ck.map -o $@ $(SO_OBJ) $(COMMON_OBJ) $(LIBS)

# One relocatable object whose only global symbol is the entry point, so that nothing in it can
# clash with the program it is linked into.
$(OUT)/libck.a: $(CORE_OBJ) $(COMMON_OBJ)
	$(Q)$(CC) -r -nostdlib -o $(B)/ck.o $^
	$(Q)$(OBJCOPY) --keep-global-symbol=sqlite3_ck_init $(B)/ck.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(B)/ck.o

$(B)/so/%.o: %.c $(B)/gen/ck_sql.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CK_CFLAGS) $(TIER_DEFS) -c -o $@ $<

$(B)/core/%.o: %.c $(B)/gen/ck_sql.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CK_CFLAGS) $(TIER_DEFS) -DSQLITE_CORE -c -o $@ $<

$(B)/gen/%.so.o: $(B)/gen/%.c
	$(Q)$(CC) $(CK_CFLAGS) -c -o $@ $<

$(B)/gen/%.core.o: $(B)/gen/%.c
	$(Q)$(CC) $(CK_CFLAGS) -DSQLITE_CORE -c -o $@ $<

# Of the sanitized kernels the portable ones alone check for undefined behaviour too: with that in the
# others, which are intrinsics, the kernels took a third of the build.
$(B)/kernels/%.o: SANITIZE_LESS = $(if $(filter asan,$(VARIANT)),$(if $(filter-out portable,$*),-fno-sanitize=undefined))

$(TIER_OBJ): $(B)/kernels/%.o: $(TIER_SRC) ext/vector/tiers.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(CK_CFLAGS) -O3 -DCK_TIER=$* $(TIER_FLAGS_$*) $(SANITIZE_LESS) -c -o $@ $<

$(B)/blake3/%.o: $(BLAKE3_DIR)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) -O3 -c -o $@ $<

$(B)/blake3/%.o: $(BLAKE3_DIR)/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) -c -o $@ $<

# The schema and the named statements, embedded.
$(B)/gen/ck_sql.c $(B)/gen/ck_sql.h &: tools/sqlgen.awk $(STORE_SQL)
	@mkdir -p $(@D)
	$(Q)awk -v out=$(B)/gen/ck_sql -f tools/sqlgen.awk $(STORE_SQL)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

lint: ## check layers, banned calls, file and function length
	@tools/lint

demo: all ## run the main job on this tree (or DIR=…) in the sqlite3 shell
	@tools/demo $(or $(DIR),.)

test: all ## run every test suite (under 3 minutes)
	@tests/run

bench: all ## measure beside the peers
	@bench/run

clean: ## remove build/
	rm -rf build

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

include tools/ck/ck.mk
-include tests/tests.mk
