"""Makes scipy.json: what scipy says of confidence intervals, paired tests and slopes.

    python -P scipy.py > scipy.json

Made with scipy 1.17.1 and numpy 2.4.6. `-P`, because the folder of a script called scipy.py hides the package.
"""

import json

import numpy
from scipy import stats

generator = numpy.random.default_rng(20201907)


def quantiles():
    for freedom in [1, 2, 3, 4, 5, 7, 9, 14, 19, 29, 49, 99, 499]:
        for confidence in [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]:
            quantile = stats.t.ppf(0.5 + 0.5 * confidence, freedom)
            yield {"freedom": freedom, "confidence": confidence, "quantile": float(quantile)}


def tests():
    """Two one-sided paired t-tests of |a - b| < margin, and one of a - b > by, at 5 %."""
    for size in [3, 4, 5, 8, 12, 20]:
        for shift in [0.0, 0.5, 0.9, 1.0, 1.1, 1.5, -0.7, -1.6]:
            spread = float(generator.choice([0.05, 0.2, 0.6]))
            a = generator.normal(10.0, 1.0, size)
            b = a - generator.normal(shift, spread, size)
            margin, by = 1.0, 0.4
            p = lambda at, side: float(stats.ttest_rel(a - at, b, alternative=side).pvalue)
            interval = stats.ttest_rel(a, b).confidence_interval(0.9)
            yield {
                "a": a.tolist(),
                "b": b.tolist(),
                "lower": float(interval.low),
                "upper": float(interval.high),
                "margin": margin,
                "p_inside": max(p(-margin, "greater"), p(margin, "less")),
                "p_outside": min(p(-margin, "less"), p(margin, "greater")),
                "by": by,
                "p_above": p(by, "greater"),
                "p_below": p(by, "less"),
            }


def slopes():
    for size in [2, 3, 10, 100]:
        for slope in [0.0, 0.4, -3.0]:
            x = numpy.sort(generator.uniform(0.0, 200.0, size))
            y = 5.0 + slope * x + generator.normal(0.0, 1.0, size)
            yield {"x": x.tolist(), "y": y.tolist(), "slope": float(stats.linregress(x, y).slope)}


def rows(name, values):
    return f'"{name}": [\n' + ",\n".join(map(json.dumps, values)) + "\n]"


print("{" + ",\n".join(rows(f.__name__, f()) for f in [quantiles, tests, slopes]) + "}")
