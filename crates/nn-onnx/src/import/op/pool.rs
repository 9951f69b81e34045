//! Windows that move over images: pooling, and the arithmetic of their lengths.

use nn_graph::network::{Reduce, Reduction, Rule, Window};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;

use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "MaxPool" | "AveragePool" | "LpPool" => pool,
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => global,
        _ => return None,
    })
}

/// Windows along the axes after the second.
pub(super) struct Windows {
    kernel: Vec<Dim>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    padding: Padding,
    ceil: bool,
}

enum Padding {
    /// Before and after each axis.
    Given(Vec<(i64, i64)>),
    /// As much as makes as many windows as there are strides.
    Same,
}

impl Windows {
    /// Those of a node, with a kernel of these lengths.
    pub(super) fn of(layer: &Layer, kernel: &[Dim]) -> Result<Self, Problem> {
        let axes = kernel.len();
        let list = |name: &str, length: usize, default: i64, least: i64| match layer.ints(name) {
            None => Ok(vec![default; length]),
            Some(list)
                if list.len() == length && list.iter().all(|&n| (least..1 << 31).contains(&n)) =>
            {
                Ok(list.to_vec())
            }
            Some(list) => Err(layer.wrong(format!(
                "has {name} {:?}; they must be {length} numbers from {least} on",
                &list[..list.len().min(8)]
            ))),
        };
        let padding = match layer.text("auto_pad") {
            Some("SAME_UPPER" | "SAME_LOWER") => Padding::Same,
            Some("VALID") => Padding::Given(vec![(0, 0); axes]),
            // Some exporters write paddings below 0, which crop.
            _ => {
                let pads = list("pads", 2 * axes, 0, -(1 << 31))?;
                let (before, after) = pads.split_at(axes);
                let pairs = before.iter().copied().zip(after.iter().copied());
                Padding::Given(pairs.collect())
            }
        };
        Ok(Self {
            kernel: kernel.to_vec(),
            strides: list("strides", axes, 1, 1)?,
            dilations: list("dilations", axes, 1, 1)?,
            padding,
            ceil: layer.int("ceil_mode", 0) != 0,
        })
    }

    /// Numbers along an axis that a window spans.
    fn span(&self, place: usize) -> Option<i64> {
        let kernel = self.kernel[place].number()?;
        kernel
            .checked_sub(1)?
            .checked_mul(self.dilations[place])?
            .checked_add(1)
    }

    /// Whether anything may be added to an axis.
    pub(super) fn pads(&self, place: usize) -> bool {
        match &self.padding {
            Padding::Given(pads) => pads[place] != (0, 0),
            // Windows that do not overlap may still reach over the edge.
            Padding::Same => self.span(place) != Some(1),
        }
    }

    /// How many windows there are along each axis.
    pub(super) fn lengths(&self, layer: &mut Layer, dims: &[Dim]) -> Result<Vec<Dim>, Problem> {
        let mut lengths = Vec::new();
        for (place, dim) in dims.iter().enumerate() {
            lengths.push(self.length(layer, place, dim)?);
        }
        Ok(lengths)
    }

    fn length(&self, layer: &mut Layer, place: usize, dim: &Dim) -> Result<Dim, Problem> {
        let stride = self.strides[place];
        let pads = match &self.padding {
            Padding::Same if stride == 1 => return Ok(dim.clone()),
            Padding::Same => {
                let length = dim
                    .number()
                    .map(|length| Dim::known((length - 1) / stride + 1));
                return Ok(layer.or_fresh(length));
            }
            Padding::Given(pads) => pads[place],
        };
        let Some(span) = self.span(place) else {
            return Ok(layer.fresh());
        };
        let total = pads.0 + pads.1;
        let Some(length) = dim.number() else {
            let same = stride == 1 && total.checked_add(1) == Some(span);
            return Ok(if same { dim.clone() } else { layer.fresh() });
        };
        let room = length
            .checked_add(total)
            .and_then(|all| all.checked_sub(span));
        let Some(room) = room.filter(|&room| room >= 0) else {
            return Err(layer.wrong(format!(
                "has windows of {span} along an axis of {length} with a padding of {total}"
            )));
        };
        let mut steps = if self.ceil {
            room.checked_add(stride - 1)
                .map_or(room, |room| room / stride)
        } else {
            room / stride
        };
        // No window begins behind the end.
        if self.ceil && steps.saturating_mul(stride) >= length.saturating_add(pads.0) {
            steps -= 1;
        }
        Ok(Dim::known(steps + 1))
    }

