def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the exact law that keeps a weight decay.

    d = weight_decay - kept / A^2 + momentum * kappa, a = 1 - lr * d, kappa <- d / a.
    """
    kappa = 0.0
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        kept = value(TARGET_WEIGHT_DECAY, step)
        of_recipe = kept * math.exp(-2.0 * scale.value()) if kept > 0.0 else 0.0
        decay = (weight_decay - of_recipe) + momentum * kappa
        a_minus_one = -(lr * decay)
        if a_minus_one <= -1.0:
            raise ValueError("step %d has no equivalent with this weight decay" % step)
        kappa = decay / (1.0 + a_minus_one)
        yield lr, math.log1p(a_minus_one), kept, momentum


