-- What storing each embedding once saves: the bytes all refs would take if each had its own copy,
-- the bytes of one copy per workspace, and the bytes that are stored.
SELECT sum(e.bytes * u.refs) AS bytes_by_ref,
       sum(e.bytes * u.workspaces) AS bytes_by_workspace,
       sum(e.bytes) AS bytes_stored,
       round(1.0 * sum(e.bytes * u.refs) / sum(e.bytes), 2) AS ratio_by_ref,
       round(1.0 * sum(e.bytes * u.workspaces) / sum(e.bytes), 2) AS ratio_by_workspace
FROM (SELECT r.embedding, count(*) AS refs, count(DISTINCT w.id) AS workspaces
      FROM _ck_ref AS r JOIN _ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released'
      GROUP BY r.embedding) AS u
JOIN _ck_embedding AS e ON e.id = u.embedding;
