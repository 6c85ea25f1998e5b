"""Compares what SQL reads with what a model.State says: whole tables, and random queries."""
import json
import sqlite3
import struct

import actions
from actions import blob, text
from model import distance, similarity


class Mismatch(Exception):
    """SQL answered otherwise than the model."""

    def __init__(self, what, actual, expected):
        super().__init__(f"{what}\n  is        {actual!r}\n  should be {expected!r}")


def same(what, actual, expected):
    """Raises Mismatch unless both are equal."""
    if actual != expected:
        raise Mismatch(what, actual, expected)


def settle(what, cell, actual):
    """The value of a cell of the model that may be open: a (from, to) pair, or None for any."""
    if isinstance(cell, tuple):
        if not cell[0] <= actual <= cell[1]:
            raise Mismatch(what, actual, cell)
        return actual
    same(what, actual, cell)
    return cell


def tables(db, state):
    """Compares all rows of the four tables and settles what is open in the state."""
    _embeddings(db, state)
    _refs(db, state)
    _workspaces(db, state)
    rows = db.execute("SELECT model, version, rowid, dims, metric, encoding, normalized, m, "
                      "ef_construction, ef_search, count, bytes FROM models").fetchall()
    expected = []
    for name, m in state.models.items():
        mine = [e.bytes for e in state.embeddings.values() if e.model == name]
        expected.append(name + tuple(m) + (len(mine), sum(mine)))
    same("models", sorted(rows), sorted(expected))


def _embeddings(db, state):
    rows = db.execute("SELECT hash, rowid, model, version, dims, vector, encoding, bytes, "
                      "created_at, used_at, seq, origin, refs FROM embeddings").fetchall()
    same("hashes of embeddings", sorted(row[0].hex() for row in rows),
         sorted(key.hex() for key in state.embeddings))
    counts = {}
    for ref in state.refs.values():
        counts[ref.hash] = counts.get(ref.hash, 0) + 1
    for row in rows:
        e = state.embeddings[row[0]]
        what = f"embeddings row {row[1]}, "
        vector = struct.unpack(f"<{len(row[5]) // 4}f", row[5])
        same(what + "rowid, model, version, dims, vector, encoding, seq, origin, refs",
             (row[1], row[2:4], row[4], vector, row[6], row[10], row[11], row[12]),
             (e.id, e.model, len(e.vector), e.vector, e.encoding, e.seq, e.origin,
              counts.get(row[0], 0)))
        size = (1, 4 * len(vector) + 64) if e.bytes is None else e.bytes
        state.embeddings[row[0]] = e._replace(
            bytes=settle(what + "bytes", size, row[7]),
            created_at=settle(what + "created_at", e.created_at, row[8]),
            used_at=settle(what + "used_at", e.used_at, row[9]))


def _refs(db, state):
    rows = db.execute("SELECT workspace, path, chunk, start_line, end_line, hash FROM refs")
    same("refs", sorted(rows.fetchall(), key=repr),
         sorted(((state.workspaces[key[0]].name, key[1], key[2], ref.start_line, ref.end_line,
                  ref.hash) for key, ref in state.refs.items()), key=repr))


def _workspaces(db, state):
    rows = db.execute("SELECT rowid, name, uuid, root, host, created_at, last_seen, expires_at, "
                      "pinned, state, refs, embeddings, bytes, shared_bytes FROM workspaces")
    rows = rows.fetchall()
    same("names of workspaces", sorted(row[1] for row in rows),
         sorted(w.name for w in state.workspaces.values()))
    for row in rows:
        number = state.workspace_id(row[1])
        w = state.workspaces[number]
        what = f"workspace {row[1]}, "
        same(what + "rowid, root, host, expires_at, pinned, state",
             (row[0], row[3], row[4], row[7], row[8], row[9]),
             (number, w.root, w.host, w.expires_at, w.pinned, w.state))
        same(what + "refs, embeddings, bytes, shared_bytes", row[10:], state.usage(number))
        state.workspaces[number] = w._replace(
            uuid=settle(what + "uuid", w.uuid or row[2], row[2]),
            created_at=settle(what + "created_at", w.created_at, row[5]),
            last_seen=settle(what + "last_seen", w.last_seen, row[6]))


