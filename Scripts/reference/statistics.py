#!/usr/bin/env python3
"""Prints the reference numbers for the statistics that scipy, scikit-learn, statsmodels and mpmath know.

    python3 -m venv /tmp/reference
    /tmp/reference/bin/pip install numpy scipy scikit-learn statsmodels mpmath
    /tmp/reference/bin/python Scripts/reference/statistics.py > Tests/BelayStatsTests/Reference.swift

What a library computes is taken from it; sequential statistics, which no library has in this form, are
computed by their definitions in mpmath with 50 digits, keeping capital as such and not as a logarithm.
`allocation_bet.py` beside this file does the same for the bets, with the standard library alone.
"""

import mpmath as mp
import numpy as np
from scipy import optimize, special, stats
from scipy.spatial import distance
from sklearn import metrics
from statsmodels.stats import multitest

mp.mp.dps = 50
BOLDNESS = [mp.mpf(2) ** -power for power in (5, 4, 3, 2, 1)]
LARGEST_LOSS = mp.mpf(0.9)


def exact(number):
    """The double nearest to a number, without further rounding."""
    return mp.mpf(float(number))


# Made-up counts, the same in the tests.

def first_counts(bins):
    return [(7 * b + 3) % 11 * 9 + 4 * b for b in range(bins)]


def second_counts(bins):
    return [(5 * b + 1) % 7 * 12 + (bins - b) for b in range(bins)]


def shares(counts):
    """The shares that counts suggest, rounded as the Swift code rounds them."""
    whole = float(sum(counts)) + 0.5 * len(counts)
    return [(count + 0.5) / whole for count in counts]


