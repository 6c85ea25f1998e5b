/*
** Stands in for libFuzzer where the compiler has none: runs the seeds as they are, then random
** mutations of them until the time is up. No coverage guides it.
**
**     NAME [-seed=N] [-max_total_time=SECONDS] FOLDER…      (other options are ignored)
**
** The seed is printed, and an input is written to crash-input before it is run with CK_KEEP set.
*/
#include <dirent.h>
#include <time.h>

#include "fuzz.h"

#define INPUTS_MAX 512
#define INPUT_BYTES_MAX 4096

static struct {
    uint8_t bytes[INPUT_BYTES_MAX];
    size_t n;
} seeds[INPUTS_MAX];
static size_t n_seeds;

static uint64_t random_of(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void read_seeds(const char *folder) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) && n_seeds < INPUTS_MAX) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!file) continue;
        seeds[n_seeds].n = fread(seeds[n_seeds].bytes, 1, INPUT_BYTES_MAX, file);
        n_seeds++;
        fclose(file);
    }
    if (dir) closedir(dir);
}

/* One to eight changes: a byte set or flipped, a piece removed, doubled or taken from a seed. */
static size_t mutate(uint8_t *bytes, size_t n, uint64_t *state) {
    static const uint8_t odd[] = "[],.-+eE019 \t\n\"\x00\x7f\x80\xff";
    for (uint64_t left = 1 + random_of(state) % 8; left > 0; left--) {
        size_t at = n > 0 ? random_of(state) % n : 0;
        size_t piece = 1 + random_of(state) % 16;
        switch (random_of(state) % 5) {
        case 0:
            if (n > 0) bytes[at] = odd[random_of(state) % (sizeof odd - 1)];
            break;
        case 1:
            if (n > 0) bytes[at] ^= (uint8_t)(1u << random_of(state) % 8);
            break;
        case 2:
            if (piece > n - at) piece = n - at;
            memmove(bytes + at, bytes + at + piece, n - at - piece);
            n -= piece;
            break;
        case 3:
            if (piece > n - at) piece = n - at;
            if (n + piece > INPUT_BYTES_MAX) break;
            memmove(bytes + at + piece, bytes + at, n - at);
            n += piece;
            break;
        default: {
            size_t i = random_of(state) % n_seeds;
            size_t from = seeds[i].n > 0 ? random_of(state) % seeds[i].n : 0;
            if (piece > seeds[i].n - from) piece = seeds[i].n - from;
            if (at + piece > INPUT_BYTES_MAX) break;
            memcpy(bytes + at, seeds[i].bytes + from, piece);
            if (at + piece > n) n = at + piece;
        }
        }
    }
    return n;
}

static void keep(const uint8_t *bytes, size_t n) {
    FILE *file = getenv("CK_KEEP") ? fopen("crash-input", "wb") : NULL;
    if (!file) return;
    fwrite(bytes, 1, n, file);
    fclose(file);
}

int main(int argc, char **argv) {
    uint64_t seed = (uint64_t)time(NULL) | 1;
    long seconds = 3, n_runs = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-seed=", 6) == 0) {
            seed = strtoull(argv[i] + 6, NULL, 10) | 1;
        } else if (strncmp(argv[i], "-max_total_time=", 16) == 0) {
            seconds = strtol(argv[i] + 16, NULL, 10);
        } else if (argv[i][0] != '-') {
            read_seeds(argv[i]);
        }
    }
    if (n_seeds == 0) n_seeds = 1; /* an empty one */
    fprintf(stderr, "-seed=%llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < n_seeds; i++) LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].n);
    uint64_t state = seed;
    for (time_t end = time(NULL) + seconds; time(NULL) < end; n_runs++) {
        static uint8_t bytes[INPUT_BYTES_MAX];
        size_t i = random_of(&state) % n_seeds;
        memcpy(bytes, seeds[i].bytes, seeds[i].n);
        size_t n = mutate(bytes, seeds[i].n, &state);
        keep(bytes, n);
        LLVMFuzzerTestOneInput(bytes, n);
    }
    fprintf(stderr, "Done %ld runs in %ld second(s)\n", n_runs, seconds);
    return 0;
}
