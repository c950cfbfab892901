"""Starts the server's binary on an empty folder and a free port, and ends it, and only it."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "tests-token-0123456789abcdef"
SETTINGS = {
    "VESTIBULE_RATE_LIMIT": "off",
    "VESTIBULE_LISTEN_METRICS": "off",
    "VESTIBULE_EGRESS_ALLOW": "127.0.0.0/8",
    # Enough to be real; what hashing costs is measured elsewhere.
    "VESTIBULE_ARGON2_MEMORY": "1024",
    "VESTIBULE_BOOTSTRAP_TOKEN": TOKEN,
    "VESTIBULE_BOOTSTRAP_PASSWORD": "correct horse battery",
    "VESTIBULE_BOOTSTRAP_EMAIL": "root@vestibule.test",
}
READY_WITHIN = 30.0


def binary() -> pathlib.Path:
    """The server's program: what `VESTIBULE_BIN` names, or what the build made."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    path = pathlib.Path(os.environ.get("VESTIBULE_BIN", os.path.join(target, "debug", "vestibule"))).resolve()
    if not path.exists():
        raise SystemExit(f"{path} is missing: cargo build --bin vestibule, or set VESTIBULE_BIN")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(log=None):
    """The address of a server, which ends with the block. What it logs goes to the file `log`, if there is one."""
    # Whoever is told to end ends the server first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="vestibule-tests-")
    # Nothing of the caller's settings reaches the server.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("VESTIBULE_", "AUTHENTIK_"))}
    port = free_port()
    where = pathlib.Path(log) if log else pathlib.Path(folder) / "log"
    with open(where, "wb") as output:
        server = subprocess.Popen(
            [str(binary()), "serve", "--listen", f"127.0.0.1:{port}", "--data", folder],
            env={**inherited, **SETTINGS}, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(server, url, where)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(server, url, log):
    until = time.monotonic() + READY_WITHIN
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        if server.poll() is not None:
            raise SystemExit(f"the server ended:\n{log.read_text(errors='replace')[-2000:]}")
        try:
            with direct.open(f"{url}/-/health/ready/", timeout=5) as answer:
                if answer.status < 300:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"the server was not ready in time:\n{log.read_text(errors='replace')[-2000:]}")
