"""Random writes: each is a line of SQL, and what it must do to a model.State.

An action is (sql, apply). apply(state, now) changes the state, or raises model.Refused; it returns
the rows the statement must give, or None for "not to be compared". `now` is the pair of seconds
the statement ran between.
"""
import struct

from model import Model, Ref, Refused, f32

MODELS = {  # (model, version): dims, metric, encoding, normalized
    ("alpha", "1"): (4, "cosine", "f32", 0),
    ("alpha", "2"): (4, "l2", "f16", 0),
    ("beta", "1"): (8, "dot", "i8", 0),
    ("gamma", "1;8"): (8, "cosine", "f32+zstd", 0),
    ("delta", "1"): (3, "l2", "i8+zstd", 0),
    ("unit", "1"): (16, "cosine", "f32", 1),
    ("half", "1"): (8, "cosine", "f16+zstd", 0),
}
UNREGISTERED = {("auto", "1"): 5, ("auto", "2"): 4, ("späť", "1"): 2}
WORKSPACES = ["main", "dev", "feature/ä", "ci-1", "w"]
PATHS = ["a.c", "b.c", "src/a.c", "src/ü.c", "src/deep/x.md", "README"]
AGES = [0, 0, 0, 1000, 4000, 100000, -50000]
GRACES = [0, 0, 500, 2000, 5000, 200000]
MODES = {"": "abort", "OR ABORT ": "abort", "OR IGNORE ": "ignore", "OR REPLACE ": "replace",
         "OR FAIL ": "abort", "OR ROLLBACK ": "abort"}
INSERT_MODES = ["", "", "", "OR IGNORE ", "OR IGNORE ", "OR REPLACE ", "OR REPLACE ", "OR ABORT ",
                "OR FAIL ", "OR ROLLBACK "]


