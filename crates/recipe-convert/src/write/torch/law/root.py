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


