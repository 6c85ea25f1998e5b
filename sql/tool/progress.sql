-- Looking on while a statement is at work, from a second connection.

-- name: progress_of_task
SELECT done, total FROM main.ck_progress WHERE task = ?1
