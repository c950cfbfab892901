CREATE TABLE invitations (
    pk {uuid} NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    expires {time},
    fixed_data {json} NOT NULL,
    created_by {int} REFERENCES users (id) ON DELETE CASCADE,
    single_use {bool} NOT NULL,
    flow {uuid}
);
CREATE INDEX invitations_expires ON invitations (expires{nulls first}, pk);
CREATE INDEX invitations_created_by ON invitations (created_by);
CREATE INDEX invitations_flow ON invitations (flow)
