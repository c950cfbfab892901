{postgres} CREATE INDEX users_names ON users (id) INCLUDE (username_folded, username);
