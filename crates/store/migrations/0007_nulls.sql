DROP INDEX sessions_user;
CREATE INDEX sessions_user ON sessions (user_id) WHERE user_id IS NOT NULL;
DROP INDEX events_model_pk;
CREATE INDEX events_model_pk ON events (model_pk) WHERE model_pk IS NOT NULL;
