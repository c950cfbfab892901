CREATE TABLE static_devices (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    last_used {time},
    failures {int} NOT NULL DEFAULT 0,
    failed_at {time}
);
CREATE INDEX static_devices_user ON static_devices (user_id);
CREATE TABLE static_tokens (
    id {key},
    device_id {int} NOT NULL REFERENCES static_devices (id) ON DELETE CASCADE,
    token_hash {text} NOT NULL,
    token_sealed {text} NOT NULL
);
CREATE INDEX static_tokens_device ON static_tokens (device_id, token_hash);
CREATE TABLE totp_devices (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    last_used {time},
    failures {int} NOT NULL DEFAULT 0,
    failed_at {time},
    key_sealed {text} NOT NULL,
    digits {int} NOT NULL,
    last_step {int} NOT NULL
);
CREATE INDEX totp_devices_user ON totp_devices (user_id);
CREATE TABLE webauthn_devices (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    last_used {time},
    failures {int} NOT NULL DEFAULT 0,
    failed_at {time},
    credential_id {text} NOT NULL UNIQUE,
    credential {json} NOT NULL,
    sign_count {int} NOT NULL,
    rp_id {text} NOT NULL,
    aaguid {text} NOT NULL,
    attestation_certificate {text}
);
CREATE INDEX webauthn_devices_user ON webauthn_devices (user_id);
CREATE TABLE email_devices (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    last_used {time},
    failures {int} NOT NULL DEFAULT 0,
    failed_at {time},
    email {text} NOT NULL,
    stage {uuid} NOT NULL,
    code_hash {text},
    code_expires {time},
    code_sent {time}
);
CREATE INDEX email_devices_user ON email_devices (user_id);
CREATE TABLE sms_devices (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    last_used {time},
    failures {int} NOT NULL DEFAULT 0,
    failed_at {time},
    phone_number {text} NOT NULL,
    is_hashed {bool} NOT NULL,
    stage {uuid} NOT NULL,
    code_hash {text},
    code_expires {time},
    code_sent {time}
);
CREATE INDEX sms_devices_user ON sms_devices (user_id);
CREATE TABLE duo_devices (
    id {key},
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    name_folded {text} NOT NULL,
    created {time} NOT NULL,
    last_updated {time} NOT NULL,
    last_used {time},
    failures {int} NOT NULL DEFAULT 0,
    failed_at {time},
    stage {uuid} NOT NULL,
    duo_user_id {text} NOT NULL
);
CREATE INDEX duo_devices_user ON duo_devices (user_id);
CREATE TABLE second_factor_attempts (
    user_id {int} NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    failures {int} NOT NULL,
    failed_at {time}
);
