ALTER TABLE events ADD COLUMN username {text};
ALTER TABLE events ADD COLUMN context_username {text};
ALTER TABLE events ADD COLUMN model_app {text};
ALTER TABLE events ADD COLUMN model_name {text};
ALTER TABLE events ADD COLUMN model_pk {text};
ALTER TABLE events ADD COLUMN authorized_app {text};
ALTER TABLE events ADD COLUMN device {text};
ALTER TABLE events ADD COLUMN brand_name {text};
ALTER TABLE events ADD COLUMN quarter_day {int};
CREATE INDEX events_action ON events (action);
CREATE INDEX events_user ON events (user_id);
CREATE INDEX events_username ON events (username);
CREATE INDEX events_model_pk ON events (model_pk);
CREATE INDEX events_quarter_day ON events (quarter_day);
CREATE TABLE notifications (
    pk {uuid} NOT NULL PRIMARY KEY,
    user_id {int} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_pk {uuid} REFERENCES events (pk) ON DELETE CASCADE,
    severity {text} NOT NULL,
    body {text} NOT NULL,
    hyperlink {text},
    hyperlink_label {text},
    created {time} NOT NULL,
    seen {bool} NOT NULL
);
CREATE INDEX notifications_user ON notifications (user_id);
CREATE INDEX notifications_event ON notifications (event_pk);
CREATE TABLE schedules (
    id {uuid} NOT NULL PRIMARY KEY,
    actor_name {text} NOT NULL,
    identifier {text} NOT NULL,
    uid {text},
    arguments {json} NOT NULL,
    rel_obj_app {text},
    rel_obj_model {text},
    rel_obj_id {text},
    crontab {text} NOT NULL,
    paused {bool} NOT NULL,
    next_run {time} NOT NULL,
    UNIQUE (actor_name, identifier)
);
CREATE INDEX schedules_next_run ON schedules (next_run);
CREATE TABLE tasks (
    id {uuid} NOT NULL PRIMARY KEY,
    queue_name {text} NOT NULL,
    actor_name {text} NOT NULL,
    uid {text},
    arguments {json} NOT NULL,
    rel_obj_app {text},
    rel_obj_model {text},
    rel_obj_id {text},
    schedule_id {uuid} REFERENCES schedules (id) ON DELETE SET NULL,
    state {text} NOT NULL,
    aggregated_status {text} NOT NULL,
    retries {int} NOT NULL,
    created {time} NOT NULL,
    mtime {time} NOT NULL,
    eta {time},
    due {time},
    owner {uuid}
);
CREATE INDEX tasks_due ON tasks (due);
CREATE INDEX tasks_mtime ON tasks (mtime);
CREATE INDEX tasks_schedule ON tasks (schedule_id);
CREATE TABLE task_logs (
    id {key},
    task_id {uuid} NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    previous {bool} NOT NULL,
    at {time} NOT NULL,
    log_level {text} NOT NULL,
    logger {text} NOT NULL,
    event {text} NOT NULL,
    attributes {json} NOT NULL
);
CREATE INDEX task_logs_task ON task_logs (task_id);
CREATE TABLE workers (
    id {uuid} NOT NULL PRIMARY KEY,
    hostname {text} NOT NULL,
    version {text} NOT NULL,
    last_seen {time} NOT NULL
);
CREATE TABLE files (
    name {text} NOT NULL,
    usage {text} NOT NULL,
    media_type {text} NOT NULL,
    content {bytes} NOT NULL,
    created {time} NOT NULL,
    PRIMARY KEY (name, usage)
);
