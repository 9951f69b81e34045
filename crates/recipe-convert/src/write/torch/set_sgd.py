def check(group):
    if group.get("dampening", 0.0) != 0.0 or group.get("nesterov", False):
        raise ValueError("the schedule is for SGD with dampening=0 and nesterov=False")


def row_of(group, rows):
    return rows[0]


def assign(group, row):
    group["lr"] = row.lr_exp
    group["weight_decay"] = row.weight_decay_exp
    group["momentum"] = max(row.momentum_exp, LEAST_MOMENTUM)


