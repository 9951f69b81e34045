use nn_graph::GraphError;

/// A file that cannot be read, or that does not hold a network, in one sentence.
#[derive(Debug, thiserror::Error)]
#[error("`{file}`: {problem}")]
#[non_exhaustive]
pub struct OnnxError {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a file, and what to do about it.
///
/// Names from the file have no control characters, and no more than 120 characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The operating system does not let us read.
    #[error("it cannot be read: {reason}")]
    Read {
        /// What the system says.
        reason: String,
    },
    /// The bytes are not those of a model.
    #[error("it is not an ONNX model, or is damaged at byte {byte}: {what}")]
    Malformed {
        /// Where the message begins that makes no sense.
        byte: u64,
        /// What makes no sense.
        what: String,
    },
    /// The model has no graph.
    #[error("it is not an ONNX model: {what}")]
    NoModel {
        /// What is missing.
        what: &'static str,
    },
    /// A limit that keeps the memory bounded, whatever a file says.
    #[error("{what}; at most {limit} are read")]
    TooLarge {
        /// What there is too much of.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// The operators are of a version that is not known.
    #[error(
        "its operators are of version {version} (opset_import); versions {oldest} to {newest} are read: export it again \
         with one of these"
    )]
    Opset {
        /// The version.
        version: i64,
        /// The oldest that is read.
        oldest: i64,
        /// The newest that is read.
        newest: i64,
    },
    /// A tensor that contradicts itself.
    #[error("the tensor `{tensor}` {what}")]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong, as the end of the sentence.
        what: String,
    },
    /// Numbers in another file, which cannot be had.
    #[error("the numbers of `{tensor}` are in `{location}`, {what}")]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// The other file, as it stands in this one.
        location: String,
        /// What is wrong, as the end of the sentence.
        what: String,
    },
    /// A node reads what nothing makes.
    #[error(
        "`{node}` ({operator}) reads `{tensor}`, which no node makes, and which is neither an input nor an initialiser"
    )]
    MissingTensor {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// The tensor.
        tensor: String,
    },
    /// A node reads what is made only after it.
    #[error(
        "`{node}` ({operator}) reads `{tensor}`, which `{maker}` makes only after it: the nodes are in a cycle, or not in \
         the order that ONNX prescribes"
    )]
    OutOfOrder {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// The tensor.
        tensor: String,
        /// The node that makes it.
        maker: String,
    },
    /// A result of the graph that nothing makes.
    #[error("its result `{tensor}` is made by no node")]
    MissingResult {
        /// The tensor.
        tensor: String,
    },
    /// A tensor that is there twice.
    #[error("`{node}` ({operator}) makes `{tensor}`, which is there already: names must be unique")]
    MadeTwice {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// The tensor.
        tensor: String,
    },
    /// Branches and loops.
    #[error(
        "`{node}` is {operator}, and networks with branches or loops are not analysed: export it with fixed control \
         flow, for one case of the condition or with the loop unrolled"
    )]
    ControlFlow {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
    },
    /// An operator that does not fit its inputs or attributes.
    #[error("`{node}` ({operator}) {what}")]
    Operator {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// What does not fit, as the end of the sentence.
        what: String,
    },
    /// An operator that no engine has, or not in this form.
    #[error("`{node}` ({operator}) cannot be run by an engine: {what}")]
    NotForEngines {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// What engines do, as the end of the sentence.
        what: String,
    },
    /// A network that is no classifier of images.
    #[error("an engine runs a network that {what}, and this one does not")]
    NotAClassifier {
        /// What is asked of the network.
        what: &'static str,
    },
    /// A network that `nn-graph` refuses.
    #[error("{0}")]
    Network(#[from] GraphError),
}

impl Problem {
    pub(crate) fn read(error: &std::io::Error) -> Self {
        Self::Read {
            reason: error.to_string(),
        }
    }

    pub(crate) fn in_file(self, file: &str) -> OnnxError {
        OnnxError {
            file: clean(file),
            problem: self,
        }
    }
}

/// A name from a file, as it may stand in a sentence.
pub(crate) fn clean(name: &str) -> String {
    const MOST: usize = 120;
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().collect::<String>()
        } else {
            c.to_string()
        }
    };
    let text: String = name.chars().take(MOST).map(escape).collect();
    match name.chars().nth(MOST) {
        Some(_) => text + "…",
        None => text,
    }
}
