def hyperparameters(step):
    return value(LR, step), value(WEIGHT_DECAY, step), value(MOMENTUM, step)


Row = collections.namedtuple(
    "Row",
    "step lr weight_decay momentum ln_lr_exp lr_exp momentum_exp ln_scale"
    " beta1 beta2 eps beta1_exp beta2_exp eps_exp ln_shrink",
)


def rows():
    """The recipe and its twin, step by step: the law of AdamW, a = 1 - lr * weight_decay."""
    scale, first, second, before = Scale(), Moment(), Moment(), 1.0
    for step in range(STEPS):
        lr, weight_decay, momentum = hyperparameters(step)
        beta1, beta2, eps = value(BETA1, step), value(BETA2, step), value(EPS, step)
        a_minus_one = -(lr * weight_decay)
        if a_minus_one <= -1.0:
            raise ValueError("step %d has no equivalent without weight decay" % step)
        ln_scale, ln_shrink = scale.value(), math.log1p(a_minus_one)
        scale.add(ln_shrink)
        first.step(step, beta1 * before, beta1)
        second.step(step, beta2 * before * before, beta2)
        before = 1.0 + a_minus_one
        ln_root_ratio = 0.5 * (second.ln_correction_ratio - math.log(second.scale))
        ln_lr_exp = ln(lr) - scale.value() + first.ln_correction_ratio - math.log(first.scale) - ln_root_ratio
        yield Row(
            *(step, lr, weight_decay, momentum, ln_lr_exp, exp(ln_lr_exp), momentum, ln_scale),
            *(beta1, beta2, eps, first.beta, second.beta, exp(ln(eps) + ln_scale - ln_root_ratio), ln_shrink),
        )


