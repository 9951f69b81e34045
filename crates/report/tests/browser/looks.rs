//! What is seen: on a desk, on a phone, in the dark, on paper, and by a screen reader.

use serde_json::{Value, json};

use crate::chromium::Browser;
use crate::shown::{ACCURACY, RATE, count, shown, x_ticks};

#[test]
fn it_loads_without_complaint_and_draws_every_curve() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    // 7 charts of 2 figures, 5 of them of 3 runs, 1 of 2 and 1 of 1, and the toy example's 2 curves.
    assert_eq!(count(&mut browser, "figure.enhanced"), 15);
    assert_eq!(
        count(&mut browser, ".surface g.curve[data-run]"),
        2 * 18 + 2
    );
    assert_eq!(count(&mut browser, ".surface g.curve:not(:has(path))"), 0);
    let bad = browser.evaluate(
        "[...document.querySelectorAll('.surface *')].filter((drawn) => \
         [...drawn.attributes].some((attribute) => /NaN|undefined|Infinity/.test(attribute.value))).length",
    );
    assert_eq!(bad, 0);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn a_phone_scrolls_only_down_and_two_fingers_zoom() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    browser.window(390, 844);
    browser.settle();
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth"),
        390
    );
    let wide = browser.evaluate(
        "[...document.querySelectorAll('button, .surface, .title, h1, h2')]\
         .filter((shown) => shown.getBoundingClientRect().right > 390).length",
    );
    assert_eq!(wide, 0);
    let chart = format!("#figure-1 {ACCURACY}");
    let [left, top, width, height] = browser.place(&chart);
    let whole = x_ticks(&mut browser, &chart);
    let at = |share: f64| [left + share * width, top + height / 2.0];
    browser.touch("touchStart", &[at(0.5)]);
    assert_eq!(
        count(&mut browser, &format!("{chart} .reading:not([hidden])")),
        1
    );
    browser.touch("touchStart", &[at(0.5), at(0.6)]);
    browser.touch("touchMove", &[at(0.3), at(0.9)]);
    browser.touch("touchEnd", &[]);
    let zoomed = x_ticks(&mut browser, &chart);
    assert!(zoomed[0] > whole[0] && zoomed != whole, "{zoomed:?}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn dark_mode_paper_and_a_page_without_scripts_show_what_they_should() {
    let Some((mut browser, folder)) = shown() else {
        return;
    };
    let colours = |browser: &mut Browser| -> Value {
        browser.evaluate(&format!(
            "[getComputedStyle(document.body).backgroundColor, \
             getComputedStyle(document.querySelector(\"{RATE} .run-0\")).stroke]"
        ))
    };
    let seen = |browser: &mut Browser| -> Value {
        browser.evaluate(
            "['.live', '.still'].map((part) => [...document.querySelectorAll(`.panel ${part}`)]\
             .filter((shown) => shown.checkVisibility()).length)",
        )
    };
    browser.medium("screen", "light");
    assert_eq!(
        colours(&mut browser),
        json!(["rgb(255, 255, 255)", "rgb(0, 114, 178)"])
    );
    assert_eq!(seen(&mut browser), json!([15, 0]));
    browser.medium("screen", "dark");
    assert_eq!(
        colours(&mut browser),
        json!(["rgb(20, 24, 29)", "rgb(86, 180, 233)"])
    );
    // Paper is light, and its pictures stand still.
    browser.medium("print", "dark");
    assert_eq!(colours(&mut browser)[0], "rgb(255, 255, 255)");
    assert_eq!(seen(&mut browser), json!([0, 15]));
    browser.medium("screen", "light");
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    );
    browser.open(&folder.path().join("report.html"));
    assert_eq!(seen(&mut browser), json!([0, 15]));
}

#[test]
fn everything_to_press_has_a_name() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    let tree = browser.call("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().expect("nodes");
    let named = |role: &str| -> Vec<String> {
        let of_role = nodes.iter().filter(|node| node["role"]["value"] == role);
        of_role
            .map(|node| {
                node["name"]["value"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    };
    for (role, fewest) in [("button", 90), ("application", 15), ("link", 2)] {
        let names = named(role);
        assert!(names.len() >= fewest, "{role}: {}", names.len());
        assert!(
            names.iter().all(|name| !name.trim().is_empty()),
            "{role}: {names:?}"
        );
    }
    let views = named("group");
    let views = views.iter().filter(|name| name.starts_with("View of "));
    assert_eq!(views.count(), 15);
    let charts = nodes
        .iter()
        .filter(|node| node["role"]["value"] == "application");
    for chart in charts {
        let said = chart["description"]["value"].as_str().unwrap_or_default();
        assert!(
            said.contains("from ") && said.contains("With the keyboard"),
            "{said}"
        );
    }
}
