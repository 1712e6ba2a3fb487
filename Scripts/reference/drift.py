#!/usr/bin/env python3
"""Repeats `belay drift` by its definitions, in plain Python: at which row does each column alarm?

    python3 Scripts/reference/drift.py REFERENCE.csv LATER.csv [LABEL PREDICTION]

Prints one line a column: name, kind, bins, and the rows at which drift, missing and unseen fields alarm; then
the row at which the error rate has decayed.
Only the standard library is needed.
"""

import csv
import math
import sys

MISSING = {"", "na", "n/a", "nan", "null", "none", "<na>", "-nan", "nil"}
BOLDNESS = [2.0 ** -power for power in (5, 4, 3, 2, 1)]
TOLERANCE, ARL = 0.005, 1e6


def number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and set(text.strip()) <= set("0123456789.-+eE") else None


def missing(text):
    return text.lower() in MISSING


class Change:
    """The Shiryaev-Roberts statistic of five bettors."""

    def __init__(self, rate, rows, arl):
        self.limit = None
        self.alarm = None
        if not rows:
            return
        smooth = (rate * rows + 0.5) / (rows + 1)
        spread = rate * (1 - rate) if 0 < rate < 1 else smooth * (1 - smooth)
        limit = rate + max(0.1 * rate, 2 * math.sqrt(spread / rows))
        if 0 < limit < 1:
            self.limit = limit
            self.stakes = [min(s / math.sqrt(limit * (1 - limit)), 0.9 / limit) for s in BOLDNESS]
            self.held = [0.0] * 5
            self.arl = arl

    def take(self, bad, row):
        if self.limit is None or self.alarm is not None:
            return
        self.held = [(m + 1) * (1 + s * (bad - self.limit)) for m, s in zip(self.held, self.stakes)]
        if sum(self.held) / 5 >= self.arl:
            self.alarm = row


class Drift:
    """The Dirichlet bet with forgetting."""

    def __init__(self, counts, arl):
        whole = sum(counts) + 0.5 * len(counts)
        self.q = [(count + 0.5) / whole for count in counts]
        self.seen, self.total = [0.0] * len(counts), 0.0
        self.held, self.arl, self.alarm = 0.0, arl, None

    def take(self, x, row):
        if self.alarm is None:
            estimate = (self.seen[x] + 20 * self.q[x]) / (self.total + 20)
            self.held = (self.held + 1) * estimate / self.q[x] * math.exp(-TOLERANCE)
            if self.held >= self.arl:
                self.alarm = row
        self.seen = [c * 0.999 for c in self.seen]
        self.seen[x] += 1
        self.total = self.total * 0.999 + 1


class Column:
    def __init__(self, fields, features):
        present = [field for field in fields if not missing(field)]
        gone = len(fields) - len(present)
        numbers = [number(field) for field in present]
        self.kind, self.drift, unseen = "empty", None, 0.0
        if present and None not in numbers:
            self.kind = "numeric"
            ordered = sorted(numbers)
            tenths = [ordered[math.ceil(t * len(ordered) / 10) - 1] for t in range(1, 10)]
            edges = set(tenths)
            edges |= {math.nextafter(t, -math.inf) for t in tenths if tenths.count(t) > 1}
            self.edges = sorted(edges)
            counts = [0] * (len(self.edges) + 1)
            for value in numbers:
                counts[self.numeric_bin(value)] += 1
            counts.append(gone)
        elif present:
            seen = {}
            for text in present:
                seen[text] = seen.get(text, 0) + 1
            unseen = sum(1 for count in seen.values() if count == 1) / len(present)
            self.kind = "names"
            if len(seen) <= 1000:
                self.kind = "categorical"
                order = sorted(seen, key=lambda text: (-seen[text], text))
                top = min(len(order), 10)
                self.places = {text: min(place, top) for place, text in enumerate(order)}
                counts = [seen[text] for text in order]
                counts = counts[:10] + [sum(counts[10:]), 0, gone]
                self.unseen_bin = top + 1
        self.gone = Change(gone / len(fields), len(fields), ARL * features)
        self.odd = Change(unseen, len(present), ARL * features)
        if self.kind in ("numeric", "categorical"):
            self.bins = len(counts)
            self.drift = Drift(counts, ARL * features)

    def numeric_bin(self, value):
        return sum(1 for edge in self.edges if edge < value)

    def take(self, field, row):
        nothing = missing(field)
        self.gone.take(1 if nothing else 0, row)
        if self.drift is None:
            return
        if self.kind == "numeric":
            value = None if nothing else number(field)
            place = self.bins - 1 if value is None else self.numeric_bin(value)
            odd = value is None
        else:
            place = self.bins - 1 if nothing else self.places.get(field, self.unseen_bin)
            odd = place == self.unseen_bin
        if not nothing:
            self.odd.take(1 if odd else 0, row)
        self.drift.take(place, row)


def wrong(label, prediction):
    if missing(label) or missing(prediction):
        return None
    if label == prediction:
        return 0
    first, second = number(label), number(prediction)
    return 0 if first is not None and first == second else 1


def main(reference, later, label=None, prediction=None):
    with open(reference, newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != label]
    columns = {name: Column([row[name] for row in rows], len(names)) for name in names}
    errors = None
    if label:
        known = [e for e in (wrong(row[label], row[prediction]) for row in rows) if e is not None]
        errors = Change(sum(known) / len(known), len(known), ARL)
    with open(later, newline="") as file:
        for place, row in enumerate(csv.DictReader(file), 1):
            for name, column in columns.items():
                column.take(row[name], place)
            if errors and (error := wrong(row[label], row[prediction])) is not None:
                errors.take(error, place)
    for name, column in columns.items():
        alarms = [column.drift.alarm if column.drift else None, column.gone.alarm, column.odd.alarm]
        print(name, column.kind, column.bins if column.drift else 0, *alarms)
    if errors:
        print("error rate", errors.alarm)


if __name__ == "__main__":
    main(*sys.argv[1:])
