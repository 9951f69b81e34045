def ln(number):
    return math.log(number) if number > 0.0 else -math.inf


def bias_correction(ln_beta, step):
    return -math.expm1((step + 1.0) * ln_beta)


class Moment:
    """A moment of the twin, at the scale at which a stock Adam's own coefficients hold."""

    def __init__(self):
        self.scale = 1.0

    def step(self, step, keep, beta):
        """From the coefficient of the memory and the recipe's beta: sets beta and the bias correction."""
        kept = keep / self.scale
        self.scale = 1.0 / (1.0 - beta + kept)
        self.beta = kept * self.scale
        ln_beta = ln(self.beta) if self.beta < 0.5 else math.log1p(-self.scale * (1.0 - beta))
        correction = bias_correction(ln_beta, step)
        self.ln_correction_ratio = math.log(correction / bias_correction(ln(beta), step))


