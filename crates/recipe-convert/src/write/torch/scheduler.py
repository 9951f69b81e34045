def hyperparameters(step):
    return value(LR, step), value(WEIGHT_DECAY, step), value(MOMENTUM, step)


Row = collections.namedtuple(
    "Row", "step lr weight_decay momentum ln_lr_exp lr_exp momentum_exp ln_scale ln_shrink"
)


def rows():
    """The recipe and its twin, step by step. ln_scale is a sum with Neumaier's compensation."""
    total, lost = 0.0, 0.0
    for step, ln_shrink in zip(range(STEPS), shrinks()):
        lr, weight_decay, momentum = hyperparameters(step)
        ln_scale = total + lost
        longer = total + ln_shrink
        if abs(total) >= abs(ln_shrink):
            lost += (total - longer) + ln_shrink
        else:
            lost += (ln_shrink - longer) + total
        total = longer
        ln_lr_exp = math.log(lr) - (ln_scale + (total + lost)) if lr > 0.0 else -math.inf
        lr_exp = math.exp(ln_lr_exp) if ln_lr_exp < 709.78 else math.inf
        yield Row(step, lr, weight_decay, momentum, ln_lr_exp, lr_exp, momentum, ln_scale, ln_shrink)


# ---- For PyTorch ----


class Scheduler:
    """Sets learning rate, weight decay and momentum of every parameter group for each step."""

    def __init__(self, optimizer):
        for group in optimizer.param_groups:
            if group.get("dampening", 0.0) != 0.0 or group.get("nesterov", False):
                raise ValueError("the schedule is for SGD with dampening=0 and nesterov=False")
        self.optimizer = optimizer
        self._start()
        self._set()

    def _start(self):
        self._rows = rows()
        self._row = next(self._rows)
        self._done = 0
        #: ln a of the step that was done last, for correct_running_statistics.
        self.ln_shrink = 0.0

    def _advance(self):
        if self._done == STEPS:
            raise RuntimeError("the schedule has %d steps, and all are done" % STEPS)
        self._done += 1
        self.ln_shrink = self._row.ln_shrink
        self._row = next(self._rows, self._row)

    def _set(self):
        row = self._row
        for group in self.optimizer.param_groups:
            if row.lr_exp > largest_number(group):
                raise OverflowError(
                    "at step %d the learning rate is exp(%r), above the largest number of the parameters; "
                    "shorten the training or lower the weight decay" % (row.step, row.ln_lr_exp)
                )
            group["lr"] = row.lr_exp
            group["weight_decay"] = 0.0
            group["momentum"] = row.momentum_exp

    def step(self):
        """To be called after each optimizer.step(): sets the values of the next one."""
        self._advance()
        self._set()

    def state_dict(self):
        return {"step": self._done}

    def load_state_dict(self, state):
        self._start()
        for _ in range(state["step"]):
            self._advance()
        self._set()


def largest_number(group):
    if all(str(parameter.dtype) == "torch.float64" for parameter in group["params"]):
        return 1.7976931348623157e308
    return 3.4028234663852886e38


def correct_running_statistics(model, ln_shrink, degrees=None):
    """Corrects what normalisers average over steps of different scale, once after each step.

    `degrees` gives, by name of module, the degree of homogeneity of a normaliser's input in the
    trained weights: 1 if left out, as after a convolution on normalised input; 2 after one on the
    output of a trained affine.
    """
    for name, module in model.named_modules():
        if getattr(module, "running_mean", None) is not None:
            exponent = -(degrees or {}).get(name, 1.0) * ln_shrink
            module.running_mean.mul_(math.exp(exponent))
            module.running_var.mul_(math.exp(2.0 * exponent))


if __name__ == "__main__":
    print("step,lr,weight_decay,momentum,ln_lr_exp,lr_exp,momentum_exp,ln_scale")
    for row in rows():
        print(row.step, *map(repr, row[1:-1]), sep=",")
