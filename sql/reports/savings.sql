-- What the hits would have cost. Say what a chunk has in tokens and what a million tokens cost:
--     .param set :tokens_per_chunk 400
--     .param set :price_per_million 0.02
-- Without them 400 tokens and 0.02 are assumed.
SELECT coalesce(model || coalesce(' ' || version, ''), '(by hash)') AS model, sum(hits) AS hits,
       sum(hits) * coalesce(:tokens_per_chunk, 400) AS tokens,
       round(sum(hits) * coalesce(:tokens_per_chunk, 400) / 1e6
             * coalesce(:price_per_million, 0.02), 4) AS saved
FROM ck_hit_rate
GROUP BY model, version
ORDER BY saved DESC;
