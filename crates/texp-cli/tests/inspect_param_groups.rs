//! The Python that `texp inspect --param-groups` writes, run without PyTorch.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{success, texp, write};
use nn_graph::nets::{Architecture, NetConfig};
use nn_graph::{Affine, Graph, Training};

/// What the generated file asks of a model.
const MODEL: &str = "\
class Parameter:
    def __init__(self, *shape, requires_grad=True):
        self.shape, self.requires_grad = shape, requires_grad

class Model:
    def __init__(self, parameters, buffers=()):
        self.parameters, self.buffers = parameters, buffers
    def named_parameters(self, remove_duplicate):
        return list(self.parameters.items())
    def named_buffers(self):
        return [(name, None) for name in self.buffers]

def refusal(model):
    try:
        param_groups(model)
    except ValueError as error:
        return str(error)
    raise AssertionError('no error')
";

fn resnet() -> Graph {
    let mut config = NetConfig::new(Architecture::ResNet, 8);
    (config.width, config.affine, config.head) = (2, Affine::ScaleAndShift, Training::Trained);
    config.build().unwrap()
}

/// A dictionary of the graph's parameters.
fn parameters(graph: &Graph) -> String {
    let entry = |p: &nn_graph::Parameter| {
        let shape: Vec<String> = p.shape.iter().map(usize::to_string).collect();
        format!("    {:?}: Parameter({}),\n", p.name, shape.join(", "))
    };
    let entries: String = graph.parameters().iter().map(entry).collect();
    format!("P = {{\n{entries}}}\n")
}

/// Writes the groups of the network and runs a script after them; `false` if there is no Python.
#[track_caller]
fn run(folder: &Path, arguments: &[&str], script: &str) -> bool {
    let graph = resnet();
    write(folder, &graph);
    let fixed = [
        "inspect",
        "net.onnx",
        "--recipe",
        "recipe.toml",
        "--no-decay",
        "*norm*",
        "--param-groups",
        "groups.py",
    ];
    success(texp(folder, &[&fixed, arguments].concat(), ""));
    let script = format!(
        "from groups import DEGREES, GROUPS, param_groups\n{MODEL}{}{script}",
        parameters(&graph)
    );
    fs::write(folder.join("script.py"), script).unwrap();
    let python = Command::new("python3")
        .arg("script.py")
        .current_dir(folder)
        .output();
    match python {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            true
        }
        Err(error) => {
            eprintln!(
                "skipped: python3 cannot be run ({error}), so the generated Python is not checked"
            );
            false
        }
    }
}

#[test]
fn a_models_parameters_are_put_in_the_groups_of_the_recipe() {
    let folder = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        &[],
        "
groups = param_groups(Model(P))
assert [group['name'] for group in groups] == ['decay-free', 'keeps-decay', 'no-decay']
assert groups[1]['params'] == [P['head.weight'], P['head.bias']]
assert groups[2]['params'] == [p for name, p in P.items() if 'norm' in name]
assert sum(len(group['params']) for group in groups) == len(P)
# Every normalisation reads a convolution of exponent 1, after normalisations that are not scaled.
assert DEGREES and set(DEGREES.values()) == {1}, DEGREES
assert len(DEGREES) == sum(name.endswith('.scale') for name in P), DEGREES
",
    );
    // What is fixed is in no group.
    run(
        folder.path(),
        &["--freeze", "head.*"],
        "
P['head.weight'].requires_grad = P['head.bias'].requires_grad = False
assert [group['name'] for group in param_groups(Model(P))] == ['decay-free', 'no-decay']
",
    );
}

#[test]
fn a_parameter_of_two_names_is_in_its_group_once() {
    let folder = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        &[],
        "
P['other.name'] = P['head.weight']
assert param_groups(Model(P))[1]['params'] == [P['head.weight'], P['head.bias']]
P['head.bias'].shape = P['head.weight'].shape
P['head.weight'] = P['stem.conv1.weight']
said = refusal(Model(P))
assert 'head.weight is also in the group decay-free' in said, said
",
    );
}

#[test]
fn another_model_is_refused_with_every_reason() {
    let folder = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        &[],
        "
import copy
def spoilt(edit, buffers=()):
    parameters = copy.deepcopy(P)
    edit(parameters)
    return refusal(Model(parameters, buffers))

said = spoilt(lambda p: p.pop('head.bias'))
assert said.splitlines()[1:] == ['  head.bias is no parameter of the model: an exporter may have renamed or merged it'], said
said = spoilt(lambda p: p.pop('head.bias'), buffers=['head.bias'])
assert 'head.bias is a buffer of the model: inspect the file again with --freeze head.bias' in said, said
said = spoilt(lambda p: p.update({'head.bias': Parameter(9)}))
assert 'head.bias has shape (9,), and (10,) in the file' in said, said
said = spoilt(lambda p: p.update({'extra': Parameter(9)}))
assert 'extra is trained, and no parameter in the file that a result depends on has this name' in said, said
said = spoilt(lambda p: setattr(p['head.bias'], 'requires_grad', False))
assert 'head.bias is not trained: inspect the file again with --freeze head.bias' in said, said
said = refusal(Model({'module.' + name: p for name, p in P.items()}))
assert said.startswith('the model is not the one in the ONNX file (of a wrapped model, give what is inside)'), said
assert len(said.splitlines()) == 12 and said.endswith('and %d more' % (2 * len(P) - 10)), said
",
    );
    run(
        folder.path(),
        &["--freeze", "head.*"],
        "
said = refusal(Model(P))
assert 'head.weight is trained, and was frozen when the file was inspected' in said, said
",
    );
}

/// The degree of what a normalisation reads is that of all before it.
#[test]
fn running_statistics_follow_what_is_scaled_before_them() {
    let folder = tempfile::tempdir().unwrap();
    run(
        folder.path(),
        &["--freeze", "stem.conv1.weight"],
        "
P['stem.conv1.weight'].requires_grad = False
param_groups(Model(P))
assert [name for name, degree in DEGREES.items() if degree != 1] == ['stem.norm'], DEGREES
",
    );
}
