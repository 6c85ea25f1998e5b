-- What each workspace uses: bytes nobody else uses (freed if it went), and bytes it shares.
SELECT u.workspace, w.state, date(w.last_seen, 'unixepoch') AS last_seen, u.refs, u.embeddings,
       u.exclusive_bytes, u.shared_bytes
FROM ck_usage AS u JOIN workspaces AS w ON w.name = u.workspace
ORDER BY u.exclusive_bytes DESC, u.workspace;
