//! What a reader does: hide, zoom, read, switch.

use serde_json::json;

use crate::chromium::Browser;
use crate::pages::small;
use crate::shown::{ACCURACY, NORM, RATE, click, count, middle, shown, text, x_ticks};

#[test]
fn a_button_of_the_legend_hides_its_run_in_its_figure_and_brings_it_back() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    let curves = |browser: &mut Browser, figure: u32, run: &str| {
        count(
            browser,
            &format!("#figure-{figure} g.curve[data-run='{run}']"),
        )
    };
    let runs = [
        "step decay + weight decay",
        "exact twin, no weight decay",
        "TEXP, no weight decay",
    ];
    for (place, run) in runs.into_iter().enumerate() {
        let button = format!("#figure-1 .legend li:nth-child({}) button", place + 1);
        let (before, others) = (curves(&mut browser, 1, run), curves(&mut browser, 2, run));
        let bands = count(&mut browser, "#figure-1 .surface .band");
        assert!(before >= 5);
        click(&mut browser, &button);
        assert_eq!(curves(&mut browser, 1, run), 0, "{run}");
        assert_eq!(curves(&mut browser, 2, run), others, "{run}");
        assert!(
            count(&mut browser, "#figure-1 .surface .band") < bands,
            "{run}"
        );
        let unpressed = "#figure-1 .legend [aria-pressed=false]";
        assert_eq!(count(&mut browser, unpressed), before, "{run}");
        // Pressed again by key: focus stayed on it.
        browser.key("Enter");
        assert_eq!(curves(&mut browser, 1, run), before, "{run}");
    }
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn dragging_the_wheel_and_buttons_zoom_and_a_double_click_resets() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    let whole = x_ticks(&mut browser, &format!("#figure-1 {ACCURACY}"));
    assert_eq!((whole[0], whole[whole.len() - 1]), (0.0, 6.0));
    let [left, top, width, height] = browser.place(ACCURACY);
    let at = |share: f64| [left + share * width, top + height / 2.0];
    let ticks = |browser: &mut Browser| {
        browser.settle();
        x_ticks(browser, &format!("#figure-1 {ACCURACY}"))
    };

    // From about epoch 3 to 6.
    browser.mouse("mousePressed", at(0.55));
    browser.mouse("mouseMoved", at(0.8));
    assert_eq!(count(&mut browser, ".selection"), 1);
    browser.mouse("mouseMoved", at(0.97));
    browser.mouse("mouseReleased", at(0.97));
    let dragged = ticks(&mut browser);
    assert!(
        dragged[0] > 2.5 && count(&mut browser, ".selection") == 0,
        "{dragged:?}"
    );

    // The chart has the focus, so the wheel is its own.
    let wheel = |browser: &mut Browser, [x, y]: [f64; 2], turn: i32| {
        let event = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": turn });
        browser.call("Input.dispatchMouseEvent", event);
    };
    wheel(&mut browser, at(0.5), -100);
    let wheeled = ticks(&mut browser);
    assert_ne!(wheeled, dragged);

    let reset = "(() => document.activeElement.dispatchEvent(new MouseEvent('dblclick')))()";
    browser.evaluate(reset);
    assert_eq!(ticks(&mut browser), whole);
    for (action, narrower) in [("in", true), ("out", false)] {
        click(
            &mut browser,
            &format!("#figure-1 .panel:nth-child(2) [data-action={action}]"),
        );
        let zoomed = ticks(&mut browser);
        assert_eq!(zoomed != whole, narrower, "{action} {zoomed:?}");
    }

    // Without focus or a key held, the wheel belongs to the page.
    let place = middle(&mut browser, &format!("#figure-2 {ACCURACY}"));
    browser.evaluate("document.activeElement.blur()");
    wheel(&mut browser, place, 50);
    browser.settle();
    assert_eq!(
        x_ticks(&mut browser, &format!("#figure-2 {ACCURACY}")),
        whole
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn a_reading_gives_the_values_that_were_recorded() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    let [left, top, width, height] = browser.place(ACCURACY);
    // Epoch 4 of 6: a little beside it, to be drawn to it.
    let inner = width - 58.0 - 14.0;
    let x = left + 58.0 + inner * 4.1 / 6.0;
    browser.mouse("mouseMoved", [x, top + height / 2.0]);
    let rows = browser.evaluate(&format!(
        "[...document.querySelectorAll(\"#figure-1 {ACCURACY} .reading p\")].map((row) => row.textContent)"
    ));
    let rows: Vec<String> = serde_json::from_value(rows).expect("texts");
    assert_eq!(rows[0], "epoch 4");
    let accuracies: Vec<f64> = (100..103)
        .map(|seed| {
            let simulation = crate::simulated::Simulation { seed, ..small() };
            let found = simulation
                .records()
                .into_iter()
                .find_map(|record| match record {
                    run_records::Record::Epoch {
                        run: 1,
                        epoch: 4,
                        test_accuracy,
                        ..
                    } => Some(100.0 * test_accuracy),
                    _ => None,
                });
            found.expect("an epoch")
        })
        .collect();
    let numbers: Vec<f64> = rows[2]
        .split([' ', '(', ')'])
        .filter_map(|word| word.parse().ok())
        .collect();
    let lowest = accuracies.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    for (number, expected) in numbers.iter().zip([mean, lowest, highest]) {
        assert!(
            (number - expected).abs() < 0.006,
            "{} {accuracies:?}",
            rows[2]
        );
    }
    assert_eq!(numbers.len(), 3, "{}", rows[2]);
    browser.mouse("mouseMoved", [1.0, 1.0]);
    assert_eq!(count(&mut browser, ".reading:not([hidden])"), 0);
}

