//! Numbers in sentences.

/// Three significant digits, a true minus sign; powers of ten where zeros would be many.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || !value.is_finite() {
        return sign(value, format!("{magnitude}"));
    }
    let scientific = format!("{magnitude:.2e}");
    // Rounding may carry into another power of ten.
    let exponent = scientific.split_once('e').and_then(|(_, e)| e.parse().ok());
    match exponent {
        Some(exponent @ -4_i32..6) => {
            let decimals = usize::try_from(2 - exponent).unwrap_or(0);
            sign(value, format!("{magnitude:.decimals$}"))
        }
        _ => sign(value, scientific.replace('-', "−")),
    }
}

fn sign(value: f64, magnitude: String) -> String {
    match value < 0.0 {
        true => format!("−{magnitude}"),
        false => magnitude,
    }
}

/// The same with its sign, for differences.
pub(crate) fn signed(value: f64) -> String {
    match value > 0.0 {
        true => format!("+{}", number(value)),
        false => number(value),
    }
}

/// A share in percent, as it was written: 90, 99.9.
pub(crate) fn percent(share: f64) -> f64 {
    (1e8 * share).round() / 1e6
}

/// "1 seed", "5 seeds"
pub(crate) fn seeds(count: usize) -> String {
    match count {
        1 => "1 seed".to_owned(),
        _ => format!("{count} seeds"),
    }
}

/// "`a`, `b` and `c`"
pub(crate) fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((only, _)) => only.clone(),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_minus_sign() {
        let cases = [
            (0.0, "0"),
            (1.0, "1.00"),
            (-0.01234, "−0.0123"),
            (0.09996, "0.100"),
            (123.4, "123"),
            (999.6, "1000"),
            (-1e-4, "−0.000100"),
            (98765.0, "98765"),
            (-1.25e-7, "−1.25e−7"),
            (3e9, "3.00e9"),
            (f64::NEG_INFINITY, "−inf"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(signed(0.5), "+0.500");
        assert_eq!([0.9, 0.55, 0.999].map(percent), [90.0, 55.0, 99.9]);
    }
}