def text(value):
    """A SQL literal: TEXT, BLOB, INTEGER or NULL."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def blob(vector):
    """A vector as the blob of its float32 components."""
    return struct.pack(f"<{len(vector)}f", *vector)


def age_sql(age):
    """The SQL of a time `age` seconds ago."""
    return f"unixepoch() - {age}" if age >= 0 else f"unixepoch() + {-age}"


def each(rows, prefix, one):
    """Applies one(row) to all rows; says what a constraint error leaves, by the conflict clause."""
    for row in rows:
        try:
            one(row)
        except Refused as refused:
            if refused.category == "constraint":
                refused.leaves = prefix.split()[-1].lower() if prefix else "abort"
            raise


class Actions:
    """A source of random writes. hasher(model, version, content) is ck_hash."""

    def __init__(self, rng, hasher):
        self.rng = rng
        self.hasher = hasher

    # Ingredients

    def vector(self, dims, normalized=0):
        """A random vector: often of small integers, so that distances tie."""
        rng = self.rng
        if rng.random() < 0.6:
            v = [float(rng.randint(-2, 2)) for _ in range(dims)]
            if not any(v) and rng.random() < 0.9:
                v[rng.randrange(dims)] = 1.0
        else:
            v = [f32(rng.gauss(0, 2)) for _ in range(dims)]
        if rng.random() < 0.02:
            v = [f32(rng.choice([1e6, 1e-38, 0.0]))] * dims
        if normalized and any(v) and rng.random() < 0.9:
            length = sum(x * x for x in v) ** 0.5
            v = [f32(x / length) for x in v]
        return v

    def vector_sql(self, v):
        """One of the ways to write a vector."""
        form = self.rng.randrange(3)
        json = "[" + ", ".join(repr(x) for x in v) + "]"
        return [text(blob(v)), text(json), f"vec_f32({text(json)})"][form]

    def model_name(self, state):
        """A model to write to: mostly a registered one."""
        rng = self.rng
        if state.models and rng.random() < 0.9:
            return rng.choice(sorted(state.models))
        return rng.choice(sorted(MODELS) + sorted(UNREGISTERED))

    def dims_of(self, state, name):
        """Its dims, registered or not, and whether it is normalized."""
        if name in state.models:
            return state.models[name].dims, state.models[name].normalized
        return (MODELS[name][0] if name in MODELS else UNREGISTERED.get(name, 3)), 0

    def any_hash(self, state, known=0.9):
        """A stored hash, or one of a few that may not be."""
        if state.embeddings and self.rng.random() < known:
            return self.rng.choice(sorted(state.embeddings))
        return bytes([self.rng.randrange(6)]) * 32

    def workspace(self, state, known=0.92):
        """The name of a workspace, mostly a registered one."""
        names = sorted(w.name for w in state.workspaces.values())
        if names and self.rng.random() < known:
            return self.rng.choice(names)
        return self.rng.choice(WORKSPACES)

    def embedding_row(self, state, by_hash):
        """A row to insert: (SQL of its values, row for State.put)."""
        rng = self.rng
        name = self.model_name(state)
        dims, normalized = self.dims_of(state, name)
        if rng.random() < 0.02:
            dims += 1
        v = self.vector(dims, normalized)
        row = {"model": name, "vector": v, "origin": rng.choice([None, None, "ci"]),
               "age": rng.choice(AGES)}
        sql = self.vector_sql(v)
        if rng.random() < 0.03:
            row["bad"] = True
            sql = rng.choice(["NULL", "''", "x''", "x'000000'", "x'0000c07f'", "'[1, null]'",
                              "'[1e99]'", "7", "'[]'"])
        if by_hash:
            row["hash"] = self.any_hash(state, 0.3)
            key = text(row["hash"])
            if rng.random() < 0.03:
                row["hash"], key = None, rng.choice(["NULL", "x'00'", "'text'", "zeroblob(33)"])
        else:
            content = rng.choice(["", f"c{rng.randrange(60)}", f"c{rng.randrange(12)}"])
            row["hash"] = self.hasher(*name, content)
            key = text(content)
            if rng.random() < 0.02:
                row["hash"], key = None, "NULL"
        values = [text(name[0]), text(name[1]), key, sql, text(row["origin"]), age_sql(row["age"])]
        return "(" + ", ".join(values) + ")", row

    # Embeddings

    def insert_embeddings(self, state):
        """INSERT of one or several rows, by content or by hash."""
        rng = self.rng
        by_hash = rng.random() < 0.4
        prefix = rng.choice(INSERT_MODES)
        count = rng.choice([1, 1, 1, 2, 3, 6])
        rows = [self.embedding_row(state, by_hash) for _ in range(count)]
        sql = (f"INSERT {prefix}INTO {rng.choice(['embeddings', 'ck_embeddings'])}(model, version, "
               f"{'hash' if by_hash else 'content'}, vector, origin, created_at) VALUES "
               + ", ".join(values for values, _ in rows))
        return sql, lambda s, now: each([row for _, row in rows], prefix,
                                        lambda row: s.put(row, MODES[prefix], now))

    def put(self, state):
        """ck_put."""
        _, row = self.embedding_row(state, False)
        content = f"c{self.rng.randrange(40)}"
        name = row["model"]
        row = {"model": name, "hash": self.hasher(*name, content), "vector": row["vector"],
               "bad": row.get("bad", False)}
        vector = "'[oops]'" if row["bad"] else self.vector_sql(row["vector"])

        def apply(s, now):
            s.put(row, "keep", now, "ck_put")
            return [(row["hash"],)]
        return f"SELECT ck_put({text(name[0])}, {text(name[1])}, {text(content)}, {vector})", apply

    def copy_embeddings(self, state):
        """INSERT … SELECT from the table itself: under new hashes, or onto the same ones."""
        rng = self.rng
        limit = rng.randint(1, 5)
        source = rng.choice(["embeddings", "ck_embeddings"])
        if rng.random() < 0.5:
            prefix = rng.choice(["OR IGNORE ", "OR REPLACE "])
            name = self.model_name(state)
            sql = (f"INSERT {prefix}INTO embeddings(hash, model, version, vector) SELECT hash, "
                   f"model, version, vector FROM {source} WHERE model = {text(name[0])} "
                   f"ORDER BY rowid")
            pick = lambda s: sorted((e.id, key, e) for key, e in s.embeddings.items()
                                    if e.model[0] == name[0])
            new_hash = lambda key, e: key
        else:
            prefix = rng.choice(["", "OR IGNORE "])
            low = rng.randint(0, max(state.seq, 1))
            sql = (f"INSERT {prefix}INTO embeddings(model, version, content, vector) SELECT model, "
                   f"version, hash, vector FROM {source} WHERE rowid > {low} ORDER BY rowid "
                   f"LIMIT {limit}")
            pick = lambda s: sorted((e.id, key, e) for key, e in s.embeddings.items()
                                    if e.id > low)[:limit]
            new_hash = lambda key, e: self.hasher(*e.model, key)

        def apply(s, now):
            each([{"model": e.model, "hash": new_hash(key, e), "vector": e.vector}
                  for _, key, e in pick(s)], prefix, lambda row: s.put(row, MODES[prefix], now))
        return sql, apply

    def delete_embeddings(self, state):
        """DELETE of one, of some, or of what the statement of the blueprint says."""
        rng = self.rng
        kind = rng.randrange(5)
        if kind == 0:
            def apply(s, now):
                used = s.referenced()
                s.delete_embeddings([key for key, e in s.embeddings.items()
                                     if key not in used and e.created_at < now[0] - 3600])
            return ("DELETE FROM embeddings WHERE hash NOT IN (SELECT hash FROM refs) AND "
                    "created_at < unixepoch() - 3600"), apply
        if kind == 1:
            key = self.any_hash(state)
            return (f"DELETE FROM embeddings WHERE hash = {text(key)}",
                    lambda s, now: s.delete_embeddings([key] if key in s.embeddings else []))
        if kind == 2:
            low = rng.randint(0, state.seq + 1)
            high = low + rng.randint(0, 4)
            return (f"DELETE FROM embeddings WHERE rowid BETWEEN {low} AND {high}",
                    lambda s, now: s.delete_embeddings(
                        [k for k, e in s.embeddings.items() if low <= e.id <= high]))
        if kind == 3:
            name = self.model_name(state)
            return (f"DELETE FROM embeddings WHERE model = {text(name[0])} AND refs = 0",
                    lambda s, now: s.delete_embeddings(
                        [k for k, e in s.embeddings.items()
                         if e.model[0] == name[0] and k not in s.referenced()]))
        return ("DELETE FROM embeddings WHERE origin = 'ci'",
                lambda s, now: s.delete_embeddings(
                    [k for k, e in s.embeddings.items() if e.origin == "ci"]))

    def update_embeddings(self, state):
        """UPDATE of times and origin, which is allowed, or of what is not."""
        rng = self.rng
        key = self.any_hash(state)
        age = rng.choice(AGES)
        if rng.random() < 0.4:
            part = rng.randrange(3)

            def grow_old(s, now):
                time = tuple(t - age for t in now)
                for k, e in s.embeddings.items():
                    if e.id % 3 == part:
                        s.embeddings[k] = e._replace(created_at=time, used_at=time)
            return (f"UPDATE embeddings SET created_at = {age_sql(age)}, used_at = {age_sql(age)} "
                    f"WHERE rowid % 3 = {part}"), grow_old
        column = rng.choice(["created_at", "used_at", "origin", "seq"])
        value = {"origin": "'moved'", "seq": "7"}.get(column, age_sql(age))

        def apply(s, now):
            if key not in s.embeddings:
                return
            if column == "seq":
                if s.embeddings[key].seq == 7:  # the value it has
                    return
                raise Refused("error", "embeddings")
            new = "moved" if column == "origin" else tuple(t - age for t in now)
            s.embeddings[key] = s.embeddings[key]._replace(**{column: new})
        return f"UPDATE embeddings SET {column} = {value} WHERE hash = {text(key)}", apply

    def collect(self, state):
        """ck_gc."""
        grace = self.rng.choice(GRACES)
        argument = "" if self.rng.random() < 0.2 else str(grace)
        if not argument:
            grace = 3600

        def apply(s, now):
            if not s.exists:
                return [(0,)]
            s.age_workspaces(grace, now)
            s.collect_paths()
            keys = s.garbage(grace, now)
            for key in keys:
                del s.embeddings[key]
            return [(len(keys),)]
        return f"SELECT ck_gc({argument})", apply

    # Models

    def register_model(self, state):
        """INSERT INTO models, or a copy of what is there."""
        rng = self.rng
        prefix = rng.choice(["", "", "OR IGNORE "])
        if rng.random() < 0.1 and len(state.models) < 9:
            def copy(s, now):
                each(sorted((name, m) for name, m in s.models.items()
                            if name[0].startswith("auto") and len(name[0]) < 7), prefix,
                     lambda row: self._add_model(s, (row[0][0] + "x", row[0][1]), row[1].dims,
                                                 prefix))
            return (f"INSERT {prefix}INTO models(model, version, dims) SELECT model || 'x', "
                    f"version, dims FROM ck_models WHERE model GLOB 'auto*' AND length(model) < 7 "
                    f"ORDER BY model, version"), copy
        name = rng.choice(sorted(MODELS))
        dims, metric, encoding, normalized = MODELS[name]
        sql = (f"INSERT {prefix}INTO models(model, version, dims, metric, encoding, normalized) "
               f"VALUES ({text(name[0])}, {text(name[1])}, {dims}, '{metric}', '{encoding}', "
               f"{normalized})")
        model = Model(None, dims, metric, encoding, normalized, 16, 200, 64)

        def apply(s, now):
            if not (prefix == "OR IGNORE " and name in s.models):
                s.register_model(name, model)
        return sql, apply

    def _add_model(self, s, name, dims, prefix):
        if not (prefix == "OR IGNORE " and name in s.models):
            s.register_model(name, Model(None, dims, "cosine", "f32", 0, 16, 200, 64))

    def change_model(self, state):
        """UPDATE of ef_search, or DELETE, which only an unused model allows."""
        name = self.model_name(state)
        where = f"WHERE model = {text(name[0])} AND version = {text(name[1])}"
        if self.rng.random() < 0.5:
            ef = self.rng.randint(1, 500)

            def update(s, now):
                if name in s.models:
                    s.models[name] = s.models[name]._replace(ef_search=ef)
            return f"UPDATE models SET ef_search = {ef} {where}", update

        def delete(s, now):
            if name in s.models:
                if s.model_is_used(name):
                    raise Refused("error", "models")
                del s.models[name]
        return f"DELETE FROM models {where}", delete

    # Workspaces

    def register_workspace(self, state):
        """INSERT INTO workspaces."""
        rng = self.rng
        prefix = rng.choice(["", "OR IGNORE ", "OR REPLACE "])
        given = {"name": rng.choice(WORKSPACES)}
        for column, values in (("root", ["/r", "/s"]), ("host", ["h"]), ("pinned", [0, 1]),
                               ("expires_at", [5, 4102444800]), ("last_seen", [1000, 2000])):
            if rng.random() < 0.2:
                given[column] = rng.choice(values)
        if rng.random() < 0.1 and prefix != "OR REPLACE ":
            given["uuid"] = rng.choice(["u1", "u2"])
        sql = (f"INSERT {prefix}INTO workspaces({', '.join(given)}) VALUES "
               f"({', '.join(text(v) for v in given.values())})")
        return sql, lambda s, now: s.register_workspace(given, MODES[prefix], now)

    def change_workspace(self, state):
        """Heartbeat, rename, release, a copy of all, or something that is refused."""
        rng = self.rng
        name = self.workspace(state)
        where = f"WHERE name = {text(name)}"

        def one(change):
            def apply(s, now):
                number = s.workspace_id(name)
                if number is not None:
                    change(s, number, now)
            return apply
        replace = lambda s, n, **new: s.update_workspace(n, **new)
        kind = rng.randrange(12)
        if kind < 2:
            return (f"UPDATE workspaces SET last_seen = unixepoch() {where}",
                    one(lambda s, n, now: replace(s, n, last_seen=now)))
        if kind < 4:
            prefix = rng.choice(["", "OR IGNORE "])
            to = rng.choice(WORKSPACES)
            return (f"UPDATE {prefix}workspaces SET name = {text(to)} {where}",
                    one(lambda s, n, now: s.rename_workspace(n, to, MODES[prefix])))
        if kind == 4:
            return ("UPDATE workspaces SET pinned = 1, expires_at = NULL",
                    lambda s, now: [replace(s, n, pinned=1, expires_at=None)
                                    for n in s.workspaces] and None)
        if kind == 5:
            column = rng.choice(["uuid = 'x'", "refs = 0", "state = 'live'", "created_at = 1",
                                 "name = NULL", "pinned = 2"])

            def refuse(s, n, now):
                same = (column == f"state = '{s.workspaces[n].state}'" or
                        (column == "refs = 0" and not s.usage(n)[0]))
                if not same:
                    raise Refused("error", "workspaces")
            return f"UPDATE workspaces SET {column} {where}", one(refuse)
        if kind == 6:
            def copy(s, now):
                names = [w.name for w in s.workspaces.values()]
                each([n + "+" for n in names if len(n) < 4], "OR IGNORE ",
                     lambda n: s.register_workspace({"name": n}, "ignore", now))
            return ("INSERT OR IGNORE INTO workspaces(name) SELECT name || '+' FROM ck_workspaces "
                    "WHERE length(name) < 4 ORDER BY rowid"), copy
        if kind == 7:
            return ("DELETE FROM workspaces WHERE name GLOB '*+'",
                    lambda s, now: [s.release_workspace(n) for n, w in list(s.workspaces.items())
                                    if w.name.endswith("+")] and None)
        return (f"DELETE FROM workspaces {where}",
                one(lambda s, n, now: s.release_workspace(n)))

    # Refs

    def insert_refs(self, state):
        """INSERT of one or several refs."""
        rng = self.rng
        prefix = rng.choice(INSERT_MODES)
        rows = []
        for _ in range(rng.choice([1, 1, 1, 3, 6])):
            line = rng.choice([None, rng.randint(0, 99)])
            rows.append((self.workspace(state), rng.choice(PATHS), rng.choice([0, 0, 1, 2, 3]),
                         line, self.any_hash(state, 0.96)))
            if rng.random() < 0.02:
                rows[-1] = rows[-1][:2] + (300000,) + rows[-1][3:]
        # todo is an ordinary table with a trigger that inserts into refs.
        sql = (f"INSERT {prefix}INTO {rng.choice(['refs', 'refs', 'ck_refs', 'todo'])}"
               f"(workspace, path, chunk, start_line, hash) VALUES " +
               ", ".join("(" + ", ".join(map(text, row)) + ")" for row in rows))
        return sql, lambda s, now: each(rows, prefix, lambda r: s.add_ref(
            *r[:3], Ref(r[4], r[3], None), MODES[prefix], now))

    def copy_refs(self, state):
        """INSERT … SELECT: another workspace's refs, or its own under other paths."""
        rng = self.rng
        prefix = rng.choice(["", "OR IGNORE ", "OR REPLACE "])
        source = rng.choice(["refs", "ck_refs"])
        a, b = self.workspace(state), self.workspace(state)
        suffix = rng.choice(["", "", "~"])
        if prefix == "OR REPLACE ":
            source = "refs"  # under another name, SQLite lets the scan meet replaced rows
        sql = (f"INSERT {prefix}INTO refs(workspace, path, chunk, start_line, end_line, hash) "
               f"SELECT {text(b)}, path || {text(suffix)}, chunk, start_line, end_line, hash FROM "
               f"{source} WHERE workspace = {text(a)} AND length(path) < 9")

        def apply(s, now):
            n = s.workspace_id(a)
            rows = [(key, s.refs[key]) for key in s.refs_in_order(
                lambda key, ref: key[0] == n and len(key[1]) < 9)]
            each(rows, prefix, lambda r: s.add_ref(b, r[0][1] + suffix, r[0][2], r[1],
                                                   MODES[prefix], now))
        return sql, apply

    def _ref_filter(self, state):
        """A WHERE clause on refs and its meaning."""
        rng = self.rng
        terms, tests = [], []
        if rng.random() < 0.7:
            name = self.workspace(state)
            terms.append(f"workspace = {text(name)}")
            tests.append(lambda s, key, ref: s.workspaces[key[0]].name == name)
        if rng.random() < 0.5:
            path = rng.choice(PATHS)
            terms.append(f"path = {text(path)}")
            tests.append(lambda s, key, ref: key[1] == path)
        if rng.random() < 0.3:
            chunk = rng.randint(0, 3)
            terms.append(f"chunk = {chunk}")
            tests.append(lambda s, key, ref: key[2] == chunk)
        if not terms or rng.random() < 0.1:
            terms.append("path GLOB 's*'")
            tests.append(lambda s, key, ref: key[1].startswith("s"))
        rng.shuffle(terms)
        return " AND ".join(terms), lambda s: s.refs_in_order(
            lambda key, ref: all(test(s, key, ref) for test in tests))

    def delete_refs(self, state):
        """DELETE of some refs."""
        if self.rng.random() < 0.2:
            key = self.any_hash(state)
            return (f"DELETE FROM refs WHERE hash = {text(key)}",
                    lambda s, now: [s.refs.pop(k) for k in [k for k, ref in s.refs.items()
                                                            if ref.hash == key]] and None)
        where, pick = self._ref_filter(state)
        return (f"DELETE FROM refs WHERE {where}",
                lambda s, now: [s.refs.pop(key) for key in pick(s)] and None)

    def update_refs(self, state):
        """UPDATE of lines, hash or parts of the key, row after row in the order of storage."""
        rng = self.rng
        where, pick = self._ref_filter(state)
        prefix = rng.choice(["", "OR IGNORE ", "OR REPLACE "])
        if rng.random() < 0.1:
            return self.update_refs_from(state)
        key = self.any_hash(state, 0.96)
        path, name, line = rng.choice(PATHS), self.workspace(state), rng.randint(0, 99)
        sql, change = rng.choice([
            (f"start_line = {line}, end_line = NULL",
             lambda k: {"start_line": line, "end_line": None}),
            (f"hash = {text(key)}", lambda k: {"hash": key}),
            (f"path = {text(path)}", lambda k: {"path": path}),
            (f"workspace = {text(name)}", lambda k: {"workspace": name}),
            ("chunk = chunk + 1", lambda k: {"chunk": k[2] + 1}),
            ("chunk = 3 - chunk", lambda k: {"chunk": 3 - k[2]}),
            (f"chunk = 0, hash = {text(key)}", lambda k: {"chunk": 0, "hash": key}),
        ])
        if "GLOB" in where or ("workspace" not in where and "path" in where):
            # Such scans have no order one can rely on, and REPLACE depends on it.
            where, pick = "workspace = 'main'", lambda s: s.refs_in_order(
                lambda k, ref: s.workspaces[k[0]].name == "main")
        return (f"UPDATE {prefix}refs SET {sql} WHERE {where}",
                lambda s, now: each([(k, change(k)) for k in pick(s)], prefix,
                                    lambda row: s.change_ref(*row, MODES[prefix], now)))

    def update_refs_from(self, state):
        """UPDATE … FROM, which passes every column to xUpdate."""
        name, line = self.workspace(state), self.rng.randint(0, 99)

        def apply(s, now):
            for key in s.refs_in_order(lambda k, ref: s.workspaces[k[0]].name == name):
                before = s.embeddings[s.refs[key].hash].used_at
                s.change_ref(key, {"start_line": line + key[2], "hash": s.refs[key].hash}, "abort",
                             now)
                e = s.embeddings[s.refs[key].hash]  # the hash is named, but not changed
                lowest, highest = (t if isinstance(t, tuple) else (t, t)
                                   for t in (before, e.used_at))
                s.embeddings[s.refs[key].hash] = e._replace(used_at=(lowest[0], highest[1]))
        return (f"UPDATE refs SET start_line = new.line + refs.chunk FROM (SELECT {line} AS line) "
                f"AS new WHERE refs.workspace = {text(name)}"), apply

    def refused(self, state):
        """Statements that must fail whatever the store holds."""
        rng = self.rng
        who, sql = rng.choice([
            ("embeddings", "INSERT OR IGNORE INTO embeddings(model, version, content, vector, seq) "
                           "VALUES ('alpha', '1', 'x', '[1, 2, 3, 4]', 5)"),
            ("embeddings", "INSERT OR REPLACE INTO embeddings(rowid, model, version, content, "
                           "vector) VALUES (5, 'alpha', '1', 'x', '[1, 2, 3, 4]')"),
            ("models", "INSERT INTO models(model, version, dims) VALUES ('zero', '1', 0)"),
            ("models", "INSERT OR IGNORE INTO models(model, version, dims, metric) "
                       "VALUES ('m', '1', 4, 'l3')"),
            ("workspaces", "INSERT OR IGNORE INTO workspaces(name) VALUES (NULL)"),
            ("workspaces", "INSERT INTO workspaces(name, refs) VALUES ('main', 1)"),
            ("refs", "INSERT OR IGNORE INTO refs(workspace, path, hash) VALUES ('gone', 'p', "
                     "zeroblob(32))"),
            ("refs", "INSERT OR REPLACE INTO refs(workspace, path, hash) VALUES ('main', 'p', "
                     "zeroblob(31))"),
            ("ck_gc", "SELECT ck_gc(-1)"),
            ("ck_put", "SELECT ck_put('alpha', '1', 'x', NULL)"),
        ])

        def apply(s, now):
            raise Refused("error", who)
        return sql, apply

    def init(self, state):
        """ck_init."""
        def apply(s, now):
            created, s.exists = not s.exists, True
            return [(int(created),)]
        return "SELECT ck_init()", apply

    def choose(self, state):
        """A random action, weighted so that the store stays small and busy."""
        crowded = len(state.embeddings) > 70 or len(state.refs) > 120
        weights = {
            self.insert_embeddings: 3 if crowded else 14, self.put: 8,
            self.copy_embeddings: 1 if crowded else 4, self.delete_embeddings: 6,
            self.update_embeddings: 4, self.collect: 6 if crowded else 2,
            self.register_model: 3 if len(state.models) > 3 else 8, self.change_model: 2,
            self.register_workspace: 4, self.change_workspace: 4,
            self.insert_refs: 3 if crowded else 14, self.copy_refs: 1 if crowded else 4,
            self.delete_refs: 10 if crowded else 5, self.update_refs: 7, self.refused: 3,
            self.init: 1,
        }
        return self.rng.choices(list(weights), weights.values())[0](state)
