//! Numbers in sentences.

/// Three significant digits, a true minus sign; powers of ten where zeros would be many.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    let text = if magnitude == 0.0 || !value.is_finite() {
        format!("{magnitude}")
    } else if (1e-4..1e6).contains(&magnitude) {
        let decimals = (2.0 - magnitude.log10().floor()).max(0.0) as usize;
        format!("{magnitude:.decimals$}")
    } else {
        format!("{magnitude:.2e}").replace("e-", "e−")
    };
    match value < 0.0 {
        true => format!("−{text}"),
        false => text,
    }
}

/// The same with its sign, for differences.
pub(crate) fn signed(value: f64) -> String {
    match value > 0.0 {
        true => format!("+{}", number(value)),
        false => number(value),
    }
}

/// "1 seed", "5 seeds"
pub(crate) fn seeds(count: usize) -> String {
    match count {
        1 => "1 seed".to_owned(),
        _ => format!("{count} seeds"),
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
            (123.4, "123"),
            (98765.0, "98765"),
            (-1.25e-7, "−1.25e−7"),
            (3e9, "3.00e9"),
            (f64::NEG_INFINITY, "−inf"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(signed(0.5), "+0.500");
    }
}
