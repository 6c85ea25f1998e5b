# The SIMD tiers of kernels_tier.c for each architecture and the flags that allow their
# instructions; included by the Makefile. A compiler that does not know a tier's flags leaves it
# out. dispatch.c tests for what the flags name, so the two change together.

TIERS_x86_64 := portable avx2 avx512 avx512vnni
TIERS_aarch64 := portable neon dotprod

TIER_FLAGS_avx2 := -mavx2 -mfma -mf16c -mpopcnt
TIER_FLAGS_avx512 := $(TIER_FLAGS_avx2) -mbmi2 -mavx512f -mavx512bw -mavx512dq -mavx512vl
TIER_FLAGS_avx512vnni := $(TIER_FLAGS_avx512) -mavx512vnni -mavx512bitalg -mavx512vpopcntdq
TIER_FLAGS_dotprod := -march=armv8.2-a+dotprod

# Empty when the compiler refuses the flags of tier $(1).
tier_of_compiler = $(shell $(CC) $(TIER_FLAGS_$(1)) -E -x c /dev/null >/dev/null 2>&1 && echo $(1))
TIERS := $(foreach tier,$(or $(TIERS_$(ARCH)),portable),$(call tier_of_compiler,$(tier)))
