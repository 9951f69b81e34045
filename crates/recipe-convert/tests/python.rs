//! The generated Python computes the same schedule, without PyTorch; and it does to an optimiser's
//! groups and a model's statistics what it says.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::{PAPER, python, table};
use recipe_convert::{TableFormat, Target};

/// Runs `python3`, or says that there is none.
fn run(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let output = Command::new("python3")
        .args(arguments)
        .current_dir(folder)
        .output();
    match output {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!(
                "skipped: python3 cannot be run ({error}), so the generated Python is not checked"
            );
            None
        }
    }
}

#[track_caller]
fn text_of(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the generated file and compares every number with the table.
#[track_caller]
fn assert_same(recipe: &str, target: Target) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schedule.py"), python(recipe, target)).unwrap();
    let Some(output) = run(folder.path(), &["schedule.py"]) else {
        return;
    };
    let (found, expected) = (text_of(output), table(recipe, target, TableFormat::Csv, 1));
    assert_eq!(found.lines().count(), expected.lines().count());
    let head = expected.lines().next().unwrap();
    assert_eq!(found.lines().next(), Some(head));
    for (found, expected) in found.lines().zip(expected.lines()).skip(1) {
        let pairs = found.split(',').zip(expected.split(','));
        for (column, (one, other)) in head.split(',').zip(pairs) {
            if one == other {
                continue; // Also names of groups.
            }
            let (one, other): (f64, f64) = (one.parse().unwrap(), other.parse().unwrap());
            // What a logarithm is off by is the relative error of what it is of, also where it crosses 0.
            let size = if column.starts_with("ln_") { 1.0 } else { 1e-3 };
            let close = (one - other).abs() <= 1e-12 * other.abs().max(size);
            assert!(close || one == other, "{found}\nis not\n{expected}");
        }
    }
}

#[test]
fn the_papers_recipe() {
    assert_same(PAPER, Target::WdFree);
    assert_same(PAPER, Target::Tapered);
    let short = PAPER.replace("steps_per_epoch = 391", "steps_per_epoch = 13");
    let recipe = format!("{short}[target]\nweight_decay = 1e-4\n");
    for target in Target::ALL {
        assert_same(&recipe, target);
    }
}

const HEAD: &str = "steps_per_epoch = 13\nepochs = 20\n\
    optimizer = { kind = \"sgd\", momentum = 0.9, weight_decay = 5e-4 }\n";

#[test]
fn every_kind_of_schedule() {
    for schedule in [
        "kind = \"constant\", lr = 0.1",
        "kind = \"step\", lr = 0.1, factor = 0.3, epochs = [5, 7.5, 11]",
        "kind = \"cosine\", lr = 0.1, epochs = 19",
        "kind = \"warmup-cosine\", lr = 0.1, warmup_epochs = 2, final_lr = 1e-4",
        "kind = \"wsd\", lr = 0.1, warmup_epochs = 2, decay_epochs = 3",
        "kind = \"one-cycle\", lr = 0.1, initial_lr = 4e-3, final_lr = 4e-7, warmup_epochs = 6",
        "kind = \"polynomial\", lr = 0.1, power = 0.9, final_lr = 1e-3",
        "kind = \"exponential\", lr = 1e-3, growth = 1.2, per = \"epoch\"",
        "kind = \"csv\", file = \"table.csv\"",
    ] {
        let recipe = format!(
            "{HEAD}schedule = {{ {schedule} }}\n\
             [target.weight_decay]\nkind = \"cosine\"\nvalue = 1e-3\n"
        );
        assert_same(&recipe, Target::WdFree);
        assert_same(&recipe, Target::WeightDecay);
        // A rate of 0 at the start has no such form.
        if !schedule.contains("warmup_epochs = 2") {
            assert_same(&recipe, Target::SgdLrInside);
        }
    }
    let changing = "steps_per_epoch = 13\nepochs = 20\n[optimizer]\nkind = \"sgd\"\n\
        momentum = { kind = \"one-cycle\", value = 0.85, initial_value = 0.95, final_value = 0.95, \
        warmup_epochs = 6 }\n\
        weight_decay = { kind = \"csv\", file = \"decay\" }\n\
        [schedule]\nkind = \"cosine\"\nlr = 0.1\n";
    // As a table of its own, too long to be written as pieces.
    let table = "step,weight_decay\n".to_owned()
        + &(0..100)
            .map(|step| format!("{step},{:?}\n", 1e-4 + 1e-6 * f64::from(step)))
            .collect::<String>();
    let file =
        recipe_convert::RecipeFile::parse(changing, "r", &mut |_| Ok(table.clone())).unwrap();
    let conversion = recipe_convert::Conversion::new(&file, Target::WdFree).unwrap();
    let mut generated = Vec::new();
    recipe_convert::write_torch(&conversion, &mut generated).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schedule.py"), generated).unwrap();
    let Some(output) = run(folder.path(), &["schedule.py"]) else {
        return;
    };
    let found = text_of(output);
    assert_eq!(found.lines().count(), 261);
    for (line, row) in found.lines().skip(1).zip(conversion.rows()) {
        let fields: Vec<f64> = line
            .split(',')
            .map(|field| field.parse().unwrap())
            .collect();
        assert_eq!(fields[2], row.recipe.weight_decay, "the bits of the table");
        assert!((fields[3] - row.recipe.momentum).abs() < 1e-15);
        assert!((fields[4] - row.ln_lr_exp).abs() < 1e-12, "{line}");
    }
}

