def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the exact law with the rate inside the buffer.

    g = momentum * lr / previous lr, a = 1 - lr * weight_decay - g * c, momentum <- g / (a * previous a),
    c <- 1 / a - 1.
    """
    held, previous = Decimal(0), None
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        if momentum != 0.0 and previous is not None and previous != lr:
            momentum = momentum * lr / previous
        previous = lr
        with localcontext(DIGITS):
            momentum = Decimal(momentum)
            a_minus_one = -(Decimal(lr) * Decimal(weight_decay) + momentum * held)
            after = -a_minus_one / checked_shrink(step, 1 + a_minus_one)
            ln_a, momentum_exp = ln_1p(a_minus_one), momentum * (1 + after) * (1 + held)
        held = after
        yield lr, ln_a, 0.0, float(momentum_exp)


