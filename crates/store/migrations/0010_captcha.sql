CREATE TABLE captcha_answers (
    random {text} NOT NULL PRIMARY KEY,
    expires {time} NOT NULL
);
CREATE INDEX captcha_answers_expires ON captcha_answers (expires);
