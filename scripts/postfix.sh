#!/usr/bin/env bash
# A throw-away Postfix for tests: a relay as many companies have one, with STARTTLS and a login, on loopback
# only, and gone afterwards. It puts every mail to example.org into one Maildir and sends nothing further.
#
#   scripts/postfix.sh run COMMAND..   start, run the command with POSTILJON_TEST_POSTFIX set to the folder, stop;
#                                      exits with the code of the command
#
# The folder has the files `port`, `authority.pem` (who signed the certificate, for 127.0.0.1), `user`, `password`
# and mail/inbox/new/. Debian: postfix, sasl2-bin, libsasl2-modules, openssl. Postfix starts as root only: without
# being root this needs sudo without a password.
set -euo pipefail

USER_NAME=postiljon
PASSWORD=only-for-tests
REALM=relay.example.net
START_SECONDS=30

fail() {
    echo "scripts/postfix.sh: $*" >&2
    exit 1
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -n "$@"
    fi
}

# Administrators' programs are not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

check_programs() {
    local program
    for program in postfix postconf saslpasswd2 openssl; do
        command -v "$program" >/dev/null ||
            fail "$program is not installed. Debian: apt-get install postfix sasl2-bin libsasl2-modules openssl"
    done
    as_root true || fail "Postfix starts as root only, and sudo wants a password"
}

# A port that nobody listens on. Somebody may take it before we do: then the start fails, and is tried again.
free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
    fail "no free port was found on 127.0.0.1"
}

# An authority, and a certificate of it for 127.0.0.1.
certificate() {
    local new=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)
    "${new[@]}" -subj /CN=authority -keyout "$folder/authority.key" -out "$folder/authority.pem" 2>/dev/null
    "${new[@]}" -subj /CN=relay -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
        -CA "$folder/authority.pem" -CAkey "$folder/authority.key" \
        -keyout "$folder/relay.key" -out "$folder/relay.pem" 2>/dev/null
}

login() {
    # Debian's Postfix looks there, whatever cyrus_sasl_config_path says.
    mkdir -p "$folder/config/sasl"
    echo "$USER_NAME" >"$folder/user"
    echo "$PASSWORD" >"$folder/password"
    printf '%s' "$PASSWORD" | saslpasswd2 -p -c -f "$folder/config/sasl/users" -u "$REALM" "$USER_NAME"
    as_root chown postfix "$folder/config/sasl/users"
    cat >"$folder/config/sasl/smtpd.conf" <<CONF
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
sasldb_path: $folder/config/sasl/users
CONF
}

configuration() {
    local uid gid
    # Mailboxes belong to the caller, but Postfix gives nothing to root.
    uid=$EUID gid=$(id -g)
    ((EUID != 0)) || uid=$(id -u nobody) gid=$(id -g nobody)
    mkdir "$folder/queue" "$folder/data" "$folder/mail"
    as_root chown root "$folder/config" "$folder/queue"
    as_root chown postfix "$folder/data"
    as_root chown "$uid:$gid" "$folder/mail"
    as_root tee "$folder/config/main.cf" >/dev/null <<CONF
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file_prefixes = $folder
maillog_file = $folder/data/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = $REALM
mydestination =
mynetworks =
alias_maps =
alias_database =
disable_dns_lookups = yes
smtpd_peername_lookup = no
default_transport = error:nothing leaves this relay
virtual_mailbox_domains = example.org
virtual_mailbox_base = $folder/mail
virtual_mailbox_maps = static:inbox/
virtual_minimum_uid = 1
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = $folder/relay.pem
smtpd_tls_key_file = $folder/relay.key
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = $folder/config/sasl
smtpd_sasl_local_domain = $REALM
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
CONF
    as_root tee "$folder/config/master.cf" >/dev/null <<CONF
127.0.0.1:$port inet n - n - - smtpd
cleanup  unix n - n - 0 cleanup
qmgr     unix n - n 300 1 qmgr
pickup   unix n - n 60 1 pickup
tlsmgr   unix - - n 1000? 1 tlsmgr
rewrite  unix - - n - - trivial-rewrite
bounce   unix - - n - 0 bounce
defer    unix - - n - 0 bounce
trace    unix - - n - 0 bounce
verify   unix - - n - 1 verify
flush    unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error    unix - - n - - error
retry    unix - - n - - error
virtual  unix - n n - - virtual
anvil    unix - - n - 1 anvil
scache   unix - - n - 1 scache
showq    unix n - n - - showq
postlog  unix-dgram n - n - 1 postlogd
CONF
}

answers() {
    local greeting
    { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
    IFS= read -r -t 5 greeting <&3 || greeting=""
    exec 3>&-
    [[ $greeting == 220* ]]
}

start() {
    check_programs
    folder=$(mktemp -d "${TMPDIR:-/tmp}/postiljon-postfix.XXXXXX")
    chmod 755 "$folder"
    port=$(free_port)
    echo "$port" >"$folder/port"
    certificate
    login
    configuration
    as_root postfix -c "$folder/config" start >"$folder/start.log" 2>&1 </dev/null || {
        cat "$folder/start.log" >&2
        fail "Postfix did not start"
    }
    is_started=yes
    local end=$((SECONDS + START_SECONDS))
    until answers; do
        ((SECONDS < end)) || {
            as_root cat "$folder/data/log" >&2 || true
            fail "Postfix did not answer on port $port"
        }
        sleep 0.1
    done
}

stop() {
    [[ -z $is_started ]] || as_root postfix -c "$folder/config" stop >/dev/null 2>&1 ||
        echo "scripts/postfix.sh: the Postfix in $folder did not stop" >&2
    [[ -z $folder ]] || as_root rm -rf -- "$folder"
}

interrupted() {
    if [[ -n $child ]]; then
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    exit "$1"
}

run() {
    (($# > 0)) || fail "run what?"
    folder="" is_started="" child=""
    trap stop EXIT
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM
    trap 'interrupted 129' HUP
    start
    # A signal ends the command first: bash runs the trap when the wait for it ends.
    POSTILJON_TEST_POSTFIX=$folder "$@" <&0 &
    child=$!
    local code=0
    wait "$child" || code=$?
    child=""
    exit "$code"
}

action=${1:-}
shift || true
case $action in
run) run "$@" ;;
*)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac
