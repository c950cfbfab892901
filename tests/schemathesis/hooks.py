"""What Schemathesis cannot know of this API: which objects there are, which of them are its own, and where it may send."""

import atexit
import collections
import json
import os
import pathlib
import re
import urllib.request

import schemathesis
from schemathesis.core.parameters import ParameterLocation

BASE = os.environ["VESTIBULE_API"]
TOKEN = os.environ["VESTIBULE_API_TOKEN"]
# Whoever asks, with what makes them a superuser. Nothing is changed there: every later request would be refused.
OWN = set(json.loads(os.environ["VESTIBULE_API_OWN"]))
REPORT = os.environ.get("VESTIBULE_API_REPORT")

# Where the objects are that a path or a body refers to; a path's own collection otherwise.
COLLECTIONS = {
    "flow_slug": "flows/instances/", "application_slug": "core/applications/", "user_pk": "core/users/",
    "application": "core/applications/", "app": "core/applications/", "authorization_flow": "flows/instances/",
    "authentication_flow": "flows/instances/", "invalidation_flow": "flows/instances/", "enrollment_flow": "flows/instances/",
    "recovery_flow": "flows/instances/", "unenrollment_flow": "flows/instances/", "passwordless_flow": "flows/instances/",
    "flow": "flows/instances/", "target": "flows/instances/", "stage": "stages/all/", "policy": "policies/all/",
    "user": "core/users/", "users": "core/users/", "group": "core/groups/", "parents": "core/groups/",
    "groups": "core/groups/", "role": "rbac/roles/", "roles": "rbac/roles/", "provider": "providers/all/",
    "providers": "providers/all/", "property_mappings": "propertymappings/all/", "sources": "sources/all/",
    "password_stage": "stages/password/", "captcha_stage": "stages/captcha/", "transports": "events/transports/",
    "destination_group": "core/groups/", "webhook_mapping_body": "propertymappings/notification/",
    "webhook_mapping_headers": "propertymappings/notification/", "signing_key": "crypto/certificatekeypairs/",
    "encryption_key": "crypto/certificatekeypairs/", "web_certificate": "crypto/certificatekeypairs/",
    "service_connection": "outposts/service_connections/all/", "default_application": "core/applications/",
}
COLLECTIONS |= {f"flow_{name}": "flows/instances/" for name in (
    "authentication", "invalidation", "recovery", "unenrollment", "user_settings", "device_code")}
# Of a reference by something else than `pk`.
KEYS = {"flow_slug": "slug", "application_slug": "slug", "users_by_name": "username"}

# Fields that two objects may not share.
NAMING = ("name", "slug", "identifier", "username", "domain", "key")

# How one of each is made: the table that the official clients walk.
WALKS = json.loads((pathlib.Path(__file__).resolve().parents[1] / "clients" / "walks.json").read_text())
ROWS = {row["path"]: row for row in WALKS["resources"]}
NAMES = {row.get("as", row["id"]): row for row in WALKS["resources"]}
NAMES["permission"] = {"path": "rbac/permissions/", "key": "id"}

