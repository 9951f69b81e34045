def steps(scale):
    """For each step (rate, ln a, weight decay, momentum): the exact law that keeps a weight decay."""
    kappa = Decimal(0)
    for step in itertools.count():
        lr, weight_decay, momentum = hyperparameters(step)
        kept = value(TARGET_WEIGHT_DECAY, step)
        of_recipe = kept * math.exp(-2.0 * scale.value()) if kept > 0.0 else 0.0
        ln_a, kappa = coupled(step, lr, weight_decay, momentum, kappa, of_recipe)
        yield lr, ln_a, kept, momentum


