def check(group):
    if group.get("dampening", 0.0) != 0.0 or group.get("nesterov", False):
        raise ValueError("the schedule is for SGD with dampening=0 and nesterov=False")
    names = [known[0] for known in GROUPS]
    if group.get("name") not in names:
        raise ValueError("a parameter group is named %r; it must be one of %r" % (group.get("name"), names))


def row_of(group, rows):
    return next(row for row in rows if row.group == group["name"])


def assign(group, row):
    group["lr"] = row.lr_exp
    group["weight_decay"] = row.weight_decay_exp
    group["momentum"] = max(row.momentum_exp, LEAST_MOMENTUM)