#[test]
fn every_optimiser() {
    let schedule = "schedule = { kind = \"warmup-cosine\", lr = 0.1, warmup_epochs = 2 }\n";
    let sgdw = HEAD.replace("\"sgd\"", "\"sgdw\"");
    assert_same(&format!("{sgdw}{schedule}"), Target::WdFree);
    for moments in [
        "beta1 = 0.9, beta2 = 0.999, eps = 1e-8",
        "beta1 = 0.0, beta2 = { kind = \"step\", value = 0.9, factor = 0.5, epochs = [4] }, eps = 0",
        "beta1 = { kind = \"one-cycle\", value = 0.85, initial_value = 0.95, final_value = 0.95, \
         warmup_epochs = 6 }, beta2 = 0.99, eps = { kind = \"cosine\", value = 1e-3, final_value = 1e-8 }",
    ] {
        let adamw = HEAD.replace("\"sgd\", momentum = 0.9", &format!("\"adamw\", {moments}"));
        let adamw = adamw.replace("5e-4", "0.1");
        assert_same(&format!("{adamw}{schedule}"), Target::WdFree);
    }
}

/// Near momentum 1 the recurrence forgets slowly, and would sum up the roundings of plain floats.
#[test]
fn roundings_do_not_add_up() {
    let recipe = |epochs: u64, momentum: &str, decay: &str| {
        format!(
            "steps_per_epoch = 100\nepochs = {epochs}\n\
             optimizer = {{ kind = \"sgd\", momentum = {momentum}, weight_decay = {decay} }}\n\
             schedule = {{ kind = \"constant\", lr = 0.25 }}\n"
        )
    };
    assert_same(&recipe(200, "0.999", "1e-6"), Target::WdFree);
    let recipe = recipe(100, "0.99", "1e-4");
    assert_same(&recipe, Target::SgdLrInside);
    let kept = "[target.weight_decay]\n\
        kind = \"exponential\"\nvalue = 1e-9\ngrowth = 0.2\nper = \"epoch\"\n";
    assert_same(&format!("{recipe}{kept}"), Target::WeightDecay);
    let groups = "[[group]]\nname = \"first\"\n[[group]]\nname = \"second\"\nexponent = 2\n";
    assert_same(&format!("{recipe}{groups}"), Target::WdFree);
}

/// As in the table, only what a few roundings amount to is no weight decay.
#[test]
fn a_small_weight_decay_that_is_left_is_kept() {
    let recipe = "steps_per_epoch = 1\nepochs = 3\n\
        optimizer = { kind = \"sgd\", momentum = 0.5, weight_decay = 0.25 }\n\
        schedule = { kind = \"constant\", lr = 0.1 }\n\
        [[group]]\nname = \"first\"\n\
        [[group]]\nname = \"same\"\n\
        [[group]]\nname = \"second\"\nweight_decay = 0.2500000000001\n";
    let csv = table(recipe, Target::WdFree, TableFormat::Csv, 1);
    let left = |line: usize| csv.lines().nth(line).unwrap().split(',').nth(8).unwrap();
    assert_eq!((left(1), left(2)), ("0.0", "0.0"));
    assert!(left(3).parse::<f64>().unwrap() > 9e-14, "{csv}");
    assert_same(recipe, Target::WdFree);
}

#[test]
fn groups() {
    let recipe = format!(
        "{HEAD}schedule = {{ kind = \"cosine\", lr = 0.1 }}\n\
         [[group]]\nname = \"head\"\nexponent = 0\nweight_decay = {{ kind = \"cosine\", value = 1e-3 }}\n\
         [[group]]\nname = \"second\"\nexponent = 2\nlr_scale = 0.5\nweight_decay = 1e-3\n\
         [[group]]\nname = \"first\"\n"
    );
    assert_same(&recipe, Target::WdFree);
}

/// A stand-in for PyTorch's optimiser and modules, with the names that the scheduler touches.
const STAND_INS: &str = r#"
import math
import schedule

class Parameter:
    dtype = "torch.float32"

class Optimizer:
    def __init__(self, **extra):
        self.param_groups = [dict(params=[Parameter()], lr=9.0, weight_decay=9.0, momentum=9.0, **extra) for _ in range(2)]