asked = collections.Counter()
answered = collections.defaultdict(collections.Counter)
known = {}
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(method, path, body=None):
    """A call of our own: the answer, or nothing where it fails."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE}/{path}", data=data, method=method, headers=headers)
    try:
        with direct.open(request, timeout=20) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def objects(collection):
    """What a collection holds at present. Where all is deleted, one is made anew."""
    if collection not in known:
        known[collection] = listed(collection)
        row = ROWS.get(collection)
        if not known[collection] and row and ask("POST", collection, filled(row["create"])):
            known[collection] = listed(collection)
    return known[collection]


def listed(collection):
    shown = ask("GET", f"{collection}?page_size=40")
    found = shown.get("results", []) if isinstance(shown, dict) else shown or []
    ours = lambda one: OWN & {str(one.get("pk")), str(one.get("identifier"))}
    return [one for one in found if isinstance(one, dict) and not ours(one)]


def filled(value):
    """A body of the clients' table, with any object of the right kind in place of `@name` and `@name.field`."""
    if isinstance(value, dict):
        return {name: filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    name, _, field = value[1:].partition(".")
    row = NAMES.get(name)
    found = objects(row["path"]) if row else []
    return found[0].get(field or row["key"]) if found else None


def key_of(one, name):
    if name in KEYS:
        return one.get(KEYS[name])
    return one.get(name, one.get("pk", one.get("uuid")))


def choose(collection, name, turn):
    keys = [key for key in (key_of(one, name) for one in objects(collection)) if key is not None]
    return keys[turn % len(keys)] if keys else None


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """What authentik's document leaves unsaid of its formats, and ours after it: an empty text stands for none, and a
    launch URL may have places in it (`%(username)s`)."""

    def loosen(node):
        if isinstance(node, list):
            return [loosen(item) for item in node]
        if not isinstance(node, dict):
            return node
        node = {name: loosen(value) for name, value in node.items()}
        if node.get("type") == "string" and node.get("format") in ("email", "uri"):
            typed = {name: node.pop(name) for name in ("type", "format", "maxLength") if name in node}
            node["anyOf"] = [typed, {"type": "string", "pattern": r"^$|%\("}]
        return node

    schemas = raw_schema["components"]["schemas"]
    for name in schemas:
        if not name.endswith("Request"):
            schemas[name] = loosen(schemas[name])


@schemathesis.hook
def before_call(context, case, kwargs):
    turn = asked[case.operation.label]
    asked[case.operation.label] += 1
    point_at_objects(case, turn)
    leave_own_alone(case)
    case.body = stay_here(case.body)
    if not case.meta or not case.meta.is_negative_at(ParameterLocation.BODY):
        refer_to_objects(case.body, turn)
    do_as_clients_do(case, turn)


def point_at_objects(case, turn):
    """Three of four requests go to an object that is there."""
    path = case.operation.path
    if turn % 4 == 3 or not case.path_parameters or (case.meta and case.meta.is_negative_at(ParameterLocation.PATH)):
        return
    for name in case.path_parameters:
        own_collection = path[: path.index("{" + name + "}")].lstrip("/")
        key = choose(COLLECTIONS.get(name, own_collection), name, turn // 4 * 3 + turn % 4)
        if key is not None:
            case.path_parameters[name] = key


def leave_own_alone(case):
    for name, value in (case.path_parameters or {}).items():
        if str(value) in OWN:
            case.path_parameters[name] = 0 if isinstance(value, int) else "0"


def stay_here(value):
    """What the server might be asked to fetch is on this machine, where nobody listens."""
    if isinstance(value, dict):
        return {name: stay_here(item) for name, item in value.items()}
    if isinstance(value, list):
        return [stay_here(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"^(https?)://[^/?#]*", r"\1://127.0.0.1:9", value)
    return value


def refer_to_objects(body, turn):
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        collection = COLLECTIONS.get(name)
        if isinstance(value, dict):
            refer_to_objects(value, turn)
        if collection is None or turn % 4 == 3:
            continue
        key = choose(collection, name, turn)
        if key is not None and isinstance(value, list) and value:
            body[name] = [key]
        elif key is not None and isinstance(value, (str, int)) and value != "":
            body[name] = key


def do_as_clients_do(case, turn):
    """One of eight writes is what the official clients send, under a new name: something is to be carried out."""
    path, method = case.operation.path.lstrip("/"), case.method.upper()
    row = ROWS.get(path if method == "POST" else re.sub(r"\{\w+\}/$", "", path))
    if turn % 8 != 1 or method not in ("POST", "PUT", "PATCH") or row is None or not isinstance(case.body, dict):
        return
    body = filled(row["patch" if method == "PATCH" else "create"])
    new = {name: f"{body[name]}-{method.lower()}-{turn}" for name in NAMING if name in body}
    case.body = {**body, **new}


@schemathesis.hook
def after_call(context, case, response):
    answered[case.operation.label][response.status_code] += 1
    if case.method.upper() in ("POST", "DELETE"):
        known.clear()


@atexit.register
def report():
    if REPORT:
        with open(REPORT, "w", encoding="utf-8") as file:
            json.dump(answered, file)
