//! Colours, strokes and fonts of figures, for light and dark.
//!
//! The sheet names its colours as variables, once for light and once for dark. In a page that is all a browser needs;
//! programs that draw an SVG file by itself, such as Inkscape or resvg, know no variables, so there each is replaced by
//! what it stands for.

/// The sheet, as the page includes it once: variables in light mode, those that differ in dark mode, rules.
pub(crate) const FIGURE_STYLE: &str = include_str!("figure.css");

/// The sheet without variables, in light colours.
pub(super) fn light() -> String {
    let (light, _, rules) = parts();
    resolved(rules, &light)
}

/// The sheet without variables, in light colours, and on a dark screen in dark ones.
pub(super) fn light_and_dark() -> String {
    let (light, dark, rules) = parts();
    let coloured: String = rules.lines().filter(|rule| rule.contains("var(")).collect();
    format!(
        ":root{{color-scheme:light dark}}\n{}@media screen and (prefers-color-scheme:dark){{{}}}\n",
        resolved(rules, &light),
        resolved(&coloured, &dark),
    )
}

type Variables = Vec<(&'static str, &'static str)>;

/// Variables in light mode, in dark mode, and the rules.
fn parts() -> (Variables, Variables, &'static str) {
    let (light, rest) = FIGURE_STYLE.split_once('\n').unwrap_or((FIGURE_STYLE, ""));
    let (dark, rules) = rest.split_once('\n').unwrap_or((rest, ""));
    (variables(light), variables(dark), rules)
}

/// Each `--name:value` between braces.
fn variables(line: &'static str) -> Variables {
    line.split(['{', '}', ';'])
        .filter_map(|declaration| declaration.split_once(':'))
        .filter(|(name, _)| name.starts_with("--"))
        .collect()
}

fn resolved(rules: &str, variables: &Variables) -> String {
    variables
        .iter()
        .fold(rules.to_owned(), |rules, (name, value)| {
            rules.replace(&format!("var({name})"), value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_variable_is_left_and_each_mode_has_its_colours() {
        let (light, both) = (light(), light_and_dark());
        for style in [&light, &both] {
            assert!(!style.contains("var(") && !style.contains("--"), "{style}");
        }
        assert!(light.contains(".run-0{color:#0072b2") && !light.contains("@media"));
        let (before, dark) = both.split_once("@media").expect("a dark mode");
        assert!(before.contains(".run-0{color:#0072b2") && dark.contains(".run-0{color:#56b4e9"));
        assert!(!dark.contains(".solid"), "only what differs");
    }

    #[test]
    fn both_modes_have_the_same_variables() {
        let (light, dark, _) = parts();
        let names = |variables: &Variables| -> Vec<&str> {
            variables.iter().map(|(name, _)| *name).collect()
        };
        assert_eq!(names(&light), names(&dark));
        assert!(light.len() > 10);
    }
}
