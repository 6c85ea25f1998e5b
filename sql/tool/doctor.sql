-- ck doctor.

-- name: doctor_checks
SELECT "check", status, detail, fix FROM ck_doctor

-- name: doctor_checks_all
SELECT "check", status, detail, fix FROM ck_doctor('all')

-- name: doctor_repair
SELECT ck_repair(?1)

-- name: doctor_wal
PRAGMA main.journal_mode = WAL

-- Remotes that failed when they were tried last.
-- name: doctor_remotes
SELECT name, attempts, last_error FROM ck_remotes WHERE attempts > 0 ORDER BY name
