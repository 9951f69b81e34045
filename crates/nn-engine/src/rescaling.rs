//! `Π^c` with `c` a power of two: the change of scale that training does not notice, without a rounding.
//!
//! A run without weight decay grows until its numbers leave their format. Multiplied by a power of two that brings
//! them back, every number of a replica keeps its digits, and so does every number that training makes of it: the
//! rescaled run is the plain one, bit for bit, as long as that one is finite, and then goes on.

use nn_graph::{Graph, Op};

use crate::{EngineError, GroupHyper, Moments, Optimiser, Precision, State, Symmetry};

impl Symmetry {
    /// Checks that a replica can be rescaled by `2^{k_g}`, `exponents` being `k` of each group: that there is one for
    /// each group, and that one learning rate serves each group afterwards.
    ///
    /// # Errors
    /// [`EngineError::Rescaling`].
    pub fn check_rescaling(&self, graph: &Graph, exponents: &[i64]) -> Result<(), EngineError> {
        let groups = self.groups();
        if exponents.len() != groups {
            return Err(EngineError::Rescaling(format!(
                "exponents are given for {} groups and the network's parameters are in {groups}; give one for each",
                exponents.len()
            )));
        }
        for (group, _) in exponents.iter().enumerate().filter(|&(_, &k)| k != 0) {
            let mut trained = (graph.parameters().iter().zip(&self.exponent))
                .zip(&self.group)
                .filter(|&((parameter, _), &of)| parameter.trainable && of == group)
                .map(|(scaled, _)| scaled);
            let Some((first, &d)) = trained.next() else {
                continue;
            };
            if let Some((other, &e)) = trained.find(|&(_, &other)| other != d) {
                return Err(EngineError::Rescaling(format!(
                    "group {group} has the trained parameters `{}` of exponent {d} and `{}` of exponent {e}, which then \
                     need different learning rates; put them into different groups",
                    first.name, other.name
                )));
            }
        }
        Ok(())
    }

    /// `ε` of every normalisation of a replica that was rescaled by `2^{K_g}` in all (see [`State::exponents`]), in the
    /// order of [`Graph::normalisers`]: the graph's, times `Π_g 2^{2 x_g K_g}`. One that is too small for float64 is 0.
    ///
    /// # Errors
    /// [`EngineError::Rescaling`] if there are more exponents than groups, or an `ε` exceeds float64.
    pub fn epsilons(&self, graph: &Graph, exponents: &[i64]) -> Result<Vec<f64>, EngineError> {
        let groups = self.groups();
        if exponents.len() > groups {
            return Err(EngineError::Rescaling(format!(
                "its state was rescaled in {} groups and the network's parameters are in {groups}; load a state of the \
                 same groups",
                exponents.len()
            )));
        }
        let normalisers = graph.normalisers().into_iter().enumerate();
        normalisers
            .map(|(normaliser, id)| {
                let node = graph.node(id);
                let epsilon = match &node.op {
                    Op::BatchNorm(norm) => norm.epsilon,
                    Op::GroupNorm(norm) => norm.epsilon,
                    _ => 0.0,
                };
                let power = self.input_exponent(normaliser, exponents);
                let power = power.saturating_mul(2);
                let rescaled = times_power_of_two(epsilon, power);
                if rescaled.is_finite() {
                    return Ok(rescaled);
                }
                Err(EngineError::Rescaling(format!(
                    "ε of `{}`, {epsilon:e}, times 2^{power} leaves float64; rescale by less",
                    node.name
                )))
            })
            .collect()
    }

    /// `Σ_g x_g k_g`: by which power of two the input of a normalisation is multiplied.
    fn input_exponent(&self, normaliser: usize, exponents: &[i64]) -> i64 {
        let degrees = self.degree.get(normaliser).map_or(&[][..], |row| row);
        let terms = degrees.iter().zip(exponents);
        terms.fold(0_i64, |sum, (&x, &k)| {
            sum.saturating_add(i64::from(x).saturating_mul(k))
        })
    }

    /// By which power of two each tensor of a [`State`] is multiplied, in its order.
    fn tensor_exponents(&self, graph: &Graph, optimiser: Optimiser, exponents: &[i64]) -> Vec<i64> {
        let of_parameter = |index: usize| {
            let k = exponents.get(self.group[index]).copied().unwrap_or(0);
            k.saturating_mul(i64::from(self.exponent[index]))
        };
        let parameters = graph.parameters().iter().enumerate();
        let mut all: Vec<i64> = (parameters.clone())
            .map(|(index, _)| of_parameter(index))
            .collect();
        let trained = parameters.filter(|(_, parameter)| parameter.trainable);
        for (_, degree) in optimiser.buffers() {
            let trained = trained.clone();
            all.extend(trained.map(|(index, _)| of_parameter(index).saturating_mul(-degree)));
        }
        for (normaliser, id) in graph.normalisers().into_iter().enumerate() {
            if let Op::BatchNorm(_) = graph.node(id).op {
                let x = self.input_exponent(normaliser, exponents);
                all.extend([x, x.saturating_mul(2)]);
            }
        }
        all
    }
}

