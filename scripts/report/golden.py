#!/usr/bin/env python3
"""Writes the golden values of the statistics in nae-report.

    scripts/report/golden.py > crates/nae-report/tests/golden/statistics.json

Differences of several sizes, with and without ties and zeros, and what NumPy and SciPy say of them. SciPy counts
ties exactly only by a permutation test, so that is what it is asked for up to 12 differences; beyond 50 it
approximates. BCa intervals of up to 6 differences are of all resamples, since the means of so few make steps that
SciPy's draws fall on either side of. Needs numpy and scipy (made with scipy 1.17.1); the tests need neither.
"""

import itertools
import json

import numpy
from scipy import stats

SEED = 20170305
RESAMPLES = 200_000  # ends of BCa intervals then move by about 0.3 % of the interval


def cases(rng):
    yield "six pairs", rng.normal(0.6, 0.8, 6)
    yield "twelve, one outlier", numpy.append(rng.normal(0.2, 0.5, 11), 3.0)
    yield "twenty-five, no effect", rng.normal(0.0, 1.0, 25)
    yield "forty-nine", rng.normal(0.3, 1.0, 49)
    yield "ties, exact", numpy.array([0.5, -0.5, 1.0, 1.0, 1.5, -0.5, 2.0, 2.0, -1.0, 0.5])
    yield "ties and zeros, exact", numpy.array([0.0, 0.5, 0.5, 1.0, -0.5, 0.0, 1.5, 1.5, 1.0])
    yield "sixty, approximate", rng.normal(0.2, 1.0, 60)
    yield "eighty with ties, approximate", numpy.round(rng.normal(0.3, 1.0, 80), 1)


def exact_with_ties(differences):
    """SciPy's permutation over all assignments of signs (n_resamples = inf)."""
    kept = differences[differences != 0]
    method = stats.PermutationMethod(n_resamples=numpy.inf)
    return stats.wilcoxon(kept, method=method)


def wilcoxon(differences):
    kept = differences[differences != 0]
    has_ties = len(numpy.unique(numpy.abs(kept))) < len(kept)
    if len(kept) > 50:
        return stats.wilcoxon(kept, method="asymptotic", correction=False)
    if has_ties:
        return exact_with_ties(differences)
    return stats.wilcoxon(kept, method="exact")


def all_resamples(x):
    """The BCa interval (Efron 1987) from every resample."""
    means = x[numpy.array(list(itertools.product(range(len(x)), repeat=len(x))))].mean(axis=1)
    near = 1e-12
    below = ((means < x.mean() - near).mean() + (means <= x.mean() + near).mean()) / 2
    bias = stats.norm.ppf(below)
    left_out = numpy.array([numpy.delete(x, i).mean() for i in range(len(x))])
    off = left_out.mean() - left_out
    acceleration = (off**3).sum() / (6 * (off**2).sum() ** 1.5)
    ends = bias + stats.norm.ppf([0.025, 0.975])
    shares = stats.norm.cdf(bias + ends / (1 - acceleration * ends))
    return numpy.percentile(means, 100 * shares).tolist()


def bootstrap(x):
    if len(x) <= 6:
        return all_resamples(x)
    interval = stats.bootstrap(
        (x,), numpy.mean, method="BCa", confidence_level=0.95, n_resamples=RESAMPLES,
        batch=10_000, random_state=numpy.random.default_rng(SEED),
    ).confidence_interval
    return [float(interval.low), float(interval.high)]


def main():
    rng = numpy.random.default_rng(SEED)
    found = []
    for name, differences in cases(rng):
        test = wilcoxon(differences)
        found.append({
            "name": name,
            "differences": differences.tolist(),
            "mean": float(numpy.mean(differences)),
            "quartiles": numpy.percentile(differences, [25, 50, 75]).tolist(),
            "statistic": float(test.statistic),
            "p": float(test.pvalue),
            "interval": bootstrap(differences),
        })
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
