def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the law of decoupled weight decay.

    a = 1 - lr * weight_decay, momentum <- momentum * previous a.
    """
    before = 1.0
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        a_minus_one = -(lr * weight_decay)
        if a_minus_one <= -1.0:
            raise ValueError("step %d has no equivalent without weight decay" % step)
        yield lr, math.log1p(a_minus_one), 0.0, momentum * before
        before = 1.0 + a_minus_one


