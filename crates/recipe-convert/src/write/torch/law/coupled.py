def coupled(step, lr, weight_decay, momentum, kappa, kept=0.0):
    """ln a and the next kappa; `kept` of the decay is left alone.

    d = weight_decay - kept + momentum * kappa, a = 1 - lr * d, kappa <- d / a.
    """
    with localcontext(DIGITS):
        decay = Decimal(weight_decay) - Decimal(kept) + Decimal(momentum) * kappa
        a_minus_one = -Decimal(lr) * decay
        return ln_1p(a_minus_one), decay / checked_shrink(step, 1 + a_minus_one)


