-- How often the cache helped, by day and model. A hit is a look-up that found an embedding, a miss
-- one that had to be made. Those by hash are hits of ck_missing, which looks at hashes only.
--     sqlite3 store.db -cmd '.load build/ck' '.read sql/reports/hit_rate.sql'
SELECT day, coalesce(model || coalesce(' ' || version, ''), '(by hash)') AS model, hits, misses,
       hit_percent
FROM ck_hit_rate;
