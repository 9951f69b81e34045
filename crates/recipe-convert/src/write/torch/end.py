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
    print(",".join(COLUMNS))
    for row in rows():
        print(*(getattr(row, name) for name in COLUMNS), sep=",")
