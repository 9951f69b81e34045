//! A page in a browser, and where things are on it.

use tempfile::TempDir;

use crate::chromium::Browser;
use crate::pages::small;
use crate::simulated::reproduction::reproduction;

pub(crate) const ACCURACY: &str = "[aria-label='Test accuracy, %'].surface";
pub(crate) const NORM: &str = "[aria-label='Squared weight norm ‖w‖²'].surface";
pub(crate) const RATE: &str = "[aria-label='Learning rate η'].surface";

/// A browser that shows the page of a reproduction of two figures from three seeds.
pub(crate) fn shown() -> Option<(Browser, TempDir)> {
    let browser = Browser::start()?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = report::reproduction(folder.path(), &reproduction(&small(), 2, 3));
    let mut browser = browser;
    browser.open(&written.expect("a page").page);
    browser.settle();
    Some((browser, folder))
}

/// Texts along the x-axis of the first chart that a selector finds.
pub(crate) fn x_ticks(browser: &mut Browser, surface: &str) -> Vec<f64> {
    let ticks = browser.evaluate(&format!(
        "[...document.querySelectorAll(\"{surface} text[text-anchor=middle]\")]\
         .map((text) => Number(text.textContent)).filter(Number.isFinite)"
    ));
    serde_json::from_value(ticks).expect("numbers")
}

pub(crate) fn text(browser: &mut Browser, selector: &str) -> String {
    let value = browser.evaluate(&format!(
        "document.querySelector(\"{selector}\").textContent"
    ));
    value.as_str().expect("a text").to_owned()
}

pub(crate) fn count(browser: &mut Browser, selector: &str) -> u64 {
    let count = browser.evaluate(&format!("document.querySelectorAll(\"{selector}\").length"));
    count.as_u64().expect("a number")
}

/// The middle of the first element that a selector finds.
pub(crate) fn middle(browser: &mut Browser, selector: &str) -> [f64; 2] {
    let [left, top, width, height] = browser.place(selector);
    [left + width / 2.0, top + height / 2.0]
}

pub(crate) fn click(browser: &mut Browser, selector: &str) {
    let place = middle(browser, selector);
    browser.mouse("mousePressed", place);
    browser.mouse("mouseReleased", place);
    browser.settle();
}
