-- A relay that cannot be used, as long as that is so: those who work with the desk are told of it.
CREATE TABLE relay_troubles (
    relay TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('no_such_host', 'nobody_listens', 'timed_out', 'silent', 'no_starttls', 'no_tls', 'bad_certificate', 'no_login', 'login_refused', 'not_now', 'refused', 'broken')),
    detail TEXT NOT NULL,
    since BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    told_at BIGINT
);
