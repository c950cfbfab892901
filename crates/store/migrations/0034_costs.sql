DROP INDEX events_user;
DROP INDEX events_quarter_day;
DROP INDEX oauth2_access_tokens_session;
CREATE INDEX oauth2_access_tokens_session ON oauth2_access_tokens (session) WHERE session IS NOT NULL
