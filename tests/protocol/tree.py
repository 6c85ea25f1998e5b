"""Trees of files to index, made from numbers, and what the store must say of them afterwards."""
import functools
import hashlib
import random
import struct

MODEL, VERSION = "fake", "1"
DIMS = 16


class Mismatch(Exception):
    """The store does not say what it must."""


def vector_of(content):
    """The vector of a content: any function of it that can be told from others."""
    if isinstance(content, str):
        content = content.encode()
    return struct.pack(f"<{DIMS}f", *(1 + byte for byte in
                                      hashlib.blake2b(content, digest_size=DIMS).digest()))


def embed(contents):
    """The vectors of a list of contents."""
    return [vector_of(content) for content in contents]


@functools.lru_cache(maxsize=4096)
def function_text(*numbers):
    """A function in C, about as long as a chunk."""
    rng = random.Random(repr(numbers))
    lines = [f"int function_{'_'.join(map(str, numbers))}(int x)", "{"]
    lines += [f"    x += table[{rng.randrange(1000)}] * argument_{rng.randrange(50)};"
              for _ in range(rng.randint(20, 40))]
    return "\n".join(lines + ["    return x;", "}", "", ""])


SHARED = [("shared", n) for n in range(6)]  # functions that stand in many files


def project(n_files, branch):
    """The files of a project on a branch (any number), {path: content}.

    Most are the same on neighbouring branches; some are edited, renamed or absent. All projects
    are made of the same functions, so that everybody shares content with everybody."""
    files = {}
    for i in range(n_files):
        edition = (branch + i) // (1 + i % 4)
        if (i * 7 + branch) % 11 == 0:
            continue
        name = f"file_{i}_{edition % 3}" if i % 5 == 0 else f"file_{i}"
        functions = [SHARED[(i + edition) % len(SHARED)]]
        functions += [(i, j, edition if (edition + j) % 3 == 0 else 0) for j in range(i % 4 + 1)]
        if edition % 2:
            functions.reverse()
        files[f"dir_{i % 5}/{name}.c"] = "".join(function_text(*f) for f in functions).encode()
    return files


def walk(files):
    """The walk of such a tree."""
    return iter(sorted(files.items()))


class Expected:
    """The refs that trees must have, by the chunker of a connection."""

    def __init__(self, db):
        self.db = db
        self.cache = {}

    def refs_of_file(self, path, content):
        """[(path, chunk, start_line, end_line, hash, vector)]."""
        if (path, content) not in self.cache:
            rows = self.db.execute(
                "SELECT chunk, start_line, end_line, ck_hash(?, ?, content), content "
                "FROM ck_chunks(?, ?)", (MODEL, VERSION, content, path)).fetchall()
            self.cache[path, content] = [(path, *row[:4], vector_of(row[4])) for row in rows]
        return self.cache[path, content]

    def refs(self, files):
        """The refs of a whole tree, sorted."""
        return sorted(row for item in files.items() for row in self.refs_of_file(*item))


def stored_refs(db, workspace):
    """The refs of a workspace and their vectors, sorted."""
    return db.execute(
        "SELECT path, chunk, start_line, end_line, hash, ck_get(hash) FROM refs "
        "WHERE workspace = ? ORDER BY path, chunk", (workspace,)).fetchall()


def check_refs(actual, expected, what):
    """Compares refs as stored_refs() and Expected.refs() give them."""
    if actual == expected:
        return
    lost = [row[:5] for row in expected if row not in actual]
    extra = [row[:5] for row in actual if row not in expected]
    raise Mismatch(f"{what}: {len(actual)} refs, expected {len(expected)}; "
                   f"{len(lost)} lost or wrong, such as {lost[:2]}; "
                   f"{len(extra)} that should not be, such as {extra[:2]}")


def check_workspace(db, workspace, files, expected):
    """A workspace has exactly the refs of a tree, and each has its vector."""
    check_refs(stored_refs(db, workspace), expected.refs(files), f"workspace {workspace}")


def check_no_dangling(db):
    """Every live ref, seen through the table and in the private ones, has its embedding."""
    lost = db.execute("SELECT count(*) FROM refs WHERE hash IS NULL OR ck_get(hash) IS NULL")
    lost = lost.fetchone()[0]
    if lost:
        raise Mismatch(f"{lost} refs without their embedding")
    private = db.execute(
        "SELECT count(*) FROM _ck_ref AS r "
        "JOIN _ck_workspace AS w ON w.id = r.id >> 43 AND w.state <> 'released' "
        "WHERE NOT EXISTS (SELECT 1 FROM _ck_embedding AS e WHERE e.id = r.embedding)")
    private = private.fetchone()[0]
    if private:
        raise Mismatch(f"{private} rows of _ck_ref without their embedding")


def check_file(db):
    """What must hold of any store that nobody is writing."""
    check_no_dangling(db)
    if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        raise Mismatch("integrity_check: " + str(db.execute("PRAGMA integrity_check").fetchall()))
    for name, other in (("_ck_vector", "_ck_embedding"), ("_ck_embedding", "_ck_vector")):
        alone = db.execute(f"SELECT count(*) FROM {name} WHERE id NOT IN (SELECT id FROM {other})")
        alone = alone.fetchone()[0]
        if alone:
            raise Mismatch(f"{alone} rows of {name} have none in {other}")
    nowhere = db.execute("SELECT count(*) FROM _ck_ref "
                         "WHERE id >> 43 NOT IN (SELECT id FROM _ck_workspace)").fetchone()[0]
    if nowhere:
        raise Mismatch(f"{nowhere} refs of no workspace")
