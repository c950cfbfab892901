CREATE INDEX configuration_revision_change ON configuration_revision (change, id);
CREATE INDEX configuration_revision_at ON configuration_revision (at);
