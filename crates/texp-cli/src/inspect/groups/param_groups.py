

def param_groups(model):
    """The groups, for torch.optim.SGD; a ValueError that says why if the model is not the one inspected."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    buffers = {name for name, _ in model.named_buffers()}
    problems, groups, placed = [], [], {}
    for group, shapes in GROUPS.items():
        params = []
        for name, shape in shapes.items():
            parameter = parameters.get(name)
            if parameter is None:
                problems.append(missing(name, name in buffers))
                continue
            if tuple(parameter.shape) != shape:
                problems.append("%s has shape %s, and %s in the file" % (name, tuple(parameter.shape), shape))
            if not parameter.requires_grad:
                problems.append("%s is not trained: inspect the file again with --freeze %s" % (name, name))
            # A parameter may have several names.
            if placed.setdefault(id(parameter), group) != group:
                problems.append("%s is also in the group %s" % (name, placed[id(parameter)]))
            elif all(parameter is not other for other in params):
                params.append(parameter)
        groups.append({"name": group, "params": params})
    for name, parameter in parameters.items():
        if parameter.requires_grad and id(parameter) not in placed:
            problems.append(
                "%s is trained, and was frozen when the file was inspected" % name
                if name in FIXED
                else "%s is trained, and no parameter in the file that a result depends on has this name" % name
            )
    if problems:
        more = ["and %d more" % (len(problems) - 10)] if len(problems) > 10 else []
        raise ValueError(
            "the model is not the one in the ONNX file (of a wrapped model, give what is inside):\n  "
            + "\n  ".join(problems[:10] + more)
        )
    return groups


def missing(name, is_buffer):
    if is_buffer:
        return "%s is a buffer of the model: inspect the file again with --freeze %s" % (name, name)
    return "%s is no parameter of the model: an exporter may have renamed or merged it" % name
