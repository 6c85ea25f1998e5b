"""Endpoints that misbehave, keys, secrets, programs that embed, several runs at once."""
import json
import os
import signal
import time

from server import DIMS, Server, blob
from world import SECONDS, check, check_equal, source, tree, write

VERSION = f"-;{DIMS};-;-;-"
KEY = "sk-test-0123456789abcdef0123456789abcdef0123456789"


def options(server, *more):
    """Options for a server."""
    return ("--endpoint", server.url, "--model", "m", *more)


def check_stored(world, where, files, **model):
    """The refs are right, and every vector stored is what the model makes of its text."""
    world.check_refs(where, files, **{"model": "m", "version": VERSION, **model})
    check_vectors(world, files, **model)


def check_vectors(world, files, model="m", version=VERSION, prefix="", dims=DIMS):
    """Every vector stored is the right one."""
    db = world.store()
    right = {}
    for path, content in files.items():
        for (text,) in db.execute("SELECT content FROM ck_chunks(?, ?)", (content, path)).fetchall():
            text = prefix + text
            key = db.execute("SELECT ck_hash(?, ?, ?)", (model, version, text.encode())).fetchone()[0]
            right[key] = blob(model, text, dims)
    for key, vector in db.execute("SELECT hash, vector FROM embeddings WHERE model = ? AND version = ? "
                                  "AND hash NOT IN (SELECT hash FROM refs WHERE workspace = 'probe')",
                                  (model, version)):
        check_equal(vector, right.get(key), f"the vector of {key.hex()}")
    db.close()


def misbehave(world, plan, expect=0, files=None, **server_options):
    """Indexes against a server that follows a plan at first, then again against a good one."""
    files = files or tree("x", 6)
    where = world.repository("main", files)
    with Server(plan=plan, **server_options) as server:
        result = world.ck(where, "index", *options(server), expect=expect)
        check_vectors(world, files)
        if expect == 0:
            check_stored(world, where, files)
        server.plan = lambda number, texts: None
        server.dims = DIMS
        world.index(where, *options(server))
        check_stored(world, where, files)
    return result, server


def own_config(world, text):
    """Settings of the user's own."""
    os.makedirs(world.path(".config", "ck"), exist_ok=True)
    with open(world.path(".config", "ck", "config.toml"), "w", encoding="utf-8") as file:
        file.write(text)


def until(holds):
    """Waits for it, but not forever: what comes then tells what is wrong."""
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)


def first(how, n=2):
    """The first n requests behind the probe's are answered so."""
    return lambda number, texts: how if 1 <= number <= n else None


def test_right(world):
    misbehave(world, None)


def test_shuffled(world):
    misbehave(world, lambda number, texts: "shuffle")


def test_base64(world):
    misbehave(world, lambda number, texts: "base64")


def test_status_500_for_a_while(world):
    misbehave(world, first("status:500"))


def test_connection_reset(world):
    misbehave(world, first("reset", 3))


def test_truncated_json(world):
    misbehave(world, first("truncate"))


def test_short_batch(world):
    misbehave(world, first("short"))


def test_index_twice_and_beyond(world):
    misbehave(world, lambda number, texts: {1: "twice", 2: "beyond"}.get(number))


def test_wrong_dims(world):
    result, _ = misbehave(world, lambda number, texts: "dims" if number > 0 else None, expect=3)
    check(f"{DIMS + 1} dims, expected {DIMS}" in result.err, result.err)


def test_nan(world):
    result, _ = misbehave(world, lambda number, texts: "nan" if number > 0 else None, expect=3)
    check("answer is wrong" in result.err, result.err)


def test_zero_vector(world):
    result, _ = misbehave(world, lambda number, texts: "zero" if number == 1 else None, expect=5)
    check("all components of the vector are zero" in result.err, result.err)


def test_always_500(world):
    started = time.monotonic()
    result, server = misbehave(world, lambda number, texts: "status:500" if number > 0 else None,
                               expect=3, files=tree("x", 20))
    check("HTTP 500: planned 500" in result.err, result.err)
    check(time.monotonic() - started < 200, "it took minutes")


def test_retry_after_is_heeded(world):
    seen = {}

    def plan(number, texts):
        if number == 1:
            seen["at"] = time.monotonic()
            return "later:2"
        if number == 2:
            seen["again"] = time.monotonic()
        return None

    misbehave(world, plan, files={"a.c": source("a", 3)})
    check(seen["again"] - seen["at"] >= 1.9, f"asked again after {seen['again'] - seen['at']:.2f} s")


