"""The official Python client, unmodified, walks what `walks.json` names: its models are strict, so every answer must fit.

Each resource is created, read, patched, replaced, listed by filters and by pages, and deleted; each read is made once.
The last line is `Clients: N passed, N failed`.
"""

import json
import pathlib
import sys
import traceback

import authentik_client

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
import server  # noqa: E402

WALKS = json.loads((HERE.parent / "walks.json").read_text())


class Failed(Exception):
    """An answer that is not what was asked for."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


class Walker:
    """Calls by name, what was made so far, and how it went."""

    def __init__(self, url):
        configuration = authentik_client.Configuration(host=f"{url}/api/v3", access_token=server.TOKEN)
        configuration.proxy = None
        self.client = authentik_client.ApiClient(configuration)
        self.made = {}
        self.passed = 0
        self.failed = []

    def call(self, api, operation, *arguments, **named):
        return getattr(getattr(authentik_client, api)(self.client), operation)(*arguments, **named)

    def step(self, name, work):
        try:
            result = work()
        except Exception as error:  # noqa: BLE001: whatever goes wrong is a failure, and the walk goes on
            reason = str(error) if isinstance(error, Failed) else traceback.format_exc(limit=-3)
            self.failed.append(name)
            print(f"FAILED {name}: {reason}", flush=True)
            return None
        self.passed += 1
        return result

    def filled(self, value):
        """A value with what was made in place of `@name` (its key) and `@name.field`."""
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, str) and value.startswith("@"):
            name, _, field = value[1:].partition(".")
            return self.made[name][field or self.made[name]["@key"]]
        return value


def shown(model):
    """A model as JSON; `to_json` leaves out what is read only."""
    return model.model_dump(mode="json", by_alias=True)


def same(sent, answer):
    """The fields that are not shown as sent; secrets are not shown at all."""
    return [name for name, value in sent.items() if name in answer and answer[name] != value]


def walk(walker, row):
    name, api, key = row.get("as", row["id"]), row["api"], row["key"]
    body = walker.step(f"{name} body", lambda: walker.filled(row["create"]))
    if body is None:
        return
    request = getattr(authentik_client, f"{row['model']}Request")
    patched = getattr(authentik_client, f"Patched{row['model']}Request")

    def create():
        answer = shown(walker.call(api, f"{row['id']}_create", request.model_validate(body)))
        expect(not same(body, answer), f"not as sent: {same(body, answer)} in {answer}")
        walker.made[name] = {**answer, "@key": key}
        return answer

    made = walker.step(f"{name} create", create)
    if made is None:
        return
    pk = made[key]

    def retrieve():
        answer = shown(walker.call(api, f"{row['id']}_retrieve", pk))
        expect(answer.keys() == made.keys(), f"other fields: {answer.keys() ^ made.keys()}")
        expect(not same(body, answer), f"not as sent: {same(body, answer)}")

    def patch():
        patch = walker.filled(row["patch"])
        answer = shown(walker.call(api, f"{row['id']}_partial_update", pk, patched.model_validate(patch)))
        expect(not same(patch, answer), f"not as patched: {same(patch, answer)}")

    def page():
        answer = walker.call(api, f"{row['id']}_list", **walker.filled(row["filters"]), page=1, page_size=1)
        expect(answer.pagination.count == 1, f"{answer.pagination.count} are found by {row['filters']}")
        expect(shown(answer.results[0])[key] == pk, "another one is found")
        # A page holds a hundred at most.
        whole = walker.call(api, f"{row['id']}_list", page_size=100)
        seen, number = [], 1
        while number:
            one = walker.call(api, f"{row['id']}_list", page=number, page_size=2)
            seen += [shown(item)[key] for item in one.results]
            number = int(one.pagination.next)
        expect(len(set(seen)) == len(seen) == whole.pagination.count, "pages lose some")
        first = sorted(str(shown(item)[key]) for item in whole.results)
        expect(sorted(map(str, seen[:100])) == first, "small pages show others than large ones")

    def update():
        answer = shown(walker.call(api, f"{row['id']}_update", pk, request.model_validate(body)))
        expect(not same(body, answer), f"not as replaced: {same(body, answer)}")

    for what, work in (("retrieve", retrieve), ("patch", patch), ("list", page), ("update", update)):
        walker.step(f"{name} {what}", work)


def destroy(walker, row):
    name = row.get("as", row["id"])
    if name not in walker.made:
        return
    pk = walker.made[name][row["key"]]

    def used_by():
        walker.call(row["api"], f"{row['id']}_used_by_list", pk)

    def delete():
        walker.call(row["api"], f"{row['id']}_destroy", pk)
        try:
            walker.call(row["api"], f"{row['id']}_retrieve", pk)
        except authentik_client.exceptions.NotFoundException:
            return
        raise Failed("it is still there")

    if hasattr(getattr(authentik_client, row["api"]), f"{row['id']}_used_by_list"):
        walker.step(f"{name} used_by", used_by)
    walker.step(f"{name} destroy", delete)


def prepare(walker):
    """What the table refers to and does not make: a certificate with its key, of the server's own making; a permission."""
    request = authentik_client.CertificateGenerationRequest(common_name="walk-made", validity_days=30)
    pk = walker.call("CryptoApi", "crypto_certificatekeypairs_generate_create", request).pk
    certificate = walker.call("CryptoApi", "crypto_certificatekeypairs_view_certificate_retrieve", pk).data
    key = walker.call("CryptoApi", "crypto_certificatekeypairs_view_private_key_retrieve", pk).data
    walker.call("CryptoApi", "crypto_certificatekeypairs_destroy", pk)
    permission = walker.call("RbacApi", "rbac_permissions_list", page_size=1).results[0].id
    walker.made["permission"] = {"@key": "id", "id": permission}
    walker.made["generated"] = {"certificate": certificate, "key": key, "@key": "certificate"}


def main():
    with server.running() as url:
        walker = Walker(url)
        walker.step("prepare", lambda: prepare(walker))
        for row in WALKS["resources"]:
            walk(walker, row)
        for one in WALKS["reads"]:
            walker.step(one["id"], lambda one=one: walker.call(one["api"], one["id"], **walker.filled(one["arguments"])))
        for row in reversed(WALKS["resources"]):
            destroy(walker, row)
    print(f"Clients: {walker.passed} passed, {len(walker.failed)} failed")
    return 1 if walker.failed else 0


if __name__ == "__main__":
    sys.exit(main())
