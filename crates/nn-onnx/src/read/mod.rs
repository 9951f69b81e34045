//! From bytes to a [`Model`], without ever holding a large tensor.

mod external;
mod graph;
mod number;
mod tensor;
mod wire;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use crate::model::{Graph, Model};
use crate::{OnnxError, Problem, proto};

pub(crate) use graph::{MOST_AXES, check_rank};
pub(crate) use number::FEW;

use wire::{Value, Wire, message};

/// Versions of the default operator set that are read.
pub(crate) const OPSETS: std::ops::RangeInclusive<i64> = 9..=23;

/// Reads a model from a file, and looks after the files beside it that hold its weights.
///
/// # Errors
/// [`OnnxError`] if the file, or one that it names, cannot be read, or does not hold a model.
pub fn open(path: impl AsRef<Path>) -> Result<Model, OnnxError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    open_file(path)
        .and_then(|file| read(file, &name, Some(folder)))
        .map_err(|problem| problem.in_file(&name))
}

/// Reads a model from anything that can be read and sought in; `name` is what messages call it.
///
/// ```
/// let error = nn_onnx::from_reader(std::io::Cursor::new(b"no model"), "notes.txt").unwrap_err();
/// assert!(error.to_string().starts_with("`notes.txt`: it is not an ONNX model"));
/// ```
///
/// # Errors
/// As [`open`]; also if the model's weights are in files beside it, since here there are none.
pub fn from_reader(reader: impl Read + Seek, name: &str) -> Result<Model, OnnxError> {
    read(reader, name, None).map_err(|problem| problem.in_file(name))
}

/// Opens what is a file, and no folder nor device.
fn open_file(path: &Path) -> Result<File, Problem> {
    let read = |error| Problem::read(&error);
    if !std::fs::metadata(path).map_err(read)?.is_file() {
        return Err(Problem::Read {
            reason: "it is not a file".into(),
        });
    }
    File::open(path).map_err(read)
}

/// What is read, and the folder in which there may be more.
struct Source<R> {
    wire: Wire<R>,
    folder: Option<PathBuf>,
}

fn read<R: Read + Seek>(reader: R, name: &str, folder: Option<PathBuf>) -> Result<Model, Problem> {
    let mut wire = Wire::new(reader)?;
    let whole = wire.whole();
    let mut graphs = Vec::new();
    let model: proto::Model = message(&mut wire, whole, proto::Model::FIELDS, |_, field| {
        if let (proto::Model::GRAPH, Value::Bytes(span)) = (field.number, field.value) {
            graphs.push(span);
        }
        Ok(())
    })?;
    let opset = opset(&model)?;
    let mut source = Source { wire, folder };
    let mut graph = Graph::default();
    if graphs.is_empty() {
        return Err(Problem::NoModel {
            what: "it holds no graph",
        });
    }
    for span in graphs {
        source.graph(span, &mut graph)?;
    }
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    Ok(Model {
        file: name.into(),
        opset,
        producer: producer.trim().into(),
        graph,
    })
}

/// The version of the default operator set.
fn opset(model: &proto::Model) -> Result<i64, Problem> {
    let default = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let mut sets = model.opset_import.iter();
    let set = sets
        .find(|set| default(&set.domain))
        .ok_or(Problem::NoModel {
            what: "it does not say of which version its operators are",
        })?;
    if OPSETS.contains(&set.version) {
        return Ok(set.version);
    }
    Err(Problem::Opset {
        version: set.version,
        oldest: *OPSETS.start(),
        newest: *OPSETS.end(),
    })
}
