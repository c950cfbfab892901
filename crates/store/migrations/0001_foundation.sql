CREATE TABLE configuration (
    kind {text} NOT NULL,
    pk {uuid} NOT NULL PRIMARY KEY,
    document {json} NOT NULL
);
CREATE INDEX configuration_kind ON configuration (kind);
CREATE TABLE configuration_revision (
    id {key},
    change {uuid} NOT NULL,
    at {time} NOT NULL,
    actor {json} NOT NULL,
    kind {text} NOT NULL,
    pk {uuid} NOT NULL,
    before {json},
    after {json}
);
CREATE INDEX configuration_revision_pk ON configuration_revision (pk);
CREATE TABLE configuration_state (
    id {int} NOT NULL PRIMARY KEY,
    version {int} NOT NULL
);
INSERT INTO configuration_state (id, version) VALUES (1, 0);
CREATE TABLE server_state (
    name {text} NOT NULL PRIMARY KEY,
    value {text} NOT NULL
);
CREATE TABLE users (
    id {key},
    uuid {uuid} NOT NULL UNIQUE,
    uid {text} NOT NULL UNIQUE,
    username {text} NOT NULL UNIQUE,
    username_folded {text} NOT NULL,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    email {text} NOT NULL,
    email_folded {text} NOT NULL,
    upn {text},
    upn_folded {text},
    password {text},
    password_change_date {time} NOT NULL,
    is_active {bool} NOT NULL,
    type {text} NOT NULL,
    path {text} NOT NULL,
    attributes {json} NOT NULL,
    last_login {time},
    date_joined {time} NOT NULL,
    last_updated {time} NOT NULL
);
CREATE INDEX users_username_folded ON users (username_folded);
CREATE INDEX users_email ON users (email);
CREATE INDEX users_email_folded ON users (email_folded);
CREATE INDEX users_upn ON users (upn);
CREATE INDEX users_upn_folded ON users (upn_folded);
CREATE INDEX users_path ON users (path);
CREATE TABLE groups (
    pk {uuid} NOT NULL PRIMARY KEY,
    num_pk {int} NOT NULL,
    name {text} NOT NULL UNIQUE,
    name_folded {text} NOT NULL,
    is_superuser {bool} NOT NULL,
    attributes {json} NOT NULL
);
CREATE TABLE group_parents (
    child {uuid} NOT NULL REFERENCES groups (pk) ON DELETE CASCADE,
    parent {uuid} NOT NULL REFERENCES groups (pk) ON DELETE CASCADE,
    PRIMARY KEY (child, parent)
);
CREATE TABLE memberships (
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_pk {uuid} NOT NULL REFERENCES groups (pk) ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_pk)
);
CREATE INDEX memberships_group ON memberships (group_pk);
CREATE TABLE tokens (
    pk {uuid} NOT NULL PRIMARY KEY,
    identifier {text} NOT NULL UNIQUE,
    managed {text} UNIQUE,
    intent {text} NOT NULL,
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    description {text} NOT NULL,
    description_folded {text} NOT NULL,
    key_hash {text} NOT NULL UNIQUE,
    key_sealed {text} NOT NULL,
    expires {time},
    expiring {bool} NOT NULL
);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE TABLE sessions (
    id_hash {text} NOT NULL PRIMARY KEY,
    uuid {uuid} NOT NULL UNIQUE,
    user_id {int} REFERENCES users (id) ON DELETE CASCADE,
    data {json} NOT NULL,
    version {int} NOT NULL,
    client_ip {text} NOT NULL,
    user_agent {text} NOT NULL,
    created {time} NOT NULL,
    last_used {time} NOT NULL,
    expires {time} NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires);
CREATE TABLE events (
    pk {uuid} NOT NULL PRIMARY KEY,
    created {time} NOT NULL,
    expires {time} NOT NULL,
    action {text} NOT NULL,
    app {text} NOT NULL,
    user_id {int},
    user_json {json} NOT NULL,
    context {json} NOT NULL,
    client_ip {text},
    brand {json} NOT NULL
);
CREATE INDEX events_created ON events (created);
CREATE INDEX events_expires ON events (expires);
CREATE TABLE version_history (
    id {key},
    timestamp {time} NOT NULL,
    version {text} NOT NULL,
    build {text} NOT NULL
);
