-- One row: by which it is seen whether the secret of the installation is the one with which this database was used before.
CREATE TABLE installation (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    secret_check BLOB NOT NULL
) STRICT;
