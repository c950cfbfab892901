CREATE TABLE oauth2_codes (
    id {key},
    code_hash {text} NOT NULL UNIQUE,
    provider {int} NOT NULL,
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope {text} NOT NULL,
    expires {time} NOT NULL,
    expiring {bool} NOT NULL DEFAULT TRUE,
    granted {json} NOT NULL,
    family {uuid} NOT NULL
);
CREATE INDEX oauth2_codes_user ON oauth2_codes (user_id);
CREATE INDEX oauth2_codes_provider ON oauth2_codes (provider);
CREATE INDEX oauth2_codes_expires ON oauth2_codes (expires);
CREATE TABLE oauth2_spent (
    hash {text} NOT NULL PRIMARY KEY,
    family {uuid} NOT NULL,
    expires {time} NOT NULL
);
CREATE INDEX oauth2_spent_expires ON oauth2_spent (expires);
CREATE TABLE oauth2_access_tokens (
    id {key},
    token_hash {text} NOT NULL UNIQUE,
    provider {int} NOT NULL,
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope {text} NOT NULL,
    expires {time} NOT NULL,
    expiring {bool} NOT NULL DEFAULT TRUE,
    revoked {bool} NOT NULL DEFAULT FALSE,
    id_token {json} NOT NULL,
    session {uuid},
    family {uuid} NOT NULL,
    confirmation {text}
);
CREATE INDEX oauth2_access_tokens_user ON oauth2_access_tokens (user_id);
CREATE INDEX oauth2_access_tokens_provider ON oauth2_access_tokens (provider);
CREATE INDEX oauth2_access_tokens_expires ON oauth2_access_tokens (expires);
CREATE INDEX oauth2_access_tokens_family ON oauth2_access_tokens (family);
CREATE INDEX oauth2_access_tokens_session ON oauth2_access_tokens (session);
CREATE TABLE oauth2_refresh_tokens (
    id {key},
    token_hash {text} NOT NULL UNIQUE,
    provider {int} NOT NULL,
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope {text} NOT NULL,
    expires {time} NOT NULL,
    expiring {bool} NOT NULL DEFAULT TRUE,
    revoked {bool} NOT NULL DEFAULT FALSE,
    id_token {json} NOT NULL,
    granted {json} NOT NULL,
    family {uuid} NOT NULL
);
CREATE INDEX oauth2_refresh_tokens_user ON oauth2_refresh_tokens (user_id);
CREATE INDEX oauth2_refresh_tokens_provider ON oauth2_refresh_tokens (provider);
CREATE INDEX oauth2_refresh_tokens_expires ON oauth2_refresh_tokens (expires);
CREATE INDEX oauth2_refresh_tokens_family ON oauth2_refresh_tokens (family);
CREATE TABLE oauth2_device_codes (
    id {key},
    device_hash {text} NOT NULL UNIQUE,
    user_code {text} NOT NULL UNIQUE,
    provider {int} NOT NULL,
    user_id {int} REFERENCES users (id) ON DELETE CASCADE,
    scope {text} NOT NULL,
    expires {time} NOT NULL,
    polled {time},
    granted {json}
);
CREATE INDEX oauth2_device_codes_expires ON oauth2_device_codes (expires);
CREATE TABLE oauth2_logouts (
    id {key},
    session {uuid} NOT NULL,
    provider {int} NOT NULL,
    issuer {text} NOT NULL,
    subject {text} NOT NULL
);
CREATE UNIQUE INDEX oauth2_logouts_once ON oauth2_logouts (session, provider);
CREATE TABLE oauth2_seen (
    hash {text} NOT NULL PRIMARY KEY,
    expires {time} NOT NULL
);
CREATE INDEX oauth2_seen_expires ON oauth2_seen (expires);
CREATE TABLE oauth2_pushed (
    hash {text} NOT NULL PRIMARY KEY,
    provider {int} NOT NULL,
    parameters {json} NOT NULL,
    expires {time} NOT NULL
);
CREATE INDEX oauth2_pushed_expires ON oauth2_pushed (expires)
