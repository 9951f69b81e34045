//! Initial values of parameters: a pure function of a seed and the parameter's name.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::Graph;

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Independent normal values of mean 0 and this standard deviation.
    Normal {
        /// The standard deviation.
        standard_deviation: f64,
    },
    /// Every element the same.
    Constant(f64),
}

impl Init {
    /// He et al. (2015) initialisation, `N(0, 2/fan)`.
    ///
    /// A `fan` of 0 is read as 1.
    pub fn he_normal(fan: usize) -> Self {
        Self::Normal {
            standard_deviation: (2.0 / fan.max(1) as f64).sqrt(),
        }
    }
}

impl Graph {
    /// Initial values of every parameter, in the order of [`Graph::parameters`].
    ///
    /// Values are float32 numbers held in float64, so that engines of either precision start from
    /// exactly the same point. Each parameter draws from its own stream of the generator: adding a
    /// layer does not change the values of the others before it.
    ///
    /// ```
    /// use nn_graph::nets::{Architecture, NetConfig};
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// assert_eq!(graph.initial_values(7), graph.initial_values(7));
    /// assert_ne!(graph.initial_values(7), graph.initial_values(8));
    /// # Ok::<(), nn_graph::GraphError>(())
    /// ```
    pub fn initial_values(&self, seed: u64) -> Vec<Vec<f64>> {
        let stream = |index: usize| {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            generator.set_stream(index as u64);
            generator
        };
        self.parameters()
            .iter()
            .enumerate()
            .map(|(index, parameter)| {
                let elements = parameter.elements();
                match parameter.init {
                    Init::Constant(value) => vec![value; elements],
                    Init::Normal { standard_deviation } => {
                        let mut generator = stream(index);
                        let draw = |_| {
                            let normal: f64 = generator.sample(StandardNormal);
                            f64::from((normal * standard_deviation) as f32)
                        };
                        (0..elements).map(draw).collect()
                    }
                }
            })
            .collect()
    }
}
