"""The scenario in Python's sqlite3 module: scenario.py EXTENSION DATABASE."""
import sqlite3
import struct
import sys


def vector(*numbers):
    """Numbers as ck stores them: little-endian 32-bit floats."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def show(*arguments):
    """Runs one statement and prints its rows as the shell's list mode does, or its error."""
    try:
        for row in db.execute(*arguments):
            print("|".join(str(value) for value in row))
    except sqlite3.Error as error:
        print("error:", error)


INSERT = "INSERT INTO embeddings(model, version, content, vector) VALUES ('tiny', '1', ?, ?)"
REF = "INSERT INTO refs(workspace, path, chunk, start_line, end_line, hash) VALUES (?, ?, 0, 1, ?, ?)"
QUERY = vector(1, 0, 0, 0)

db = sqlite3.connect(sys.argv[2], isolation_level=None)
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
db.enable_load_extension(False)


def hash_of(content):
    """The cache key of a content."""
    return db.execute("SELECT ck_hash('tiny', '1', ?)", (content,)).fetchone()[0]


print("-- insert")
db.executemany(INSERT, [("alpha", vector(1, 0, 0, 0)), ("beta", vector(0, 1, 0, 0)),
                        ("gamma", vector(0.6, 0.8, 0, 0))])
show("SELECT model, version, dims, count FROM models")
put = db.execute("SELECT ck_put('tiny', '1', 'delta', ?)", (vector(0, 0, 0, 1),)).fetchone()[0]
print(int(put == hash_of("delta")))
print("-- get")
show("SELECT vec_to_json(ck_get(?))", (hash_of("beta"),))
show("SELECT ck_get('tiny', '1', 'nothing') IS NULL")
stored = db.execute("SELECT vector FROM embeddings WHERE hash = ?", (hash_of("gamma"),)).fetchone()
assert stored[0] == vector(0.6, 0.8, 0, 0)
print(stored[0].hex().upper())
print("-- refs")
db.execute("INSERT INTO workspaces(name) VALUES ('main')")
db.execute(REF, ("main", "a.txt", 5, hash_of("alpha")))
db.execute(REF, ("main", "b.txt", 7, hash_of("gamma")))
show("SELECT workspace, path, chunk, start_line, end_line FROM refs ORDER BY path")
show("SELECT name, refs, embeddings FROM workspaces")
print("-- knn")
show("SELECT path, printf('%.4f', similarity) FROM knn(?, 3) JOIN refs USING (hash)"
     " ORDER BY similarity DESC", (QUERY,))
show("SELECT count(*) FROM knn(?, 2)", (QUERY,))
show("SELECT count(*) FROM knn(?, 10) WHERE workspace = ?", (QUERY, "main"))
print("-- missing")
show("SELECT ord, hash = ck_hash('tiny', '1', 'nothing') FROM ck_missing(?)",
     (hash_of("alpha") + hash_of("nothing"),))
print("-- gc")
show("SELECT count(*) FROM ck_garbage(0)")
show("SELECT ck_gc(0) IS NOT NULL")
show("SELECT count(*) FROM embeddings")
print("-- transaction")
db.execute("BEGIN")
db.execute(INSERT, ("beta", vector(0, 1, 0, 0)))
db.execute("ROLLBACK")
show("SELECT count(*) FROM embeddings")
print("-- errors")
show(INSERT, ("x", vector(1, 2, 3)))
show(INSERT, ("alpha", vector(1, 0, 0, 0)))
show("INSERT INTO refs(workspace, path, chunk, hash) VALUES ('main', 'c.txt', 0, ?)", (bytes(32),))
show("SELECT * FROM knn(?, 0)", (QUERY,))
show("DELETE FROM embeddings WHERE hash = ?", (hash_of("alpha"),))
print("-- end")
show("PRAGMA integrity_check")
db.close()
