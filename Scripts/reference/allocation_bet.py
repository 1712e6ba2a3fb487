#!/usr/bin/env python3
"""Prints the reference numbers that the tests of BelayStats compare with.

    python3 Scripts/reference/allocation_bet.py

The script repeats the definitions in another language and by another route: capital is kept as such, not as
a logarithm, in decimal arithmetic with 60 digits, and dripped capital is added term by term, not in closed
form. Each input is first rounded to the double that the tests use, so that what remains is the rounding of
the Swift code. Only the standard library is needed. The lists are printed as they stand in the tests.
"""

from decimal import Decimal, getcontext

getcontext().prec = 60

BOLDNESS = [Decimal(2) ** -power for power in (5, 4, 3, 2, 1)]
LARGEST_LOSS = Decimal(0.9)
PACE = Decimal(2000)


def exact(number):
    """The decimal value of the double nearest to a number."""
    return Decimal(float(number))


class Capital:
    """Five bettors, the capital they start with, and the drip."""

    def __init__(self, drip):
        self.drip = drip
        self.held = [Decimal(1) - exact(0.2) if drip else Decimal(1)] * len(BOLDNESS)
        self.observations = 0
        self.largest = self.evidence()

    def evidence(self):
        return sum(self.held) / len(self.held)

    def settle(self, count, factors):
        fresh = Decimal(0)
        for t in range(self.observations, self.observations + count):
            if self.drip:
                fresh += exact(0.2) * PACE / ((t + PACE) * (t + PACE + 1))
        self.held = [(capital + fresh) * factor for capital, factor in zip(self.held, factors)]
        self.observations += count
        self.largest = max(self.largest, self.evidence())


class AllocationBet:
    def __init__(self, direction, absolute, relative, mean, variance, weight, drip):
        self.sign = 1 if direction == "rollback" else -1
        self.absolute, self.relative = exact(absolute), exact(relative)
        self.prior_mean, self.prior_variance = exact(mean), exact(variance)
        self.weight = exact(weight)
        self.sum = self.squares = Decimal(0)
        self.capital = Capital(drip)

    def settle(self, cells):
        count = self.weight + self.capital.observations
        mean = (self.weight * self.prior_mean + self.sum) / count
        mean = min(max(mean, exact(1e-6)), exact(1 - 1e-6))
        variance = (self.weight * self.prior_variance + self.squares) / count
        deviation = max(variance, exact(1e-12)).sqrt()
        factors = [Decimal(1)] * len(BOLDNESS)
        total = 0
        for candidate, value, share, count in cells:
            value, w = exact(value), exact(share)
            if candidate:
                value = value / (1 + self.relative) - self.absolute
            coin = (1 if candidate else 0) - w
            x = self.sign * coin * (value - mean)
            if self.sign > 0:
                worst = max((1 - w) * (mean + self.absolute), w * (1 - mean))
            else:
                best = 1 / (1 + self.relative) - self.absolute
                worst = max((1 - w) * max(best - mean, Decimal(0)), w * mean)
            for index, boldness in enumerate(BOLDNESS):
                stake = boldness / deviation
                if worst > 0:
                    stake = min(stake, LARGEST_LOSS / worst)
                factors[index] *= (1 + stake * x) ** count
            self.sum += count * value
            self.squares += count * (value - mean) ** 2
            total += count
        self.capital.settle(total, factors)


class OneSampleBet:
    def __init__(self, limit, drip):
        self.limit = exact(limit)
        self.capital = Capital(drip)

    def settle(self, cells):
        deviation = (self.limit * (1 - self.limit)).sqrt()
        factors = []
        for boldness in BOLDNESS:
            stake = min(boldness / deviation, LARGEST_LOSS / self.limit)
            factor = Decimal(1)
            for value, count in cells:
                factor *= (1 + stake * (exact(value) - self.limit)) ** count
            factors.append(factor)
        self.capital.settle(sum(count for _, count in cells), factors)


