//! Users who work at the desk: passwords, login, sessions.