def integrity(db):
    """What must hold in the file itself, once nobody writes."""
    same("PRAGMA integrity_check", db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = '_ck_meta'").fetchone():
        return
    for what, sql in (
            ("refs without embedding",
             "SELECT id FROM _ck_ref WHERE embedding NOT IN (SELECT id FROM _ck_embedding)"),
            ("refs without workspace",
             "SELECT id FROM _ck_ref WHERE id >> 43 NOT IN (SELECT id FROM _ck_workspace)"),
            ("refs without path",
             "SELECT id FROM _ck_ref WHERE id >> 18 & 33554431 NOT IN (SELECT id FROM _ck_path)"),
            ("embeddings not found by their hash",
             "SELECT id FROM _ck_embedding AS e WHERE NOT EXISTS "
             "(SELECT 1 FROM _ck_hash AS h WHERE h.hash = e.hash AND h.id = e.id)"),
            ("hashes of other embeddings",
             "SELECT e.id FROM _ck_hash AS h JOIN _ck_embedding AS e ON e.id = h.id "
             "WHERE e.hash <> h.hash"),
            ("ids not given out yet",
             "SELECT id FROM _ck_hash WHERE id > (SELECT seq FROM _ck_meta)"),
            ("vectors without embedding",
             "SELECT id FROM _ck_vector WHERE id NOT IN (SELECT id FROM _ck_embedding)"),
            ("embeddings without vector",
             "SELECT id FROM _ck_embedding WHERE id NOT IN (SELECT id FROM _ck_vector)"),
            ("embeddings and vectors of different models",
             "SELECT id FROM _ck_embedding AS e JOIN _ck_vector AS v USING(id) "
             "WHERE e.model <> v.model OR e.bytes <> length(v.data)"),
            ("embeddings without model",
             "SELECT id FROM _ck_embedding WHERE model NOT IN (SELECT id FROM _ck_model)")):
        same(what, db.execute(sql).fetchall(), [])


class Queries:
    """Random reads. run(db, state) makes one; `ask` is called with each statement first."""

    def __init__(self, rng, writes, ask):
        self.rng = rng
        self.writes = writes
        self.ask = ask

    def rows(self, db, sql):
        """The rows of a query, which is noted for the log."""
        self.ask(sql)
        return db.execute(sql).fetchall()

    def run(self, db, state):
        """One random query of one kind."""
        self.rng.choice([self.embeddings, self.refs, self.figures, self.gets, self.garbage,
                         self.knn, self.knn, self.knn, self.knn_join])(db, state)

    def order(self, columns, unique):
        """ORDER BY columns and an order for them; `unique` makes it total."""
        rng = self.rng
        chosen = rng.sample(columns, rng.randint(1, min(3, len(columns))))
        keys = [(name, rng.choice([1, 1, -1])) for name in chosen]
        keys += [(name, 1) for name in unique if name not in chosen]
        sql = ", ".join(name + (" DESC" if sign < 0 else "") for name, sign in keys)

        def sort(rows):
            for name, sign in reversed(keys):
                rows = sorted(rows, key=lambda row: row[name], reverse=sign < 0)
            return rows
        return " ORDER BY " + sql, sort

    def page(self):
        """LIMIT and OFFSET: SQL and slice."""
        if self.rng.random() < 0.5:
            return "", slice(None)
        limit, offset = self.rng.randint(0, 8), self.rng.choice([0, 0, 1, 3])
        return (f" LIMIT {limit}" + (f" OFFSET {offset}" if offset else ""),
                slice(offset, offset + limit))

    def embeddings(self, db, state):
        """Bounds, equality, IN and order on embeddings."""
        rng = self.rng
        rows = [{"rowid": e.id, "hash": key, "seq": e.seq, "model": e.model[0], "bytes": e.bytes}
                for key, e in state.embeddings.items()]
        tests, terms = [], []
        for _ in range(rng.randint(0, 3)):
            column = rng.choice(["rowid", "hash", "seq", "model"])
            op = rng.choice(["=", "<", "<=", ">", ">=", "IN"])
            pick = {"hash": lambda: self.writes.any_hash(state),
                    "model": lambda: self.writes.model_name(state)[0]}.get(
                        column, lambda: rng.randint(0, state.seq + 1))
            values = [pick() for _ in range(3 if op == "IN" else 1)]
            right = "(" + ", ".join(map(text, values)) + ")" if op == "IN" else text(values[0])
            terms.append(f"{column} {op} {right}")
            tests.append(lambda row, c=column, o=op, v=values: {
                "=": row[c] == v[0], "<": row[c] < v[0], "<=": row[c] <= v[0],
                ">": row[c] > v[0], ">=": row[c] >= v[0], "IN": row[c] in v}[o])
        order, sort = rng.choice([lambda: self.order(["rowid"], []),
                                  lambda: self.order(["hash"], []),
                                  lambda: self.order(["seq"], []),
                                  lambda: self.order(["model", "seq", "bytes"], ["rowid"])])()
        limit, part = self.page()
        sql = ("SELECT rowid, hash FROM embeddings" +
               (" WHERE " + " AND ".join(terms) if terms else "") + order + limit)
        expected = sort([row for row in rows if all(test(row) for test in tests)])[part]
        same(sql, self.rows(db, sql), [(row["rowid"], row["hash"]) for row in expected])

    def refs(self, db, state):
        """Every combination of constraints and orders on refs."""
        rng = self.rng
        columns = ["workspace", "path", "chunk", "start_line", "hash", "rowid"]
        rows = [dict(zip(columns, row)) for row in self.rows(
            db, "SELECT workspace, path, chunk, start_line, hash, rowid FROM refs")]
        same("rowids of refs", len({row["rowid"] for row in rows}), len(state.refs))
        terms, tests = [], []
        for column in rng.sample(["workspace", "path", "chunk", "hash", "rowid"],
                                 rng.randint(0, 4)):
            model_row = rng.choice(rows) if rows and rng.random() < 0.9 else None
            value = model_row[column] if model_row else {"chunk": 9, "rowid": 9}.get(column, "none")
            if column == "path" and rng.random() < 0.4:
                terms.append("path GLOB 'src/*'")
                tests.append(lambda row: row["path"].startswith("src/"))
                continue
            if rng.random() < 0.2:
                other = rng.choice(rows)[column] if rows else "none"
                terms.append(f"{column} IN ({text(value)}, {text(other)})")
                tests.append(lambda row, c=column, v=(value, other): row[c] in v)
                continue
            terms.append(f"{column} = {text(value)}")
            tests.append(lambda row, c=column, v=value: row[c] == v)
        order, sort = rng.choice([
            lambda: self.order(["workspace", "path", "chunk", "hash"],
                               ["workspace", "path", "chunk"]),
            lambda: self.order(["rowid"], []),
            lambda: (" ORDER BY workspace, path, chunk", lambda found: sorted(
                found, key=lambda r: (r["workspace"], r["path"], r["chunk"])))])()
        limit, part = self.page()
        sql = ("SELECT rowid FROM refs" + (" WHERE " + " AND ".join(terms) if terms else "") +
               order + limit)
        expected = sort([row for row in rows if all(test(row) for test in tests)])[part]
        same(sql, self.rows(db, sql), [(row["rowid"],) for row in expected])

    def figures(self, db, state):
        """ck_stats, ck_usage and single workspaces."""
        stats = dict(self.rows(db, "SELECT name, value FROM ck_stats"))
        if not state.exists:
            same("ck_stats", stats, {})
            return
        used = state.referenced()
        expected = {
            "seq": state.seq, "models": len(state.models), "embeddings": len(state.embeddings),
            "bytes": sum(e.bytes for e in state.embeddings.values()),
            "live_embeddings": len(used),
            "live_bytes": sum(state.embeddings[key].bytes for key in used),
            "workspaces": len(state.workspaces), "refs": len(state.refs),
            "paths": len(state.paths)}
        same("ck_stats", {name: stats[name] for name in expected}, expected)
        usage = []
        for number, w in state.workspaces.items():
            refs, count, size, shared = state.usage(number)
            usage.append((w.name, refs, count, size, size - shared, shared))
        same("ck_usage", sorted(self.rows(db, "SELECT * FROM ck_usage")), sorted(usage))
        name = self.writes.workspace(state)
        number = state.workspace_id(name)
        sql = f"SELECT refs, bytes FROM workspaces WHERE name = {text(name)}"
        same(sql, self.rows(db, sql),
             [] if number is None else [state.usage(number)[0::2]])

    def gets(self, db, state):
        """ck_get and ck_missing."""
        keys = [self.writes.any_hash(state, 0.6) for _ in range(self.rng.randint(0, 12))]
        missing = [(i, key) for i, key in enumerate(keys) if key not in state.embeddings]
        form = text(b"".join(keys))
        if self.rng.random() < 0.5:
            form = text(json.dumps([key.hex() for key in keys]))
        sql = f"SELECT ord, hash FROM ck_missing({form})"
        same(sql, self.rows(db, sql), missing)
        for key in keys[:2]:
            e = state.embeddings.get(key)
            sql = f"SELECT ck_get({text(key)})"
            same(sql, self.rows(db, sql), [(blob(e.vector) if e else None,)])
            sql = f"SELECT vector FROM embeddings WHERE hash = {text(key)}"
            same(sql, self.rows(db, sql), [(blob(e.vector),)] if e else [])
            sql = f"SELECT vector, rowid, refs FROM embeddings WHERE hash = {text(key)}"
            counts = sum(ref.hash == key for ref in state.refs.values())
            same(sql, self.rows(db, sql), [(blob(e.vector), e.id, counts)] if e else [])
        name, content = self.writes.model_name(state), f"c{self.rng.randrange(40)}"
        e = state.embeddings.get(self.writes.hasher(*name, content))
        sql = f"SELECT ck_get({text(name[0])}, {text(name[1])}, {text(content)})"
        same(sql, self.rows(db, sql), [(blob(e.vector) if e else None,)])

    def garbage(self, db, state):
        """ck_garbage, the dry run."""
        grace = self.rng.choice(actions.GRACES)
        now = self.rows(db, "SELECT unixepoch()")[0][0]
        expected = [(key, *state.embeddings[key].model, state.embeddings[key].bytes)
                    for key in state.garbage(grace, (now, now))]
        sql = f"SELECT hash, model, version, bytes FROM ck_garbage({grace})"
        same(sql, sorted(self.rows(db, sql)), sorted(expected))

    # knn

    def neighbours(self, db, state, name, query):
        """All of a model, nearest first, compared with brute force."""
        model = state.models[name]
        sql = (f"SELECT rowid, hash, distance, similarity, model, version FROM "
               f"knn({text(blob(query))}, 4096) WHERE model = {text(name[0])} AND "
               f"version = {text(name[1])}")
        rows = self.rows(db, sql)
        same(sql + ": rowids", sorted(row[0] for row in rows),
             sorted(e.id for e in state.embeddings.values() if e.model == name))
        same(sql + ": order", [row[0] for row in rows],
             [row[0] for row in sorted(rows, key=lambda row: (row[2], row[0]))])
        for row in rows:
            e = state.embeddings.get(row[1])
            same(sql + ": hash, model", (e and e.id, row[4:]), (row[0], name))
            for actual, exact in ((row[2], distance(model.metric, query, e.vector)),
                                  (row[3], similarity(model.metric, row[2]))):
                # The terms of a dot product may be larger than their sum.
                size = sum(abs(x * y) for x, y in zip(query, e.vector)) * (model.metric == "dot")
                if abs(actual - exact) > 2e-5 * max(1.0, abs(exact), size):
                    raise Mismatch(f"{sql}: row {row[0]}, distance or similarity", actual, exact)
        return rows

    def filters(self, state, everything):
        """Random filters of knn: (SQL terms, tests inside the search, tests after it, error)."""
        rng = self.rng
        terms, inside, after, error = [], [], [], False
        near = rng.choice(everything) if everything else (0, b"", 0.5, 0.5)
        if rng.random() < 0.3:
            names = [self.writes.workspace(state, 0.97) for _ in range(rng.choice([1, 1, 2, 3]))]
            numbers = [state.workspace_id(n) for n in names]
            error = None in numbers
            keys = {ref.hash for key, ref in state.refs.items() if key[0] in numbers}
            terms.append(f"workspace = {text(names[0])}" if len(names) == 1 else
                         f"workspace IN ({', '.join(map(text, names))})")
            inside.append(lambda row: row[1] in keys)
        if rng.random() < 0.2:
            # Two at least: SQLite makes = of an IN with one element, and = filters afterwards.
            in_list = {self.writes.any_hash(state) for _ in range(rng.randint(1, 8))} | {b"none"}
            terms.append(f"hash IN ({', '.join(map(text, sorted(in_list)))})")
            inside.append(lambda row: row[1] in in_list)
        if rng.random() < 0.2:
            globbed = {ref.hash for key, ref in state.refs.items() if key[1].startswith("src/")}
            terms.append("hash IN (SELECT hash FROM refs WHERE path GLOB 'src/*')")
            inside.append(lambda row: row[1] in globbed)
        if rng.random() < 0.2:
            ids = {rng.randint(0, state.seq + 1) for _ in range(10)}
            terms.append(f"rowid IN ({', '.join(map(str, sorted(ids)))}, -1)")
            inside.append(lambda row: row[0] in ids)
        # Beside an IN on the same column, SQLite replaces the column there by the constant.
        if rng.random() < 0.1 and "hash IN" not in "".join(terms):
            terms.append(f"hash = {text(near[1])}")
            after.append(lambda row: row[1] == near[1])
        if rng.random() < 0.1 and "rowid IN" not in "".join(terms):
            terms.append(f"rowid = {near[0]}")
            after.append(lambda row: row[0] == near[0])
        for column, at in (("distance", 2), ("similarity", 3)):
            if rng.random() < 0.25:
                op = rng.choice(["<", "<=", ">", ">="])
                bound = rng.choice([near[at], near[at] + 0.25, 0.5])
                terms.append(f"{column} {op} {bound!r}")
                test = {"<": lambda row, a=at, b=bound: row[a] < b,
                        "<=": lambda row, a=at, b=bound: row[a] <= b,
                        ">": lambda row, a=at, b=bound: row[a] > b,
                        ">=": lambda row, a=at, b=bound: row[a] >= b}[op]
                (inside if (op[0] == "<") == (column == "distance") else after).append(test)
        return terms, inside, after, error

    def query_for(self, state):
        """A model's name and a query vector for it, or None when the vector is a special one."""
        name = self.writes.model_name(state)
        query = self.writes.vector(*self.writes.dims_of(state, name))
        if max(map(abs, query)) > 1e5 or sum(x * x for x in query) < 1e-30:
            return name, None
        return name, query

    def knn(self, db, state):
        """knn with a random combination of everything."""
        rng = self.rng
        name, query = self.query_for(state)
        if query is None:
            return
        naming = []
        fitting = [n for n, m in state.models.items() if m.dims == len(query)]
        for part, column in enumerate(("model", "version")):
            if rng.random() < 0.8 or len(fitting) > 1:
                naming.append(f"{column} = {text(name[part])}")
                fitting = [n for n in fitting if n[part] == name[part]]
        everything = self.neighbours(db, state, fitting[0], query) if len(fitting) == 1 else []
        terms, inside, after, error = self.filters(state, everything)
        terms += naming
        error = error or len(fitting) != 1
        order, sort = rng.choice([
            ("", None), (" ORDER BY distance", None), (" ORDER BY similarity DESC", None),
            (" ORDER BY distance DESC, rowid", lambda row: (-row[2], row[0])),
            (" ORDER BY hash", lambda row: row[1])])
        limit, page = self.page()
        given = rng.choice([None, None, 1, 2, 3, 5, 10, 100, 4096, 0])
        k = given
        if given is None:
            k = page.stop
            error = error or k is None or sort is not None
        error = error or given == 0
        if rng.random() < 0.1:
            terms.append(rng.choice(["ef = 50", "recall = 0.9"]))
        rng.shuffle(terms)
        argument = "" if given is None else f", {given}"
        sql = (f"SELECT rowid, hash, distance, similarity, model, version FROM "
               f"{rng.choice(['knn', 'ck_knn'])}({text(blob(query))}{argument})" +
               (" WHERE " + " AND ".join(terms) if terms else "") + order + limit)
        rows = [row for row in everything if all(test(row) for test in inside)][:k]
        rows = [row for row in rows if all(test(row) for test in after)]
        rows = (sorted(rows, key=sort) if sort else rows)[page]
        # Without rows to deliver, SQLite may not even begin the search that would be refused.
        lenient = not state.models or page.stop == page.start and page.stop is not None
        try:
            actual = self.rows(db, sql)
        except sqlite3.OperationalError as refusal:
            if not (error or lenient) or not str(refusal).startswith("knn: "):
                raise Mismatch(sql, refusal, rows) from refusal
            return
        if error and not lenient:
            raise Mismatch(sql, actual, "an error")
        same(sql, actual, [] if error else rows)

    def knn_join(self, db, state):
        """knn joined with refs."""
        name, query = self.query_for(state)
        if query is None or name not in state.models:
            return
        everything = self.neighbours(db, state, name, query)[:5]
        sql = (f"SELECT k.rowid, r.path, r.chunk FROM knn({text(blob(query))}, 5) AS k JOIN refs "
               f"AS r ON r.hash = k.hash WHERE k.model = {text(name[0])} AND "
               f"k.version = {text(name[1])} AND r.chunk < 2")
        same(sql, sorted(self.rows(db, sql)),
             sorted((row[0], key[1], key[2]) for row in everything
                    for key, ref in state.refs.items() if ref.hash == row[1] and key[2] < 2))
