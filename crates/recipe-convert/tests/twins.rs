//! The generated scheduler, driving an optimiser, trains the recipe's own trajectory.

mod common;

use std::fs;
use std::process::Command;

use common::python;
use recipe_convert::Target;

/// Vectors with the names of a tensor's methods, optimisers as PyTorch's, and a scale-invariant loss whose
/// batch changes at every step.
const WORLD: &str = r#"
import math
import schedule

class Vector(list):
    def detach(self): return self
    def __mul__(self, factor): return Vector(x * factor for x in self)
    def __add__(self, other): return Vector(x + y for x, y in zip(self, other))
    def sub_(self, other): self[:] = [x - y for x, y in zip(self, other)]

class Parameter:
    dtype = "torch.float64"
    def __init__(self, *values): self.data, self.grad = Vector(values), None

class Sgd:
    """torch.optim.SGD; decoupled, its decay is that of AdamW."""
    def __init__(self, groups, decoupled=False):
        self.param_groups = [dict(lr=0.0, weight_decay=0.0, momentum=0.0, **group) for group in groups]
        self.buffers, self.decoupled = {}, decoupled
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                decay = group["weight_decay"]
                gradient = parameter.grad + parameter.data * (0.0 if self.decoupled else decay)
                if parameter in self.buffers:
                    gradient = gradient + self.buffers[parameter] * group["momentum"]
                self.buffers[parameter] = gradient
                if self.decoupled:
                    parameter.data = parameter.data * (1.0 - group["lr"] * decay)
                parameter.data.sub_(gradient * group["lr"])

class Adam:
    """torch.optim.AdamW with bias correction by its own betas; Adam where the decay is 0."""
    def __init__(self, groups):
        self.param_groups = [dict(lr=0.0, weight_decay=0.0, betas=(0.0, 0.0), eps=0.0, **group) for group in groups]
        self.moments, self.done = {}, 0
    def step(self):
        self.done += 1
        for group in self.param_groups:
            lr, (beta1, beta2), eps = group["lr"], group["betas"], group["eps"]
            for parameter in group["params"]:
                zero = parameter.grad * 0.0
                mean, square = self.moments.get(parameter, (zero, zero))
                mean = mean * beta1 + parameter.grad * (1.0 - beta1)
                square = square * beta2 + Vector(g * g for g in parameter.grad) * (1.0 - beta2)
                self.moments[parameter] = mean, square
                c1, c2 = 1.0 - beta1**self.done, 1.0 - beta2**self.done
                parameter.data = parameter.data * (1.0 - lr * group["weight_decay"])
                parameter.data.sub_(Vector(m / c1 / (math.sqrt(v / c2) + eps) for m, v in zip(mean, square)) * lr)

def gradients(step, parameters):
    """Of x'Mx/(2x'x), x all parameters, M of this step: not the same for x and -x in what follows."""
    x = [value for parameter in parameters for value in parameter.data]
    n = range(len(x))
    m = [[math.sin(1.0 + step + 2 * i * j + i + j) for i in n] for j in n]
    image = [sum(m[i][j] * x[j] for j in n) for i in n]
    square = sum(v * v for v in x)
    loss = sum(x[i] * image[i] for i in n) / square
    gradient = [(image[i] - loss * x[i]) / square for i in n]
    for parameter in parameters:
        size = len(parameter.data)
        parameter.grad, gradient = Vector(gradient[:size]), gradient[size:]

def distance(one, other):
    return max(abs(a - b) for a, b in zip(one, other)) / max(map(abs, other))
"#;

#[track_caller]
fn assert_twins(recipe: &str, target: Target, script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("schedule.py", &python(recipe, target));
    write("check.py", &format!("{WORLD}\n{script}"));
    let output = Command::new("python3")
        .arg("check.py")
        .current_dir(folder.path())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: python3 cannot be run ({error}), so the twins are not trained");
            return;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n");
}

/// Trains the original by the recipe's columns and the twin by the scheduler.
const TRAINING: &str = r#"
original, twin = Parameter(0.3, -1.0, 0.5, 0.7), Parameter(0.3, -1.0, 0.5, 0.7)
recipe = ORIGINAL([dict(params=[original])])
optimizer = OPTIMIZER([twin])
scheduler = schedule.Scheduler(optimizer)
for row in schedule.rows():
    assert distance([x * math.exp(row.ln_scale) for x in twin.data], original.data) < 1e-9, row
    recipe.param_groups[0].update(lr=row.lr, weight_decay=row.weight_decay, REST)
    for parameter, one in [(original, recipe), (twin, optimizer)]:
        gradients(row.step, [parameter])
        one.step()
    scheduler.step()
