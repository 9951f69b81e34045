def check(group):
    if "betas" not in group or group.get("amsgrad", False):
        raise ValueError("the schedule is for Adam with amsgrad=False")


def row_of(group, rows):
    return rows[0]


def assign(group, row):
    group["lr"] = row.lr_exp
    group["weight_decay"] = 0.0
    group["betas"] = (row.beta1_exp, row.beta2_exp)
    group["eps"] = row.eps_exp


