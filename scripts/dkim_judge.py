"""The judge of scripts/dkim.sh: verifies mails with dkimpy, tampers with them, passes them through a relay."""

import json
import pathlib
import re
import smtplib
import socket
import socketserver
import sys
import threading

MAILS = 1_000
# Tampering is tried on so many of them: each try verifies two signatures anew.
TAMPERED = 50
HOP_SECONDS = 120
# In every mail; those of a list are not in a test mail.
ALWAYS = ["From", "Subject", "To", "Date", "Message-ID", "Content-Type", "Reply-To"]
LISTS = ["List-Unsubscribe", "List-Unsubscribe-Post"]


def fail(what):
    sys.exit(f"scripts/dkim_judge.py: {what}")


def read_mails(folder):
    mails = {path.name: path.read_bytes() for path in sorted(pathlib.Path(folder).glob("*.eml"))}
    if len(mails) != MAILS:
        fail(f"{len(mails)} mails in {folder}, not {MAILS}")
    return mails


class Records:
    """What DNS would answer."""

    def __init__(self, folder):
        self.texts = {}
        for selector in ["r1", "e1"]:
            shown = json.loads(pathlib.Path(folder, f"{selector}.json").read_text())
            if "".join(shown["strings"]) != shown["value"] or max(map(len, shown["strings"])) > 255:
                fail(f"the strings of {selector} are not its value")
            self.texts[shown["name"] + "."] = shown["value"].encode()

    def __call__(self, name, timeout=5):
        return self.texts.get(name.decode() if isinstance(name, bytes) else name)


def holding(mail, records):
    """How many of the two signatures hold."""
    import dkim

    count = 0
    for index in [0, 1]:
        try:
            count += bool(dkim.DKIM(mail).verify(idx=index, dnsfunc=records))
        except dkim.DKIMException:
            pass
    return count


def fields(mail):
    header, body = mail.split(b"\r\n\r\n", 1)
    return re.findall(rb"[^\r\n]+(?:\r\n[ \t][^\r\n]*)*", header), body


def joined(all_fields, body):
    return b"\r\n".join(all_fields) + b"\r\n\r\n" + body


def named(field, name):
    return field.lower().startswith(name.lower().encode() + b":")


def wrapped(field):
    """The same field, folded at other places: unfolded, then broken at every second space."""
    name, value = re.sub(rb"\r\n[ \t]+", b" ", field).split(b":", 1)
    words = value.strip().split(b" ")
    lines = [b" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]
    return name + b":  " + b"\r\n\t".join(lines)


def verify(folder, mail_folder):
    records = Records(folder)
    mails = read_mails(mail_folder)
    for name, mail in mails.items():
        if holding(mail, records) != 2:
            fail(f"{name}: a signature does not hold")
        own = mail[: re.search(rb"^(?!DKIM-Signature|[ \t]|Received)", mail, re.M | re.I).start()]
        if max(map(len, own.splitlines())) > 78 and b"Received" not in own:
            fail(f"{name}: a line of the signature is too long")
    print(f"{len(mails)} mails, both signatures hold")
    tampered = list(mails.items())[:: MAILS // TAMPERED]
    tries = 0
    for name, mail in tampered:
        all_fields, body = fields(mail)
        is_issue = any(named(field, "List-Id") for field in all_fields)
        for tested in ALWAYS + (LISTS if is_issue else []):
            own = [field for field in all_fields if named(field, tested)]
            if len(own) != 1:
                fail(f"{name}: {len(own)} fields {tested}")
            broken = {
                "deleted": joined([field for field in all_fields if field != own[0]], body),
                "doubled": joined(all_fields + own, body),
                "another above": joined([tested.encode() + b": x@evil.example"] + all_fields, body),
                "another below": joined(all_fields + [tested.encode() + b": x@evil.example"], body),
            }
            for how, other in broken.items():
                tries += 1
                if holding(other, records):
                    fail(f"{name}: {tested} {how}, and a signature still holds")
        for how, other in {
            "a Cc added": joined(all_fields + [b"Cc: x@evil.example"], body),
            "the body changed": joined(all_fields, body.replace(b"D", b"d", 1)),
            "the body longer": mail + b"more\r\n",
        }.items():
            tries += 1
            if holding(other, records):
                fail(f"{name}: {how}, and a signature still holds")
        for how, other in {
            "folded anew": joined([wrapped(f) if not named(f, "DKIM-Signature") else f for f in all_fields], body),
            "white space at line ends": joined(all_fields, body.replace(b"\r\n", b" \t\r\n")),
            "empty lines at the end": mail + b"\r\n \r\n",
            "fields of servers": b"Received: by hop.example.net\r\nReturn-Path: <x@example.net>\r\n" + mail,
        }.items():
            tries += 1
            if holding(other, records) != 2:
                fail(f"{name}: {how}, and a signature no longer holds")
    print(f"{tries} changes to {len(tampered)} of them judged rightly")


class Sink(socketserver.StreamRequestHandler):
    """Takes mails as a server does, and keeps them as they came."""

    def handle(self):
        answer = lambda text: self.wfile.write(text.encode() + b"\r\n")
        answer("220 sink.example.net")
        while line := self.rfile.readline(2_000):
            word = line[:4].upper().strip()
            if word == b"DATA":
                answer("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                mail = b"".join(line[1:] if line.startswith(b".") else line for line in lines)
                with self.server.lock:
                    self.server.mails.append(mail)
                    if len(self.server.mails) == MAILS:
                        self.server.whole.set()
            if word == b"QUIT":
                return answer("221 bye")
            answer("250 ok")


class SinkServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def hop(mail_folder, into, smtpd, sink):
    mails = read_mails(mail_folder)
    server = SinkServer(("127.0.0.1", int(sink)), Sink)
    server.lock, server.mails, server.whole = threading.Lock(), [], threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with smtplib.SMTP("127.0.0.1", int(smtpd), timeout=30) as session:
        for name, mail in mails.items():
            session.sendmail("bounces@meridiaan.example", [name.removesuffix(".eml")], mail)
    if not server.whole.wait(HOP_SECONDS):
        fail(f"{len(server.mails)} mails came through in {HOP_SECONDS} s, not {MAILS}")
    server.shutdown()
    for number, mail in enumerate(server.mails):
        if not mail.startswith(b"Received: "):
            fail("a mail did not pass through Postfix")
        pathlib.Path(into, f"{number:04}.eml").write_bytes(mail)
    print(f"{len(server.mails)} mails came through Postfix")


def ports():
    """Two ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    print(*[found.getsockname()[1] for found in sockets])


if __name__ == "__main__":
    {"verify": verify, "hop": hop, "ports": ports}[sys.argv[1]](*sys.argv[2:])
