"""What must not leak, mix or hang: keys in messages, probes, programs and git that do not end, leases of the
dead, remotes that are away, secrets in files."""
import json
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time

from endpoint_cases import KEY, PROGRAM, check_stored, options, own_config, until
from scope_cases import program, wrapper
from server import DIMS, Server, vector
from world import CK, SECONDS, check, check_equal, source, tree, write


class Says:
    """A server that answers every request in the same way; {key} is what it was given."""

    def __init__(self, status, body, headers=()):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.answer = (status, body, headers)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """In a thread, until the socket is closed."""
        status, text, headers = self.answer
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                head = {}
                target = lines.readline().split()[1].decode()
                while (line := lines.readline().strip()):
                    name, _, value = line.decode().partition(": ")
                    head[name.lower()] = value
                lines.read(int(head.get("content-length", 0)))
                body = text.replace("{key}", head.get("authorization", "")).replace("{target}", target)
                more = "".join(f"{name}: {value}\r\n" for name, value in headers)
                connection.sendall((f"HTTP/1.1 {status} No\r\nConnection: close\r\n{more}Content-Length: "
                                    f"{len(body)}\r\n\r\n{body}").encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def test_keys_are_in_no_message(world):
    where = world.repository("main", tree("k", 2))
    env = {"CK_API_KEY": KEY}
    escaped = json.dumps({"error": {"message": "x" * 290 + " {key}"}}).replace("-", "\\u002d")
    for status, body in ((401, "x" * 185 + "{key}"), (401, "x" * 275 + "{key}{key}"), (500, "{key}"),
                         (401, '{"error": "' + "y" * 295 + '{key}"}'), (401, escaped),
                         (200, '{"data": [{"index": "{key}", "embedding": [1]}]}')):
        with Says(status, body) as server:
            for command in (("index",), ("search", "x")):
                result = world.ck(where, *command, *options(server), env=env, expect=None)
                check(KEY[:8] not in result.err + result.out, f"{body[:20]}: {result}")
    for url in ("http://127.0.0.1:9/v1/embeddings?api-key=TOPSECRET", "ftp://u:TOPSECRET@h/?k=TOPSECRET",
                "http://u:TOPSECRET@127.0.0.1:9", "http://[bad?key=TOPSECRET"):
        result = world.ck(where, "index", "--endpoint", url, "--model", "m", expect=None)
        check(result.code in (2, 3) and "TOPSECRET" not in result.err, str(result))
    result = world.ck(where, "index", "--endpoint", "http://h/?k=TOPSECRET", "--embed-cmd", "x", "--model",
                      "m", expect=2)
    check("TOPSECRET" not in result.err and "http://h/" in result.err, result.err)
    with Says(404, "cannot POST {target}") as server:
        result = world.ck(where, "index", "--endpoint", f"{server.url}/v1?api-key=TOPSECRET", "--model", "m",
                          expect=3)
        check("cannot POST /v1/embeddings?api-key=***" in result.err, result.err)


def test_what_failures_advise(world):
    where = world.repository("main", tree("w", 2))
    running = "Is the server running"
    for url, said in (("localhost:11434", "must begin with http"), ("http://[x", "is not a URL"),
                      ("http://u:p@127.0.0.1", "no user or password")):
        result = world.ck(where, "index", "--endpoint", url, "--model", "m", expect=2)
        check(said in result.err and running not in result.err, result.err)
    key_file = world.path("key")
    write(world.folder, {"key": KEY + "\n"})
    os.chmod(key_file, 0o644)
    with Server(key=KEY) as server:
        result = world.ck(where, "index", *options(server, "--key-file", key_file), expect=2)
        check("chmod 600" in result.err and running not in result.err, result.err)
        result = world.ck(where, "index", *options(server), expect=3)
        check("No key was sent" in result.err and "CK_API_KEY" in result.err, result.err)
        result = world.ck(where, "index", *options(server, "--key-env", "MINE"), env={"MINE": "wrong-key"},
                          expect=3)
        check("that of the variable MINE" in result.err, result.err)
        os.chmod(key_file, 0o600)
        write(world.folder, {"key": "another\n"})
        result = world.ck(where, "index", *options(server, "--key-file", key_file), expect=3)
        check(f"that of the file '{key_file}'" in result.err, result.err)
    with Says(429, '{"error": "slow down"}', [("Retry-After", "7200")]) as server:
        result = world.ck(where, "index", *options(server), expect=4)
        check("slow down; it is to be asked again in 120 minutes" in result.err, result.err)
        check(running not in result.err, result.err)
    result = world.ck(where, "index", "--model", "m", "--embed-cmd", "'x", expect=2)
    check("a quote is not closed" in result.err, result.err)


def test_search_compares_the_probe(world):
    files = tree("p", 3)
    where = world.repository("main", files)
    with Server() as server:
        world.index(where, *options(server))
        check(len(world.ck(where, "search", "f", *options(server), "--json").json) > 0, "found")
        server.model = "another"
        result = world.ck(where, "search", "f", *options(server), expect=3)
        check("is not what it was" in result.err and result.out == "", str(result))


def test_the_probe_is_exported(world):
    files = tree("e", 3)
    where = world.repository("main", files)
    pack = world.path("c.pack")
    with Server() as server:
        world.index(where, *options(server))
        world.index(where, "--model", "lexical")
        world.index(where, *options(server))
        world.ck(where, "cache", "export", pack, "--workspace", "main")
        there = type(world)(world.path("there") if os.makedirs(world.path("there")) is None else "")
        other = there.repository("clone", files)
        there.ck(other, "cache", "import", pack)
        server.model = "another"
        write(other, {"new.c": source("new")})
        result = there.ck(other, "index", *options(server), expect=3)
        check("is not what it was" in result.err, result.err)
        server.model = None
        server.forget()
        run = there.index(other, *options(server))
        check_equal(sum(server.texts.values()), run["embedded"] + 1, "embedded, and the probe")
        check_stored(there, other, {**files, "new.c": source("new")})


def test_a_program_that_closes_its_output(world):
    where = world.repository("main", tree("c", 2))
    begun = time.monotonic()
    result = world.ck(where, "index", "--model", "m", "--embed-cmd", "sh -c 'exec 1>&-; exec sleep 100'",
                      "--timeout", "2", expect=3)
    check("closed its output" in result.err, result.err)
    check(time.monotonic() - begun < 90, "it took long")


def is_running(pid):
    """Does the process exist, and is not only waited for?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def until_gone(pids):
    """Those of the processes that exist after 5 seconds."""
    deadline = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [pid for pid in pids if is_running(pid)]


def slow_program(world, begin=""):
    """A program that never answers and has started two others; the numbers of all get into a file."""
    path = world.path("pids")
    write(world.folder, {"slow": f"#!/bin/sh\n{begin}\n(sleep 60; sleep 61) & echo $! >{path}.new\n"
                                 f"sleep 62 & echo $! $$ >>{path}.new\nmv {path}.new {path}\nwait\nwait\n"})
    os.chmod(world.path("slow"), 0o755)
    if os.path.exists(path):
        os.remove(path)
    return ("--model", "m", "--embed-cmd", f"sh -c '{world.path('slow')}; echo over'"), path


def started(path):
    """The numbers, once they are there."""
    deadline = time.monotonic() + 30
    while not os.path.exists(path):
        check(time.monotonic() < deadline, "the program was not started")
        time.sleep(0.02)
    with open(path, encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]


def test_what_a_program_started_ends_with_it(world):
    where = world.repository("main", tree("u", 2))
    for begin in ("", 'trap "" TERM INT HUP'):
        command, path = slow_program(world, begin)
        result = world.ck(where, "index", *command, "--timeout", "1", expect=3)
        check("no answer within 1 s" in result.err, result.err)
        check_equal(until_gone(started(path)), [], f"processes left by --timeout ({begin})")
        for signs in ((signal.SIGTERM,), (signal.SIGINT,), (signal.SIGHUP,), (signal.SIGQUIT,),
                      (signal.SIGTERM, signal.SIGTERM)):
            command, path = slow_program(world, begin)
            run = world.start(where, "index", *command)
            pids = started(path)
            for sign in signs:
                run.send_signal(sign)
                time.sleep(0.3 if len(signs) > 1 else 0)
            try:  # until all who could write into the pipes are gone
                _, err = run.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                run.communicate()
                raise
            expected = -signal.SIGQUIT if signs[0] == signal.SIGQUIT else 130
            check(run.returncode in (expected, -signs[-1] if len(signs) > 1 else expected),
                  f"{signs}: exit {run.returncode}, {err.decode()}")
            check_equal(until_gone(pids), [], f"processes left by {signs} ({begin})")


def on_terminal(world, where, *arguments):
    """ck at a terminal of its own: its number, and the terminal's other side."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(CK, [CK, "-C", where, *arguments], world.env)
    return pid, terminal


def shown_until_end(pid, terminal):
    """What the terminal shows, and the exit code."""
    shown, deadline = b"", time.monotonic() + 20
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # nobody has it open any more
            break
        shown += data
    os.close(terminal)
    if time.monotonic() >= deadline:
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_programs_at_a_terminal(world):
    where = world.repository("main", tree("v", 2))
    command, path = slow_program(world)
    run, terminal = on_terminal(world, where, "index", *command)
    pids = started(path)
    os.write(terminal, b"\x03")
    code, shown = shown_until_end(run, terminal)
    check_equal(code, 130, f"exit code after Ctrl-C ({shown})")
    check_equal(until_gone(pids), [], "processes left by Ctrl-C")
    run, terminal = on_terminal(world, where, "index", *command[:-1], "sh -c 'read answer </dev/tty'")
    code, shown = shown_until_end(run, terminal)
    check_equal(code, 3, f"exit code of one that asks ({shown})")
    check("asks something at the terminal" in " ".join(shown.split()), shown)


def test_signals_end_a_slow_git(world):
    where = world.repository("main", tree("g", 2))
    scripts = ('exec sleep 60', 'exec 1>&-; sleep 60', 'trap "" TERM; while :; do sleep 1; done')
    for n, script in enumerate(scripts):
        begun = world.path(f"begun{n}")
        env = wrapper(world, f"touch '{begun}'; {script}")
        run = world.start(where, "index", env=env)
        until(lambda begun=begun: os.path.exists(begun))
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=50)  # git would have slept for longer
        check_equal((run.returncode, b"interrupted" in err), (130, True), f"{script}: {err}")


def test_a_pipe_as_settings(world):
    where = world.repository("main", tree("f", 2))
    config = os.path.join(where, ".ck", "config.toml")
    os.remove(config)
    os.mkfifo(config)
    result = world.ck(where, "status", expect=3)
    check("it is not a file" in result.err, result.err)


def test_ignored_signals_stay_ignored(world):
    files = tree("n", 6)
    where = world.repository("main", files)
    with Server(delay=0.2) as server:
        run = subprocess.Popen(["nohup", CK, "-C", where, "index", *options(server)],
                               env=world.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        while server.requests < 2 and run.poll() is None:
            time.sleep(0.01)
        run.send_signal(signal.SIGHUP)
        out, _ = run.communicate(timeout=SECONDS)
        check_equal(run.returncode, 0, f"exit code ({out.decode()})")
        check_stored(world, where, files)


def test_leases_of_a_killed_run(world):
    files = tree("d", 60)
    own_config(world, "batch = 8\nin_flight = 2\n")
    where = world.repository("main", files)
    killed = []
    with Server(plan=lambda number, texts: until(lambda: number < 6 or killed)) as server:
        run = world.start(where, "index", *options(server))
        until(lambda: server.requests >= 6)
        run.kill()
        run.communicate()
        killed.append(1)
        db = world.store()
        n_left = db.execute("UPDATE ck_leases SET expires_at = expires_at + 3600").rowcount
        db.close()
        check(n_left > 0, "no leases left")
        world.index(where, *options(server))  # does not wait until they expire
        check_stored(world, where, files)


def test_a_remote_that_is_away_is_named(world):
    files = tree("r", 3)
    where = world.repository("main", files)
    write(world.folder, {"broken.db": b"this is no database, " * 500})
    world.ck(where, "cache", "remote", "add", "team", f"file:{world.path('broken.db')}", expect=None)
    if not world.value("SELECT count(*) FROM ck_remotes"):
        db = world.store()
        db.execute("INSERT INTO ck_remotes(name, url) VALUES ('team', ?)",
                   (f"file:{world.path('broken.db')}",))
        db.close()
    with Server() as server:
        result = world.ck(where, "index", *options(server))
        check_equal(result.err.count("warning: remotes that cannot be asked"), 1, result.err)
        check("team" in result.err, result.err)
        check_stored(world, where, files)


def test_relative_files_and_folders(world):
    files = tree("b", 3)
    where = world.repository("main", files)
    program(world)
    os.rename(world.path("embed"), os.path.join(where, "embed.py"))
    write(where, {".git/info/exclude": "embed.py\nkey\n*.jsonl*\n", "key": KEY + "\n"})
    os.chmod(os.path.join(where, "key"), 0o600)
    world.index(where, "--model", "m", "--embed-cmd", "./embed.py")
    check_stored(world, where, files)
    with Server(key=KEY) as server:
        world.ck(where, "index", "--verify", *options(server, "--key-file", "key", "--revision", "2"))
    manifest = os.path.join(where, "m.jsonl")
    world.ck(where, "index", "--manifest", "m.jsonl")
    with open(manifest, encoding="utf-8") as lines:
        check_equal(len(lines.readlines()), len(files), "lines of the manifest")
    os.remove(manifest)
    os.symlink("/dev/full", manifest)
    world.ck(where, "index", "--manifest", "m.jsonl", expect=3)
    check(os.path.islink(manifest), "a device was replaced by a file")
    world.ck(where, "index", "--manifest", "no/folder/m", expect=3)
    check_equal([name for name in os.listdir(where) if ".new-" in name], [], "files left")


def test_a_repository_of_somebody_else(world):
    if os.geteuid() != 0:
        return "only root can make one"
    where = world.repository("main", tree("o", 2))
    world.give(os.path.join(where), 65534)
    result = world.ck(where, "index", env={"SUDO_UID": "0"}, expect=None)
    if result.code == 0:
        return "git takes it for its own"
    check("dubious ownership" in result.err, result.err)
    check("run: git config --global --add safe.directory" in result.err, result.err)
    return None


def test_programs_do_not_get_the_key(world):
    where = world.repository("main", tree("i", 2))
    out = world.path("environment")
    script = f'env >{out}; exec python3 {world.path("embed")}'
    program(world)
    world.index(where, "--model", "m", "--embed-cmd", f"sh -c '{script}'", env={"CK_API_KEY": KEY})
    with open(out, encoding="utf-8") as lines:
        text = lines.read()
    check("HOME=" in text and KEY not in text, "the key is in the environment")


SECRETS = {
    "hf.txt": "token hf_" + "a1" * 17, "ghu.txt": "ghu_" + "b2" * 18, "ghr.txt": "ghr_" + "c3" * 18,
    "aws.ini": "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG" * 2, "sg.txt": "SG." + "d4" * 11 + ".x",
    "stripe.txt": "sk_test_" + "e5" * 12, "db.py": 'connect(password="hunter2hunter2")\n',
    "settings.properties": "db.password=s3cretvalue\n", "config.json": '{"password": "s3cret-value"}\n',
    ".envrc": "x\n", "kubeconfig": "x\n", ".docker/config.json": "{}\n", "sub/.docker/config.json": "{}\n",
    "old.tfstate.backup": "x\n",
}
HARMLESS = {
    "form.py": 'password = request.form["password1"]\nlogin(user, password=password1)\n',
    "types.ts": "interface A { password: string8; }\nconst password = await read8(file);\n",
    "docs.md": "Set password=<your password 1> or PASSWORD=$DB_PASSWORD1\n", "help.txt": "hf_hub sk_test_ SG.\n",
    "config/config.json": "{}\n", "short.py": 'password = "abc12"\npassword = "correct horse 1"\n',
}


def test_secrets_stay_here(world):
    where = world.repository("main", {**SECRETS, **HARMLESS})
    with Server() as server:
        result = world.ck(where, "index", "--endpoint", "http://models.example/v1", "--model", "m",
                          "--json", env={"http_proxy": server.url})
        check_equal(sorted({row[0] for row in world.refs(where)}), sorted(HARMLESS), "files sent")
        check_equal(result.json["secret"], len(SECRETS), "files held back")
