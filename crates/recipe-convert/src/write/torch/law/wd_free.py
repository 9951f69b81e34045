def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the exact law.

    d = weight_decay + momentum * kappa, a = 1 - lr * d, kappa <- d / a.
    """
    kappa = 0.0
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        decay = weight_decay + momentum * kappa
        a_minus_one = -(lr * decay)
        if a_minus_one <= -1.0:
            raise ValueError("step %d has no equivalent without weight decay" % step)
        kappa = decay / (1.0 + a_minus_one)
        yield lr, math.log1p(a_minus_one), 0.0, momentum


