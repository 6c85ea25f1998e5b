"""ck sql: statements, results, transactions, errors; and --explain-sql in the sqlite3 shell."""
import csv
import io
import json
import signal
import subprocess
import time

import common


def test_sql_results(box):
    main = box.workspace()
    statement = "SELECT 1 AS a, NULL AS b, 'x,\"y\nz' AS c, x'00ff' AS d, 1.5 AS e"
    assert box.sql(statement, cwd=main) == [
        {"a": 1, "b": None, "c": 'x,"y\nz', "d": "00ff", "e": 1.5}]
    rows = list(csv.reader(io.StringIO(box.ck("sql", "--csv", statement, cwd=main), newline="")))
    assert rows == [["a", "b", "c", "d", "e"], ["1", "", 'x,"y\nz', "00ff", "1.5"]], rows
    assert box.ck("sql", statement, cwd=main) == (
        'a  b  c        d          e\n1     x,"y\\nz  x\'00ff\'  1.5\n')
    assert box.sql("SELECT 1e999 AS a, char(1, 65533, 128512) AS b", cwd=main) == [
        {"a": None, "b": "\x01\ufffd😀"}]
    assert box.ck("sql", "--json", "SELECT 1 WHERE 0", cwd=main) == "[]\n"
    assert box.ck("sql", "SELECT 1 WHERE 0; -- nothing", cwd=main) == ""


def test_sql_many_columns(box):
    main = box.workspace()
    columns = ", ".join(f"{i} AS c{i}" for i in range(1500))
    assert box.ck("sql", f"SELECT {columns}", cwd=main).split()[-1] == "1499"
    assert len(box.sql(f"SELECT {columns}", cwd=main)[0]) == 1500


def test_sql_transactions(box):
    main = box.workspace()
    put = "SELECT ck_put('m', '1', 'x', ck_embed('x', 8));"
    count = "SELECT count(*) AS n FROM embeddings"
    box.ck("sql", "BEGIN", put, "ROLLBACK", cwd=main)
    assert box.sql(count, cwd=main) == [{"n": 0}]
    box.ck("sql", cwd=main, input=f"BEGIN;\n{put}\n")  # left open
    assert box.sql(count, cwd=main) == [{"n": 0}]
    box.ck("sql", cwd=main, input=f"BEGIN; {put} SELECT nope;", exit=3)
    assert "no such column: nope" in box.stderr and box.sql(count, cwd=main) == [{"n": 0}]
    box.ck("sql", cwd=main, input=f"BEGIN; {put} COMMIT -- no semicolon")
    assert box.sql(count, cwd=main) == [{"n": 1}]


def test_sql_wrong_input(box):
    main = box.workspace()
    box.fails(3, 'near "selec": syntax error', "sql", "selec 1", cwd=main)
    box.fails(3, "belongs to no workspace", "sql", "SELECT 1")
    assert box.ck("sql", cwd=main, input="") == ""
    assert box.ck("sql", ";;  ;", cwd=main) == ""


def test_sql_prompt(box):
    main = box.workspace()
    keys = ["SELECT\n", " 1 AS x;\n", "SELECT nope;\n", ".mode csv\n", "SELECT 2 AS y;\n", "BEGIN;\n",
            ".what\n.quit\n"]
    shown = box.terminal("sql", cwd=main, keys=keys, env={"NO_COLOR": "1"})
    assert box.exit == 0 and " ...> " in shown and "ck*> " in shown
    assert "x\n1\n" in shown and "y\n2\n" in shown, shown
    assert "error: no such column: nope" in shown and "'.what' is not known" in shown
    keys = ["SELECT 1 +\n", "\x03", ".tables\n", "\x04"]
    shown = box.terminal("sql", cwd=main, keys=keys, env={"NO_COLOR": "1"})
    assert box.exit == 0 and "embeddings" in shown, shown


@common.release_only
def test_sql_interrupt(box):
    main = box.workspace()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    for n in range(30):
        process = subprocess.Popen([str(box.binary), "sql", endless], cwd=main, env=box.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        common.wait_until_caught(process, signal.SIGINT)
        time.sleep(n / 5000)  # before the statement begins, as it begins, or while it runs
        process.send_signal(signal.SIGINT)
        try:
            out, error = process.communicate(timeout=common.SECONDS)
        finally:
            process.kill()
        assert process.returncode == 130 and "interrupted" in error and out == "", (out, error)


def test_explained_sql_runs_in_the_shell(box):
    if subprocess.run(["sqlite3", "-version"], capture_output=True).returncode != 0:
        raise common.Skip("no sqlite3 shell")
    if box.binary != common.RELEASE:
        raise common.Skip("the shell loads the released extension")
    main = box.workspace("it's")
    box.fill(main, 20, refs=5, age=7200)
    store = box.path / "base/.ck/embeddings.db"

    def replay(*arguments):
        """What a shell prints that runs what the command ran."""
        done = box.run(*arguments, "--explain-sql", "--quiet", cwd=main)
        assert done.returncode == 0, done
        shell = subprocess.run(["sqlite3", "-bail", "-json", "-cmd", f".load {common.ROOT}/build/ck",
                                str(store)], input=done.stderr, capture_output=True, text=True,
                               timeout=common.SECONDS)
        assert shell.returncode == 0, shell.stderr + done.stderr
        return done.stdout, shell.stdout

    own, shell = replay("workspace", "list", "--json")
    assert json.loads(own)[0]["name"] == "it's" and '"name":"it\'s"' in shell
    own, shell = replay("cache", "gc", "--dry-run", "--json")
    assert json.loads(own)["embeddings"] == 15 and '"embeddings":15' in shell
    replay("workspace", "pin", "it's")
    replay("cache", "stats")
    replay("doctor")
    replay("optimize")


def test_sql_hints(box):
    """Advice is about the file that the message is about."""
    main = box.workspace()
    box.fails(3, "unable to open database", "sql", "ATTACH '/nowhere/x.db' AS x", cwd=main)
    assert "must be writable" not in box.stderr, box.stderr
    box.sql("INSERT INTO ck_remotes(name, url) VALUES ('far', 'file:/nowhere/x.db') RETURNING 1", cwd=main)
    box.fails(3, "unable to open database", "sql", "SELECT ck_sync('far')", cwd=main)
    assert "must be writable" not in box.stderr, box.stderr
    (main / "x.txt").write_text("some text")
    box.ck("index", cwd=main)
    box.ck("sql", "DROP TABLE _ck_embedding", cwd=main)
    box.fails(3, "no such table: main._ck_embedding", "search", "x", cwd=main)
    assert "Run: ck doctor" in box.stderr, box.stderr
