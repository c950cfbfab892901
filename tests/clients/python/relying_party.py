"""An application that speaks OpenID Connect by Authlib, unmodified, signs somebody in at a server of its own.

The last line is `Clients: N passed, N failed`.
"""

import os
import pathlib
import sys
import traceback
import urllib.parse

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
import server  # noqa: E402

# Authlib refuses plain HTTP; the server of a test has nothing else.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "true"

CALLBACK = "http://127.0.0.1:8999/callback"
SECRET = "the secret of a test"
ANSWERS = {
    "ak-stage-identification": {"uid_field": "akadmin"},
    "ak-stage-password": {"password": server.SETTINGS["VESTIBULE_BOOTSTRAP_PASSWORD"]},
}


class Administrator:
    """Arranges things through the API."""

    def __init__(self, url):
        self.url = url

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {server.TOKEN}"}
        answer = requests.request(method, f"{self.url}/api/v3{path}", json=body, headers=headers, timeout=10)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def application(self, name):
        """An application with its provider, whose tokens an RSA key signs."""
        flow = lambda slug: self.call("GET", f"/flows/instances/{slug}/")["pk"]  # noqa: E731
        scopes = self.call("GET", "/propertymappings/provider/scope/?page_size=100")["results"]
        key = {"common_name": name, "validity_days": 30}
        provider = self.call("POST", "/providers/oauth2/", {
            "name": name,
            "client_id": name,
            "client_secret": SECRET,
            "authorization_flow": flow("default-provider-authorization-implicit-consent"),
            "invalidation_flow": flow("default-provider-invalidation-flow"),
            "redirect_uris": [{"matching_mode": "strict", "url": CALLBACK}],
            "property_mappings": [scope["pk"] for scope in scopes],
            "signing_key": self.call("POST", "/crypto/certificatekeypairs/generate/", key)["pk"],
        })
        self.call("POST", "/core/applications/", {"name": name, "slug": name, "provider": provider["pk"]})


class Person:
    """A browser without a screen, and the answers that a person would give."""

    def __init__(self, url):
        self.url = url
        self.browser = requests.Session()
        self.browser.headers["Sec-Fetch-Site"] = "same-origin"

    def follow(self, address):
        """Follows an address until it leaves the server."""
        for _ in range(10):
            address = urllib.parse.urljoin(self.url, address)
            if not address.startswith(f"{self.url}/"):
                return address
            parts = urllib.parse.urlsplit(address)
            if parts.path.startswith("/if/flow/"):
                address = self.walk(parts.path.split("/")[3], parts.query)
                continue
            answer = self.browser.get(address, allow_redirects=False, timeout=10)
            assert answer.status_code == 302, f"{address}: {answer.status_code}"
            address = answer.headers["Location"]
        raise AssertionError("an address without an end")

    def walk(self, slug, query):
        path = f"{self.url}/api/v3/flows/executor/{slug}/?query={urllib.parse.quote(query, safe='')}"
        for _ in range(20):
            answer = self.browser.get(path, allow_redirects=False, timeout=10)
            if answer.status_code == 302:
                continue
            challenge = answer.json()
            if challenge["component"] == "xak-flow-redirect":
                return challenge["to"]
            body = {"component": challenge["component"], **ANSWERS[challenge["component"]]}
            self.browser.post(path, json=body, allow_redirects=False, timeout=10)
        raise AssertionError("a flow without an end")


class Steps:
    """What was tried, and how it went."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def step(self, name, work):
        try:
            result = work()
        except Exception:  # noqa: BLE001: whatever goes wrong is a failure, and the rest is tried
            self.failed += 1
            print(f"FAILED {name}: {traceback.format_exc(limit=-4)}", flush=True)
            return None
        self.passed += 1
        return result


def client(auth_method, scope="openid email profile offline_access"):
    return OAuth2Session(
        "authlib", SECRET, scope=scope, redirect_uri=CALLBACK, code_challenge_method="S256",
        token_endpoint_auth_method=auth_method,
    )


def sign_in(url, metadata, auth_method):
    """The code flow with PKCE, and an identity token that Authlib finds right."""
    session = client(auth_method)
    verifier, nonce = generate_token(48), generate_token(16)
    address, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    back = Person(url).follow(address)
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    claims = CodeIDToken(
        decoded.claims, decoded.header,
        {"iss": {"value": metadata["issuer"]}, "aud": {"value": "authlib"}},
        {"nonce": nonce, "client_id": "authlib", "access_token": token["access_token"]},
    )
    claims.validate(leeway=5)
    told = session.get(metadata["userinfo_endpoint"]).json()
    assert told["sub"] == claims["sub"] and told["preferred_username"] == "akadmin", told
    return session, token


def renew(session, token, metadata):
    renewed = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
    assert renewed["access_token"] != token["access_token"] and renewed["refresh_token"] != token["refresh_token"]
    return renewed


def look_and_take_back(session, token, metadata):
    seen = lambda: session.introspect_token(  # noqa: E731
        metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token"
    ).json()
    before = seen()
    assert before["active"] and before["client_id"] == "authlib", before
    answer = session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
    assert answer.status_code == 200, answer.text
    assert seen() == {"active": False}


def machine(metadata):
    session = client("client_secret_basic", scope="openid profile")
    token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
    assert token["token_type"] == "Bearer" and session.get(metadata["userinfo_endpoint"]).json()["sub"]


def main():
    steps = Steps()
    with server.running() as url:
        Administrator(url).application("authlib")
        metadata = requests.get(f"{url}/application/o/authlib/.well-known/openid-configuration", timeout=10).json()
        for method in ["client_secret_basic", "client_secret_post"]:
            signed_in = steps.step(f"sign in by {method}", lambda method=method: sign_in(url, metadata, method))
            if signed_in is None:
                continue
            session, token = signed_in
            renewed = steps.step(f"refresh by {method}", lambda: renew(session, token, metadata))
            steps.step(f"introspect and revoke by {method}", lambda: look_and_take_back(session, renewed, metadata))
        steps.step("client credentials", lambda: machine(metadata))
    print(f"Clients: {steps.passed} passed, {steps.failed} failed")
    return 1 if steps.failed else 0


if __name__ == "__main__":
    sys.exit(main())
