def hyperparameters(step):
    return value(LR, step), value(WEIGHT_DECAY, step), value(MOMENTUM, step)


Row = collections.namedtuple(
    "Row",
    "step lr weight_decay momentum ln_lr_exp lr_exp momentum_exp ln_scale weight_decay_exp ln_shrink",
)


def rows():
    """The recipe and its twin, step by step."""
    scale = Scale()
    for step, (rate, ln_shrink, weight_decay_exp, momentum_exp) in zip(range(STEPS), steps(scale)):
        ln_scale = scale.value()
        scale.add(ln_shrink)
        ln_lr_exp = math.log(rate) - (ln_scale + scale.value()) if rate > 0.0 else -math.inf
        yield Row(
            *(step, *hyperparameters(step)),
            *(ln_lr_exp, exp(ln_lr_exp), momentum_exp, ln_scale, weight_decay_exp, ln_shrink),
        )


