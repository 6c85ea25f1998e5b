-- ck loads, tells its version, loads a second time without harm, and reading creates nothing.
SELECT ck_version() GLOB '[0-9]*.[0-9]*.[0-9]*' AS version_ok;
.load build/ck
SELECT count(*) FROM embeddings;
SELECT count(*) FROM ck_refs;
SELECT count(*) AS things_created FROM sqlite_schema;
SELECT typeof(ck_debug());
