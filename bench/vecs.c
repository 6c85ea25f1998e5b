/* Files of vectors: see vecs.h. */
#include "vecs.h"

#include <string.h>

#include "bench.h"

int vecs_read(Vecs *vecs, const char *set, const char *file) {
    char path[200];
    int32_t dims = 0;
    snprintf(path, sizeof path, VECS_DATA "%s/%s", set, file);
    FILE *in = fopen(path, "rb");
    memset(vecs, 0, sizeof *vecs);
    if (!in) return 0;
    if (fread(&dims, 4, 1, in) != 1 || dims < 1 || dims > 65536) bench_fail("%s: no dims", path);
    fseek(in, 0, SEEK_END);
    long n_bytes = ftell(in), record = 4 + 4L * dims;
    if (n_bytes % record != 0) bench_fail("%s: not of records of %d dims", path, dims);
    rewind(in);
    vecs->dims = dims;
    vecs->n = (int)(n_bytes / record);
    vecs->data = bench_alloc((size_t)n_bytes);
    if (fread(vecs->data, 1, (size_t)n_bytes, in) != (size_t)n_bytes) bench_fail("%s", path);
    fclose(in);
    return 1;
}

const void *vecs_at(const Vecs *vecs, int i) {
    return vecs->data + (size_t)i * (4 + 4 * (size_t)vecs->dims) + 4;
}
