CREATE TABLE reputation_scores (
    pk {uuid} NOT NULL PRIMARY KEY,
    identifier {text} NOT NULL,
    ip {text} NOT NULL,
    ip_geo_data {json} NOT NULL,
    ip_asn_data {json} NOT NULL,
    score {int} NOT NULL,
    updated {time} NOT NULL,
    expires {time} NOT NULL,
    UNIQUE (identifier, ip)
);
CREATE INDEX reputation_scores_ip ON reputation_scores (ip, pk);
CREATE INDEX reputation_scores_expires ON reputation_scores (expires);
CREATE INDEX events_logins ON events (user_id, created) WHERE action = 'login';
