//! Numbers as the sentences of an audit have them, for tables beside them.

/// Three digits, without zeros at the end; far from 1 as a power of ten; a dash for what is not finite.
///
/// ```
/// use audit::numbers::short;
/// assert_eq!([0.1, 1234.5, -0.00123, 5e-7].map(short), ["0.1", "1234", "−0.00123", "5e−7"]);
/// ```
#[must_use]
pub fn short(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let is_plain = value == 0.0 || (1e-3..1e5).contains(&size);
    let (text, power) = if is_plain {
        let decimals = if value == 0.0 {
            0.0
        } else {
            (2.0 - size.log10().floor()).max(0.0)
        };
        (format!("{value:.*}", decimals as usize), String::new())
    } else {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        (digits.to_owned(), format!("e{power}"))
    };
    let digits = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{digits}{power}").replace('-', "−")
}

/// A number and its standard error, to two digits of the error.
///
/// ```
/// use audit::numbers::with_error;
/// assert_eq!(with_error(22.237, Some(1.4421)), "22.2 ± 1.4");
/// assert_eq!(with_error(-0.004_97, Some(8.3e-4)), "−0.00497 ± 0.00083");
/// assert_eq!(with_error(22.237, None), "22.2");
/// ```
#[must_use]
pub fn with_error(value: f64, error: Option<f64>) -> String {
    let error = error.filter(|error| error.is_finite() && *error > 0.0);
    let Some(error) = error else {
        return short(value);
    };
    let decimals = 1.0 - error.log10().floor();
    if !(0.0..=6.0).contains(&decimals) || !(0.0..1e5).contains(&value.abs()) {
        return format!("{} ± {}", short(value), short(error));
    }
    let decimals = decimals as usize;
    format!("{value:.decimals$} ± {error:.decimals$}").replace('-', "−")
}
