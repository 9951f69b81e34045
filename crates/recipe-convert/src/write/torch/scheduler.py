class Scheduler:
    """Sets every hyperparameter of every parameter group for each step."""

    def __init__(self, optimizer):
        for group in optimizer.param_groups:
            check(group)
        self.optimizer = optimizer
        self._start()
        self._set()

    def _start(self):
        self._steps = itertools.groupby(rows(), key=lambda row: row.step)
        self._rows = list(next(self._steps)[1])
        self._done = 0
        #: ln a of the step that was done last, for correct_running_statistics.
        self.ln_shrink = 0.0

    def _advance(self):
        if self._done == STEPS:
            raise RuntimeError("the schedule has %d steps, and all are done" % STEPS)
        self._done += 1
        self.ln_shrink = self._rows[0].ln_shrink
        self._rows = next((list(rows) for _, rows in self._steps), self._rows)

    def _set(self):
        for group in self.optimizer.param_groups:
            row = row_of(group, self._rows)
            if row.lr_exp > largest_number(group):
                raise OverflowError(
                    "at step %d the learning rate is exp(%r), above the largest number of the parameters; "
                    "shorten the training or lower the weight decay" % (row.step, row.ln_lr_exp)
                )
            assign(group, row)

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


