-- ck version.

-- name: version
SELECT ck_version()

-- name: version_debug
SELECT ck_debug()
