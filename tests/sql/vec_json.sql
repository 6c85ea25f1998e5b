-- JSON vectors: every malformed shape is refused with the byte and the reason; limits are named.
.echo on
SELECT vec_to_json(' [ 1 , -2.5e-1 , 3E+2 ] '), vec_to_json(char(9, 10, 13) || '[0]'), vec_to_json('[-0, 1e-400]');
SELECT vec_f32('');
SELECT vec_f32('   ');
SELECT vec_f32('[');
SELECT vec_f32(']');
SELECT vec_f32('[ ]');
SELECT vec_f32('[1');
SELECT vec_f32('[1,');
SELECT vec_f32('[1,]');
SELECT vec_f32('[,1]');
SELECT vec_f32('[1,,2]');
SELECT vec_f32('[1 2]');
SELECT vec_f32('[1;2]');
SELECT vec_f32('[[1]]');
SELECT vec_f32('[1, [2]]');
SELECT vec_f32(replace(printf('%2000s', ''), ' ', '['));
SELECT vec_f32('{"a": 1}');
SELECT vec_f32('[{"a": 1}]');
SELECT vec_f32('["1"]');
SELECT vec_f32('"[1]"');
SELECT vec_f32('1');
SELECT vec_f32('null');
SELECT vec_f32('[null]');
SELECT vec_f32('[true]');
SELECT vec_f32('[NaN]');
SELECT vec_f32('[Infinity]');
SELECT vec_f32('[-Infinity]');
SELECT vec_f32('[inf]');
SELECT vec_f32('[+1]');
SELECT vec_f32('[-]');
SELECT vec_f32('[--1]');
SELECT vec_f32('[01]');
SELECT vec_f32('[.5]');
SELECT vec_f32('[5.]');
SELECT vec_f32('[1e]');
SELECT vec_f32('[1e+]');
SELECT vec_f32('[1.5.5]');
SELECT vec_f32('[0x10]');
SELECT vec_f32('[1]x');
SELECT vec_f32('[1][2]');
SELECT vec_f32('[1e999]');
SELECT vec_f32('[-1e999]');
SELECT vec_f32('[1, 1e39]');
SELECT vec_f32('[1e99999999999999999999]');
SELECT vec_f32('[1' || printf('%.*c', 400, '0') || ']');
SELECT vec_f32('[1,' || char(1) || ']');
SELECT vec_f32('[1' || char(11) || ']');
SELECT vec_f32('[1' || char(0) || ']');
SELECT vec_f32(char(65279) || '[1]');
SELECT vec_f32('[é]');
SELECT vec_f32('[1, 2 -- three]');

-- Limits: components, and the bytes of the text.
SELECT vec_length('[1' || replace(printf('%65535s', ''), ' ', ',1') || ']');
SELECT vec_length('[1' || replace(printf('%65536s', ''), ' ', ',1') || ']');
SELECT vec_length('[1' || printf('%9999997s', '') || ']');
SELECT vec_length('[1' || printf('%9999998s', '') || ']');
SELECT vec_length(zeroblob(262144)), vec_length(vec_bit(zeroblob(8192))), vec_length(vec_int8(zeroblob(65536)));
SELECT vec_length(zeroblob(262148));
SELECT vec_length(vec_bit(zeroblob(8193)));
SELECT vec_length(vec_int8(zeroblob(65537)));
SELECT vec_length(vec_f16(zeroblob(131074)));

-- The argument is named where there are two.
SELECT vec_dot('[1, 2]', '[1, 2');
SELECT vec_distance_l2('[1, x]', '[1, 2]');
SELECT vec_add('[1, 2]', 7);
