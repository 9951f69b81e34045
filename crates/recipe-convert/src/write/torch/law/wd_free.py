def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the exact law."""
    kappa = Decimal(0)
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        ln_a, kappa = coupled(step, lr, weight_decay, momentum, kappa)
        yield lr, ln_a, 0.0, momentum


