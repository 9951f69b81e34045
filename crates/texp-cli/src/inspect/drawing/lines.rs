//! Texts of known width: all of a drawing's are of one font, whose characters are equally wide.

/// At most so many characters of a name; its middle is left out.
pub(super) fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return drawable(name);
    }
    let head = (most - 1) / 2;
    let tail = most - 1 - head;
    let start: String = name.chars().take(head).collect();
    let end: String = name.chars().skip(count - tail).collect();
    drawable(&format!("{start}…{end}"))
}

/// A sentence in lines of at most so many characters, if its words are no longer.
pub(super) fn wrapped(sentence: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(&drawable(word));
            }
            _ => lines.push(drawable(word)),
        }
    }
    lines
}

/// Without what XML does not allow, however it is escaped.
pub(super) fn drawable(text: &str) -> String {
    let is_allowed = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars()
        .map(|c| if is_allowed(c) { c } else { '\u{fffd}' })
        .collect()
}
