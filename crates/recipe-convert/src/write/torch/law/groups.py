def hyperparameters(group, step):
    name, weight_decay, lr_scale, exponent = group
    return value(LR, step) * lr_scale, value(weight_decay, step), value(MOMENTUM, step)


Row = collections.namedtuple(
    "Row",
    "step lr weight_decay momentum ln_lr_exp lr_exp momentum_exp ln_scale weight_decay_exp group ln_shrink",
)


def rows():
    """The recipe and its twin, for each step and group.

    The first group with an exponent that is not 0 leads, by the exact law. The others' a is a power of its, and
    they keep what that leaves of their decay.
    """
    leader = next((group for group in GROUPS if group[3] != 0.0), None)
    scale, leaders_kappa, kappas = Scale(), Decimal(0), [0.0 for _ in GROUPS]
    for step in range(STEPS):
        ln_a, before = 0.0, scale.value()
        if leader:
            ln_a, leaders_kappa = coupled(step, *hyperparameters(leader, step), leaders_kappa)
        scale.add(ln_a)
        for index, group in enumerate(GROUPS):
            lr, weight_decay, momentum = hyperparameters(group, step)
            kept, power = weight_decay, 0.0
            if group is leader:
                kept, power = 0.0, 1.0
            elif group[3] != 0.0:
                power = group[3] / leader[3]
                left, kappas[index] = residual(lr, weight_decay, momentum, kappas[index], math.expm1(power * ln_a))
                kept = left * math.exp(2.0 * (power * before))
            ln_lr_exp = math.log(lr) - (power * before + power * scale.value()) if lr > 0.0 else -math.inf
            yield Row(
                *(step, lr, weight_decay, momentum, ln_lr_exp, exp(ln_lr_exp), momentum, power * before),
                *(kept, group[0], ln_a / leader[3] if leader else 0.0),
            )


def residual(lr, weight_decay, momentum, kappa, a_minus_one):
    """The weight decay that is left, in the recipe's scale, and the next kappa."""
    own = weight_decay + momentum * kappa
    if lr == 0.0:
        if a_minus_one != 0.0:
            raise ValueError("a group with learning rate 0 cannot follow another one")
        return 0.0, own
    gone = -(a_minus_one / lr)
    left = own - gone
    eight_roundings = 2.0**-50 * (abs(own) + abs(gone))
    return 0.0 if abs(left) <= eight_roundings else left, gone / (1.0 + a_minus_one)