def value_bin(t, bins):
    """The bin of the t-th value: drifts towards higher bins after the 300th."""
    return (t * t + 3 * t + (t // 7 if t > 300 else 0)) % bins if t % 3 else (t // 5) % (bins - 2)


def bad(t):
    """Whether the t-th event is bad: one in ten, one in five after the 400th."""
    return 1 if (t * 7919 + t // 3) % (10 if t < 400 else 5) == 0 else 0


# Sequential statistics by definition.

def change_statistic(limit, ticks):
    """log M after each tick of (bad, good)."""
    p = exact(limit)
    held = [mp.mpf(0)] * 5
    out = []
    for count_bad, count_good in ticks:
        for k, s in enumerate(BOLDNESS):
            stake = min(s / mp.sqrt(p * (1 - p)), LARGEST_LOSS / p)
            factor = (1 + stake * (1 - p)) ** count_bad * (1 - stake * p) ** count_good
            held[k] = (held[k] + count_bad + count_good) * factor
        out.append(mp.log(sum(held) / 5))
    return out


def drift_evidence(reference, bins_of_values, tau, forgetting):
    q = [exact(share) for share in reference]
    keeping = 1 - exact(1.0 / 1000) if forgetting else mp.mpf(1)
    counts, total = [mp.mpf(0)] * len(q), mp.mpf(0)
    held, out = mp.mpf(0 if forgetting else 1), []
    for x in bins_of_values:
        estimate = (counts[x] + 20 * q[x]) / (total + 20)
        held = (held + (1 if forgetting else 0)) * estimate / q[x] * mp.exp(-exact(tau))
        counts = [c * keeping for c in counts]
        counts[x] += 1
        total = total * keeping + 1
        out.append(mp.log(held))
    return out


def drift_by_ticks(reference, ticks, tau):
    """The forgetting form, each tick frozen and its values spread evenly over it."""
    q = [exact(share) for share in reference]
    keeping = 1 - exact(1.0 / 1000)
    counts, total, held, out = [mp.mpf(0)] * len(q), mp.mpf(0), mp.mpf(0), []
    for tick in ticks:
        n = sum(tick)
        factor = mp.mpf(1)
        for b, count in enumerate(tick):
            factor *= ((counts[b] + 20 * q[b]) / (total + 20) / q[b] * mp.exp(-exact(tau))) ** count
        held = (held + n) * factor
        weight = sum(keeping ** age for age in range(n)) / n
        counts = [c * keeping ** n + count * weight for c, count in zip(counts, tick)]
        total = total * keeping ** n + n * weight
        out.append(mp.log(held))
    return out


def arm_drift(prior, ticks, drip):
    q = [exact(share) for share in prior]
    arms = {True: [mp.mpf(0)] * len(q), False: [mp.mpf(0)] * len(q)}
    held, seen, out = mp.mpf(1) - exact(0.2) if drip else mp.mpf(1), 0, []
    for tick in ticks:
        def estimate(arm, b):
            return (arms[arm][b] + 20 * q[b]) / (sum(arms[arm]) + 20)
        factor = mp.mpf(1)
        for candidate, b, share, count in tick:
            w = exact(share)
            both = w * estimate(True, b) + (1 - w) * estimate(False, b)
            factor *= (estimate(candidate, b) / both) ** count
        for t in range(seen, seen + sum(cell[3] for cell in tick)):
            if drip:
                held += exact(0.2) * 2000 / (mp.mpf(t + 2000) * (t + 2001))
        seen += sum(cell[3] for cell in tick)
        held *= factor
        for candidate, b, _, count in tick:
            arms[candidate][b] += count
        out.append(mp.log(held))
    return out


def split_evidence(ticks, drip):
    sides = {1: [mp.mpf(1) - exact(0.2) if drip else mp.mpf(1)] * 5}
    sides[-1] = list(sides[1])
    seen, out = 0, []
    for tick in ticks:
        n = sum(candidates + stables for _, candidates, stables in tick)
        fresh = sum(exact(0.2) * 2000 / (mp.mpf(t + 2000) * (t + 2001)) for t in range(seen, seen + n))
        seen += n
        for sign, held in sides.items():
            for k, s in enumerate(BOLDNESS):
                factor = mp.mpf(1)
                for share, candidates, stables in tick:
                    w = exact(share)
                    stake = min(s, LARGEST_LOSS / (w if sign > 0 else 1 - w))
                    factor *= (1 + sign * stake * (1 - w)) ** candidates * (1 - sign * stake * w) ** stables
                held[k] = (held[k] + (fresh if drip else 0)) * factor
        out.append(mp.log((sum(sides[1]) + sum(sides[-1])) / 10))
    return out


def best_growth(pc, ps, w, absolute, relative):
    """min over q of w KL(pc‖limit(q)) + (1 − w) KL(ps‖q): scipy finds the rate, mpmath polishes it."""
    pc, ps, w, absolute, relative = (exact(x) for x in (pc, ps, w, absolute, relative))

    def kl(p, q):
        return (p * mp.log(p / q) if p else 0) + ((1 - p) * mp.log((1 - p) / (1 - q)) if p < 1 else 0)

    def growth(q):
        return w * kl(pc, (1 + relative) * (q + absolute)) + (1 - w) * kl(ps, q)

    end = float(1 / (1 + relative) - absolute)
    found = optimize.minimize_scalar(
        lambda q: float(growth(mp.mpf(q))), bounds=(1e-12, end - 1e-12), method="bounded",
        options={"xatol": 1e-13})
    bracket = (found.x * (1 - 1e-4), found.x * (1 + 1e-4))
    rate = mp.findroot(lambda q: mp.diff(growth, q), bracket, solver="illinois", tol=1e-40, verify=False)
    return growth(rate)


# Printing.

def swift(numbers):
    return "[" + ", ".join(literal(number) for number in numbers) + "]"


def literal(number):
    text = repr(float(number))
    return text[:-2] if text.endswith(".0") else text


def emit(name, type_name, rows, comment):
    print(f"    /// {comment}")
    print(f"    static let {name}: {type_name} = [")
    for row in rows:
        print(f"        {row},")
    print("    ]")
    print()


def divergences():
    rows = []
    for bins in (2, 5, 13):
        p, q = shares(first_counts(bins)), shares(second_counts(bins))
        centres = [b * b / 4 for b in range(bins)]
        kl = special.rel_entr(p, q).sum()
        psi = kl + special.rel_entr(q, p).sum()
        js = distance.jensenshannon(p, q) ** 2
        ks = np.abs(np.cumsum(p) - np.cumsum(q)).max()
        w1 = stats.wasserstein_distance(centres, centres, p, q)
        rows.append(f"({bins}, {swift([kl, psi, js, ks, w1])})")
    emit("divergences", "[(bins: Int, expected: [Double])]", rows,
         "Bins; KL and PSI by scipy.special.rel_entr, JS and W1 by scipy, KS by numpy.")


def confusions():
    actual = [(3 * t + t // 5) % 4 for t in range(400)]
    predicted = [a if (t * 13) % 7 > 1 else (a + t) % 3 for t, a in enumerate(actual)]
    rows = []
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        actual, predicted, labels=range(5), zero_division=0)
    for label in range(5):
        rows.append(f"({label}, {swift([precision[label], recall[label], f1[label]])})")
    emit("classes", "[(label: Int, expected: [Double])]", rows,
         "Precision, recall, F1 of a class; scikit-learn.")
    present = dict(average="macro", zero_division=0)
    measures = (metrics.precision_score, metrics.recall_score, metrics.f1_score)
    macro = [metrics.accuracy_score(actual, predicted)]
    macro += [measure(actual, predicted, **present) for measure in measures]
    rows = [literal(number) for number in macro]
    emit("macro", "[Double]", rows, "Accuracy, macro precision, recall and F1; scikit-learn.")
    tp = sum(a == p == 1 for a, p in zip(actual, predicted))
    fp = sum(a != 1 and p == 1 for a, p in zip(actual, predicted))
    fn = sum(a == 1 and p != 1 for a, p in zip(actual, predicted))

    def score(x, y, z):
        return 2 * x / (2 * x + y + z)

    counts = [mp.mpf(tp), mp.mpf(fp), mp.mpf(fn)]
    slopes = [mp.diff(score, tuple(counts), tuple(int(i == j) for j in range(3))) for i in range(3)]
    variance = sum(slope ** 2 * count for slope, count in zip(slopes, counts))
    emit("f1Variance", "[Double]", [literal(variance)],
         "Of class 1, with Poisson counts: the squared slopes of F1, by mpmath.diff, times the counts.")


def areas():
    scores, truth = [], []
    for t in range(300):
        scores.append(((t * 37) % 100) / 100 + 0.005)
        truth.append(1 if (t * 37) % 100 + (t * 53) % 60 > 75 else 0)
    area = metrics.roc_auc_score(truth, scores)
    p, n = mp.mpf(sum(truth)), mp.mpf(len(truth) - sum(truth))
    a = exact(area)
    spread = a * (1 - a) + (p - 1) * (a / (2 - a) - a * a) + (n - 1) * (2 * a * a / (1 + a) - a * a)
    variance = spread / (p * n)
    emit("area", "[Double]", [literal(area), literal(variance)],
         "Area by scikit-learn; its variance by the formula of Hanley and McNeil.")


def changes():
    rows = []
    for limit in (0.002, 0.12, 0.6):
        singles = change_statistic(limit, [(bad(t), 1 - bad(t)) for t in range(1000)])
        ticks = change_statistic(limit, [(t % 3, 40 + 7 * t % 11) for t in range(60)])
        numbers = [singles[0], singles[399], singles[999], ticks[0], ticks[59]]
        rows.append(f"({literal(limit)}, {swift(numbers)})")
    emit("changes", "[(limit: Double, expected: [Double])]", rows,
         "log M after 1, 400 and 1,000 single events, then after 1 and 60 ticks; mpmath.")


def drifts():
    rows = []
    for bins in (3, 12):
        q = shares(first_counts(bins))
        values = [value_bin(t, bins) for t in range(1000)]
        plain = drift_evidence(q, values, 0.005, False)
        detector = drift_evidence(q, values, 0.005, True)
        ticks = [[(t + 2 * b) % 5 for b in range(bins)] for t in range(40)]
        byticks = drift_by_ticks(q, ticks, 0.02)
        numbers = [plain[0], plain[499], plain[999], detector[0], detector[499], detector[999], byticks[0],
                   byticks[39]]
        rows.append(f"({bins}, {swift(numbers)})")
    emit("drifts", "[(bins: Int, expected: [Double])]", rows,
         "log E, then log M, after 1, 500 and 1,000 values; log M after 1 and 40 ticks; mpmath.")


def arm_drifts():
    rows = []
    for bins in (2, 7):
        q = shares(first_counts(bins))
        ticks = []
        for t in range(60):
            share = (0.05, 0.2, 0.5)[t // 20]
            ticks.append(
                [(True, b, share, (t + 3 * b) % 4) for b in range(bins)]
                + [(False, b, share, (2 * t + b) % 6) for b in range(bins)])
        for drip in (True, False):
            values = arm_drift(q, ticks, drip)
            numbers = swift([values[0], values[19], values[59]])
            rows.append(f"({bins}, {'true' if drip else 'false'}, {numbers})")
    emit("armDrifts", "[(bins: Int, drip: Bool, expected: [Double])]", rows,
         "log E after 1, 20 and 60 ticks; mpmath.")


def splits():
    rows = []
    for drip in (True, False):
        ticks = [[(0.01, t % 3, 90 + t), (0.3, 20 + t % 5, 40 + t % 7)] for t in range(50)]
        values = split_evidence(ticks, drip)
        rows.append(f"({'true' if drip else 'false'}, {swift([values[0], values[9], values[49]])})")
    emit("splits", "[(drip: Bool, expected: [Double])]", rows, "log E after 1, 10 and 50 ticks; mpmath.")


def forecasts():
    rows = []
    for pc, ps, w, absolute, relative in [
        (0.05, 0.01, 0.1, 0, 0), (0.1, 0.05, 0.5, 0, 0), (0.03, 0.01, 0.1, 0.005, 0),
        (0.07, 0.05, 0.5, 0, 0.25), (0.01, 0.01, 0.1, 0.01, 0), (0.05, 0.05, 0.5, 0.02, 0),
        (0.2, 0.2, 0.01, 0, 0.5), (0.9, 0.5, 0.3, 0.2, 0),
    ]:
        needed = -mp.log(exact(0.05)) / best_growth(pc, ps, w, absolute, relative)
        rows.append(f"({swift([pc, ps, w, absolute, relative])}, {literal(needed)})")
    emit("forecasts", "[(given: [Double], requests: Double)]", rows,
         "Candidate, stable, share, absolute, relative; requests at 5 %; scipy.optimize and mpmath.")


def discoveries():
    evidence = [0.5, 90.0, 3.0, 41.0, 700.0, 18.0, 26.0, 0.0, 24.9, 1.0]
    # e-BH is the Benjamini-Hochberg procedure on 1/E.
    found, _, _, _ = multitest.multipletests(
        [min(1.0, 1 / e) if e else 1.0 for e in evidence], alpha=0.2, method="fdr_bh")
    order = sorted((i for i in range(len(evidence)) if found[i]), key=lambda i: -evidence[i])
    emit("discoveries", "[Int]", order, "Of the evidence in the test at 20 %; statsmodels on 1/E.")


if __name__ == "__main__":
    print("// Printed by Scripts/reference/statistics.py; not edited by hand.")
    print()
    print("enum Reference {")
    for part in (divergences, confusions, areas, changes, drifts, arm_drifts, splits, forecasts, discoveries):
        part()
    print("}")
