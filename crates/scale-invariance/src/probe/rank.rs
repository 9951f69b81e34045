//! How many independent directions a function changes in.

/// `ln c` of the scalings between which a rate of change is taken.
const STEP: f64 = 1e-4;

/// For each parameter the rate at which the function's numbers change with `ln c`, when the parameter is
/// multiplied by `c`, as shares of the largest number of `before`.
pub(super) fn rates<E>(
    values: &[Vec<f64>],
    before: &[f64],
    function: &mut impl FnMut(&[Vec<f64>]) -> Result<Vec<f64>, E>,
) -> Result<Vec<Vec<f64>>, E> {
    let size = super::largest(before.iter().copied());
    let mut rates = Vec::with_capacity(values.len());
    let mut values = values.to_vec();
    for parameter in 0..values.len() {
        let kept = values[parameter].clone();
        let mut at = |ln_factor: f64| {
            let factor = ln_factor.exp();
            values[parameter] = kept.iter().map(|value| value * factor).collect();
            function(&values)
        };
        let (down, up) = (at(-STEP)?, at(STEP)?);
        let pairs = down.iter().zip(&up);
        let rate = pairs.map(|(down, up)| (up - down) / (2.0 * STEP * size));
        rates.push(rate.collect());
        values[parameter] = kept;
    }
    Ok(rates)
}

/// The largest entry of the `rank`-th vector of an orthogonal basis of these vectors' span, the longest rest first: 0, up to rounding,
/// exactly if the span has fewer dimensions.
pub(super) fn pivot(mut vectors: Vec<Vec<f64>>, rank: usize) -> f64 {
    let mut pivot = f64::NAN;
    for _ in 0..rank {
        let lengths = vectors.iter().map(|vector| dot(vector, vector));
        let longest = lengths.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((place, square)) = longest else {
            return 0.0;
        };
        let mut direction = vectors.swap_remove(place);
        pivot = super::largest(direction.iter().copied());
        let length = square.sqrt();
        if length.is_nan() || length == 0.0 {
            return pivot;
        }
        direction.iter_mut().for_each(|x| *x /= length);
        for vector in &mut vectors {
            let along = dot(vector, &direction);
            let pairs = vector.iter_mut().zip(&direction);
            pairs.for_each(|(x, d)| *x -= along * d);
        }
    }
    pivot
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
