CREATE TABLE roles (
    pk {uuid} NOT NULL PRIMARY KEY,
    name {text} NOT NULL UNIQUE,
    name_folded {text} NOT NULL,
    managed {text} UNIQUE
);
CREATE TABLE user_roles (
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role {uuid} NOT NULL REFERENCES roles (pk) ON DELETE CASCADE,
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role);
CREATE TABLE group_roles (
    group_pk {uuid} NOT NULL REFERENCES groups (pk) ON DELETE CASCADE,
    role {uuid} NOT NULL REFERENCES roles (pk) ON DELETE CASCADE,
    PRIMARY KEY (group_pk, role)
);
CREATE INDEX group_roles_role ON group_roles (role);
CREATE TABLE role_permissions (
    id {key},
    role {uuid} NOT NULL REFERENCES roles (pk) ON DELETE CASCADE,
    permission {text} NOT NULL,
    UNIQUE (role, permission)
);
CREATE TABLE role_object_permissions (
    id {key},
    role {uuid} NOT NULL REFERENCES roles (pk) ON DELETE CASCADE,
    permission {text} NOT NULL,
    model {text} NOT NULL,
    object_uuid {uuid},
    object_id {int},
    UNIQUE (role, permission, object_uuid),
    UNIQUE (role, permission, object_id)
);
CREATE INDEX role_object_permissions_uuid ON role_object_permissions (object_uuid);
CREATE INDEX role_object_permissions_id ON role_object_permissions (object_id);
CREATE TABLE initial_permissions (
    id {key},
    name {text} NOT NULL UNIQUE,
    name_folded {text} NOT NULL,
    role {uuid} NOT NULL REFERENCES roles (pk) ON DELETE CASCADE
);
CREATE INDEX initial_permissions_role ON initial_permissions (role);
CREATE TABLE initial_permission_grants (
    initial_permissions {int} NOT NULL REFERENCES initial_permissions (id) ON DELETE CASCADE,
    permission {text} NOT NULL,
    PRIMARY KEY (initial_permissions, permission)
);
ALTER TABLE group_parents ADD COLUMN place {int} NOT NULL DEFAULT 0;
CREATE VIEW authenticated_sessions AS SELECT uuid, user_id, (SELECT username FROM users WHERE users.id = sessions.user_id) AS username, client_ip, user_agent, last_used, expires FROM sessions WHERE user_id IS NOT NULL;
CREATE TABLE flow_tokens (token {uuid} NOT NULL PRIMARY KEY REFERENCES tokens (pk) ON DELETE CASCADE, flow {uuid} NOT NULL, once {bool} NOT NULL);
