use crate::Shape;

/// What can be wrong with a network description.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An operation does not accept the shape it is given.
    #[error("`{node}` ({op}) cannot take an input of shape {shape}: it needs {needs}")]
    InputShape {
        /// Name of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// The offending input shape.
        shape: Shape,
        /// What the operation accepts, as the end of a sentence.
        needs: String,
    },
    /// The two inputs of an operation have different shapes.
    #[error("`{node}` ({op}) joins tensors of shapes {left} and {right}; they must be equal")]
    UnequalShapes {
        /// Name of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// Shape of the first input.
        left: Shape,
        /// Shape of the second input.
        right: Shape,
    },
    /// A node refers to one that is not in the graph before it.
    #[error("`{node}` reads node {input}, but the graph holds only {count} nodes before it")]
    UnknownInput {
        /// Name of the node.
        node: String,
        /// The index it refers to.
        input: usize,
        /// Number of nodes defined so far.
        count: usize,
    },
    /// Two nodes, or two parameters, have the same name.
    #[error(
        "the name `{name}` is used twice; names identify tensors in saved states, so rename one"
    )]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A number in a description is outside its range.
    #[error("{what} is {value}; it must be {needs}")]
    OutOfRange {
        /// Which quantity.
        what: String,
        /// The value given.
        value: String,
        /// The accepted range, as the end of a sentence.
        needs: String,
    },
    /// Two choices of a network description exclude each other.
    #[error("{0}")]
    Contradiction(String),
}
