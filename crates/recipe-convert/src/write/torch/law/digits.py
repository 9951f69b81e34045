#: What a step leaves to the next has 34 digits. Near momentum 1 it is forgotten so slowly that the roundings of
#: floats would add up: ln_lr_exp would be off by 1e-9 after a million steps at 0.999.
DIGITS = Context(prec=34)


def checked_shrink(step, a):
    if a <= 0:
        raise ValueError("step %d has no equivalent with this weight decay: a = %s is not positive" % (step, a))
    return a


def ln_1p(number):
    return math.log1p(number) if number > -0.5 else math.log(1 + number)


