CREATE TABLE claimed_addresses (
    user_id {int} NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    address_folded {text} NOT NULL
)
