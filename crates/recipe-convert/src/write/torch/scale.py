

# ---- The law ----


def exp(ln):
    return math.exp(ln) if ln < 709.78 else math.inf


class Scale:
    """ln A, the sum of the ln a so far, with Neumaier's compensation."""

    def __init__(self):
        self.total, self.lost = 0.0, 0.0

    def value(self):
        return self.total + self.lost

    def add(self, ln_shrink):
        longer = self.total + ln_shrink
        if abs(self.total) >= abs(ln_shrink):
            self.lost += (self.total - longer) + ln_shrink
        else:
            self.lost += (ln_shrink - longer) + self.total
        self.total = longer


