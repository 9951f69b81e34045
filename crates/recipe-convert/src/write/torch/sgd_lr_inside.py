class SgdLrInside:
    """v <- momentum * v + lr * gradient, parameter <- parameter - v, from v = 0."""

    def __init__(self, parameters):
        self.param_groups = [{"params": list(parameters), "lr": 0.0, "weight_decay": 0.0, "momentum": 0.0}]
        self.buffers = {}

    def zero_grad(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                taken = parameter.grad.detach() * group["lr"]
                if parameter in self.buffers:
                    taken = taken + self.buffers[parameter] * group["momentum"]
                self.buffers[parameter] = taken
                parameter.data.sub_(taken)

    def state_dict(self):
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        return {"buffers": [self.buffers.get(parameter) for parameter in parameters]}

    def load_state_dict(self, state):
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        buffers = zip(parameters, state["buffers"])
        self.buffers = {parameter: buffer for parameter, buffer in buffers if buffer is not None}