def test_rate_limit_headers_are_heeded(world):
    files = tree("l", 40)
    where = world.repository("main", files)
    with Server(plan=lambda number, texts: "limit:1.5s" if number == 1 else None) as server:
        own_config(world, "in_flight = 1\n")
        world.index(where, *options(server))
        check(server.times[2] - server.times[1] >= 1.4, "the pause was not heeded")
        check_equal(server.most_at_once, 1, "requests at once")


def test_several_in_flight(world):
    files = tree("p", 60)
    where = world.repository("main", files)
    with Server() as server:  # which answers the first after the probe when there is a second
        server.plan = lambda number, texts: until(lambda: number == 0 or server.most_at_once > 1)
        world.index(where, *options(server))
        check(2 <= server.most_at_once <= 4, f"{server.most_at_once} requests at once")
        check_stored(world, where, files)


def test_slow_is_a_timeout(world):
    files = {"a.c": source("a", 2)}
    where = world.repository("main", files)
    with Server(plan=lambda number, texts: "slow:30" if number == 1 else None) as server:
        world.index(where, *options(server, "--timeout", "3"))
        check_stored(world, where, files)
        check(server.requests >= 3, "the slow request was not given up")


def test_one_text_is_refused(world):
    files = tree("q", 9)
    files["bad.c"] = files.pop("src/part1/file4.c") + b"int POISON;\n"
    where = world.repository("main", files)
    for status in ("400", "500"):
        with Server(plan=lambda number, texts, status=status:
                    f"status:{status}" if any("POISON" in text for text in texts) else None) as server:
            result = world.ck(where, "index", *options(server), expect=5)
            check("bad.c:" in result.err and f"planned {status}" in result.err, result.err)
            check_vectors(world, files)
            refs = world.refs(where)
            expected = world.expected(files, model="m", version=VERSION)
            check(set(refs) < set(expected), "refs that are not of the files")
            check_equal({row[0] for row in expected} - {row[0] for row in refs}, set(), "files")
            check_equal(len(expected) - len(refs), 1, "chunks without a ref")
    with Server() as server:
        check_equal(world.index(where, *options(server))["embedded"], 1, "embedded afterwards")
        check_stored(world, where, files)


def test_an_incomplete_file_is_swept(world):
    files = {"good.c": source("good"), "bad.c": source("bad") + b"int POISON;\n"}
    where = world.repository("main", files)
    with Server(plan=lambda number, texts:
                "status:400" if any("POISON" in text for text in texts) else None) as server:
        world.ck(where, "index", *options(server), expect=5)
        check(any(row[0] == "bad.c" for row in world.refs(where)), "no refs of what was stored")
        del files["bad.c"]
        os.remove(os.path.join(where, "bad.c"))
        world.index(where, *options(server))
        world.check_refs(where, files, model="m", version=VERSION)


def test_no_server(world):
    where = world.repository("main", tree("n", 2))
    result = world.ck(where, "index", "--endpoint", "http://127.0.0.1:9", "--model", "m", expect=3)
    check("127.0.0.1:9" in result.err and "Is the server running" in result.err, result.err)


def test_a_model_changes_under_its_name(world):
    files = tree("c", 5)
    where = world.repository("main", files)
    with Server() as server:
        world.index(where, *options(server))
        world.index(where, *options(server))
        server.model = "another"
        write(where, {"new.c": source("new")})
        result = world.ck(where, "index", *options(server), expect=3)
        check("is not what it was" in result.err and "--revision" in result.err, result.err)
        check_vectors(world, files)
        # As a revision of its own it is another model, and everything is embedded anew.
        world.index(where, *options(server, "--revision", "2"))
        files["new.c"] = source("new")
        version = f"2;{DIMS};-;-;-"
        world.check_refs(where, files, model="m", version=version)
        db = world.store()
        for text, vector in [(t, blob("another", t)) for t in server.texts]:
            stored = db.execute("SELECT ck_get('m', ?, ?)", (version, text)).fetchone()[0]
            check(stored in (vector, None), "a vector of another model")
        db.close()
        server.model = None
        world.index(where, *options(server))
        check_stored(world, where, files)