impl State {
    /// `Π^c` of this state, `c = 2^{k_g}` for each group `g` of the symmetry: parameters of exponent `d` times `c^d`,
    /// their momentum buffers and first moments divided by it, second moments by its square, running means times
    /// `Π_g c_g^{x_g}` and running variances times its square, `x` the degrees of the normalisation's input; and `k`
    /// added to the [exponents](Self::exponents), from which an engine finds its `ε`. The run goes on as it was with the
    /// group's hyperparameters [rescaled](GroupHyper::rescaled) by `c^d`, which is the caller's part.
    ///
    /// Exact for every number that is a normal one before and after; one that becomes too small is rounded, as any
    /// result is. What is not finite stays as it is.
    ///
    /// # Errors
    /// [`EngineError::Symmetry`] or [`EngineError::State`] for those of another network, [`EngineError::Rescaling`] as
    /// [`check_rescaling`](Symmetry::check_rescaling), or if a finite number would become infinite in this
    /// precision, or `ε` in float64.
    ///
    /// ```
    /// use nn_engine::{Precision, State, Symmetry};
    /// use nn_graph::nets::{Architecture, NetConfig};
    ///
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// let mut symmetry = Symmetry::none(&graph); // one group; `scale-invariance` finds the rest
    /// for (exponent, parameter) in symmetry.exponent.iter_mut().zip(graph.parameters()) {
    ///     *exponent = i32::from(parameter.trainable);
    /// }
    /// symmetry.degree.fill(vec![1]);
    ///
    /// let start = State::initial(&graph, 7);
    /// let small = start.rescaled(&graph, &symmetry, &[-20], Precision::Float32)?;
    /// let weight = |state: &State| state.tensors[0].values[0];
    /// assert_eq!(weight(&small), weight(&start) / 1_048_576.0);
    /// assert_eq!(small.exponents, [-20]);
    /// assert_eq!(symmetry.epsilons(&graph, &small.exponents)?[0], 1e-5 * 2f64.powi(-40));
    /// assert_eq!(small.rescaled(&graph, &symmetry, &[20], Precision::Float32)?, start);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rescaled(
        &self,
        graph: &Graph,
        symmetry: &Symmetry,
        exponents: &[i64],
        precision: Precision,
    ) -> Result<State, EngineError> {
        symmetry.check(graph)?;
        let optimiser = self.optimiser(graph);
        self.check(graph, optimiser)?;
        symmetry.check_rescaling(graph, exponents)?;
        let fits = |value: f64| match precision {
            Precision::Float32 => (value as f32).is_finite(),
            Precision::Float64 => value.is_finite(),
        };
        let mut state = self.clone();
        let powers = symmetry.tensor_exponents(graph, optimiser, exponents);
        for (tensor, power) in state.tensors.iter_mut().zip(powers) {
            for value in &mut tensor.values {
                let rescaled = times_power_of_two(*value, power);
                if value.is_finite() && !fits(rescaled) {
                    return Err(EngineError::Rescaling(format!(
                        "a value of `{}`, {value:e}, times 2^{power} leaves {precision}; rescale by less",
                        tensor.name
                    )));
                }
                *value = rescaled;
            }
        }
        state
            .exponents
            .resize(exponents.len().max(self.exponents.len()), 0);
        for (total, k) in state.exponents.iter_mut().zip(exponents) {
            *total = total.saturating_add(*k);
        }
        // What has come back to its own scale is what it was.
        while state.exponents.last() == Some(&0) {
            state.exponents.pop();
        }
        symmetry.epsilons(graph, &state.exponents)?;
        Ok(state)
    }
}

impl GroupHyper {
    /// The caller's part of `Π^c`, with `c = 2^exponent` the factor of the group's parameters: with SGD and SGDW the
    /// learning rate times `c²` and the weight decay divided by it; with AdamW the learning rate times `c`, weight decay
    /// and `ε` divided by it.
    ///
    /// ```
    /// use nn_engine::{GroupHyper, Optimiser};
    /// let hyper = GroupHyper::new(0.5, 0.25, 0.9).rescaled(Optimiser::Sgdw, 3);
    /// assert_eq!(hyper, GroupHyper::new(32.0, 0.25 / 64.0, 0.9));
    /// let hyper = GroupHyper::adamw(0.5, 0.25, [0.9, 0.99], 0.125, 0).rescaled(Optimiser::AdamW, 3);
    /// assert_eq!(hyper, GroupHyper::adamw(4.0, 0.25 / 8.0, [0.9, 0.99], 0.125 / 8.0, 0));
    /// ```
    #[must_use]
    pub fn rescaled(self, optimiser: Optimiser, exponent: i64) -> Self {
        let of_rate = exponent.saturating_mul(1 + optimiser.degree());
        Self {
            learning_rate: times_power_of_two(self.learning_rate, of_rate),
            weight_decay: times_power_of_two(self.weight_decay, of_rate.saturating_neg()),
            moments: self.moments.map(|moments| Moments {
                epsilon: times_power_of_two(moments.epsilon, exponent.saturating_neg()),
                ..moments
            }),
            ..self
        }
    }
}

/// `value · 2^exponent`, exact while the result is a normal number.
fn times_power_of_two(mut value: f64, exponent: i64) -> f64 {
    // Beyond this, any number but 0 over- or underflows.
    let mut left = exponent.clamp(-4_000, 4_000) as i32;
    while left != 0 {
        let part = left.clamp(-1_000, 1_000);
        value *= 2f64.powi(part);
        left -= part;
    }
    value
}
