#!/usr/bin/env python3
"""Prints the numbers that the tests of `belay judge` compare with, from the bets of allocation_bet.py.

    python3 Scripts/reference/judge.py

Rows are made up here as in the tests; each is a tick of its own, or --tick of them are one.
"""

from decimal import Decimal

from allocation_bet import AllocationBet, OneSampleBet, exact, swift


def rows(count):
    """Arm, share, value: the share climbs, and every fourth row is graded."""
    out = []
    for t in range(count):
        share = (0.05, 0.25, 0.5)[min(t // 150, 2)]
        candidate = (t * 7919) % 100 < 100 * share
        value = 1.0 if (t * 31) % 17 < (5 if candidate else 3) else 0.0
        if t % 4 == 0:
            value = ((t * t * 31 + 7 * t) % 101) / 101
        out.append((candidate, value, share, 1))
    return out


def evidence(bet, tick, candidates_only=False):
    """log E after 100, 200, 300 and 400 rows, as settled by then; and at which row log 20 was reached."""
    marks, crossed, pending = [], None, []
    for number, row in enumerate(rows(400), 1):
        pending.append(row)
        if number % tick == 0:
            cells = [(v, n) for c, v, _, n in pending if c] if candidates_only else pending
            if cells:
                bet.settle(cells)
            pending = []
            if crossed is None and bet.capital.evidence() >= 20:
                crossed = number
        if number % 100 == 0:
            marks.append(bet.capital.evidence().ln())
    return marks, crossed


def changes(limit):
    p, held = exact(limit), [Decimal(0)] * 5
    for candidate, value, _, _ in rows(400):
        if candidate:
            for k, power in enumerate((5, 4, 3, 2, 1)):
                stake = min(Decimal(2) ** -power / (p * (1 - p)).sqrt(), Decimal(0.9) / p)
                held[k] = (held[k] + 1) * (1 + stake * (exact(value) - p))
    return (sum(held) / 5).ln()


if __name__ == "__main__":
    usual = dict(mean=0.05, variance=0.05 * (1 - 0.05), weight=20)
    print("direction, absolute, relative, drip, tick: [log E after 100, 200, 300, 400 rows], row at log 20")
    for direction, absolute, relative, drip, tick in [
        ("rollback", 0, 0, True, 1), ("rollback", 0, 0, False, 1), ("rollback", 0.005, 0, True, 1),
        ("rollback", 0, 0.25, True, 1), ("advance", 0.3, 0, True, 1), ("advance", 0, 0.5, False, 1),
        ("rollback", 0, 0, True, 7),
    ]:
        bet = AllocationBet(direction, absolute, relative, drip=drip, **usual)
        marks, crossed = evidence(bet, tick)
        print("   ", direction, absolute, relative, drip, tick, swift(marks), crossed)
    print("limit 0.2: the same, then log of the Shiryaev-Roberts statistic")
    marks, crossed = evidence(OneSampleBet(0.2, True), 1, candidates_only=True)
    print("   ", swift(marks), crossed, repr(float(changes(0.2))))
