-- Vectors in JSON, as endpoints and programs answer; run in an empty database in memory.

-- name: answer_data
SELECT json_extract(value, '$.index'), json_type(value, '$.embedding'),
       json_extract(value, '$.embedding')
FROM json_each(?1, '$.data')

-- name: answer_line
SELECT json_extract(?1, '$.index'), json_type(?1, '$.embedding'), json_extract(?1, '$.embedding'),
       json_extract(?1, '$.error')

-- name: answer_floats
SELECT vec_f32(?1)

-- name: answer_message
SELECT CASE WHEN json_valid(?1) THEN
    CASE json_type(?1, '$.error')
        WHEN 'object' THEN json_extract(?1, '$.error.message')
        WHEN 'text' THEN json_extract(?1, '$.error')
        ELSE json_extract(?1, '$.message')
    END
END
