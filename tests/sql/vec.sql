-- vec_*: what vectors look like, and what is refused.
.echo on
SELECT hex(vec_f32('[1, -2.5, 0.125]'));
SELECT vec_to_json(vec_f32(x'0000803f000020c0')), vec_to_json('[1, 2]'), vec_to_json(x'0000803f');
SELECT vec_length('[1, 2, 3]'), vec_length(zeroblob(12)), vec_length(vec_quantize_i8('[1, 2, 3]'));
SELECT vec_type('[1]'), vec_type(zeroblob(4)), vec_type(vec_f32('[1]')), vec_type(vec_quantize_i8('[1]'));
SELECT vec_to_json(vec_normalize('[3, 4]')), vec_to_json(vec_normalize('[1e30, 1e30]')), vec_to_json(vec_normalize('[1e-30, 0]'));
SELECT vec_cosine('[1, 0]', '[1, 0]'), vec_cosine('[1, 0]', '[0, 2]'), vec_cosine('[1, 0]', '[-3, 0]'), round(vec_cosine('[1, 0]', '[1, 1]'), 6);
SELECT vec_cosine('[1e30, 1e30]', '[1e-30, 1e-30]'), vec_cosine('[3e38, 3e38]', '[3e38, 3e38]');
SELECT vec_scale_i8('[-2, 1, 0.5]'), hex(vec_quantize_i8('[-2, 1, 0.5]')), vec_to_json(vec_dequantize_i8(vec_quantize_i8('[-2, 1, 0.5]'), vec_scale_i8('[-2, 1, 0.5]')));
SELECT vec_to_json(vec_quantize_i8('[1, 2.5, 3.5, -2.5, 500]', 1));
SELECT vec_cosine(vec_quantize_i8('[1, 2]'), vec_quantize_i8('[2, 4]'));
SELECT json(vec_to_json('[1, 2]'));

-- Every type: made, told apart, shown.
SELECT hex(vec_f16('[1, -2]')), hex(vec_int8('[1, -128]')), hex(vec_bit('[1, 0, 1, 0, 0, 0, 0, 1]')), hex(vec_bit(x'a5'));
SELECT subtype(vec_f32('[1]')), subtype(vec_bit(x'01')), subtype(vec_int8('[1]')), subtype(vec_f16('[1]')), subtype(vec_to_json('[1]'));
SELECT vec_type(vec_f16('[1]')), vec_type(vec_bit(x'01')), vec_length(vec_bit(x'0102')), vec_length(vec_f16('[1, 2]'));
SELECT vec_to_json(vec_f16('[1, 0.1]')), vec_to_json(vec_int8(x'017f80')), vec_to_json(vec_bit(x'05'));
SELECT subtype(vec_quantize_f16('[1]')), subtype(vec_quantize_i8('[1]')), subtype(vec_quantize_binary('[1,1,1,1,1,1,1,1]')), subtype(vec_dequantize_i8(x'01', 1));
SELECT vec_to_json(vec_quantize_f16('[0.1, 65504, 1e-8]')), vec_to_json(vec_quantize_binary('[1, -1, 0, 2, -0.0, 1e-45, -3, 4]'));

-- Arithmetic keeps the type.
SELECT vec_to_json(vec_add('[1, 2]', '[3, -4]')), vec_to_json(vec_sub(vec_int8('[1, 2]'), vec_int8('[3, -4]'))), vec_type(vec_add(vec_f16('[1]'), vec_f16('[2]')));
SELECT vec_to_json(vec_slice('[1, 2, 3, 4]', 1, 3)), vec_to_json(vec_slice(vec_bit(x'010203'), 8, 24)), vec_type(vec_slice(vec_int8('[1, 2]'), 0, 1));
SELECT vec_to_json(vec_normalize(vec_f16('[3, 4]'))), vec_type(vec_normalize(vec_f16('[3, 4]')));

-- Distances.
SELECT vec_dot('[1, 2]', '[3, 4]'), vec_dot(vec_int8('[-128]'), vec_int8('[-128]')), vec_dot(vec_f16('[0.5]'), vec_f16('[0.5]'));
SELECT vec_distance_l2('[1, 2]', '[4, 6]'), vec_distance_l2(vec_int8('[1, 2]'), vec_int8('[4, 6]')), vec_distance_l2(vec_f16('[1, 2]'), vec_f16('[4, 6]'));
SELECT vec_distance_l1('[1, 2]', '[4, 6]'), vec_distance_l1(vec_int8('[1, -128]'), vec_int8('[4, 127]')), vec_distance_l1(vec_f16('[1, 2]'), vec_f16('[4, 6]'));
SELECT vec_distance_cosine('[1, 0]', '[0, 1]'), vec_distance_cosine('[1, 2]', '[2, 4]'), vec_distance_cosine(vec_int8('[1, 0]'), vec_int8('[-1, 0]'));
SELECT vec_distance_hamming(vec_bit(x'ff00'), vec_bit(x'0f01')), vec_distance_hamming(vec_quantize_binary('[1,-1,1,-1,1,-1,1,-1]'), vec_bit(x'00'));
SELECT vec_distance_l2('[3e38, 0]', '[-3e38, 0]') / 6e38 BETWEEN 0.999999 AND 1.000001, vec_distance_l2('[1e-30]', '[0]') / 1e-30 BETWEEN 0.999999 AND 1.000001, vec_dot('[1e30]', '[1e30]') / 1e60 BETWEEN 0.999999 AND 1.000001;

