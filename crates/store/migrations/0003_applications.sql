CREATE TABLE document_numbers (
    sequence {text} NOT NULL PRIMARY KEY,
    last {int} NOT NULL
);
CREATE TABLE user_consents (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application {uuid} NOT NULL,
    permissions {text} NOT NULL,
    expires {time},
    expiring {bool} NOT NULL
);
CREATE UNIQUE INDEX user_consents_once ON user_consents (user_id, application, permissions);
CREATE INDEX user_consents_application ON user_consents (application);
