"""Prints the reference values of known_answers.rs: the exact law in 40 digits (mpmath), for two minutes.

The inputs are the float64 numbers nearest to the decimals, as the tests use them.
"""

from mpmath import cos, log, mp, mpf, pi, sqrt

mp.dps = 40
RATE, DECAY, MOMENTUM = mpf(0.1), mpf(5e-4), mpf(0.9)


def final_ln_learning_rate(rate, steps, decay=DECAY):
    kappa, ln_scale = mpf(0), mpf(0)
    for t in range(steps):
        d = decay + MOMENTUM * kappa
        a = 1 - rate(t) * d
        before, ln_scale = ln_scale, ln_scale + log(a)
        kappa = d / a
    return log(rate(steps - 1)) - before - ln_scale


N = 10**6
s = RATE * DECAY
root = (1 + MOMENTUM - s + sqrt((1 + MOMENTUM - s) ** 2 - 4 * MOMENTUM)) / 2
print("root", root)
print("growth in 391 steps", root**-782)
print("constant", final_ln_learning_rate(lambda t: RATE, N))
print("cosine", final_ln_learning_rate(lambda t: RATE * (1 + cos(pi * t / N)) / 2, N))
print("slow", final_ln_learning_rate(lambda t: mpf(1e-3), N, mpf(1e-5)))
