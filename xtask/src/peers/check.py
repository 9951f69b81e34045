"""Checks with PyTorch what texp generates and says: `cargo xtask peers` runs this.

    python check.py FOLDER STEPS.json

FOLDER has the generated schedulers and `schedulers.json` that lists them; STEPS.json is what schedule-core's
tests compare with, beside the script that made it. Everything is float64 on the CPU. Each check runs twice, as
it is and with the learning rate (or what it is about) off by 1/1000, which it must find.
Exits with 1 if one does not hold.
"""

import importlib.util
import json
import pathlib
import sys
import warnings

# Nothing here needs NumPy; PyTorch misses it when it is loaded.
warnings.filterwarnings("ignore", message="Failed to initialize NumPy")

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

import twins
from optimisers import LEAST_MOMENTUM, PAIRS, TaperedSgd

#: Rounding of one step, and of a few hundred that build on one another.
BOUNDS = {"each step": 1e-12, "free": 1e-10}
OFF = 1.001


class Table:
    def __init__(self):
        self.failed = 0
        print("%-72s %10s  %-9s %10s  %s" % ("check", "deviation", "bound", "if off", "verdict"))

    def at_most(self, name, bound, deviation, if_off):
        """Deviations within the bound, which those of a spoilt run are not."""
        verdict = "holds" if deviation <= bound else "FAILS"
        if verdict == "holds" and not if_off > bound:
            verdict = "FAILS: finds no error of 1/1000"
        self._row(name, deviation, "<= %.0e" % bound, "%.1e" % if_off, verdict)

    def at_least(self, name, bound, deviation, if_not):
        """A difference there must be, and is not where `if_not` was measured."""
        verdict = "holds" if deviation >= bound > if_not else "FAILS"
        self._row(name, deviation, ">= %.0e" % bound, "%.1e" % if_not, verdict)

    def _row(self, name, deviation, bound, other, verdict):
        self.failed += verdict != "holds"
        print("%-72s %10.1e  %-9s %10s  %s" % (name, deviation, bound, other, verdict), flush=True)


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pairs(folder):
    """What schedulers.json lists: a name, and the pair of optimisers."""
    for entry in json.loads((folder / "schedulers.json").read_text()):
        made_of = [imported(folder / entry["file"])]
        if "groups" in entry:
            made_of += [imported(folder / entry["groups"]), entry["net"]]
        yield entry["name"], PAIRS[entry["pair"]](*made_of)


def check_schedulers(table, folder):
    for name, pair in pairs(folder):
        for net in pair.nets:
            for mode, bound in BOUNDS.items():
                run = [twins.functions_differ(net, pair, mode, off) for off in (1.0, OFF)]
                for what, deviation, if_off in zip(("loss", "function"), *run):
                    table.at_most("%s, %s, %s: %s" % (name, net, mode, what), bound, deviation, if_off)
        exact, off, without = (twins.evaluations_differ(pair, factor) for factor in (1.0, OFF, 0.0))
        named = "%s, %s: evaluation " % (name, pair.evaluated)
        table.at_most(named + "with the helper", BOUNDS["free"], exact, off)
        table.at_least(named + "without it differs", 1e-3, without, exact)


def check_tapered_start(table, folder):
    """TEXP from a zero buffer is off where the paper's theorem shifts it."""
    for name, pair in pairs(folder):
        if isinstance(pair, TaperedSgd):
            net = "conv-BatchNorm"
            run = [twins.functions_differ(net, pair, "free", shifts=shifts)[1] for shifts in (False, True)]
            table.at_least("%s, %s: without buffer shifts differs" % (name, net), 1e-6, *run)


def check_stored_steps(table, stored):
    """What schedule-core's tests read is what this PyTorch does."""
    maker = imported(stored.with_name("make_pytorch_steps.py"))
    expected = json.loads(stored.read_text())["optimisers"]
    found, off = (json.loads(json.dumps(maker.data(factor)))["optimisers"] for factor in (1.0, OFF))
    for name in expected:
        deviations = [steps_differ(expected[name], other[name]) for other in (found, off)]
        table.at_most("stored steps of %s that schedule-core is tested with" % name, 1e-14, *deviations)


def steps_differ(expected, found):
    tensors = ((torch.tensor(a[key]), torch.tensor(b[key])) for a, b in zip(expected, found) for key in a)
    return max(twins.relative(torch.atleast_1d(a), torch.atleast_1d(b)) for a, b in tensors)


def check_nesterov_and_dampening(table):
    """Why a Nesterov twin with a free dampening has no stock optimiser."""

    def refused(dampening):
        try:
            torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], momentum=0.9, dampening=dampening, nesterov=True)
        except ValueError:
            return 1.0
        return 0.0

    table.at_least("nesterov=True is refused (1) with dampening, and not without it", 1.0, refused(0.5), refused(0.0))

    buffers = sgd_buffers([0.5, 0.5], dampening=0.25)
    dampened_first = [0.75 * 1.0, 0.5 * 0.75 + 0.75 * 2.0]
    left_out_first = [1.0, 0.5 * 1.0 + 0.75 * 2.0]
    differ = [distance(buffers, other) for other in (left_out_first, dampened_first)]
    table.at_most("SGD leaves dampening out of its first step, and only there", 1e-15, *differ)


def check_momentum_of_zero(table):
    """Why schedulers never set a momentum to 0, if it is not 0 at all steps."""
    gradient_alone = [1.0, 2.0, 0.5 * 2.0 + 3.0]
    differ = [distance(sgd_buffers([0.5, least, 0.5]), gradient_alone) for least in (0.0, LEAST_MOMENTUM)]
    table.at_least("SGD leaves its buffer as it was at momentum 0, and not at 5e-324", 0.5, *differ)


def sgd_buffers(momenta, **options):
    """The buffer after each of a few steps, with gradients 1, 2, 3."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=1.0, momentum=0.5, **options)
    buffers = []
    for gradient, momentum in enumerate(momenta, start=1):
        optimiser.param_groups[0]["momentum"] = momentum
        parameter.grad = torch.full((1,), float(gradient))
        optimiser.step()
        buffers.append(optimiser.state[parameter]["momentum_buffer"].item())
    return buffers


def distance(one, other):
    return max(abs(a - b) for a, b in zip(one, other))


def main(folder, stored):
    print("PyTorch %s, float64, CPU, %d thread" % (torch.__version__, torch.get_num_threads()))
    print("each step: the twin's state is converted anew before every step; free: it runs by itself.")
    print("if off: the deviation at a learning rate (or correction) 1/1000 too large, which must be out of bounds;")
    print("        of a difference that must be there (>=), what is measured without its cause.\n")
    table = Table()
    check_stored_steps(table, stored)
    check_nesterov_and_dampening(table)
    check_momentum_of_zero(table)
    check_schedulers(table, folder)
    check_tapered_start(table, folder)
    if table.failed:
        print("\n%d checks fail" % table.failed)
        return 1
    print("\nall checks hold")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
