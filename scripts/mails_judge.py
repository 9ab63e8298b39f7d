"""The judges of scripts/mails.sh that are Python, what the others need, and the table.

mails_judge.py prepare FOLDER    the HTML of each mail, and mails that each judge must refuse
mails_judge.py mails FOLDER      Python's own parser, and dkimpy
mails_judge.py vnu FOLDER FILE   reads what vnu said
mails_judge.py table FOLDER      the table of all results; fails where one is bad
"""

import collections
import email
import email.policy
import json
import pathlib
import re
import sys

JUDGES = ["parser", "dkim", "spam", "vnu", "clients", "axe"]
# What vnu says of things that mails must have and web pages need not. Each with the reason.
VNU_ALLOWED = [
    (
        r"^Attribute “xmlns:[ov]” not allowed here\.$",
        "names what stands in conditional comments: Outlook for Windows reads Office settings and VML there",
    ),
    (
        r"^CSS: “mso-hide”: Property “mso-hide” doesn't exist\.$",
        "what is for screen readers and inboxes only: Outlook for Windows does not know display: none everywhere",
    ),
]
# At least so many: what writes the mails must not lose any silently.
MAILS_MIN = 50


def fail(what):
    sys.exit(f"scripts/mails_judge.py: {what}")


def read_mails(folder):
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.eml"))}


def parsed(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


def html_of(octets):
    return parsed(octets).get_body(("html",)).get_content()


def prepare(folder):
    mails = {name: octets for name, octets in read_mails(folder).items() if not name.startswith("broken-")}
    if len(mails) < MAILS_MIN:
        fail(f"only {len(mails)} mails in {folder}")
    (folder / "html").mkdir(exist_ok=True)
    (folder / "results").mkdir(exist_ok=True)
    for name, octets in mails.items():
        (folder / "html" / f"{name}.html").write_text(html_of(octets), encoding="utf-8")
    for path in folder.glob("web-*.html"):
        path.rename(folder / "html" / path.name)
    good = next(octets for name, octets in mails.items() if name.startswith("issue-"))
    broken = {
        # The end of the last part is missing.
        "parser": good[: good.rstrip().rfind(b"\r\n--")],
        "dkim": changed(good),
        # Without a date, as programs write that send one mail to everybody.
        "spam": re.sub(rb"(?m)^(Date|DKIM-Signature):.*\r\n(?:[ \t].*\r\n)*", b"", good),
    }
    for judge, octets in broken.items():
        (folder / f"broken-{judge}.eml").write_bytes(octets)
    html = html_of(good)
    wrong = {
        "vnu": "<p><li></table></p>",
        "clients": '<div style="display:grid;position:fixed">x</div>',
        "axe": '<p style="color:#bbb;background:#fff">faint</p><img src="x">',
    }
    for judge, piece in wrong.items():
        (folder / "html" / f"broken-{judge}.html").write_text(html.replace("</body>", piece + "</body>"), encoding="utf-8")


def changed(mail):
    """The same mail with one letter of its body changed."""
    head, body = mail.split(b"\r\n\r\n", 1)
    return head + b"\r\n\r\n" + body.replace(b"e", b"a", 1)


def mails(folder):
    import dkim

    texts = {}
    for path in folder.glob("*.json"):
        record = json.loads(path.read_text())
        texts[record["name"].encode() + b"."] = record["value"].encode()
    results = {"parser": {}, "dkim": {}}
    for name, octets in read_mails(folder).items():
        results["parser"][name] = faults(octets)
        bad = []
        for index in range(len(texts)):
            try:
                holds = dkim.DKIM(octets).verify(idx=index, dnsfunc=lambda name, timeout=5: texts.get(name))
            except (dkim.DKIMException, IndexError) as error:
                holds = False
            if not holds:
                bad.append(f"signature {index + 1} does not hold")
        results["dkim"][name] = bad
    for judge, found in results.items():
        (folder / "results" / f"{judge}.json").write_text(json.dumps(found))


def faults(octets):
    """What Python's parser finds wrong, in the mail and in every part and field of it."""
    message = parsed(octets)
    found = []
    for part in message.walk():
        found += [f"{part.get_content_type()}: {type(defect).__name__}" for defect in part.defects]
        for name, value in part.items():
            found += [f"{name}: {type(defect).__name__}" for defect in getattr(value, "defects", [])]
    kinds = [part.get_content_type() for part in message.walk()]
    if kinds != ["multipart/alternative", "text/plain", "text/html"]:
        found.append(f"its parts are {kinds}")
    if max(map(len, octets.split(b"\r\n"))) > 998 or re.search(rb"[\x80-\xff]|(?<!\r)\n|\r(?!\n)|\0", octets):
        found.append("a line is too long, or not of seven bits, or does not end in CRLF")
    return found


def vnu(folder, file):
    results = {path.stem: [] for path in (folder / "html").glob("*.html")}
    said = json.loads(pathlib.Path(file).read_text())["messages"]
    used = set()
    for one in said:
        allowed = [pattern for pattern, _ in VNU_ALLOWED if re.search(pattern, one["message"])]
        used.update(allowed)
        if not allowed:
            name = pathlib.Path(one["url"]).stem
            results.setdefault(name, []).append(f"line {one.get('lastLine')}: {one['message']}")
    stale = [pattern for pattern, _ in VNU_ALLOWED if pattern not in used]
    if stale:
        results["VNU_ALLOWED"] = [f"nothing needs {pattern} any more" for pattern in stale]
    (folder / "results" / "vnu.json").write_text(json.dumps(results))


def table(folder):
    results = {judge: json.loads((folder / "results" / f"{judge}.json").read_text()) for judge in JUDGES}
    names = sorted({name for found in results.values() for name in found if not name.startswith("broken-")})
    width = max(map(len, names))
    print(" " * width, *(f"{judge:>8}" for judge in JUDGES))
    problems = collections.defaultdict(set)
    for name in names:
        cells = []
        for judge in JUDGES:
            found = results[judge].get(name)
            cells.append("-" if found is None else "ok" if not found else str(len(found)))
            for problem in found or []:
                problems[(judge, problem)].add(name)
        print(f"{name:<{width}}", *(f"{cell:>8}" for cell in cells))
    caught = [judge for judge in JUDGES if results[judge].get(f"broken-{judge}")]
    print(f"{'(a broken one)':<{width}}", *(f"{'refused' if judge in caught else 'TAKEN':>8}" for judge in JUDGES))
    for (judge, problem), where in sorted(problems.items()):
        print(f"{judge}: {problem}\n    in {', '.join(sorted(where)[:6])}{' ..' if len(where) > 6 else ''}")
    if caught != JUDGES:
        fail(f"took a broken mail: {', '.join(judge for judge in JUDGES if judge not in caught)}")
    if problems:
        fail(f"{len(problems)} problems")


if __name__ == "__main__":
    what, folder, *rest = sys.argv[1:]
    {"prepare": prepare, "mails": mails, "vnu": vnu, "table": table}[what](pathlib.Path(folder), *rest)
