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