class Tensor:
    def __init__(self, value): self.value = value
    def mul_(self, factor): self.value *= factor

class Normaliser:
    def __init__(self): self.running_mean, self.running_var = Tensor(1.0), Tensor(1.0)

class Other: pass

class Model:
    def __init__(self): self.modules = {"": Other(), "one": Normaliser(), "two": Normaliser()}
    def named_modules(self): return self.modules.items()

rows = list(schedule.rows())
optimizer, model = Optimizer(), Model()
scheduler = schedule.Scheduler(optimizer)
for row in rows:
    for group in optimizer.param_groups:
        assert (group["lr"], group["weight_decay"], group["momentum"]) == (row.lr_exp, 0.0, row.momentum_exp)
    saved = scheduler.state_dict()
    scheduler.step()
    schedule.correct_running_statistics(model, scheduler.ln_shrink, {"two": 2.0})
try:
    scheduler.step()
    assert False
except RuntimeError as error:
    assert str(error) == "the schedule has 260 steps, and all are done"

# The statistics were multiplied by A^-x and A^-2x.
ln_scale = rows[-1].ln_scale + rows[-1].ln_shrink
for name, degree in [("one", 1.0), ("two", 2.0)]:
    module = model.modules[name]
    assert abs(math.log(module.running_mean.value) + degree * ln_scale) < 1e-12
    assert abs(math.log(module.running_var.value) + 2.0 * degree * ln_scale) < 1e-12

# The step alone resumes.
resumed = Optimizer()
again = schedule.Scheduler(resumed)
again.load_state_dict(saved)
assert resumed.param_groups[0]["lr"] == rows[-1].lr_exp and again.state_dict() == {"step": 259}

for wrong in [dict(nesterov=True), dict(dampening=0.5)]:
    try:
        schedule.Scheduler(Optimizer(**wrong))
        assert False
    except ValueError:
        pass
print("ok")
"#;

#[test]
fn the_scheduler_sets_every_group_and_the_helper_every_normaliser() {
    let recipe = format!("{HEAD}schedule = {{ kind = \"cosine\", lr = 0.1 }}\n");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("schedule.py", &python(&recipe, Target::WdFree));
    write("check.py", STAND_INS);
    if let Some(output) = run(folder.path(), &["check.py"]) {
        assert_eq!(text_of(output), "ok\n");
    }
}

/// At 0, PyTorch would leave its buffer as it was.
#[test]
fn a_momentum_of_zero_is_set_only_if_there_is_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let head = STAND_INS.split("rows = ").next().unwrap();
    let body = "optimizer = Optimizer(name='a')\nscheduler = schedule.Scheduler(optimizer)\n\
        for _ in range(3):\n    \
            print(optimizer.param_groups[0]['momentum'])\n    scheduler.step()\n";
    write("check.py", &format!("{head}{body}"));
    for (momentum, rest, expected) in [
        ("0", "", "0.0\n0.0\n0.0\n"),
        (NO_MOMENTUM_AT_FIRST, "", "5e-324\n0.3\n0.6\n"),
        (
            NO_MOMENTUM_AT_FIRST,
            "[[group]]\nname = \"a\"\n",
            "5e-324\n0.3\n0.6\n",
        ),
    ] {
        let recipe = format!(
            "steps_per_epoch = 1\nepochs = 9\n\
             schedule = {{ kind = \"constant\", lr = 0.1 }}\n\
             optimizer = {{ kind = \"sgd\", momentum = {momentum}, weight_decay = 1e-3 }}\n{rest}"
        );
        write("schedule.py", &python(&recipe, Target::WdFree));
        if let Some(output) = run(folder.path(), &["check.py"]) {
            assert_eq!(text_of(output), expected);
        }
    }
}

const NO_MOMENTUM_AT_FIRST: &str =
    "{ kind = \"wsd\", value = 0.9, warmup_epochs = 3, decay_epochs = 1 }";

#[test]
fn a_rate_above_the_parameters_numbers_is_an_error() {
    let recipe = "steps_per_epoch = 100\nepochs = 10\n\
        optimizer = { kind = \"sgd\", momentum = 0.0, weight_decay = 0.5 }\n\
        schedule = { kind = \"constant\", lr = 0.5 }\n";
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("schedule.py", &python(recipe, Target::WdFree));
    let head = STAND_INS.split("rows = ").next().unwrap();
    let body = "optimizer = Optimizer()\nscheduler = schedule.Scheduler(optimizer)\n\
        try:\n    for _ in range(schedule.STEPS): scheduler.step()\n\
        except OverflowError as error:\n    print(error)\n";
    write("check.py", &format!("{head}{body}"));
    if let Some(output) = run(folder.path(), &["check.py"]) {
        let said = text_of(output);
        assert!(
            said.starts_with("at step 155 the learning rate is exp("),
            "{said}"
        );
    }
}
