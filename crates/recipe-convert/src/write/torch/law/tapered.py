def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): TEXP.

    a is the larger root of x^2 - (1 + momentum - lr * weight_decay) x + momentum = 0.
    """
    known, ln_root = None, 0.0
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        values = lr, weight_decay, momentum
        if values != known:
            known, ln_root = values, root(*values)
        yield lr, ln_root, 0.0, momentum


