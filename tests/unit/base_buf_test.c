/* The growable buffer: content, growth, the sticky error and the size arithmetic. */
#include "base/buf.h"

#include "unit.h"

static void grows_and_keeps_its_content(void) {
    CkBuf buf;
    ck_buf_init(&buf);
    CHECK(buf.data == NULL);
    for (int i = 0; i < 10000; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        ck_buf_append(&buf, &byte, 1);
    }
    CHECK_INT(buf.rc, SQLITE_OK);
    CHECK_INT(buf.n_bytes, 10000);
    CHECK(buf.capacity_bytes >= buf.n_bytes);
    int wrong = 0;
    for (int i = 0; i < 10000; i++) wrong += buf.data[i] != (uint8_t)(i * 7);
    CHECK_INT(wrong, 0);
    ck_buf_release(&buf);
    CHECK(buf.data == NULL);
    CHECK_INT(buf.n_bytes, 0);
}

static void reserve_does_not_count(void) {
    CkBuf buf;
    ck_buf_init(&buf);
    uint8_t *at = ck_buf_reserve(&buf, 100);
    CHECK(at != NULL);
    CHECK(at == buf.data);
    CHECK_INT(buf.n_bytes, 0);
    CHECK(ck_buf_extend(&buf, 100) == at);
    CHECK_INT(buf.n_bytes, 100);
    CHECK(ck_buf_extend(&buf, 3) == buf.data + 100);
    ck_buf_release(&buf);
}

static void clear_keeps_the_memory(void) {
    CkBuf buf;
    ck_buf_init(&buf);
    ck_buf_append(&buf, "hello", 5);
    uint8_t *before = buf.data;
    ck_buf_clear(&buf);
    CHECK_INT(buf.n_bytes, 0);
    ck_buf_append(&buf, "world", 5);
    CHECK(buf.data == before);
    CHECK(memcmp(buf.data, "world", 5) == 0);
    ck_buf_release(&buf);
}

static void nothing_is_something(void) {
    CkBuf buf;
    ck_buf_init(&buf);
    CHECK_MSG(ck_buf_reserve(&buf, 0) != NULL, "an empty reservation is no error");
    ck_buf_append(&buf, NULL, 0);
    CHECK_INT(buf.rc, SQLITE_OK);
    CHECK_INT(buf.n_bytes, 0);
    ck_buf_release(&buf);
}

static void an_error_sticks(void) {
    CkBuf buf;
    ck_buf_init(&buf);
    ck_buf_append(&buf, "abc", 3);
    CHECK(ck_buf_extend(&buf, SIZE_MAX) == NULL);
    CHECK_INT(buf.rc, SQLITE_NOMEM);
    CHECK_INT(buf.n_bytes, 3);
    ck_buf_append(&buf, "d", 1);
    CHECK(ck_buf_reserve(&buf, 1) == NULL);
    CHECK_INT(buf.n_bytes, 3);
    CHECK(memcmp(buf.data, "abc", 3) == 0);
    ck_buf_clear(&buf);
    CHECK_INT(buf.rc, SQLITE_OK);
    ck_buf_append(&buf, "d", 1);
    CHECK_INT(buf.n_bytes, 1);
    ck_buf_release(&buf);
}

static void sizes_do_not_wrap(void) {
    static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 4};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        CkBuf buf;
        ck_buf_init(&buf);
        ck_buf_append(&buf, "1234", 4);
        CHECK_MSG(ck_buf_reserve(&buf, huge[i]) == NULL, "%zu bytes were found", huge[i]);
        CHECK_INT(buf.rc, SQLITE_NOMEM);
        ck_buf_release(&buf);
    }
}

void ck_test_base_buf(void) {
    grows_and_keeps_its_content();
    reserve_does_not_count();
    clear_keeps_the_memory();
    nothing_is_something();
    an_error_sticks();
    sizes_do_not_wrap();
}
