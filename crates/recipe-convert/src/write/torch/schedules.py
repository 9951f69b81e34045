import base64
import bisect
import collections
import itertools
import math
import struct
from decimal import Context, Decimal, localcontext

# ---- The recipe with weight decay: functions of the step ----


def between(first, first_weight, last, last_weight):
    value = first_weight * first + last_weight * last
    return min(max(value, min(first, last)), max(first, last))


def pieces(starts, values):
    return lambda step: values[bisect.bisect_right(starts, step) - 1]


def table(text):
    data = base64.b64decode(text)
    values = struct.unpack("<%dd" % (len(data) // 8), data)
    return lambda step: values[min(step, len(values) - 1)]


def linear(first, last, steps):
    def at(step):
        if step >= steps:
            return last
        return between(first, (steps - step) / steps, last, step / steps)

    return at


def cosine(first, last, steps):
    def weight(part):
        return math.sin(math.pi / 2.0 * (part / steps)) ** 2

    def at(step):
        if step >= steps:
            return last
        return between(first, weight(steps - step), last, weight(step))

    return at


def polynomial(first, last, power, steps):
    def at(step):
        if step >= steps:
            return last
        left = ((steps - step) / steps) ** power
        done = -math.expm1(power * math.log1p(-(step / steps)))
        return between(first, left, last, done)

    return at


def exponential(first, growth, period, steps):
    return lambda step: first * growth ** (min(step, steps) / period)


def value(parts, step):
    """The value at a step of a list of (start, function), each counting from its start."""
    start, function = parts[bisect.bisect_right(parts, step, key=lambda part: part[0]) - 1]
    return function(step - start)