def rate_tick(t):
    """Bad and good outcomes of both arms, while the share climbs from 1 % to 10 % to 50 %."""
    share = (0.01, 0.1, 0.5)[min(t // 14, 2)]
    return [
        (True, 1, share, (7 * t + 3) % 4),
        (True, 0, share, 20 + 5 * t % 11),
        (False, 1, share, (5 * t + 1) % 3),
        (False, 0, share, 100 + 13 * t % 37),
    ]


def graded_tick(t):
    """Nine grades of badness at a share of 30 %."""
    candidate = [(True, k / 8, 0.3, (t + 2 * k) % 5) for k in range(9)]
    stable = [(False, k / 8, 0.3, (3 * t + k) % 7) for k in range(9)]
    return candidate + stable


def single_tick(t):
    """One request at a time."""
    return [(t % 4 == 0, 1 if t % 5 == 0 else 0, 0.25, 1)]


def checkpoints(bet, tick):
    """log E after 1, 10 and 40 ticks, and the largest of the forty."""
    numbers = []
    for t in range(40):
        bet.settle(tick(t))
        if t in (0, 9, 39):
            numbers.append(bet.capital.evidence().ln())
    return numbers + [bet.capital.largest.ln()]


def swift(numbers):
    return "[" + ", ".join(repr(float(number)) for number in numbers) + "]"


def print_allocation_bets():
    rate = dict(mean=0.05, variance=0.05 * (1 - 0.05), weight=20)
    score = dict(mean=0.5, variance=0.08, weight=100)
    rows = [
        ("rates", rate_tick, dict(direction="rollback", absolute=0, relative=0, drip=True, **rate)),
        ("rates", rate_tick, dict(direction="rollback", absolute=0, relative=0, drip=False, **rate)),
        ("rates", rate_tick, dict(direction="rollback", absolute=0.005, relative=0, drip=True, **rate)),
        ("rates", rate_tick, dict(direction="rollback", absolute=0, relative=0.25, drip=True, **rate)),
        ("rates", rate_tick, dict(direction="advance", absolute=0.02, relative=0, drip=False, **rate)),
        ("rates", rate_tick, dict(direction="advance", absolute=0, relative=0.5, drip=False, **rate)),
        ("grades", graded_tick, dict(direction="rollback", absolute=0, relative=0, drip=True, **score)),
        ("grades", graded_tick, dict(direction="advance", absolute=0.1, relative=0, drip=False, **score)),
        ("singles", single_tick, dict(direction="rollback", absolute=0, relative=0, drip=True, **rate)),
    ]
    print("AllocationBet: traffic, direction, absolute, relative, drip, [log E after 1, 10, 40; largest]")
    for name, tick, arguments in rows:
        numbers = checkpoints(AllocationBet(**arguments), tick)
        print("   ", name, *(arguments[key] for key in ("direction", "absolute", "relative", "drip")))
        print("       ", swift(numbers))


def print_one_sample_bets():
    print("OneSampleBet: limit, drip, [log E after 1, 10, 40; largest]")
    for limit, drip in ((0.005, True), (0.02, True), (0.02, False), (0.4, True)):
        def tick(t):
            return [(1, (7 * t + 3) % 4), (0, 20 + 5 * t % 11)]
        print("   ", limit, drip, swift(checkpoints(OneSampleBet(limit, drip), tick)))
    def grades(t):
        return [(k / 8, (t + 2 * k) % 5) for k in range(9)]
    print("    grades 0.4 True", swift(checkpoints(OneSampleBet(0.4, True), grades)))


def reach(variance, alpha, effect):
    """Half the width of the normal-mixture confidence sequence."""
    mixing = exact(effect) ** 2
    ratio = (variance + mixing) / (variance * exact(alpha) ** 2)
    return (variance * (variance + mixing) / mixing * ratio.ln()).sqrt()


def print_confidence_sequences():
    print("ConfidenceSequence.difference: bad, count, stable's bad, count, alpha, effect, [lower, upper]")
    rows = [
        (60, 1000, 90, 9000, 0.05, 0.01),
        (5, 40, 0, 360, 0.05, 0.05),
        (11, 1000, 101, 9000, 0.01, 0.005),
        (2500, 50000, 2400, 50000, 0.01, 0.02),
    ]
    for row in rows:
        bad, count, stable_bad, stable_count, alpha, effect = row
        rate = exact(bad / count)
        stable_rate = exact(stable_bad / stable_count)
        variance = rate * (1 - rate) / count + stable_rate * (1 - stable_rate) / stable_count
        half = reach(variance, alpha, effect)
        centre = rate - stable_rate
        print("   ", row, swift([centre - half, centre + half]))
    print("ConfidenceSequence.mean: bad, count, alpha, effect, [lower, upper]")
    for bad, count, alpha, effect in ((500, 10000, 0.05, 0.01), (40, 200, 0.01, 0.1)):
        rate = exact(bad / count)
        half = reach(rate * (1 - rate) / count, alpha, effect)
        print("   ", (bad, count, alpha, effect), swift([rate - half, rate + half]))


if __name__ == "__main__":
    print_allocation_bets()
    print_one_sample_bets()
    print_confidence_sequences()