assert row.step == 199 and abs(row.ln_scale) > 0.1
print("ok")
"#;

const RECIPE: &str = "steps_per_epoch = 10\nepochs = 20\n\
    optimizer = { kind = \"sgd\", momentum = 0.8, weight_decay = 2e-2 }\n\
    schedule = { kind = \"cosine\", lr = 0.05, final_lr = 1e-3 }\n\
    [target.weight_decay]\nkind = \"step\"\nvalue = 4e-3\nfactor = 2\nepochs = [5, 11]\n";

fn trained(original: &str, optimizer: &str, rest: &str) -> String {
    TRAINING
        .replace("OPTIMIZER", optimizer)
        .replace("ORIGINAL", original)
        .replace("REST", rest)
}

fn sgd(optimizer: &str) -> String {
    trained("Sgd", optimizer, "momentum=row.momentum")
}

const STOCK: &str = "(lambda parameters: Sgd([dict(params=parameters)]))";

#[test]
fn without_weight_decay() {
    assert_twins(RECIPE, Target::WdFree, &sgd(STOCK));
}

#[test]
fn with_another_weight_decay() {
    assert_twins(RECIPE, Target::WeightDecay, &sgd(STOCK));
}

#[test]
fn with_the_rate_inside_the_buffer() {
    assert_twins(RECIPE, Target::SgdLrInside, &sgd("schedule.SgdLrInside"));
}

#[test]
fn of_decoupled_decay() {
    let recipe = RECIPE.replace("\"sgd\"", "\"sgdw\"").replace("2e-2", "0.2");
    let original = "(lambda groups: Sgd(groups, decoupled=True))";
    let script = trained(original, STOCK, "momentum=row.momentum");
    assert_twins(&recipe, Target::WdFree, &script);
}

#[test]
fn of_adamw_by_a_stock_adam() {
    let recipe = RECIPE.replace(
        "\"sgd\", momentum = 0.8",
        "\"adamw\", beta1 = 0.8, beta2 = 0.95, eps = 1e-2",
    );
    let recipe = recipe.replace("2e-2 }", "0.2 }");
    let stock = "(lambda parameters: Adam([dict(params=parameters)]))";
    let script = trained("Adam", stock, "betas=(row.beta1, row.beta2), eps=row.eps");
    assert_twins(&recipe, Target::WdFree, &script);
}

/// Of a loss of the product of two groups' directions, invariant under (c, c²), and a third one that is not
/// scaled: the parameters of group p are A^{d_p} times the twin's.
#[test]
fn of_groups() {
    let recipe = RECIPE.replace(
        "[target.weight_decay]\nkind = \"step\"\nvalue = 4e-3\nfactor = 2\nepochs = [5, 11]\n",
        "",
    ) + "[[group]]\nname = \"one\"\n[[group]]\nname = \"two\"\nexponent = 2\nlr_scale = 0.5\n\
           [[group]]\nname = \"three\"\nexponent = 0\nweight_decay = 1e-2\n";
    let script = r#"
def of_groups(step, parameters):
    gradients(step, parameters[:1])
    gradients(step + 1, parameters[1:2])
    # Of the product of the first of 1 and 2 and the third, which is left as it is.
    parameters[2].grad = parameters[2].data * 0.1 + Vector([math.sin(step)])
def make(): return [Parameter(0.3, -1.0), Parameter(0.5, 0.7), Parameter(0.9)]
names = ["three", "two", "one"]
originals, twins = make(), make()
order = dict(one=0, two=1, three=2)
groups = lambda parameters: [dict(params=[parameters[order[name]]], name=name) for name in names]
recipe, optimizer = Sgd(groups(originals)), Sgd(groups(twins))
scheduler = schedule.Scheduler(optimizer)
rows = list(schedule.rows())
total = 0.0
for step in range(schedule.STEPS):
    of_step = {row.group: row for row in rows[3 * step : 3 * step + 3]}
    for group in recipe.param_groups:
        row, at = of_step[group["name"]], order[group["name"]]
        assert distance([x * math.exp(row.ln_scale) for x in twins[at].data], originals[at].data) < 1e-9, row
        group.update(lr=row.lr, weight_decay=row.weight_decay, momentum=row.momentum)
    for parameters, one in [(originals, recipe), (twins, optimizer)]:
        of_groups(step, parameters)
        one.step()
    scheduler.step()
    total += scheduler.ln_shrink
assert abs(total - of_step["one"].ln_scale) < 0.01 and abs(total) > 0.1
try:
    schedule.Scheduler(Sgd([dict(params=[], name="four")]))
    assert False
except ValueError:
    print("ok")
"#;
    assert_twins(&recipe, Target::WdFree, script);
}
