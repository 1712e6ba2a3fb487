#!/usr/bin/env python3
"""Checks the hash chain of a Belay ledger with nothing but Python's standard library.

    python3 Scripts/verify_ledger.py DIR/belay.sqlite

Exit 0 and the head when every entry is good; exit 1 and the number of the first bad entry otherwise. The
same recipe stands in the comment of `Chain`; `belay audit verify` also replays the entries.
"""
import hashlib
import sqlite3
import struct
import sys


def number(value):
    return struct.pack(">q", value)


def text(value):
    return number(len(value)) + value


def verify(path):
    """Returns (good entries, head, number of the first bad entry or None)."""
    texts = [f"CAST({name} AS BLOB)" for name in ("actor", "kind", "subject", "reason", "body")]
    query = f"SELECT seq, at, {', '.join(texts)}, prev, hash FROM ledger ORDER BY seq"
    expected, head = 1, bytes(32)
    ledger = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for seq, at, actor, kind, subject, reason, body, prev, stored in ledger.execute(query):
        covered = prev + number(seq) + number(at) + text(actor) + text(kind) + text(subject)
        covered += b"\0" if reason is None else b"\1" + text(reason)
        covered += text(body)
        if seq != expected or prev != head or hashlib.sha256(covered).digest() != stored:
            return expected - 1, head, expected
        expected, head = seq + 1, stored
    recorded = ledger.execute("SELECT seq, hash FROM head").fetchall()
    return expected - 1, head, None if recorded == [(expected - 1, head)] else expected


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    count, newest, bad = verify(sys.argv[1])
    if bad is not None:
        sys.exit(f"entry {bad} is the first bad one")
    print(f"{count} entries, head {newest.hex()}")
