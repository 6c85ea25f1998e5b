-- The mirror: the workspace, known by its uuid, that holds what is pulled of mirrored remotes. Its
-- paths are REMOTE/LISTING/GROUP; a ref of embedding ID has group ID >> 18 and chunk ID & 262143.

-- name: mirror_find
SELECT id FROM main._ck_workspace WHERE uuid = 'mirror'

-- name: mirror_create
INSERT INTO main._ck_workspace(name, uuid, created_at, last_seen, pinned, state)
SELECT CASE WHEN EXISTS (SELECT 1 FROM main._ck_workspace WHERE name = 'mirror')
            THEN 'mirror of ' || store_uuid ELSE 'mirror' END,
       'mirror', ?1, ?1, 1, 'live'
FROM main._ck_meta WHERE id = 1

-- name: mirror_touch
UPDATE main._ck_workspace SET stamp = random() WHERE uuid = 'mirror'

-- name: mirror_path_add
INSERT OR IGNORE INTO main._ck_path(path) VALUES (?1)

-- name: mirror_ref
INSERT OR IGNORE INTO main._ck_ref(id, embedding) VALUES (?1, ?2)

-- The first mirrored remote after ?1 by name that may have hash ?2, which has a tombstone here: one that
-- is told of the embedding that is put in its place, or never heard of the tombstone.
-- name: mirror_holder
SELECT r.name, r.listing
FROM main.ck_remotes AS r
CROSS JOIN main.ck_tombstones AS t ON t.hash = ?2
WHERE r.mirror AND r.name > ?1
  AND (r.push OR t.origin >= (SELECT store_uuid FROM main._ck_meta WHERE id = 1) || '/'
             AND t.origin < (SELECT store_uuid FROM main._ck_meta WHERE id = 1) || '0')
ORDER BY r.name LIMIT 1

-- Mirrored remotes list all again when workspace ?1 is the mirror's.
-- name: mirror_relist
UPDATE main.ck_remotes SET pull_seq = 0, pull_high = 0, listing = listing + 1
WHERE mirror AND ?1 IN (SELECT id FROM main._ck_workspace WHERE uuid = 'mirror')

-- name: mirror_forget_segments
DELETE FROM main._ck_segment WHERE remote IN (SELECT name FROM main.ck_remotes WHERE mirror)

-- Up to ?4 refs of workspace ?1 that were made by earlier listings of the remote whose paths are above
-- ?2 (REMOTE/) and below ?3 (REMOTE0), but not below ?5 (REMOTE/LISTING/).
-- name: mirror_sweep
DELETE FROM main._ck_ref WHERE id IN (
    SELECT r.id FROM main._ck_path AS p
    CROSS JOIN main._ck_ref AS r
        ON r.id >= (?1 << 43) + (p.id << 18) AND r.id < (?1 << 43) + ((p.id + 1) << 18)
    WHERE p.path > ?2 AND p.path < ?3 AND substr(p.path, 1, length(?5)) <> ?5
    LIMIT ?4)
RETURNING 1
