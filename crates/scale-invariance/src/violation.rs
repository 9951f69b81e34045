/// Why the rules cannot show that a scaling leaves the network's function as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Two tensors that respond differently to the scaling are added.
    #[error("`{node}` adds tensors of degree {left} and {right}; they must be equal")]
    UnequalDegrees {
        /// Name of the addition.
        node: String,
        /// Degree of its first input.
        left: i32,
        /// Degree of its second input.
        right: i32,
    },
    /// A bias or shift does not scale as what it is added to.
    #[error(
        "`{node}` adds `{parameter}`, of degree {parameter_degree}, to values of degree {degree}; they must be equal"
    )]
    UnequalOffset {
        /// Name of the operation.
        node: String,
        /// Name of the bias or shift.
        parameter: String,
        /// Exponent of the bias or shift.
        parameter_degree: i32,
        /// Degree of the values it is added to.
        degree: i32,
    },
    /// The network's result changes with the scaling.
    #[error(
        "the network's result `{node}` has degree {degree}, with no normalisation after the scaled weights; it must be 0"
    )]
    Output {
        /// Name of the last operation.
        node: String,
        /// Its degree.
        degree: i32,
    },
    /// An operation without a rule.
    #[error("`{node}` is an operation (`{op}`) for which no degree rule is known")]
    UnknownOp {
        /// Name of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
    },
    /// The number of exponents is not the number of parameters.
    #[error("{given} exponents were given for a network of {parameters} parameters")]
    ExponentCount {
        /// Exponents given.
        given: usize,
        /// Parameters of the network.
        parameters: usize,
    },
    /// A parameter that is not trained cannot follow a scaling.
    #[error("`{parameter}` is not trained, so its exponent must be 0, not {exponent}")]
    FixedParameter {
        /// Name of the parameter.
        parameter: String,
        /// Exponent given.
        exponent: i32,
    },
    /// A degree outside the range of its type.
    #[error("the degree of `{node}` is too large: {degree} and an exponent of {exponent}")]
    TooLarge {
        /// Name of the node.
        node: String,
        /// Degree of its input.
        degree: i32,
        /// Exponent of its weight.
        exponent: i32,
    },
}
