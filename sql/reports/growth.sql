-- Embeddings stored by day and model, those still there, with a running total of bytes.
SELECT day, model, version, embeddings, bytes,
       sum(bytes) OVER (ORDER BY day, model, version) AS bytes_so_far
FROM ck_growth;
