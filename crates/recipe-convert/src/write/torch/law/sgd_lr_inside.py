def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the exact law with the rate inside the buffer.

    g = momentum * lr / previous lr, a = 1 - lr * weight_decay - g * c, momentum <- g / (a * previous a),
    c <- 1 / a - 1.
    """
    held, previous = 0.0, None
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        if momentum != 0.0 and previous is not None and previous != lr:
            momentum = momentum * lr / previous
        previous = lr
        a_minus_one = -(lr * weight_decay + momentum * held)
        if a_minus_one <= -1.0:
            raise ValueError("step %d has no equivalent without weight decay" % step)
        after = -a_minus_one / (1.0 + a_minus_one)
        yield lr, math.log1p(a_minus_one), 0.0, momentum * (1.0 + after) * (1.0 + held)
        held = after