#[test]
fn the_keyboard_reads_zooms_and_resets_and_says_so() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    let chart = format!("#figure-1 {ACCURACY}");
    let status = "#figure-1 .panel:nth-child(2) .status";
    // Backwards from the chart's last button of the legend.
    browser.evaluate(
        "document.querySelector('#figure-1 .panel:nth-child(2) .legend li:last-child button').focus()",
    );
    browser.key("Tab");
    assert_eq!(count(&mut browser, &format!("{chart}:focus")), 1);
    assert_eq!(count(&mut browser, ".reading:not([hidden])"), 1);
    browser.key("Home");
    assert!(text(&mut browser, status).starts_with("epoch 1."));
    browser.key("ArrowRight");
    let said = text(&mut browser, status);
    assert!(
        said.starts_with("epoch 2.") && said.contains("TEXP, no weight decay"),
        "{said}"
    );
    let whole = x_ticks(&mut browser, &chart);
    browser.key("+");
    browser.key("+");
    let zoomed = x_ticks(&mut browser, &chart);
    assert!(zoomed[zoomed.len() - 1] < 4.0, "{zoomed:?}");
    // The view follows the reading.
    browser.key("End");
    assert!(text(&mut browser, status).starts_with("epoch 6."));
    assert!(x_ticks(&mut browser, &chart)[0] > 4.0);
    browser.key("0");
    assert_eq!(x_ticks(&mut browser, &chart), whole);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn the_scale_of_y_and_bands_switch() {
    let Some((mut browser, _folder)) = shown() else {
        return;
    };
    let chart = format!("#figure-1 {RATE}");
    let labels = |browser: &mut Browser| -> Vec<String> {
        let labels = browser.evaluate(&format!(
            "[...document.querySelectorAll(\"{chart} text[text-anchor=end]\")].map((text) => text.textContent)"
        ));
        serde_json::from_value(labels).expect("texts")
    };
    let panel = "#figure-1 .panel:nth-child(3)";
    let logarithmic = labels(&mut browser);
    assert!(logarithmic.contains(&"0.01".to_owned()), "{logarithmic:?}");
    // A straight line there is a curve here: it needs more than its two ends.
    let corners = |browser: &mut Browser| {
        let drawn = browser.evaluate(&format!(
            "document.querySelector(\"#figure-1 {NORM} g.curve:last-of-type path\")\
             .getAttribute('d').split('L').length"
        ));
        drawn.as_u64().expect("a number")
    };
    let straight = corners(&mut browser);
    click(&mut browser, &format!("{panel} [data-action=log]"));
    // Rates begin at 0; their logarithms would begin below.
    let linear = labels(&mut browser);
    assert!(linear[0].starts_with('0'), "{linear:?}");
    click(
        &mut browser,
        "#figure-1 .panel:nth-child(4) [data-action=log]",
    );
    assert!(corners(&mut browser) > 2 * straight);
    assert_eq!(
        count(
            &mut browser,
            &format!("{panel} [data-action=log][aria-pressed=false]")
        ),
        1
    );
    click(&mut browser, &format!("{panel} [data-action=log]"));
    assert_eq!(labels(&mut browser), logarithmic);

    let bands = format!("#figure-1 {ACCURACY} .band");
    assert_eq!(count(&mut browser, &bands), 3);
    click(
        &mut browser,
        "#figure-1 .panel:nth-child(2) [data-action=bands]",
    );
    assert_eq!(count(&mut browser, &bands), 0);
    assert_eq!(browser.complaints, Vec::<String>::new());
}
