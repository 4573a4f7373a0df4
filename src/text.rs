//! Words of others, for people: of programs, of kubelets, of brokers.
//!
//! Ring: api. A terminal obeys control characters, and a line break forges a line. A cut never splits a character.

/// Marks the place where text was cut.
const ELLIPSIS: char = '…';

/// At most `max` bytes of `text`, without a mark.
#[must_use]
pub(crate) fn bounded(text: &str, max: usize) -> String {
    text[..text.floor_char_boundary(max)].to_owned()
}

/// At most `max` characters of `text`, without a mark.
#[must_use]
pub(crate) fn bounded_chars(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// At most `max` bytes of `text`, and after them the mark where it has more.
#[must_use]
pub(crate) fn bounded_and_marked(text: &str, max: usize) -> String {
    let mut kept = bounded(text, max);
    if kept.len() < text.len() {
        kept.push(ELLIPSIS);
    }
    kept
}

/// The first characters of `text`, at most `max` of them, the mark of the cut included.
#[must_use]
pub(crate) fn first_chars(text: &str, max: usize) -> String {
    if text.char_indices().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain([ELLIPSIS]).collect()
}

/// The first bytes of `text`, at most `max` of them, the mark of the cut included.
#[must_use]
pub(crate) fn first_bytes(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let kept = max.saturating_sub(ELLIPSIS.len_utf8());
    format!("{}{ELLIPSIS}", bounded(text, kept))
}

/// The last bytes of `text`, at most `max` of them, the mark of the cut included.
#[must_use]
pub(crate) fn last_bytes(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let kept = max.saturating_sub(ELLIPSIS.len_utf8());
    format!("{ELLIPSIS}{}", &text[text.ceil_char_boundary(text.len() - kept)..])
}

/// `text` on one line, with control characters as Rust writes them: `\n`, `\u{1b}`. What it returns it leaves as it is.
#[must_use]
pub(crate) fn on_one_line(text: &str) -> String {
    escaped(text, is_control)
}

/// `text` with its lines and tabs, other control characters as Rust writes them.
#[must_use]
pub(crate) fn printable(text: &str) -> String {
    escaped(text, |char| is_control(char) && !matches!(char, '\n' | '\t'))
}

/// Those that Unicode calls so, and those that turn the direction of what follows.
fn is_control(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// `json` without control characters; those in its strings are written as JSON has them.
#[must_use]
pub(crate) fn printable_json(json: &str) -> String {
    replaced(json, is_control, |char| format!("\\u{:04x}", u32::from(char)))
}

fn escaped(text: &str, is_unwanted: impl Fn(char) -> bool) -> String {
    replaced(text, is_unwanted, |char| char.escape_default().to_string())
}

fn replaced(text: &str, is_unwanted: impl Fn(char) -> bool, by: impl Fn(char) -> String) -> String {
    let mut result = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unwanted(char) {
            result.push_str(&by(char));
        } else {
            result.push(char);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_given_no_orders() {
        let text = "Tür\tzu\r\n\u{1b}[2J\u{9b}31m\u{202e}gpj.exe \\n";
        assert_eq!(on_one_line(text), r"Tür\tzu\r\n\u{1b}[2J\u{9b}31m\u{202e}gpj.exe \n");
        assert_eq!(printable(text), "Tür\tzu\\r\n\\u{1b}[2J\\u{9b}31m\\u{202e}gpj.exe \\n");
        assert_eq!(on_one_line(&on_one_line(text)), on_one_line(text));
    }

    #[test]
    fn json_stays_what_it_says() {
        let text = "a\u{9b}2J\u{202e}\n\"";
        let json = printable_json(&serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""a\u009b2J\u202e\n\"""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn a_cut_is_between_characters() {
        assert_eq!(
            (bounded("aü", 2).as_str(), bounded("aü", 3).as_str(), bounded("aü", 9).as_str()),
            ("a", "aü", "aü")
        );
    }

    #[test]
    fn short_text_is_left_alone() {
        assert_eq!(bounded_chars("häuser", 6), "häuser");
        assert_eq!(bounded_and_marked("häuser", 7), "häuser");
        assert_eq!(first_chars("häuser", 6), "häuser");
        assert_eq!(first_bytes("abc", 3), "abc");
        assert_eq!(last_bytes("abc", 3), "abc");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_within_the_bound() {
        assert_eq!(bounded_chars("häuser", 2), "hä");
        assert_eq!(bounded_and_marked("häuser", 2), "h…");
        assert_eq!(first_chars("häuser", 3), "hä…");
        for max in 3..8 {
            for cut in [first_bytes("ääääää", max), last_bytes("ääääää", max)] {
                assert!(cut.len() <= max, "{cut} is longer than {max}");
                assert!(cut.contains(ELLIPSIS));
            }
        }
    }
}
