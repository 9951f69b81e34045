def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): TEXP--.

    The rate stays that of step 0, the weight decay falls in its place, and a is the larger root of
    x^2 - (1 + momentum - lr * weight_decay) x + momentum = 0.
    """
    constant = hyperparameters(0)[0]
    known, ln_root = None, 0.0
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        values = constant, weight_decay * (lr / constant), momentum
        if values != known:
            known, ln_root = values, root(*values)
        yield constant, ln_root, 0.0, momentum