def test_models_side_by_side(world):
    files = tree("d", 4)
    one, two = world.repository("one", files), world.repository("two", files)
    with Server() as server:
        world.index(one)
        world.index(two, *options(server))
        world.check_refs(one, files)
        check_stored(world, two, files)
        found = world.ck(two, "search", "f_d0_1", "-k", "1", "--json", *options(server)).json
        check_equal(len(found), 1, "found")
        result = world.ck(two, "search", "f_d0_1", expect=2)
        check("indexed with model 'm'" in result.err, result.err)


def test_prefixes(world):
    files = tree("f", 3)
    where = world.repository("main", files)
    with open(os.path.join(where, ".ck", "config.toml"), "a", encoding="utf-8") as file:
        file.write('document_prefix = "doc: "\nquery_prefix = "query: "\nmodel = "m"\n')
    with Server() as server:
        world.index(where, "--endpoint", server.url)
        check_stored(world, where, files, prefix="doc: ")
        found = world.ck(where, "search", "int f", "--endpoint", server.url, "--json").json
        check_equal(server.bodies[-1]["input"][0], "query: int f", "the query")
        check(all(hit["state"] == "here" for hit in found), "found, but changed")


def test_invalid_utf8_is_replaced(world):
    files = {"latin1.c": b"/* caf\xe9 */\nint a;\n", "mixed.txt": b"\xff\xfeab\xc3\n"}
    where = world.repository("main", files)
    with Server() as server:
        world.index(where, *options(server))
        world.check_refs(where, files, model="m", version=VERSION)
        check(any("caf\ufffd" in text for text in server.texts), "what was sent")
    world.index(where)
    world.check_refs(where, files)


def test_the_key(world):
    where = world.repository("main", tree("k", 3))
    key_file = world.path("key")
    with open(key_file, "w", encoding="utf-8") as file:
        file.write(KEY + "\n")
    os.chmod(key_file, 0o600)
    with Server(key=KEY) as server:
        outputs = [
            world.ck(where, "index", *options(server), expect=3),
            world.ck(where, "index", *options(server), env={"CK_API_KEY": KEY[:-1]}, expect=3),
            world.ck(where, "index", "--explain-sql", *options(server), env={"CK_API_KEY": KEY}),
            world.ck(where, "index", *options(server, "--key-env", "MY_KEY"), env={"MY_KEY": KEY}),
            world.ck(where, "index", "--verify", *options(server, "--key-file", key_file)),
        ]
        check("HTTP 401" in outputs[0].err and "HTTP 401" in outputs[1].err, outputs[1].err)
        os.chmod(key_file, 0o640)
        outputs.append(world.ck(where, "index", *options(server, "--key-file", key_file), expect=2))
        check("chmod 600" in outputs[-1].err, outputs[-1].err)
    outputs.append(world.ck(where, "index", "--endpoint", "http://192.0.2.1/v1", "--model", "m",
                            env={"CK_API_KEY": KEY}, expect=2))
    check("unencrypted" in outputs[-1].err, outputs[-1].err)
    for output in outputs:
        check(KEY[:-1] not in output.out + output.err, "the key was printed")
    with open(os.path.join(world.base, ".ck", "embeddings.db"), "rb") as file:
        check(KEY[:20].encode() not in file.read(), "the key is in the store")


def test_settings_of_a_hostile_repository(world):
    where = world.repository("main", tree("h", 2))
    config = os.path.join(where, ".ck", "config.toml")
    with open(config, encoding="utf-8") as file:
        good = file.read()
    for line, said in ((f'embed_cmd = "touch {where}/pwned"\nmodel = "m"', "not taken"),
                       ('key_file = "/etc/passwd"', "not taken"),
                       ('endpoint = "https://evil.example/v1"\nmodel = "m"', "not taken")):
        with open(config, "w", encoding="utf-8") as file:
            file.write(good + line + "\n")
        for command in (("index",), ("search", "x")):
            result = world.ck(where, *command, expect=2)
            check(said in result.err, result.err)
    check(not os.path.exists(os.path.join(where, "pwned")), "a program was run")


