/* Writing a graph's blocks: see graph_write.h. */
#include "store/graph_write.h"

/* Blocks written in one transaction: 2 MB. */
#define BLOCKS_PER_STEP 40

static void add(CkGraphWriter *writer, const CkGraphParts *parts, const CkRecordFormat *format,
                uint32_t n, const void *records) {
    writer->writes[writer->n++] = (CkRecordWrite){
        .key = {*format, parts->model, parts->row->generation, n},
        .records = records,
    };
}

/* The same for what is only added to: the last block that is there is written anew. */
static void add_behind(CkGraphWriter *writer, const CkGraphParts *parts,
                       const CkRecordFormat *format, const void *records) {
    add(writer, parts, format, parts->graph->shape.n[0], records);
    writer->writes[writer->n - 1].block = parts->n_present >> format->shift;
}

void ck_graph_writer_init(CkGraphWriter *writer, const CkGraphParts *parts) {
    const CkHnswShape *shape = &parts->graph->shape;
    int side = parts->row->side;
    CkRecordFormat format;
    writer->n = writer->at = 0;
    ck_record_format_codes(parts->dims, &format);
    add_behind(writer, parts, &format, parts->codes);
    ck_record_format_ids(&format);
    add_behind(writer, parts, &format, parts->ids);
    for (uint32_t level = 0; level < shape->n_levels; level++) {
        ck_record_format_links(shape, level, side, &format);
        add(writer, parts, &format, shape->n[level], parts->graph->links[level]);
    }
    ck_record_format_twins(side, &format);
    add(writer, parts, &format, (uint32_t)(parts->twins->n_bytes / sizeof(CkTwin)),
        parts->twins->data);
}

int ck_graph_writer_step(CkGraphWriter *writer, CkStore *store, int *done, CkError *err) {
    uint32_t room = BLOCKS_PER_STEP, n_written;
    while (room > 0 && writer->at < writer->n && err->rc == SQLITE_OK) {
        ck_records_write(&writer->writes[writer->at], store, room, &n_written, err);
        if (n_written < room) writer->at++;
        room -= n_written;
    }
    *done = writer->at == writer->n;
    return err->rc;
}
