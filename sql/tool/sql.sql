-- ck sql: its .tables.

-- name: sql_tables
SELECT name, type FROM (
    SELECT name, type FROM main.sqlite_schema
    WHERE type IN ('table', 'view') AND name NOT GLOB '_ck_*' AND name NOT GLOB 'sqlite_*'
    UNION ALL
    SELECT name, 'virtual' FROM pragma_module_list
    WHERE name IN ('embeddings', 'refs', 'workspaces', 'models', 'knn') OR name GLOB 'ck_*')
ORDER BY name