def test_elsewhere_gets_tracked_files_only(world):
    files = {"a.c": source("a"), "server.pem": b"pem\n", ".env": b"X=1\n", "id_rsa": b"x\n",
             "ok.env.example": b"X=\n",
             "key.c": b'char *k = "-----BEGIN RSA PRIVATE KEY-----";\n',
             "aws.c": b'char *k = "AKIAABCDEFGHIJKLMNOP";\n'}
    where = world.repository("main", files)
    write(where, {"untracked.c": source("u")})
    sent = {path: files[path] for path in ("a.c", "ok.env.example")}
    # A host that is another machine by its name, and this one by the proxy.
    with Server() as server:
        elsewhere = ("--endpoint", "http://models.example/v1", "--model", "m")
        env = {"http_proxy": server.url}
        result = world.ck(where, "index", *elsewhere, env=env)
        check_equal(result.err.count("sending texts to models.example"), 1, result.err)
        for name in ("server.pem", ".env", "id_rsa", "key.c", "aws.c"):
            check(f"{name}: not sent to models.example" in result.err, result.err)
        check("1 not tracked by git, 5 that look like secrets" in result.err, result.err)
        check_stored(world, where, sent)
        for text in server.asked:
            check("PRIVATE" not in text and "AKIA" not in text and "f_u_" not in text, "sent")
        world.index(where, *elsewhere, "--untracked", env=env)
        check_stored(world, where, {**sent, "untracked.c": source("u")})


PROGRAM = '''#!/usr/bin/python3
import json, sys
sys.path.insert(0, %r)
from server import vector
mode = sys.argv[1] if len(sys.argv) > 1 else ""
held = []
for line in sys.stdin:
    ask = json.loads(line)
    with open(%r, "a") as log: log.write(json.dumps(ask["text"]) + "\\n")
    if mode == "die": sys.exit(7)
    if mode == "garbage": print("hello", flush=True); continue
    if mode == "nan" and "POISON" in ask["text"]:
        print(json.dumps({"index": ask["index"], "embedding": [float("nan")] * 8}), flush=True); continue
    if mode == "hang":
        import time; time.sleep(60)
    if mode == "poison" and "POISON" in ask["text"]:
        print(json.dumps({"index": ask["index"], "error": "poisoned"}), flush=True); continue
    print(json.dumps({"index": ask["index"], "embedding": vector("m", ask["text"])}), flush=True)
'''


def test_program(world):
    files = tree("g", 9)
    where = world.repository("main", files)
    program, log = world.path("embed it"), world.path("log")
    with open(program, "w", encoding="utf-8") as file:
        file.write(PROGRAM % (os.path.dirname(os.path.abspath(__file__)), log))
    os.chmod(program, 0o755)
    command = ("--model", "m", "--embed-cmd")
    for mode, seconds, said in (("die", "60", "status 7"), ("garbage", "60", "only answers may be"),
                                ("hang", "1", "no answer within 1 s")):
        result = world.ck(where, "index", *command, f"'{program}' {mode}", "--timeout", seconds,
                          expect=3)
        check(said in result.err, result.err)
    world.index(where, *command, f'"{program}"')
    check_stored(world, where, files)
    write(where, {"p.c": b"POISON\n"})
    result = world.ck(where, "index", *command, f"'{program}' poison", expect=5)
    check("p.c:1: cannot be embedded: poisoned" in result.err, result.err)
    check_stored(world, where, files)
    # What json.dumps() makes of a NaN is no JSON; those behind it are embedded all the same.
    write(where, {"p.c": b"POISON\n", "q.c": source("behind"), **files})
    result = world.ck(where, "index", *command, f"'{program}' nan", expect=5)
    check("p.c:1: cannot be embedded: " in result.err and "finite" in result.err, result.err)
    check_stored(world, where, {**files, "q.c": source("behind")})
    result = world.ck(where, "index", *command, "/no/such/program", "--verify", expect=3)
    check("/no/such/program" in result.err, result.err)


def test_killed_and_resumed(world):
    files = tree("z", 120)
    own_config(world, "batch = 8\nin_flight = 2\n")
    where = world.repository("main", files)
    with Server(delay=0.05) as server:
        for sign in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            before = sum(server.texts.values())
            run = world.start(where, "index", *options(server))
            until(lambda: sum(server.texts.values()) >= before + 80 or run.poll() is not None)
            run.send_signal(sign)
            _, err = run.communicate(timeout=SECONDS)
            if sign != signal.SIGKILL:
                check_equal(run.returncode, 130, f"exit code ({err.decode()})")
                check(b"interrupted" in err, err.decode())
                check_equal(world.value("SELECT count(*) FROM ck_leases"), 0, "leases left")
            else:
                db = world.store()
                db.execute("DELETE FROM ck_leases")  # or wait for a minute
                db.close()
            check_vectors(world, files)
        server.forget()
        stored = world.value("SELECT count(*) FROM embeddings WHERE model = 'm'")
        check(stored > 100, f"{stored} embeddings survived")
        run = world.index(where, *options(server))
        total = len({row[4] for row in world.expected(files, model="m", version=VERSION)}) + 1
        check_equal(run["embedded"], total - stored, "embedded by the last run")
        check_stored(world, where, files)


