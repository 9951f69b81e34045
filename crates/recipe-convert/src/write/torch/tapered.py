# ---- The law, in float64 ----


def shrinks():
    """For each step ln a, by which weight decay shrinks the parameters: TEXP.

    a is the larger root of x^2 - (1 + momentum - lr * weight_decay) x + momentum = 0.
    """
    known, ln_root = None, 0.0
    for step in itertools.count():
        values = hyperparameters(step)
        if values != known:
            known, ln_root = values, root(*values)
        yield ln_root


def root(lr, weight_decay, momentum):
    product = lr * weight_decay
    limit = ((1.0 - momentum) / (1.0 + math.sqrt(momentum))) ** 2
    if product > limit:
        raise ValueError("lr * weight_decay = %r is above (1 - sqrt(momentum))^2 = %r" % (product, limit))
    gap = math.sqrt((limit - product) * ((1.0 + math.sqrt(momentum)) ** 2 - product))
    one_minus_root = 2.0 * product / (1.0 - momentum + product + gap)
    if one_minus_root < 0.5:
        return math.log1p(-one_minus_root)
    return math.log(0.5 * (1.0 + momentum - product + gap))