    /// Lengths of what would be read by these windows from as many windows as there are numbers.
    pub(super) fn transposed_lengths(
        &self,
        layer: &mut Layer,
        dims: &[Dim],
    ) -> Result<Vec<Dim>, Problem> {
        let whole = layer.ints("output_shape").map(<[i64]>::to_vec);
        let extra = layer.ints("output_padding").map(<[i64]>::to_vec);
        let mut lengths = Vec::new();
        for (place, dim) in dims.iter().enumerate() {
            let stride = self.strides[place];
            let given = whole.as_ref().and_then(|whole| {
                // Some exporters write all axes.
                let outer = whole.len().checked_sub(dims.len())?;
                whole.get(outer + place).copied()
            });
            let length = |pads: (i64, i64)| {
                let extra = extra.as_ref().and_then(|extra| extra.get(place));
                let rest = self.span(place)?.checked_add(*extra.unwrap_or(&0))?;
                let spread = dim.number()?.checked_sub(1)?.checked_mul(stride)?;
                let padded = spread.checked_add(rest)?;
                Some(Dim::known(padded.checked_sub(pads.0 + pads.1)?))
            };
            let length = match (&self.padding, given) {
                (_, Some(given)) => Some(Dim::known(given)),
                (Padding::Given(pads), None) => length(pads[place]),
                (Padding::Same, None) => dim.times(&Dim::known(stride)),
            };
            if length
                .as_ref()
                .and_then(Dim::number)
                .is_some_and(|length| length < 0)
            {
                return Err(layer.wrong("pads away more than there is"));
            }
            lengths.push(layer.or_fresh(length));
        }
        Ok(lengths)
    }
}

fn pool(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let kernel: Vec<Dim> = match layer.ints("kernel_shape") {
        Some(kernel) if kernel.len() < crate::read::MOST_AXES => {
            kernel.iter().copied().map(Dim::known).collect()
        }
        _ => return Err(layer.wrong("has no kernel_shape")),
    };
    let rank = kernel.len() + 2;
    let dims = layer.of_rank(&x.shape, rank)?;
    let windows = Windows::of(layer, &kernel)?;
    let mut result = dims[..2].to_vec();
    result.extend(windows.lengths(layer, &dims[2..])?);
    let pads = (0..kernel.len()).any(|place| windows.pads(place));
    let (keeps_constants, linear) = match layer.node.operator.as_str() {
        // The padding is never the largest.
        "MaxPool" => (true, false),
        "AveragePool" => {
            let zeros_count = layer.int("count_include_pad", 0) != 0 && (pads || windows.ceil);
            (!zeros_count, true)
        }
        _ => (false, false),
    };
    if layer.wants(1) {
        layer.result(1, Rule::Insensitive, &[&x], Some(result.clone()))?;
    }
    let rule = Rule::Window(Window {
        axes: (2..rank).collect(),
        keeps_constants,
        linear,
    });
    layer.result(0, rule, &[&x], Some(result))?;
    Ok(Outcome::Known)
}

/// One window over all of each channel.
fn global(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let mut dims = layer.of_rank(&x.shape, rank)?;
    dims.iter_mut().skip(2).for_each(|dim| *dim = Dim::ONE);
    let rule = Rule::Reduce(Reduce {
        axes: (2..rank).collect(),
        keeps_axes: true,
        by: match layer.node.operator.as_str() {
            "GlobalAveragePool" => Reduction::Mean,
            _ => Reduction::Homogeneous,
        },
    });
    layer.result(0, rule, &[&x], Some(dims))?;
    Ok(Outcome::Known)
}
