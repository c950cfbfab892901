CREATE TABLE user_identifiers (
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attribute {text} NOT NULL,
    value {text} NOT NULL,
    value_folded {text} NOT NULL,
    PRIMARY KEY (user_id, attribute)
);
CREATE INDEX user_identifiers_value ON user_identifiers (value);
CREATE INDEX user_identifiers_folded ON user_identifiers (value_folded);
