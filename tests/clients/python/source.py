"""A server of its own signs people in through NanoIDP, unmodified, a small provider written in Python.

The last line is `Clients: N passed, N failed`.
"""

import contextlib
import html.parser
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse

import requests

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
import server  # noqa: E402
from relying_party import Administrator, Steps  # noqa: E402

SETTINGS = """
config_version: 1
server: {{host: "127.0.0.1", port: {port}}}
oauth:
  issuer: "http://127.0.0.1:{port}"
  audience: "vestibule"
  clients:
    - {{client_id: "vestibule", client_secret: "a-secret-of-a-test", redirect_uris: ["{callback}"]}}
"""
USERS = """
config_version: 1
users:
  ada: {password: "needle", email: "ada@example.org", groups: ["smiths"], roles: ["USER"], tenant: "default"}
"""
READY_WITHIN = 30.0


@contextlib.contextmanager
def provider(callback):
    """The address of a NanoIDP, which ends with the block."""
    port = server.free_port()
    with tempfile.TemporaryDirectory(prefix="vestibule-provider-") as folder:
        path = pathlib.Path(folder)
        (path / "settings.yaml").write_text(SETTINGS.format(port=port, callback=callback))
        (path / "users.yaml").write_text(USERS)
        with open(path / "log", "wb") as log:
            program = [sys.executable, "-m", "nanoidp", "--config", folder, "--port", str(port)]
            running = subprocess.Popen(program, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + READY_WITHIN
            while True:
                with contextlib.suppress(requests.ConnectionError):
                    requests.get(f"{url}/.well-known/openid-configuration", timeout=5)
                    break
                if running.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"NanoIDP does not start: {(path / 'log').read_text()}")
                time.sleep(0.1)
            yield url
        finally:
            running.terminate()
            running.wait(10)


class Form(html.parser.HTMLParser):
    """The fields of the first form of a page, and where it goes."""

    def __init__(self):
        super().__init__()
        self.action, self.fields, self.inside = None, {}, False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.inside = attrs.get("action") or "", True
        elif tag in ("input", "button") and self.inside and attrs.get("name"):
            self.fields.setdefault(attrs["name"], attrs.get("value") or "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


def sign_in(url, elsewhere, password):
    """Walks from the source's login to a page of the server, giving name and password where they are asked for."""
    browser = requests.Session()
    address = f"{url}/source/oauth/login/elsewhere/?next=/if/user/"
    answer = browser.get(address, allow_redirects=False, timeout=10)
    for _ in range(20):
        if answer.is_redirect:
            address = urllib.parse.urljoin(address, answer.headers["Location"])
            if address == f"{url}/if/user/":
                break
            answer = browser.get(address, allow_redirects=False, timeout=10)
        elif address.startswith(elsewhere) and answer.status_code == 200 and "error" not in answer.headers:
            form = Form()
            form.feed(answer.text)
            if form.action is None or form.fields.get("password"):
                break
            fields = {**form.fields, "username": "ada", "password": password}
            address = urllib.parse.urljoin(address, form.action)
            previous, answer = answer, browser.post(address, data=fields, allow_redirects=False, timeout=10)
            if not answer.is_redirect and answer.status_code == previous.status_code:
                break
        else:
            break
    me = browser.get(f"{url}/api/v3/core/users/me/", timeout=10)
    return answer, me.json()["user"] if me.status_code == 200 else None


def main():
    steps = Steps()
    with server.running() as url, provider(f"{url}/source/oauth/callback/elsewhere/") as elsewhere:
        admin = Administrator(url)

        def source():
            flow = lambda slug: admin.call("GET", f"/flows/instances/{slug}/")["pk"]  # noqa: E731
            made = admin.call("POST", "/sources/oauth/", {
                "name": "Elsewhere",
                "slug": "elsewhere",
                "provider_type": "openidconnect",
                "consumer_key": "vestibule",
                "consumer_secret": "a-secret-of-a-test",
                "pkce": "S256",
                "oidc_well_known_url": f"{elsewhere}/.well-known/openid-configuration",
                "authentication_flow": flow("default-source-authentication"),
                "enrollment_flow": flow("default-source-enrollment"),
            })
            assert made["authorization_url"].startswith(elsewhere), made["authorization_url"]
            assert made["oidc_jwks"]["keys"], made["oidc_jwks"]

        def known():
            for _ in range(2):
                answer, user = sign_in(url, elsewhere, "needle")
                assert user is not None, f"{answer.url} {answer.status_code} {answer.text}"
                assert (user["username"], user["email"]) == ("ada", "ada@example.org"), user
            found = admin.call("GET", "/core/users/?search=ada")["results"]
            assert len(found) == 1, found
            connected = admin.call("GET", "/sources/user_connections/oauth/")["results"]
            assert [one["source_obj"]["slug"] for one in connected] == ["elsewhere"], connected

        def refused():
            _, user = sign_in(url, elsewhere, "haystack")
            assert user is None, user

        steps.step("its metadata says where everything is", source)
        steps.step("somebody signs in, and is the same the next time", known)
        steps.step("with the wrong password nobody does", refused)
    print(f"Clients: {steps.passed} passed, {steps.failed} failed")
    return 1 if steps.failed else 0


if __name__ == "__main__":
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    sys.exit(main())
