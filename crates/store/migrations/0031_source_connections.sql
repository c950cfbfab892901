CREATE TABLE user_source_connections (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source {uuid} NOT NULL,
    source_slug {text} NOT NULL,
    identifier {text} NOT NULL,
    identifier_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    access_token_sealed {text},
    expires {time} NOT NULL,
    UNIQUE (user_id, source)
);
CREATE UNIQUE INDEX user_source_connections_identifier ON user_source_connections (source, identifier);
CREATE INDEX user_source_connections_slug ON user_source_connections (source_slug, id);
CREATE TABLE group_source_connections (
    id {key},
    group_pk {uuid} NOT NULL REFERENCES groups (pk) ON DELETE CASCADE,
    source {uuid} NOT NULL,
    source_slug {text} NOT NULL,
    identifier {text} NOT NULL,
    identifier_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    UNIQUE (group_pk, source)
);
CREATE UNIQUE INDEX group_source_connections_identifier ON group_source_connections (source, identifier);
CREATE INDEX group_source_connections_slug ON group_source_connections (source_slug, id)