def test_two_runs_share_the_work(world):
    files = tree("v", 60)
    own_config(world, "batch = 8\nin_flight = 2\n")
    one, two = world.repository("one", files), world.repository("two", files)
    with Server(delay=0.05) as server:  # which answers when both have something to ask
        server.plan = lambda number, texts: until(
            lambda: "probe" in texts[0] or number > 20 or
            world.value("SELECT count(DISTINCT owner) FROM ck_leases") == 2)
        runs = [world.start(where, "index", "--json", *options(server)) for where in (one, two)]
        results = []
        for run in runs:
            out, err = run.communicate(timeout=SECONDS)
            check_equal(run.returncode, 0, err.decode())
            results.append(json.loads(out))
        twice = {text[:40]: n for text, n in server.texts.items() if n > 1 and "probe" not in text}
        check_equal(twice, {}, "texts embedded twice")
        for where in (one, two):
            check_stored(world, where, files)
        print("  embedded", [result["embedded"] for result in results])
        check(min(result["embedded"] for result in results) > 0, "one did all the work")


def test_two_runs_over_one_workspace(world):
    where = world.repository("main", tree("o", 20))
    done = []
    with Server(plan=lambda number, texts: until(lambda: number == 0 or done)) as server:
        run = world.start(where, "index", *options(server))
        until(lambda: server.requests >= 2)
        result = world.ck(where, "index", expect=4)
        check("another" in result.err, result.err)
        done.append(1)
        _, err = run.communicate(timeout=SECONDS)
        check_equal(run.returncode, 0, err.decode())


def test_removed_while_it_is_indexed(world):
    where = world.repository("main", tree("j", 40))
    done = []
    with Server(plan=lambda number, texts: until(lambda: number == 0 or done)) as server:
        run = world.start(where, "index", *options(server))
        until(lambda: server.requests >= 2)
        db = world.store()
        db.execute("DELETE FROM workspaces WHERE name = 'main'")
        db.close()
        done.append(1)
        _, err = run.communicate(timeout=SECONDS)
        check_equal(run.returncode, 3, "exit code")
        check(b"was removed" in err, err.decode())
        world.index(where, *options(server))
        check_stored(world, where, tree("j", 40))


def test_gc_while_it_is_indexed(world):
    files = tree("e", 40)
    where = world.repository("main", files)
    with Server(delay=0.03) as server:
        run = world.start(where, "index", *options(server))
        db = world.store()
        while run.poll() is None:
            db.execute("SELECT ck_gc(0)").fetchall()
            time.sleep(0.005)
        db.close()
        _, err = run.communicate(timeout=SECONDS)
        check_equal(run.returncode, 0, err.decode())
        check_stored(world, where, files)


def test_a_remote_is_asked_first(world):
    files = tree("u", 10)
    with Server() as server:
        one = world.repository("one", files)
        world.index(one, *options(server))
        other = type(world)(_folder(world, "elsewhere"))
        two = other.repository("two", files)
        other.ck(two, "cache", "remote", "add", "team",
                 f"file:{world.base}/.ck/embeddings.db?mode=ro")
        server.forget()
        run = other.index(two, *options(server))
        check_equal((run["embedded"], sum(server.texts.values()) <= 1), (0, True), "embedded")
        check(run["pulled"] > 0, "nothing was pulled")
        check_stored(other, two, files)
        # The probe came first: another model is refused here, too, even if all there is comes along.
        third = type(world)(_folder(world, "third"))
        three = third.repository("three", files)
        third.ck(three, "cache", "remote", "add", "team",
                 f"file:{world.base}/.ck/embeddings.db?mode=ro")
        server.model = "another"
        result = third.ck(three, "index", *options(server), expect=3)
        check("is not what it was" in result.err, result.err)
        check_equal(third.value("SELECT count(*) FROM embeddings"), 1, "embeddings, but the probe")
        write(two, {"new.c": source("new")})
        result = other.ck(two, "index", *options(server), expect=3)
        check("is not what it was" in result.err, result.err)


def _folder(world, name):
    """A folder in the world's."""
    path = world.path(name)
    os.mkdir(path)
    return path