-- The components as rows.
SELECT rowid, value, typeof(value) FROM vec_each('[0.5, -1]');
SELECT group_concat(value) FROM vec_each(vec_bit(x'0580'));
SELECT group_concat(value), typeof(value) FROM vec_each(vec_int8('[1, -128]'));
SELECT t.name, e.rowid, e.value FROM (SELECT 'a' AS name, '[1, 2]' AS v UNION ALL SELECT 'b', '[3]') AS t, vec_each(t.v) AS e;

-- In an aggregate over a table, with a constant operand, and one that changes.
CREATE TABLE t(v, w);
INSERT INTO t VALUES (vec_f32('[1, 0]'), '[1, 0]'), (vec_f32('[0, 1]'), '[1, 0]'), (vec_f32('[1, 1]'), '[0, 1]'), ('[1, -1]', '[1, 0]');
SELECT round(vec_cosine(v, '[1, 0]'), 4), round(vec_cosine('[1, 0]', v), 4), round(vec_cosine(v, w), 4), round(vec_cosine(x'0000803f00000000', v), 4) FROM t;
SELECT max(vec_cosine(v, (SELECT v FROM t LIMIT 1))), min(vec_cosine(v, w)) FROM t;
SELECT a.rowid, b.rowid, round(vec_cosine(a.v, b.v), 4) FROM t AS a, t AS b WHERE a.rowid < b.rowid ORDER BY 1, 2;

-- Refused.
SELECT vec_f32(NULL);
SELECT vec_f32('');
SELECT vec_f32('[]');
SELECT vec_f32('[1,]');
SELECT vec_f32('[1');
SELECT vec_f32('[1e999]');
SELECT vec_f32(x'');
SELECT vec_f32(x'000000');
SELECT vec_f32(x'0000c07f');
SELECT vec_f32(7);
SELECT vec_f32();
SELECT vec_f32('[1]', '[2]');
SELECT vec_f32(vec_quantize_i8('[1]'));
SELECT vec_normalize('[0, 0]');
SELECT vec_cosine('[0, 0]', '[1, 0]');
SELECT vec_cosine('[1, 0]', '[0, 0]');
SELECT vec_cosine('[1, 0]', '[1, 0, 0]');
SELECT vec_cosine('[1, 0]', NULL);
SELECT vec_cosine('[1, 0]');
SELECT vec_cosine('[1, 0]', vec_quantize_i8('[1, 0]'));
SELECT vec_cosine(x'0000c07f', x'0000803f');
SELECT vec_scale_i8('[0, 0]');
SELECT vec_quantize_i8('[0, 0]');
SELECT vec_quantize_i8('[1, 2]', 0);
SELECT vec_quantize_i8('[1, 2]', -1);
SELECT vec_quantize_i8('[1, 2]', 'x');
SELECT vec_quantize_i8('[1, 2]', NULL);
SELECT vec_dequantize_i8(vec_quantize_i8('[1]'));
SELECT vec_dequantize_i8(vec_f32('[1]'), 1);
SELECT vec_dequantize_i8(x'7f81', 127.0) = x'0000803f000080bf';

-- Refused by type.
SELECT vec_f16(vec_f32('[1]'));
SELECT vec_int8(vec_f32('[1]'));
SELECT vec_bit(vec_int8('[1]'));
SELECT vec_f16('[1, 65505]');
SELECT vec_quantize_f16('[1, 1e9]');
SELECT vec_int8('[1, 128]');
SELECT vec_int8('[1.5]');
SELECT vec_bit('[1, 0, 1]');
SELECT vec_bit('[1, 0, 1, 0, 0, 0, 0, 2]');
SELECT vec_f16(x'000000');
SELECT vec_quantize_binary('[1, 2, 3]');
SELECT vec_quantize_binary(vec_bit(x'01'));
SELECT vec_normalize(vec_int8('[1]'));
SELECT vec_add('[1]', vec_int8('[1]'));
SELECT vec_add('[1]', '[1, 2]');
SELECT vec_add(vec_bit(x'01'), vec_bit(x'01'));
SELECT vec_add(vec_int8('[0, 100]'), vec_int8('[0, 100]'));
SELECT vec_sub('[3e38]', '[-3e38]');
SELECT vec_sub('[1, 1]', x'0000803f0000c07f');
SELECT vec_slice('[1, 2, 3]', 2, 1);
SELECT vec_slice('[1, 2, 3]', 1, 1);
SELECT vec_slice('[1, 2, 3]', 0, 4);
SELECT vec_slice('[1, 2, 3]', -1, 2);
SELECT vec_slice('[1, 2, 3]', 4294967297, 2);
SELECT vec_slice('[1, 2, 3]', NULL, 2);
SELECT vec_slice('[1, 2, 3]', 'x', 2);
SELECT vec_slice(vec_bit(x'0102'), 4, 16);
SELECT vec_slice('[1, 2, 3]', 0);
SELECT vec_dot(vec_bit(x'01'), vec_bit(x'01'));
SELECT vec_dot(vec_f16('[1]'), '[1]');
SELECT vec_distance_l2(vec_bit(x'01'), vec_bit(x'01'));
SELECT vec_distance_hamming('[1]', '[1]');
SELECT vec_distance_hamming(vec_bit(x'01'), vec_bit(x'0102'));
SELECT vec_distance_cosine('[0, 0]', '[1, 0]');
SELECT vec_distance_cosine(vec_int8('[1]'), vec_int8('[0]'));
SELECT vec_distance_l1('[1]', x'0000807f');
SELECT vec_distance_l2(x'0000c07f', x'0000c07f');
SELECT * FROM vec_each(NULL);
SELECT * FROM vec_each('[1,');
SELECT * FROM vec_each;
