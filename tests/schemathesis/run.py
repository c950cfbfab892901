"""Asks every operation of a fresh server all that Schemathesis can think of. `--max-examples N`: how much that is.

What it does not ask, and why:
- Nothing is left out. What would end the run for all that follows (deleting the token in use, whoever it belongs to, or
  the group that makes them a superuser) is asked of another object: `leave_own_alone` in `hooks.py`.
The last line is `Schemathesis: N passed, N failed`, counted in operations.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import server  # noqa: E402

# Operations that can never be carried out here, and why.
IMPOSSIBLE = {
    r"\w+ /tenants/": "there is one tenant, as with authentik without tenancy",
    r"DELETE /core/user_consent/": "a consent comes of a person who agrees",
}
USERS_BEFORE_OURS = 30
# Notifications, of the administrator.
NOTIFICATIONS = 8
# Sessions of somebody else: there are to be some, to look at and to end.
SIGN_INS = 8


class Api:
    """Calls of the REST API as the administrator."""

    def __init__(self, base):
        self.base = base
        self.direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __call__(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {server.TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{path}", data=data, method=method, headers=headers)
        with self.direct.open(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def arrange(api):
    """Somebody to ask as, whose number nobody guesses: the token, and what must stay for it to work."""
    for number in range(USERS_BEFORE_OURS):
        api("POST", "core/users/", {"username": f"somebody-{number}", "name": "Somebody"})
    for number in range(SIGN_INS):
        sign_in(api, f"somebody-{number}")
    user = api("POST", "core/users/", {"username": "schemathesis", "name": "Schemathesis"})
    group = api("POST", "core/groups/", {"name": "schemathesis", "is_superuser": True, "users": [user["pk"]]})
    transport = api("POST", "events/transports/", {"name": "schemathesis", "mode": "local"})
    for _ in range(NOTIFICATIONS):
        api("POST", f"events/transports/{transport['pk']}/test/", {})
    name = "schemathesis-token"
    api("POST", "core/tokens/", {"identifier": name, "intent": "api", "user": user["pk"], "expiring": False})
    return api("GET", f"core/tokens/{name}/view_key/")["key"], [str(user["pk"]), group["pk"], name, "schemathesis"]


def sign_in(api, username):
    """Signs somebody in, as a browser does, at the second try."""
    password = "correct horse battery"
    found = api("GET", f"core/users/?username={username}")["results"]
    api("POST", f"core/users/{found[0]['pk']}/set_password/", {"password": password})
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    address = f"{api.base}/flows/executor/default-authentication-flow/?query="

    def step(answer=None):
        data = None if answer is None else json.dumps(answer).encode()
        request = urllib.request.Request(address, data=data, headers={"Content-Type": "application/json"})
        with browser.open(request, timeout=20) as shown:
            return json.load(shown)

    challenge = step()
    # The wrong one leaves a reputation.
    for answer in ({"uid_field": username}, {"password": "wrong"}, {"password": password}):
        challenge = step({"component": challenge["component"], **answer})
    if challenge["component"] != "xak-flow-redirect":
        raise SystemExit(f"nobody can sign in: {challenge}")


def ask(url, report, arguments, unknown):
    base = f"{url}/api/v3"
    token, own = arrange(Api(base))
    environment = {
        **os.environ,
        "VESTIBULE_API": base,
        "VESTIBULE_API_TOKEN": token,
        "VESTIBULE_API_OWN": json.dumps(own),
        "VESTIBULE_API_REPORT": str(report / "statuses.json"),
        "PYTHONPATH": str(HERE),
        "NO_PROXY": "127.0.0.1",
    }
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run",
        f"{base}/schema/?format=json", "--header", f"Authorization: Bearer {token}", "--phases", arguments.phases,
        "--max-examples", str(arguments.max_examples), "--no-color",
        "--report", "json", "--report-json-path", str(report / "report.json"), *unknown,
    ]
    return subprocess.run(command, env=environment, cwd=report, check=False).returncode


def summary(report, code):
    """Says what came of it; true if all is well."""
    written = report / "report.json"
    if not written.exists():
        print("Schemathesis: 0 passed, 1 failed")
        return False
    result = json.loads(written.read_text())
    failed = {operation for failure in result["failures"] for operation in failure["operations"]}
    failed |= {str(error.get("operation", error)) for error in result["errors"]}
    tested = result["operations"]["tested"]
    if code and not failed:
        failed.add("the run itself")
    statuses = json.loads((report / "statuses.json").read_text())
    never = sorted(name for name, seen in statuses.items() if not any(status.startswith("2") for status in seen))
    requests = sum(sum(seen.values()) for seen in statuses.values())
    reasons = {name: why for name in never for pattern, why in IMPOSSIBLE.items() if re.match(pattern, name)}
    for why in sorted(set(reasons.values())):
        names = ", ".join(name for name in never if reasons.get(name) == why)
        print(f"could not be carried out, since {why}: {names}")
    never = [name for name in never if name not in reasons]
    print(f"{requests} requests; {len(never)} of {len(statuses)} operations were never carried out: {', '.join(never)}")
    print(f"Schemathesis: {max(tested - len(failed), 0)} passed, {len(failed)} failed")
    return not failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-examples", type=int, default=3)
    parser.add_argument("--phases", default="examples,coverage,fuzzing")
    parser.add_argument("--report", help="a folder for the reports and the server's log")
    arguments, unknown = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(arguments.report or scratch).resolve()
        report.mkdir(parents=True, exist_ok=True)
        with server.running(log=report / "server.log") as url:
            code = ask(url, report, arguments, unknown)
        return 0 if summary(report, code) else 1


if __name__ == "__main__":
    sys.exit(main())
