ALTER TABLE flow_tokens ADD COLUMN plan {json};
ALTER TABLE flow_tokens ADD COLUMN activates {bool} NOT NULL DEFAULT FALSE
